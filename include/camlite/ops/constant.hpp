// constant: numbers of the network's own, the same for every picture.
#pragma once

#include <camlite/ops/operator.hpp>

namespace camlite {

struct Constant {
  static constexpr std::string_view type = "constant";
  static constexpr Arity arity{0, 0};

  Index height = 1;
  Index width = 1;
  Index channels = 1;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("height", self.height, Need::optional);
    visit("width", self.width, Need::optional);
    visit("channels", self.channels, Need::optional);
  }

  Shape output_shape(std::span<const Shape>) const {
    detail::require_at_least("height", height, 1);
    detail::require_at_least("width", width, 1);
    detail::require_at_least("channels", channels, 1);
    return {1, height, width, channels};
  }

  // value (C, H, W), as the frameworks store a map
  std::vector<Parameter> parameters(std::span<const Shape>) const {
    return {{"value", {channels, height, width}}};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const T* value = arguments.parameters[0].data();
    const Index positions = height * width;
    for (Index c = 0; c < channels; ++c) {
      T* out = arguments.output.data() + c;
      for (Index i = 0; i < positions; ++i) out[i * channels] = *value++;
    }
  }
};

// The value as a batch of one picture: out(0, y, x, c) = value(c, y, x).
//
// value (C, H, W), out (1, H, W, C). add, mul, ... repeat it for every picture of a batch. Throws
// Error if the value has another rank, or nothing in it.
template <class T>
Tensor<T> constant(TensorView<const T> value) {
  if (value.rank() != 3) fail("constant: value must be (C, H, W), it is ", value.shape().str());
  return detail::computed<T>(Constant{value.extent(1), value.extent(2), value.extent(0)}, {},
                             {value});
}

}  // namespace camlite
