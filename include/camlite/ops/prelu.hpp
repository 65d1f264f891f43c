// prelu: a leaky ReLU with a slope for each channel.
#pragma once

#include <camlite/ops/elementwise.hpp>

namespace camlite {

struct Prelu {
  static constexpr std::string_view type = "prelu";
  static constexpr Arity arity{1, 1};

  static Shape output_shape(std::span<const Shape> in) {
    detail::require_channels(in[0]);
    return in[0];
  }

  static std::vector<Parameter> parameters(std::span<const Shape> in) {
    return {{"weight", {detail::channels_of(in[0])}}};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const T* slope = arguments.parameters[0].data();
    detail::for_each_channel_element(arguments,
                                     [&](T x, Index c) { return x < 0 ? x * slope[c] : x; });
  }
};

// x where x >= 0, weight(c) * x elsewhere, channel by channel; NaN stays NaN.
//
// in and out (N, H, W, C) or (N, C), weight (C). Same as torch.nn.functional.prelu, where one slope
// for all channels is C equal ones. He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015.
template <class T>
Tensor<T> prelu(TensorView<const T> in, TensorView<const T> weight) {
  return detail::computed<T>(Prelu{}, {in}, {weight});
}

}  // namespace camlite
