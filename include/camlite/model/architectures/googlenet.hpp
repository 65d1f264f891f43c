// GoogLeNet-GAP of the paper.
#pragma once

#include <string>
#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

namespace detail {

// The columns of table 1 in Szegedy et al.
struct Inception {
  const char* name;
  Index conv1x1;
  Index reduce3x3, conv3x3;
  Index reduce5x5, conv5x5;
  Index pool_proj;
};

inline GraphBuilder::Value add_inception(GraphBuilder& net, GraphBuilder::Value in,
                                         const Inception& block) {
  const std::string at = text("inception_", block.name, '/');
  const auto conv = [&](const std::string& name, GraphBuilder::Value x, Index channels,
                        Index kernel) {
    return net.conv_relu(at + name, at + "relu_" + name, x,
                         {.out_channels = channels, .kernel = kernel, .padding = (kernel - 1) / 2});
  };
  const auto a = conv("1x1", in, block.conv1x1, 1);
  const auto b = conv("3x3", conv("3x3_reduce", in, block.reduce3x3, 1), block.conv3x3, 3);
  const auto c = conv("5x5", conv("5x5_reduce", in, block.reduce5x5, 1), block.conv5x5, 5);
  const auto pool = net.max_pool(at + "pool", in, {.kernel = 3, .stride = 1, .padding = 1});
  const auto d = conv("pool_proj", pool, block.pool_proj, 1);
  return net.add(at + "output", Concat{}, {a, b, c, d});
}

}  // namespace detail

// GoogLeNet (Szegedy et al., CVPR 2015) up to inception_4e, whose map is 14x14, and the head of
// Zhou et al., CVPR 2016, section 3.1; under the names of the authors' release, where `groups`
// is 2.
inline Graph googlenet_gap_graph(const ArchitectureOptions& options = {}) {
  const Pool2d pool{.kernel = 3, .stride = 2, .rounding = Rounding::ceil};
  GraphBuilder net(detail::size_or(options, 224));
  auto x = GraphBuilder::input;
  x = net.conv_relu("conv1/7x7_s2", "conv1/relu_7x7", x,
                    {.out_channels = 64, .kernel = 7, .stride = 2, .padding = 3});
  x = net.add("pool1/norm1", Lrn{.size = 5}, {net.max_pool("pool1/3x3_s2", x, pool)});
  x = net.conv_relu("conv2/3x3_reduce", "conv2/relu_3x3_reduce", x,
                    {.out_channels = 64, .kernel = 1});
  x = net.conv_relu("conv2/3x3", "conv2/relu_3x3", x,
                    {.out_channels = 192, .kernel = 3, .padding = 1});
  x = net.max_pool("pool2/3x3_s2", net.add("conv2/norm2", Lrn{.size = 5}, {x}), pool);
  x = detail::add_inception(net, x, {"3a", 64, 96, 128, 16, 32, 32});
  x = detail::add_inception(net, x, {"3b", 128, 128, 192, 32, 96, 64});
  x = net.max_pool("pool3/3x3_s2", x, pool);
  x = detail::add_inception(net, x, {"4a", 192, 96, 208, 16, 48, 64});
  x = detail::add_inception(net, x, {"4b", 160, 112, 224, 24, 64, 64});
  x = detail::add_inception(net, x, {"4c", 128, 128, 256, 24, 64, 64});
  x = detail::add_inception(net, x, {"4d", 112, 144, 288, 32, 64, 64});
  x = detail::add_inception(net, x, {"4e", 256, 160, 320, 32, 128, 128});
  return detail::with_cam_head(std::move(net), x, options);
}

}  // namespace camlite
