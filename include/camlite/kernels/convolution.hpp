// What the kernels of a convolution are told: where its input, weights and output lie.
#pragma once

#include <camlite/kernels/elementwise.hpp>
#include <camlite/tensor.hpp>

namespace camlite::kernels {

// One group of a convolution's channels, over a batch. Distances are in floats.
struct Convolution {
  Index batch = 0;
  Index height = 0, width = 0;              // of the input
  Index out_height = 0, out_width = 0;      // of the convolution, before pooling
  Index in_channels = 0, out_channels = 0;  // of the group
  Index top = 0, left = 0;                  // padding that the input in memory does not have
  Index stride_y = 1, stride_x = 1;
  Index kernel_height = 1, kernel_width = 1;
  Index dilation_y = 1, dilation_x = 1;
  Index group_channels = 1;  // depthwise, which sees all groups at once: of the input, in each

  const float* in = nullptr;  // the group's first channel of the first pixel
  Index in_stride = 0;        // from one pixel to the next
  Index in_row = 0;           // from one row to the next
  Index in_picture = 0;

  // Where the inputs of one output lie, from the one at the kernel's top left: `segments` runs of
  // `depth` floats each.
  const Index* segments = nullptr;
  Index segment_count = 0;
  Index depth = 0;

  float* out = nullptr;
  Index out_stride = 0;  // from one pixel to the next

  const float* weights = nullptr;  // packed as the algorithm reads them
  const float* bias = nullptr;     // out_channels, then zeros up to a whole panel
  const float* zeros = nullptr;    // as many as in_channels

  Elementwise activation;  // of each sum; of one number
  bool pooled = false;     // then 2x2 max pooling with stride 2, an odd last row or column dropped
};

// The next multiple of 64 bytes that is an odd one: rows or planes that lie a power of two apart
// would all fall into the same few sets of the cache.
constexpr Index odd_lines(Index floats) {
  return ((floats + 15) / 16 | 1) * 16;
}

}  // namespace camlite::kernels
