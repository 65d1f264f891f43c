// slice: some of the channels.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct Slice {
  static constexpr std::string_view type = "slice";
  static constexpr Arity arity{1, 1};

  Index start = 0;
  Index end = 0;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("start", self.start, Need::optional);
    visit("end", self.end, Need::required);
  }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_channels(in[0]);
    const Index channels = detail::channels_of(in[0]);
    if (start < 0 || start >= end || end > channels)
      fail("channels ", start, " to ", end, " are not a part of its ", channels, " input channels");
    if (in[0].rank() == 2) return {in[0][0], end - start};
    return {in[0][0], in[0][1], in[0][2], end - start};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index channels = detail::channels_of(in.shape()), count = end - start;
    parallel_for(in.size() / channels, arguments.threads, [&](Index pixel, int) {
      std::copy_n(in.data() + pixel * channels + start, count,
                  arguments.output.data() + pixel * count);
    });
  }
};

// The channels [start, end): out(n, y, x, c) = in(n, y, x, start + c).
//
// in (N, H, W, C), out (N, H, W, end - start), or (N, C) and (N, end - start). Same as
// in[:, start:end] on NCHW. Throws Error if they are no channels of the input, or none at all.
template <class T>
Tensor<T> slice(TensorView<const T> in, Index start, Index end) {
  return detail::computed<T>(Slice{start, end}, {in});
}

}  // namespace camlite
