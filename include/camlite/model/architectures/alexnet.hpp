// AlexNet-GAP and AlexNet*-GAP of the paper.
#pragma once

#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

namespace detail {

// AlexNet (Krizhevsky et al., NIPS 2012) in one column with its groups, up to relu5, whose map is
// 13x13; as Caffe's reference model and the authors' releases have it, pooling before LRN.
inline GraphBuilder::Value add_alexnet(GraphBuilder& net, Index conv5_channels) {
  const Pool2d pool{.kernel = 3, .stride = 2, .rounding = Rounding::ceil};
  auto x = GraphBuilder::input;
  x = net.conv_relu("conv1", "relu1", x, {.out_channels = 96, .kernel = 11, .stride = 4});
  x = net.add("norm1", Lrn{.size = 5}, {net.max_pool("pool1", x, pool)});
  x = net.conv_relu("conv2", "relu2", x,
                    {.out_channels = 256, .kernel = 5, .padding = 2, .groups = 2});
  x = net.add("norm2", Lrn{.size = 5}, {net.max_pool("pool2", x, pool)});
  x = net.conv_relu("conv3", "relu3", x, {.out_channels = 384, .kernel = 3, .padding = 1});
  x = net.conv_relu("conv4", "relu4", x,
                    {.out_channels = 384, .kernel = 3, .padding = 1, .groups = 2});
  return net.conv_relu("conv5", "relu5", x,
                       {.out_channels = conv5_channels, .kernel = 3, .padding = 1, .groups = 2});
}

}  // namespace detail

// AlexNet-GAP (Zhou et al., CVPR 2016, section 3.1): AlexNet without what is behind conv5, and the
// paper's head.
inline Graph alexnet_gap_graph(const ArchitectureOptions& options = {}) {
  GraphBuilder net(detail::size_or(options, 227));
  const auto x = detail::add_alexnet(net, 256);
  return detail::with_cam_head(std::move(net), x, options);
}

// AlexNet*-GAP: two more convolutions before GAP. The paper gives no sizes; those of its authors'
// released model, deploy_alexnetplusCAM_imagenet.prototxt, where conv6 and conv7 have 2 groups and
// the map is 11x11.
inline Graph alexnet_star_gap_graph(const ArchitectureOptions& options = {}) {
  GraphBuilder net(detail::size_or(options, 227));
  const Conv2d added{.out_channels = 512, .kernel = 3, .padding = 1, .groups = options.groups};
  auto x = detail::add_alexnet(net, 384);
  x = net.max_pool("pool5", x, {.kernel = 3, .stride = 1});
  x = net.conv_relu("conv6", "relu6", x, added);
  x = net.conv_relu("conv7", "relu7", x, added);
  x = net.add("pool8_global", GlobalAvgPool{}, {x});
  x = net.add("drop8", Dropout{}, {x});
  x = net.add("fc9", Linear{.out_features = options.classes}, {x});
  net.add("prob", Softmax{}, {x});
  return std::move(net).graph();
}

}  // namespace camlite
