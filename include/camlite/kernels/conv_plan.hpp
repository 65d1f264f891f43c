// ConvPlan: how one convolution runs on one input shape.
#pragma once

#include <vector>

#include <camlite/kernels/conv2d_algorithm.hpp>
#include <camlite/tensor.hpp>

namespace camlite::kernels {

// Decided by shapes and the instruction set alone, never by the number of threads, which changes
// who computes a piece and not how.
struct ConvPlan {
  ConvAlgorithm algorithm{};
  Shape out;                // of the convolution, before pooling
  Index shared = 0;         // floats of scratch memory that the threads share
  Index separate = 0;       // and that each has for itself
  Index multiply_adds = 0;  // that the products take

  // Winograd.
  Index tiles = 0;             // of the whole batch
  Index tiles_at_once = 0;     // whose transformed input is there at a time
  bool weights_first = false;  // all weights are transformed before the first tile
  Index channels_at_once = 0;  // else: of a panel's weights
  // Implicit gemm.
  bool copied = false;          // the input is copied with its padding
  std::vector<Index> segments;  // see Convolution
};

}  // namespace camlite::kernels
