// Maps that are some channels of wider ones.
#pragma once

#include <algorithm>
#include <limits>

#include <camlite/tensor.hpp>

namespace camlite::test {

// A map's channels as those from `first` on of one with `more` channels, NaN in the others.
struct Wide {
  Shape shape;
  Index first;
  Index pixel;
  mutable Tensor<float> memory;

  // NaN everywhere.
  Wide(const Shape& map, Index more, Index at)
      : shape(map),
        first(at),
        pixel(map[3] + more),
        memory(Tensor<float>::uninitialized({map.size() / map[3], pixel})) {
    std::fill(memory.begin(), memory.end(), std::numeric_limits<float>::quiet_NaN());
  }

  Wide(TensorView<const float> map, Index more, Index at) : Wide(map.shape(), more, at) {
    for (Index i = 0; i < memory.extent(0); ++i)
      std::copy_n(map.data() + i * shape[3], shape[3], memory.data() + i * pixel + first);
  }

  // What operators are given: its pixels lie `pixel` floats apart.
  TensorView<float> view() const { return {memory.data() + first, shape}; }
};

}  // namespace camlite::test
