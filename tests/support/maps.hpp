// Random shapes, and maps made from a formula.
#pragma once

#include <vector>

#include <camlite/tensor.hpp>

#include "random.hpp"

namespace camlite::test {

inline Shape random_map(Random& random, Index most_channels = 20) {
  return {random.between(1, 3), random.between(1, 9), random.between(1, 9),
          random.between(1, most_channels)};
}

// Any rank, and sometimes nothing in it.
inline Shape random_shape(Random& random) {
  std::vector<Index> extents(static_cast<std::size_t>(random.between(0, 4)));
  for (Index& extent : extents) extent = random.between(random.between(0, 9) > 0, 7);
  return Shape(extents);
}

// Sets out(n, y, x, c) = formula(n, y, x, c).
template <class Formula>
Tensor<double> map_of(const Shape& shape, const Formula& formula) {
  Tensor<double> out(shape);
  for (Index n = 0; n < shape[0]; ++n) {
    for (Index y = 0; y < shape[1]; ++y) {
      for (Index x = 0; x < shape[2]; ++x) {
        for (Index c = 0; c < shape[3]; ++c) out(n, y, x, c) = formula(n, y, x, c);
      }
    }
  }
  return out;
}

}  // namespace camlite::test
