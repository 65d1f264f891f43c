// Residual networks.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

namespace detail {

// A residual block: relu(branch(x) + shortcut(x)). The shortcut is a strided 1x1 convolution where
// the shapes differ.
struct ResidualBlock {
  std::string at;  // "layer1.0."
  Index width;     // channels inside; a bottleneck gives four times as many
  Index stride;
  bool bottleneck;
  bool projects;
};

inline GraphBuilder::Value add_residual_block(GraphBuilder& net, GraphBuilder::Value in,
                                              const ResidualBlock& block) {
  const std::string& at = block.at;
  const Index channels = block.bottleneck ? block.width * 4 : block.width;
  const auto pointwise = [](Index out, Index stride) {
    return Conv2d{.out_channels = out, .kernel = 1, .stride = stride, .bias = false};
  };
  const auto spatial = [&](Index stride) {
    return Conv2d{
        .out_channels = block.width, .kernel = 3, .stride = stride, .padding = 1, .bias = false};
  };
  auto x = in;
  if (block.bottleneck) {
    x = net.conv_norm(at + "conv1", at + "bn1", x, pointwise(block.width, 1));
    x = net.add(at + "relu1", Relu{}, {x});
    x = net.conv_norm(at + "conv2", at + "bn2", x, spatial(block.stride));
    x = net.add(at + "relu2", Relu{}, {x});
    x = net.conv_norm(at + "conv3", at + "bn3", x, pointwise(channels, 1));
  } else {
    x = net.conv_norm(at + "conv1", at + "bn1", x, spatial(block.stride));
    x = net.add(at + "relu1", Relu{}, {x});
    x = net.conv_norm(at + "conv2", at + "bn2", x, spatial(1));
  }
  auto shortcut = in;
  if (block.projects) {
    shortcut = net.conv_norm(at + "downsample.0", at + "downsample.1", in,
                             pointwise(channels, block.stride));
  }
  return net.add(at + "relu", Relu{}, {net.add(at + "add", Add{}, {x, shortcut})});
}

inline Graph resnet_graph(const ArchitectureOptions& options, const std::array<int, 4>& depths,
                          bool bottleneck) {
  GraphBuilder net(size_or(options, 224));
  auto x =
      net.conv_norm("conv1", "bn1", GraphBuilder::input,
                    {.out_channels = 64, .kernel = 7, .stride = 2, .padding = 3, .bias = false});
  x = net.add("relu", Relu{}, {x});
  x = net.max_pool("maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    for (int i = 0; i < depths.at(stage); ++i) {
      const bool first = i == 0;
      x = add_residual_block(net, x,
                             {.at = text("layer", stage + 1, '.', i, '.'),
                              .width = Index{64} << stage,
                              .stride = first && stage > 0 ? 2 : 1,
                              .bottleneck = bottleneck,
                              .projects = first && (stage > 0 || bottleneck)});
    }
  }
  x = net.add("avgpool", GlobalAvgPool{}, {x});
  net.add("fc", Linear{.out_features = options.classes}, {x});
  return std::move(net).graph();
}

}  // namespace detail

// ResNet-18 (He et al., CVPR 2016), with the names and layers of torchvision's resnet18.
inline Graph resnet18_graph(const ArchitectureOptions& options = {}) {
  return detail::resnet_graph(options, {2, 2, 2, 2}, false);
}

// ResNet-50, with the names and layers of torchvision's resnet50: where a block halves the map, its
// 3x3 convolution does.
inline Graph resnet50_graph(const ArchitectureOptions& options = {}) {
  return detail::resnet_graph(options, {3, 4, 6, 3}, true);
}

}  // namespace camlite
