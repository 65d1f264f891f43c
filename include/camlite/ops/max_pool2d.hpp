// max_pool2d: the largest value of each window.
#pragma once

#include <camlite/finite.hpp>
#include <camlite/ops/pool2d.hpp>

namespace camlite {

struct MaxPool2d : Pool2d {
  static constexpr std::string_view type = "max_pool2d";
  static constexpr Arity arity{1, 1};

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_window(
        arguments, *this, arguments.threads,
        [](TensorView<const T> in, Index, Index, detail::Span ys, detail::Span xs, T* pixel) {
          const Index width = in.extent(1), channels = in.extent(2);
          std::copy_n(in.data() + (ys.first * width + xs.first) * channels, channels, pixel);
          for (Index y = ys.first; y < ys.last; ++y) {
            const T* value = in.data() + (y * width + xs.first) * channels;
            for (Index x = xs.first; x < xs.last; ++x) {
              for (Index c = 0; c < channels; ++c, ++value) {
                // Written so that NaN wins, and stays.
                const bool keep = *value <= pixel[c] || detail::is_nan(pixel[c]);
                pixel[c] = keep ? pixel[c] : *value;
              }
            }
          }
        });
  }
};

// Max pooling over windows, channel by channel.
//
//   out(n, y, x, c) = max over i, j of in(n, y * stride - padding + i, x * stride - padding + j, c)
//
// in (N, H, W, C), out (N, Ho, Wo, C): see Pool2d. Positions outside the input take no part; NaN is
// larger than any number. Same convention as torch.nn.MaxPool2d. Throws Error if the window is
// larger than the padded input.
template <class T>
Tensor<T> max_pool2d(TensorView<const T> in, const Pool2d& pool) {
  return detail::computed<T>(MaxPool2d{pool}, {in});
}

}  // namespace camlite
