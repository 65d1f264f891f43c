// SqueezeNet.
#pragma once

#include <string>
#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

// SqueezeNet 1.1 (Iandola et al., 2016), with the names and layers of torchvision's squeezenet1_1.
// The last convolution's channels are the classes.
inline Graph squeezenet1_1_graph(const ArchitectureOptions& options = {}) {
  GraphBuilder net(detail::size_or(options, 224));
  int layer = 0;
  const auto next = [&] { return text("features.", layer++); };
  const auto pool = [&](GraphBuilder::Value x) {
    return net.max_pool(next(), x, {.kernel = 3, .stride = 2, .rounding = Rounding::ceil});
  };
  const auto fire = [&](GraphBuilder::Value x, Index squeeze, Index expand) {
    const std::string at = next() + ".";
    const auto conv = [&](const std::string& name, GraphBuilder::Value in, const Conv2d& how) {
      return net.conv_relu(at + name, at + name + "_activation", in, how);
    };
    x = conv("squeeze", x, {.out_channels = squeeze, .kernel = 1});
    const auto a = conv("expand1x1", x, {.out_channels = expand, .kernel = 1});
    const auto b = conv("expand3x3", x, {.out_channels = expand, .kernel = 3, .padding = 1});
    return net.add(at + "cat", Concat{}, {a, b});
  };
  auto x =
      net.add(next(), Conv2d{.out_channels = 64, .kernel = 3, .stride = 2}, {GraphBuilder::input});
  x = net.add(next(), Relu{}, {x});
  x = pool(x);
  x = fire(fire(x, 16, 64), 16, 64);
  x = pool(x);
  x = fire(fire(x, 32, 128), 32, 128);
  x = pool(x);
  x = fire(fire(x, 48, 192), 48, 192);
  x = fire(fire(x, 64, 256), 64, 256);
  x = net.add("classifier.0", Dropout{}, {x});
  x = net.conv_relu("classifier.1", "classifier.2", x,
                    {.out_channels = options.classes, .kernel = 1});
  x = net.add("classifier.3", GlobalAvgPool{}, {x});
  net.add("flatten", Flatten{}, {x});
  return std::move(net).graph();
}

}  // namespace camlite
