// relu and relu6.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

// An activation that a convolution applies to its output before it is stored.
enum class Activation { none, relu, relu6 };

// relu: max(x, 0). relu6: min(max(x, 0), 6). NaN stays NaN.
template <class T>
T activated(T x, Activation activation) {
  if (activation != Activation::none && x < 0) x = 0;
  if (activation == Activation::relu6 && x > 6) x = 6;
  return x;
}

namespace detail {

template <class T>
void activate(TensorView<const T> in, Activation activation, int threads, TensorView<T> out) {
  constexpr Index piece = 1 << 14;
  parallel_for((in.size() + piece - 1) / piece, threads, [&](Index i, int) {
    const Index end = std::min((i + 1) * piece, in.size());
    for (Index j = i * piece; j < end; ++j) out.data()[j] = activated(in.data()[j], activation);
  });
}

template <Activation activation>
struct ActivationOperator {
  static constexpr Arity arity{1, 1};

  static Shape output_shape(std::span<const Shape> in) { return in[0]; }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    activate(arguments.inputs[0], activation, arguments.threads, arguments.output);
  }
};

}  // namespace detail

struct Relu : detail::ActivationOperator<Activation::relu> {
  static constexpr std::string_view type = "relu";
};

struct Relu6 : detail::ActivationOperator<Activation::relu6> {
  static constexpr std::string_view type = "relu6";
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

}  // namespace camlite
