// Pictures for networks, and what is compared of their results.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include <camlite/image.hpp>
#include <camlite/tensor.hpp>

#include "random.hpp"

namespace camlite::test {

template <class T>
Tensor<T> copy(TensorView<const T> view) {
  return Tensor<T>(view.shape(), {view.data(), static_cast<std::size_t>(view.size())});
}

inline bool same_bits(TensorView<const float> a, TensorView<const float> b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
         });
}

inline Image random_picture(Random& random, Index width, Index height) {
  Image picture(width, height);
  for (Index i = 0; i < picture.size(); ++i)
    picture.data()[i] = static_cast<std::uint8_t>(random.between(0, 255));
  return picture;
}

}  // namespace camlite::test
