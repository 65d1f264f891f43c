// scale: a factor and a summand for each channel.
#pragma once

#include <camlite/ops/elementwise.hpp>

namespace camlite {

struct Scale {
  static constexpr std::string_view type = "scale";
  static constexpr Arity arity{1, 1};

  bool bias = true;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("bias", self.bias, Need::optional);
  }

  static Shape output_shape(std::span<const Shape> in) {
    detail::require_channels(in[0]);
    return in[0];
  }

  // weight, bias, both (C)
  std::vector<Parameter> parameters(std::span<const Shape> in) const {
    const Shape channels{detail::channels_of(in[0])};
    std::vector<Parameter> list{{"weight", channels}};
    if (bias) list.push_back({"bias", channels});
    return list;
  }

  static Index multiply_adds(std::span<const Shape> in) { return in[0].size(); }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const T* weight = arguments.parameters[0].data();
    const T* shift = bias ? arguments.parameters[1].data() : nullptr;
    detail::for_each_channel_element(
        arguments, [&](T x, Index c) { return x * weight[c] + (shift ? shift[c] : T{}); });
  }
};

// weight(c) * x + bias(c), channel by channel.
//
// in and out (N, H, W, C) or (N, C), weight (C), bias (C) or empty. Same as Caffe's Scale layer on
// axis 1.
template <class T>
Tensor<T> scale(TensorView<const T> in, TensorView<const T> weight, TensorView<const T> bias = {}) {
  const Scale op{bias.size() > 0};
  if (!op.bias) return detail::computed<T>(op, {in}, {weight});
  return detail::computed<T>(op, {in}, {weight, bias});
}

}  // namespace camlite
