// normalized: a map brought to [0, 1].
#pragma once

#include <algorithm>
#include <limits>

#include <camlite/finite.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// The map, of any shape, from its least to its greatest value:
//
//   out = (map - min) / (max - min),   min and max over the finite values
//
// so in [0, 1]. A map without two different finite values gives 0. NaN counts as the minimum: 0.
// Minus infinity gives 0, plus infinity 1.
inline Tensor<float> normalized(TensorView<const float> map) {
  double least = std::numeric_limits<double>::max();
  double greatest = -least;
  for (const float& value : map) {
    if (!detail::is_finite(value)) continue;
    least = std::min(least, double{value});
    greatest = std::max(greatest, double{value});
  }
  auto out = Tensor<float>::uninitialized(map.shape());
  std::transform(map.begin(), map.end(), out.begin(), [&](const float& value) {
    if (!detail::is_finite(value)) return value > 0 ? 1.0F : 0.0F;
    return greatest > least ? static_cast<float>((value - least) / (greatest - least)) : 0.0F;
  });
  return out;
}

}  // namespace camlite
