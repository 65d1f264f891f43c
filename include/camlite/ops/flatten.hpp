// flatten: from a feature map to a vector a picture.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>

namespace camlite {

struct Flatten {
  static constexpr std::string_view type = "flatten";
  static constexpr Arity arity{1, 1};

  static Shape output_shape(std::span<const Shape> in) {
    if (in[0].rank() == 2) return in[0];
    detail::require_feature_map(in[0]);
    return {in[0][0], checked_product(checked_product(in[0][1], in[0][2]), in[0][3])};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index channels = in.extent(in.rank() - 1), batch = in.extent(0);
    const Index positions = in.size() / std::max<Index>(batch * channels, 1);
    T* out = arguments.output.data();
    for (Index n = 0; n < batch; ++n) {
      for (Index c = 0; c < channels; ++c) {
        const T* value = in[n].data() + c;
        for (Index i = 0; i < positions; ++i) *out++ = value[i * channels];
      }
    }
  }
};

// One vector a picture, channel by channel, as the frameworks number its elements: the weights of a
// linear layer behind it then mean the same as there.
//
//   out(n, (c * H + y) * W + x) = in(n, y, x, c)
//
// in (N, H, W, C), out (N, C * H * W). Same as torch.flatten(NCHW, 1).
template <class T>
Tensor<T> flatten(TensorView<const T> in) {
  return detail::computed<T>(Flatten{}, {in});
}

}  // namespace camlite
