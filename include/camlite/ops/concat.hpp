// concat: feature maps side by side, channel after channel.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct Concat {
  static constexpr std::string_view type = "concat";
  static constexpr Arity arity{1, 1 << 16};

  static Shape output_shape(std::span<const Shape> in) {
    Index channels = 0;
    for (const Shape& map : in) {
      detail::require_feature_map(map);
      if (map[0] != in[0][0] || map[1] != in[0][1] || map[2] != in[0][2]) {
        fail("joins maps of one batch, height and width, its inputs are ", in[0].str(), " and ",
             map.str());
      }
      channels = detail::checked_sum(channels, map[3]);
    }
    return {in[0][0], in[0][1], in[0][2], channels};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<T> out = arguments.output;
    parallel_for(out.extent(0) * out.extent(1), arguments.threads, [&](Index row, int) {
      Index first = 0;
      for (const TensorView<const T>& in : arguments.inputs) {
        const Index channels = in.extent(3);
        for (Index x = 0; x < out.extent(2); ++x) {
          const Index position = row * out.extent(2) + x;
          std::copy_n(in.data() + position * channels, channels,
                      out.data() + position * out.extent(3) + first);
        }
        first += channels;
      }
    });
  }
};

// Concatenation over channels: out(n, y, x, :) = in1(n, y, x, :), in2(n, y, x, :), ...
//
// in_i (N, H, W, C_i), out (N, H, W, sum of C_i). Same as torch.cat(dim=1) on NCHW.
template <class T>
Tensor<T> concat(std::initializer_list<TensorView<const T>> in) {
  return detail::computed<T>(Concat{}, in);
}

}  // namespace camlite
