// add, sub, mul, div and maximum: tensors combined element by element.
#pragma once

#include <camlite/finite.hpp>
#include <camlite/ops/broadcast.hpp>

namespace camlite {

struct Add {
  static constexpr std::string_view type = "add";
  static constexpr Arity arity{2, 1 << 16};

  static Shape output_shape(std::span<const Shape> in) { return detail::broadcast_shape(in); }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_broadcast(arguments, [](T a, T b) { return a + b; });
  }
};

struct Sub {
  static constexpr std::string_view type = "sub";
  static constexpr Arity arity{2, 2};

  static Shape output_shape(std::span<const Shape> in) { return detail::broadcast_shape(in); }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_broadcast(arguments, [](T a, T b) { return a - b; });
  }
};

struct Mul {
  static constexpr std::string_view type = "mul";
  static constexpr Arity arity{2, 1 << 16};

  static Shape output_shape(std::span<const Shape> in) { return detail::broadcast_shape(in); }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_broadcast(arguments, [](T a, T b) { return a * b; });
  }
};

struct Div {
  static constexpr std::string_view type = "div";
  static constexpr Arity arity{2, 2};

  static Shape output_shape(std::span<const Shape> in) { return detail::broadcast_shape(in); }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_broadcast(arguments, [](T a, T b) { return a / b; });
  }
};

struct Maximum {
  static constexpr std::string_view type = "maximum";
  static constexpr Arity arity{2, 1 << 16};

  static Shape output_shape(std::span<const Shape> in) { return detail::broadcast_shape(in); }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_broadcast(
        arguments, [](const T& a, const T& b) { return a > b || detail::is_nan(a) ? a : b; });
  }
};

// in_1 + in_2 + ..., element by element, with broadcasting.
//
// in_i (N, H, W, C), any of whose extents may be 1 and counts as the largest of the others; (N, C)
// counts as (N, 1, 1, C). out has the largest extents, and is (N, C) only if all inputs are.
// Tensors of one shape may have any. Same as torch.add, torch.sub, ... on NCHW. Throws Error if
// extents differ and none is 1.
template <class T>
Tensor<T> add(std::initializer_list<TensorView<const T>> in) {
  return detail::computed<T>(Add{}, in);
}

// a - b, with broadcasting as add's.
template <class T>
Tensor<T> sub(TensorView<const T> a, TensorView<const T> b) {
  return detail::computed<T>(Sub{}, {a, b});
}

// in_1 * in_2 * ..., with broadcasting as add's: (N, H, W, C) times (N, 1, 1, C) is what
// squeeze-and-excitation ends in.
template <class T>
Tensor<T> mul(std::initializer_list<TensorView<const T>> in) {
  return detail::computed<T>(Mul{}, in);
}

// a / b, with broadcasting as add's.
template <class T>
Tensor<T> div(TensorView<const T> a, TensorView<const T> b) {
  return detail::computed<T>(Div{}, {a, b});
}

// The largest of in_1, in_2, ..., NaN if one of them is; with broadcasting as add's. Same as
// torch.maximum.
template <class T>
Tensor<T> maximum(std::initializer_list<TensorView<const T>> in) {
  return detail::computed<T>(Maximum{}, in);
}

}  // namespace camlite
