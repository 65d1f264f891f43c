// relu, relu6 and clamp: numbers kept between bounds.
#pragma once

#include <camlite/finite.hpp>
#include <camlite/ops/activation.hpp>
#include <camlite/ops/elementwise.hpp>

namespace camlite {

struct Relu {
  static constexpr std::string_view type = "relu";
  static constexpr Arity arity{1, 1};

  static Activation activation() { return Activation::relu; }
  static Shape output_shape(std::span<const Shape> in) { return in[0]; }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

struct Relu6 {
  static constexpr std::string_view type = "relu6";
  static constexpr Arity arity{1, 1};

  static Activation activation() { return Activation::relu6; }
  static Shape output_shape(std::span<const Shape> in) { return in[0]; }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

struct Clamp {
  static constexpr std::string_view type = "clamp";
  static constexpr Arity arity{1, 1};

  double min = -detail::infinity;
  double max = detail::infinity;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("min", self.min, Need::optional);
    visit("max", self.max, Need::optional);
  }

  Activation activation() const { return {min, max}; }

  Shape output_shape(std::span<const Shape> in) const {
    if (detail::is_nan(min) || detail::is_nan(max))
      fail("min and max must be numbers, they are ", min, " and ", max);
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

// max(x, 0), element by element, any shape. Same as torch.nn.functional.relu.
template <class T>
Tensor<T> relu(TensorView<const T> in) {
  return detail::computed<T>(Relu{}, {in});
}

// min(max(x, 0), 6), element by element, any shape. Same as torch.nn.functional.relu6.
template <class T>
Tensor<T> relu6(TensorView<const T> in) {
  return detail::computed<T>(Relu6{}, {in});
}

// min(max(x, min), max), element by element, any shape; NaN stays NaN, and all is `max` where `min`
// is above it. Same as torch.clamp. Throws Error if a bound is NaN.
template <class T>
Tensor<T> clamp(TensorView<const T> in, double min, double max) {
  return detail::computed<T>(Clamp{min, max}, {in});
}

}  // namespace camlite
