// Densely connected networks.
#pragma once

#include <string>
#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

// DenseNet-121 (Huang et al., CVPR 2017, table 1), with the names and layers of torchvision's
// densenet121: each layer of a block reads all maps before it, joined.
inline Graph densenet121_graph(const ArchitectureOptions& options = {}) {
  constexpr Index growth = 32, inside = 4 * growth;
  GraphBuilder net(detail::size_or(options, 224));
  // Batch normalization, ReLU, convolution.
  const auto norm_relu = [&](const std::string& norm, const std::string& relu,
                             GraphBuilder::Value x) {
    return net.add(relu, Relu{}, {net.add(norm, BatchNorm{}, {x})});
  };
  Index channels = 64;
  auto x = net.add(
      "features.conv0",
      Conv2d{.out_channels = channels, .kernel = 7, .stride = 2, .padding = 3, .bias = false},
      {GraphBuilder::input});
  x = norm_relu("features.norm0", "features.relu0", x);
  x = net.max_pool("features.pool0", x, {.kernel = 3, .stride = 2, .padding = 1});
  int block = 1;
  for (const int depth : {6, 12, 24, 16}) {
    for (int i = 1; i <= depth; ++i) {
      const std::string at = text("features.denseblock", block, ".denselayer", i, '.');
      auto y = norm_relu(at + "norm1", at + "relu1", x);
      y = net.add(at + "conv1", Conv2d{.out_channels = inside, .kernel = 1, .bias = false}, {y});
      y = norm_relu(at + "norm2", at + "relu2", y);
      y = net.add(at + "conv2",
                  Conv2d{.out_channels = growth, .kernel = 3, .padding = 1, .bias = false}, {y});
      x = net.add(at + "cat", Concat{}, {x, y});
      channels += growth;
    }
    if (block < 4) {
      const std::string at = text("features.transition", block, '.');
      channels /= 2;
      x = norm_relu(at + "norm", at + "relu", x);
      x = net.add(at + "conv", Conv2d{.out_channels = channels, .kernel = 1, .bias = false}, {x});
      x = net.add(at + "pool", AvgPool2d{{.kernel = 2, .stride = 2}}, {x});
    }
    ++block;
  }
  x = norm_relu("features.norm5", "relu", x);
  x = net.add("avgpool", GlobalAvgPool{}, {x});
  net.add("classifier", Linear{.out_features = options.classes}, {x});
  return std::move(net).graph();
}

}  // namespace camlite
