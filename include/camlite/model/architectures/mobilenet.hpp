// MobileNetV2.
#pragma once

#include <string>
#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

// MobileNetV2 (Sandler et al., CVPR 2018, table 2), with the names and layers of torchvision's
// mobilenet_v2.
inline Graph mobilenet_v2_graph(const ArchitectureOptions& options = {}) {
  GraphBuilder net(detail::size_or(options, 224));
  // Convolution `at`.0, batch normalization `at`.1, ReLU6 `at`.2.
  const auto conv = [&](const std::string& at, GraphBuilder::Value x, const Conv2d& how) {
    return net.add(at + ".2", Relu6{}, {net.conv_norm(at + ".0", at + ".1", x, how)});
  };
  const auto pointwise = [](Index channels) {
    return Conv2d{.out_channels = channels, .kernel = 1, .bias = false};
  };
  Index channels = 32;
  auto x = conv("features.0", GraphBuilder::input,
                {.out_channels = channels, .kernel = 3, .stride = 2, .padding = 1, .bias = false});
  struct Stage {
    Index expansion;
    Index channels;
    int depth;
    Index stride;
  };
  int layer = 1;
  for (const Stage& stage : {Stage{1, 16, 1, 1},
                             {6, 24, 2, 2},
                             {6, 32, 3, 2},
                             {6, 64, 4, 2},
                             {6, 96, 3, 1},
                             {6, 160, 3, 2},
                             {6, 320, 1, 1}}) {
    for (int i = 0; i < stage.depth; ++i) {
      const std::string at = text("features.", layer++, '.');
      const Index stride = i == 0 ? stage.stride : 1, inside = channels * stage.expansion;
      int part = 0;
      const auto next = [&] { return text(at, "conv.", part++); };
      const auto in = x;
      if (stage.expansion != 1) x = conv(next(), x, pointwise(inside));
      x = conv(next(), x,
               {.out_channels = inside,
                .kernel = 3,
                .stride = stride,
                .padding = 1,
                .groups = inside,
                .bias = false});
      const std::string project = next();
      x = net.conv_norm(project, next(), x, pointwise(stage.channels));
      if (stride == 1 && channels == stage.channels) x = net.add(at + "add", Add{}, {in, x});
      channels = stage.channels;
    }
  }
  x = conv("features.18", x, pointwise(1280));
  x = net.add("avgpool", GlobalAvgPool{}, {x});
  x = net.add("classifier.0", Dropout{.p = 0.2}, {x});
  net.add("classifier.1", Linear{.out_features = options.classes}, {x});
  return std::move(net).graph();
}

}  // namespace camlite
