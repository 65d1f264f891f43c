// VGG16-GAP, the paper's VGGnet-GAP.
#pragma once

#include <string>
#include <utility>

#include <camlite/model/architectures/common.hpp>

namespace camlite {

namespace detail {

inline Graph vgg16_gap(const ArchitectureOptions& options, bool norm) {
  GraphBuilder net(size_or(options, 224));
  auto x = GraphBuilder::input;
  int stage = 1;
  for (const auto& [depth, channels] : {std::pair{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}) {
    for (int i = 1; i <= depth; ++i) {
      const std::string at = text(stage, '_', i);
      x = net.add("conv" + at, Conv2d{.out_channels = channels, .kernel = 3, .padding = 1}, {x});
      if (norm) x = net.add("bn" + at, BatchNorm{}, {x});
      x = net.add("relu" + at, Relu{}, {x});
    }
    if (stage < 5) x = net.max_pool(text("pool", stage), x, {.kernel = 2, .stride = 2});
    ++stage;
  }
  return with_cam_head(std::move(net), x, options, norm);
}

}  // namespace detail

// VGG16 (Simonyan and Zisserman, ICLR 2015, configuration D) up to conv5_3, whose map is 14x14,
// and the head of Zhou et al., CVPR 2016, section 3.1. `groups` is 2 in the authors' release, 1 in
// most re-implementations.
inline Graph vgg16_gap_graph(const ArchitectureOptions& options = {}) {
  return detail::vgg16_gap(options, !detail::with_norm);
}

// The same with batch normalization behind every convolution, as torchvision's vgg16_bn has it.
inline Graph vgg16_bn_gap_graph(const ArchitectureOptions& options = {}) {
  return detail::vgg16_gap(options, detail::with_norm);
}

}  // namespace camlite
