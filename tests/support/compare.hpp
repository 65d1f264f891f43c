// How far a computed tensor is from what it should be.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <camlite/tensor.hpp>

namespace camlite::test {

// The largest difference, as a share of the largest expected magnitude; infinite if the shapes
// differ or a difference is no number.
template <class T, class Expected>
double relative_error(const Tensor<T>& got, const Tensor<Expected>& expected) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (got.shape() != expected.shape()) return infinity;
  double difference = 0, largest = 0;
  for (Index i = 0; i < got.size(); ++i) {
    const double here = static_cast<double>(got.data()[i]) - double{expected.data()[i]};
    if (!std::isfinite(here)) return infinity;
    difference = std::max(difference, std::abs(here));
    largest = std::max(largest, std::abs(double{expected.data()[i]}));
  }
  return difference == 0 ? 0 : difference / largest;
}

// What rounding explains: sums of up to some thousand terms, in another order.
template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

// The same numbers in another type.
template <class To, class From>
Tensor<To> converted(const Tensor<From>& in) {
  Tensor<To> out = Tensor<To>::uninitialized(in.shape());
  std::transform(in.begin(), in.end(), out.begin(),
                 [](From value) { return static_cast<To>(value); });
  return out;
}

}  // namespace camlite::test
