// pad: rows and columns of a constant around a map.
#pragma once

#include <algorithm>
#include <cmath>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct Pad {
  static constexpr std::string_view type = "pad";
  static constexpr Arity arity{1, 1};

  Index top = 0;
  Index bottom = 0;
  Index left = 0;
  Index right = 0;
  double value = 0;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("top", self.top, Need::optional);
    visit("bottom", self.bottom, Need::optional);
    visit("left", self.left, Need::optional);
    visit("right", self.right, Need::optional);
    visit("value", self.value, Need::optional);
  }

  // (N, H, W, C) -> (N, top + H + bottom, left + W + right, C)
  Shape output_shape(std::span<const Shape> in) const {
    detail::require_feature_map(in[0]);
    detail::require_at_least("top", top, 0);
    detail::require_at_least("bottom", bottom, 0);
    detail::require_at_least("left", left, 0);
    detail::require_at_least("right", right, 0);
    const auto extent = [](Index before, Index size, Index after) {
      return detail::checked_sum(detail::checked_sum(before, size), after);
    };
    return {in[0][0], extent(top, in[0][1], bottom), extent(left, in[0][2], right), in[0][3]};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index height = arguments.output.extent(1), channels = in.extent(3);
    const Index row = in.extent(2) * channels, out_row = arguments.output.extent(2) * channels;
    parallel_for(in.extent(0) * height, arguments.threads, [&](Index i, int) {
      T* out = arguments.output.data() + i * out_row;
      const Index n = i / height, y = i % height - top;
      const bool inside = y >= 0 && y < in.extent(1);
      const Index before = inside ? left * channels : out_row;
      std::fill_n(out, before, static_cast<T>(value));
      if (!inside) return;
      std::copy_n(in[n].data() + y * row, row, out + before);
      std::fill_n(out + before + row, right * channels, static_cast<T>(value));
    });
  }
};

// A border around each map: out(n, y, x, c) = in(n, y - top, x - left, c) inside of it, value
// elsewhere.
//
// in (N, H, W, C), out (N, top + H + bottom, left + W + right, C). Same as torch.nn.functional.pad
// with (left, right, top, bottom) on NCHW. Throws Error if a width is negative.
template <class T>
Tensor<T> pad(TensorView<const T> in, const Pad& border) {
  return detail::computed<T>(border, {in});
}

}  // namespace camlite
