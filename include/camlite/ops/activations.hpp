// leaky_relu, sigmoid, silu, hard_sigmoid and hard_swish: activations that are more than bounds.
#pragma once

#include <camlite/ops/activation.hpp>
#include <camlite/ops/elementwise.hpp>

namespace camlite {

struct LeakyRelu {
  static constexpr std::string_view type = "leaky_relu";
  static constexpr Arity arity{1, 1};

  double negative_slope = 0.01;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("negative_slope", self.negative_slope, Need::optional);
  }

  Activation activation() const {
    return {.function = Activation::Function::leaky_relu, .alpha = negative_slope};
  }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_finite("negative_slope", negative_slope);
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

struct Sigmoid {
  static constexpr std::string_view type = "sigmoid";
  static constexpr Arity arity{1, 1};

  static Activation activation() { return {.function = Activation::Function::sigmoid}; }

  static Shape output_shape(std::span<const Shape> in) { return in[0]; }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

struct Silu {
  static constexpr std::string_view type = "silu";
  static constexpr Arity arity{1, 1};

  static Activation activation() { return {.function = Activation::Function::silu}; }

  static Shape output_shape(std::span<const Shape> in) { return in[0]; }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

struct HardSigmoid {
  static constexpr std::string_view type = "hard_sigmoid";
  static constexpr Arity arity{1, 1};

  double alpha = 1.0 / 6;
  double beta = 0.5;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("alpha", self.alpha, Need::optional);
    visit("beta", self.beta, Need::optional);
  }

  Activation activation() const { return {0, 1, Activation::Function::affine, alpha, beta}; }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_finite("alpha", alpha);
    detail::require_finite("beta", beta);
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

struct HardSwish {
  static constexpr std::string_view type = "hard_swish";
  static constexpr Arity arity{1, 1};

  static Activation activation() { return {.function = Activation::Function::hard_swish}; }

  static Shape output_shape(std::span<const Shape> in) { return in[0]; }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_activated(arguments, activation());
  }
};

// x where x >= 0, negative_slope * x elsewhere; element by element, any shape; NaN stays NaN. Same
// as torch.nn.functional.leaky_relu. Throws Error if the slope is not finite.
template <class T>
Tensor<T> leaky_relu(TensorView<const T> in, double negative_slope = 0.01) {
  return detail::computed<T>(LeakyRelu{negative_slope}, {in});
}

// 1 / (1 + exp(-x)), element by element, any shape; NaN stays NaN. Same as torch.sigmoid.
template <class T>
Tensor<T> sigmoid(TensorView<const T> in) {
  return detail::computed<T>(Sigmoid{}, {in});
}

// x * sigmoid(x), element by element, any shape; NaN stays NaN, and -infinity, as a product with
// zero, becomes it. Same as torch.nn.functional.silu. Elfwing, Uchibe, Doya, "Sigmoid-Weighted
// Linear Units", Neural Networks 107, 2018; also called swish.
template <class T>
Tensor<T> silu(TensorView<const T> in) {
  return detail::computed<T>(Silu{}, {in});
}

// min(max(alpha * x + beta, 0), 1), element by element, any shape; NaN stays NaN. Same as
// torch.nn.functional.hardsigmoid with the default values, and as ONNX's HardSigmoid, whose alpha
// is 0.2 if it does not say. Throws Error if alpha or beta is not finite.
template <class T>
Tensor<T> hard_sigmoid(TensorView<const T> in, const HardSigmoid& options = {}) {
  return detail::computed<T>(options, {in});
}

// x * min(max(x + 3, 0), 6) / 6, element by element, any shape; NaN stays NaN, and -infinity, as a
// product with zero, becomes it. Same as torch.nn.functional.hardswish. Howard et al., "Searching
// for MobileNetV3", ICCV 2019, section 5.2.
template <class T>
Tensor<T> hard_swish(TensorView<const T> in) {
  return detail::computed<T>(HardSwish{}, {in});
}

}  // namespace camlite
