// How threads share a convolution that is a matrix product, and a depthwise one; implicit_gemm.inl
// and depthwise.inl have the algorithms.
#pragma once

#include <algorithm>

#include <camlite/kernels/conv_plan.hpp>
#include <camlite/kernels/packing.hpp>
#include <camlite/kernels/table.hpp>
#include <camlite/ops/conv2d.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

// Whether the rows of the kernel are runs of numbers in memory; else each of its elements is one.
inline bool reads_whole_rows(const Conv2d& conv) {
  return conv.groups == 1 && conv.dilation.width == 1;
}

// Fills in a plan that has `algorithm` and `out`, for an input (N, H, W, C).
inline void plan_implicit_gemm(ConvPlan& plan, const Conv2d& conv, const Shape& in) {
  plan.copied = conv.padding != Size2d(0);
  const Index padded_width = in[2] + 2 * conv.padding.width;
  if (plan.copied) {
    plan.shared = checked_product(checked_product(in[0], in[1] + 2 * conv.padding.height),
                                  checked_product(padded_width, in[3]));
  }
  for (Index i = 0; i < conv.kernel.height; ++i) {
    for (Index j = 0; j < (reads_whole_rows(conv) ? 1 : conv.kernel.width); ++j) {
      plan.segments.push_back((i * conv.dilation.height * padded_width + j * conv.dilation.width) *
                              in[3]);
    }
  }
}

// Copies all channels of the input with zeros around it into `copy`, which c reads from then on.
inline void copy_padded(Convolution& c, float* copy, int threads) {
  const Index height = c.height + 2 * c.top, width = c.width + 2 * c.left;
  const Index row = width * c.in_stride, margin = c.left * c.in_stride;
  parallel_for(c.batch * height, threads, [&](Index i, int) {
    float* out = copy + i * row;
    const Index y = i % height - c.top;
    if (y < 0 || y >= c.height) {
      std::fill_n(out, row, 0.0F);
      return;
    }
    std::fill_n(out, margin, 0.0F);
    std::copy_n(c.in + i / height * c.in_picture + y * c.in_row, c.in_row, out + margin);
    std::fill_n(out + margin + c.in_row, margin, 0.0F);
  });
  c.in = copy;
  c.in_row = row;
  c.in_picture = height * row;
}

// One group of channels. Where its weights are more than L2 holds, some panels at a time see the
// whole input; else some of the input sees all panels.
inline void run_implicit_gemm(Convolution c, const Kernels& kernels, int threads) {
  const bool one_row = c.segment_count == 1 && c.stride_x == 1 && c.stride_y == 1 &&
                       c.in_row == c.out_width * c.in_stride &&
                       c.in_picture == c.out_height * c.in_row;
  if (one_row) {  // 1x1: a picture, or a batch, is one long row
    c.out_width *= c.batch * c.out_height;
    c.batch = c.out_height = 1;
  }
  const Index panels = (c.out_channels + kernels.panel - 1) / kernels.panel;
  const Index panel_size = c.segment_count * c.depth * kernels.panel;
  constexpr Index half_l2 = 1 << 17;
  const Index panels_at_once = std::clamp<Index>(half_l2 / panel_size, 1, panels);
  const Index panel_groups = (panels + panels_at_once - 1) / panels_at_once;
  const Index columns_at_once = 8 * kernels.tile_rows;
  const Index column_groups = (c.out_width + columns_at_once - 1) / columns_at_once;
  const Index pieces = c.batch * c.out_height * column_groups;
  parallel_for(panel_groups * pieces, threads, [&](Index i, int) {
    const Index first = i / pieces * panels_at_once, piece = i % pieces;
    const Index x = piece % column_groups * columns_at_once, row = piece / column_groups;
    kernels.implicit_gemm(c, row / c.out_height, row % c.out_height, x,
                          std::min(columns_at_once, c.out_width - x), first,
                          std::min(first + panels_at_once, panels));
  });
}

// All channels. Blocks of them, so that the weights stay in L1 along a row, and threads can share a
// map of few rows.
inline void run_depthwise(const Convolution& c, const Kernels& kernels, int threads) {
  constexpr Index most = 256;
  const Index blocks = (c.out_channels + most - 1) / most;
  const Index channels = rounded_up_to(16, (c.out_channels + blocks - 1) / blocks);
  parallel_for(c.batch * c.out_height * blocks, threads, [&](Index i, int) {
    const Index row = i / blocks, first = i % blocks * channels;
    kernels.depthwise(c, row / c.out_height, row % c.out_height, first,
                      std::min(first + channels, c.out_channels));
  });
}

}  // namespace camlite::kernels
