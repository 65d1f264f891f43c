// global_avg_pool: the mean of each channel.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct GlobalAvgPool {
  static constexpr std::string_view type = "global_avg_pool";
  static constexpr Arity arity{1, 1};

  static Shape output_shape(std::span<const Shape> in) {
    detail::require_feature_map(in[0]);
    return {in[0][0], 1, 1, in[0][3]};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index positions = in.extent(1) * in.extent(2), channels = in.extent(3);
    parallel_for(in.extent(0), arguments.threads, [&](Index n, int) {
      T* mean = arguments.output.data() + n * channels;
      const T* value = in[n].data();
      std::fill_n(mean, channels, T{});
      for (Index i = 0; i < positions; ++i) {
        for (Index c = 0; c < channels; ++c) mean[c] += *value++;
      }
      for (Index c = 0; c < channels; ++c) mean[c] /= static_cast<T>(positions);
    });
  }
};

// Global average pooling (GAP): the column means of the (H * W, C) matrix.
//
//   out(n, 0, 0, c) = mean over y, x of in(n, y, x, c)
//
// in (N, H, W, C), out (N, 1, 1, C). Same as torch.nn.AdaptiveAvgPool2d(1).
template <class T>
Tensor<T> global_avg_pool(TensorView<const T> in) {
  return detail::computed<T>(GlobalAvgPool{}, {in});
}

}  // namespace camlite
