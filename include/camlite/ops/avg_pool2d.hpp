// avg_pool2d: the mean of each window.
#pragma once

#include <camlite/ops/pool2d.hpp>

namespace camlite {

struct AvgPool2d : Pool2d {
  static constexpr std::string_view type = "avg_pool2d";
  static constexpr Arity arity{1, 1};

  bool count_include_pad = true;  // padding counts in the divisor

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    Pool2d::attributes(self, visit);
    visit("count_include_pad", self.count_include_pad, Need::optional);
  }

  // What the sum of the window at (top, left) of a picture (H, W, C) is divided by; its part inside
  // are the rows ys and the columns xs.
  Index counted(const Shape& picture, Index top, Index left, const detail::Span& ys,
                const detail::Span& xs) const {
    if (!count_include_pad) return (ys.last - ys.first) * (xs.last - xs.first);
    const Index bottom = picture[0] + padding.height, right = picture[1] + padding.width;
    return (std::min(top + kernel.height, bottom) - top) *
           (std::min(left + kernel.width, right) - left);
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    detail::for_each_window(arguments, *this, arguments.threads,
                            [&](TensorView<const T> in, Index top, Index left, detail::Span ys,
                                detail::Span xs, T* pixel) {
                              const Index width = in.extent(1), channels = in.extent(2);
                              std::fill_n(pixel, channels, T{});
                              for (Index y = ys.first; y < ys.last; ++y) {
                                const T* value = in.data() + (y * width + xs.first) * channels;
                                for (Index x = xs.first; x < xs.last; ++x) {
                                  for (Index c = 0; c < channels; ++c) pixel[c] += *value++;
                                }
                              }
                              const auto count =
                                  static_cast<T>(counted(in.shape(), top, left, ys, xs));
                              for (Index c = 0; c < channels; ++c) pixel[c] /= count;
                            });
  }
};

// Average pooling over windows, channel by channel.
//
//   out(n, y, x, c) = sum over i, j of in(n, y * stride - padding + i, x * stride - padding + j, c)
//   / count
//
// in (N, H, W, C), out (N, Ho, Wo, C): see Pool2d. Positions outside the input are zeros. `count`
// is the part of the window inside the padded input, or inside the input itself where
// count_include_pad is false. Same convention as torch.nn.AvgPool2d. Throws Error if the window is
// larger than the padded input.
template <class T>
Tensor<T> avg_pool2d(TensorView<const T> in, const Pool2d& pool, bool count_include_pad = true) {
  AvgPool2d op{pool};
  op.count_include_pad = count_include_pad;
  return detail::computed<T>(op, {in});
}

}  // namespace camlite
