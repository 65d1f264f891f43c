// channel_shuffle: the channels of several groups, dealt out in turn.
#pragma once

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct ChannelShuffle {
  static constexpr std::string_view type = "channel_shuffle";
  static constexpr Arity arity{1, 1};

  Index groups = 0;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("groups", self.groups, Need::required);
  }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_feature_map(in[0]);
    detail::require_at_least("groups", groups, 1);
    if (in[0][3] % groups != 0)
      fail("groups=", groups, " does not divide its ", in[0][3], " input channels");
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index channels = in.extent(3), depth = channels / groups;
    parallel_for(in.size() / channels, arguments.threads, [&](Index pixel, int) {
      const T* value = in.data() + pixel * channels;
      T* out = arguments.output.data() + pixel * channels;
      for (Index group = 0; group < groups; ++group) {
        for (Index k = 0; k < depth; ++k) out[k * groups + group] = *value++;
      }
    });
  }
};

// The channels of `groups` groups, the first of each, then the second of each, and so on:
//
//   out(n, y, x, k * groups + g) = in(n, y, x, g * C / groups + k)
//
// in and out (N, H, W, C). Same as torch.nn.ChannelShuffle. Zhang, Zhou, Lin, Sun, "ShuffleNet",
// CVPR 2018. Throws Error if `groups` does not divide C.
template <class T>
Tensor<T> channel_shuffle(TensorView<const T> in, Index groups) {
  return detail::computed<T>(ChannelShuffle{groups}, {in});
}

}  // namespace camlite
