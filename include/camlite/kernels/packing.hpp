// Weights in the orders in which the kernels read them.
//
// A panel is kernels.panel output channels of one group, the missing ones of the last panel zeros;
// within a panel, the channels of one input number are neighbours.
#pragma once

#include <algorithm>
#include <array>

#include <camlite/kernels/table.hpp>
#include <camlite/parallel.hpp>
#include <camlite/tensor.hpp>

namespace camlite::kernels {

constexpr Index rounded_up_to(Index multiple, Index value) {
  return (value + multiple - 1) / multiple * multiple;
}

// (groups, panels, numbers of an output channel, panel), of weights OIHW.
inline Shape panels_shape(const Shape& weight, Index groups, Index panel) {
  const Index out_channels = weight[0] / groups;
  const Index panels = (out_channels + panel - 1) / panel;
  const Index numbers = checked_product(checked_product(weight[1], weight[2]), weight[3]);
  return {groups, panels, numbers, panel};
}

// (H, I, W, O rounded up to whole vectors), of weights OIHW.
inline Shape depthwise_shape(const Shape& weight, Index width) {
  return {weight[2], weight[1], weight[3], rounded_up_to(width, weight[0])};
}

// (groups, O / groups rounded up to whole panels)
inline Shape bias_shape(Index out_channels, Index groups, Index panel) {
  return {groups, rounded_up_to(panel, out_channels / groups)};
}

namespace detail {

// weight OIHW of `groups` groups to panels_shape, H * W * C / groups or C / groups * H * W:
// `taps_first` says which of the two.
inline Tensor<float> pack_panels(TensorView<const float> weight, Index groups, Index panel,
                                 bool taps_first, int threads) {
  const Index out_channels = weight.extent(0) / groups, channels = weight.extent(1);
  const Index taps = weight.extent(2) * weight.extent(3);
  const Shape shape = panels_shape(weight.shape(), groups, panel);
  const Index panels = shape[1], panel_size = shape[2] * panel;
  Tensor<float> packed = Tensor<float>::uninitialized(shape);
  parallel_for(groups * panels, threads, [&](Index i, int) {
    const Index first = i / panels * out_channels + i % panels * panel;
    const Index used = std::min(panel, out_channels - i % panels * panel);
    float* out = packed.data() + i * panel_size;
    if (used < panel) std::fill_n(out, panel_size, 0.0F);
    const float* in = weight.data() + first * channels * taps;
    // A cache line of each output channel at a time; then their columns are written one by one.
    constexpr Index line = 16;
    std::array<float, line * 32> lines;  // of at most 32 columns
    for (Index e = 0; e < channels * taps; e += line) {
      const Index count = std::min(line, channels * taps - e);
      for (Index o = 0; o < used; ++o)
        std::copy_n(in + o * channels * taps + e, count, lines.data() + o * line);
      for (Index k = 0; k < count; ++k) {
        const Index row = taps_first ? (e + k) % taps * channels + (e + k) / taps : e + k;
        for (Index o = 0; o < used; ++o) out[row * panel + o] = lines.data()[o * line + k];
      }
    }
  });
  return packed;
}

}  // namespace detail

// For the implicit matrix product: OIHW to (groups, panels, H * W * C / groups, panel).
inline Tensor<float> pack_for_gemm(TensorView<const float> weight, Index groups, Index panel,
                                   int threads) {
  return detail::pack_panels(weight, groups, panel, true, threads);
}

// For Winograd: OIHW to (groups, panels, C / groups * 9, panel).
inline Tensor<float> pack_for_winograd(TensorView<const float> weight, Index groups, Index panel,
                                       int threads) {
  return detail::pack_panels(weight, groups, panel, false, threads);
}

// For depthwise convolution: OIHW to depthwise_shape.
inline Tensor<float> pack_for_depthwise(TensorView<const float> weight, Index width) {
  const Index channels = weight.extent(0), depth = weight.extent(1);
  const Index height = weight.extent(2), columns = weight.extent(3);
  Tensor<float> packed(depthwise_shape(weight.shape(), width));
  const float* in = weight.data();
  for (Index o = 0; o < channels; ++o) {
    for (Index k = 0; k < depth; ++k) {
      for (Index i = 0; i < height; ++i) {
        for (Index j = 0; j < columns; ++j) packed(i, k, j, o) = *in++;
      }
    }
  }
  return packed;
}

// bias (O), or none, to bias_shape, zeros behind it.
inline Tensor<float> pack_bias(TensorView<const float> bias, Index out_channels, Index groups,
                               Index panel) {
  const Index used = out_channels / groups;
  Tensor<float> packed(bias_shape(out_channels, groups, panel));
  for (Index o = 0; bias.size() > 0 && o < out_channels; ++o)
    packed.data()[o / used * packed.extent(1) + o % used] = bias.data()[o];
  return packed;
}

}  // namespace camlite::kernels
