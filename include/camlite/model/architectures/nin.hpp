// Network in Network.
#pragma once

#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

// NIN for ImageNet (Lin et al., ICLR 2014), under the names of its authors' Caffe model: four
// convolutions, two 1x1 convolutions behind each, GAP. The last one's channels are the classes.
inline Graph nin_graph(const ArchitectureOptions& options = {}) {
  const Pool2d pool{.kernel = 3, .stride = 2, .rounding = Rounding::ceil};
  GraphBuilder net(detail::size_or(options, 224));
  auto x = GraphBuilder::input;
  x = net.conv_relu("conv1", "relu0", x, {.out_channels = 96, .kernel = 11, .stride = 4});
  x = net.conv_relu("cccp1", "relu1", x, {.out_channels = 96, .kernel = 1});
  x = net.conv_relu("cccp2", "relu2", x, {.out_channels = 96, .kernel = 1});
  x = net.max_pool("pool1", x, pool);
  x = net.conv_relu("conv2", "relu3", x, {.out_channels = 256, .kernel = 5, .padding = 2});
  x = net.conv_relu("cccp3", "relu5", x, {.out_channels = 256, .kernel = 1});
  x = net.conv_relu("cccp4", "relu6", x, {.out_channels = 256, .kernel = 1});
  x = net.max_pool("pool2", x, pool);
  x = net.conv_relu("conv3", "relu7", x, {.out_channels = 384, .kernel = 3, .padding = 1});
  x = net.conv_relu("cccp5", "relu8", x, {.out_channels = 384, .kernel = 1});
  x = net.conv_relu("cccp6", "relu9", x, {.out_channels = 384, .kernel = 1});
  x = net.max_pool("pool3", x, pool);
  x = net.add("drop", Dropout{}, {x});
  x = net.conv_relu("conv4-1024", "relu10", x, {.out_channels = 1024, .kernel = 3, .padding = 1});
  x = net.conv_relu("cccp7-1024", "relu11", x, {.out_channels = 1024, .kernel = 1});
  x = net.conv_relu("cccp8-1024", "relu12", x, {.out_channels = options.classes, .kernel = 1});
  x = net.add("pool4", GlobalAvgPool{}, {x});
  net.add("prob", Softmax{}, {x});
  return std::move(net).graph();
}

}  // namespace camlite
