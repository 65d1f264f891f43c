// lrn: local response normalization across channels.
#pragma once

#include <algorithm>
#include <cmath>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct Lrn {
  static constexpr std::string_view type = "lrn";
  static constexpr Arity arity{1, 1};

  Index size = 0;  // channels in a window
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("size", self.size, Need::required);
    visit("alpha", self.alpha, Need::optional);
    visit("beta", self.beta, Need::optional);
    visit("k", self.k, Need::optional);
  }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_feature_map(in[0]);
    detail::require_at_least("size", size, 1);
    detail::require_finite("alpha", alpha);
    detail::require_finite("beta", beta);
    detail::require_finite("k", k);
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index channels = in.extent(3), row = in.extent(2) * channels;
    parallel_for(in.extent(0) * in.extent(1), arguments.threads, [&](Index i, int) {
      for (Index j = i * row; j < (i + 1) * row; j += channels) {
        const T* pixel = in.data() + j;
        for (Index c = 0; c < channels; ++c) {
          T squares = 0;
          const Index last = c + std::min((size - 1) / 2, channels - 1 - c);
          for (Index near = std::max<Index>(c - size / 2, 0); near <= last; ++near)
            squares += pixel[near] * pixel[near];
          const T base = static_cast<T>(k) + static_cast<T>(alpha) / static_cast<T>(size) * squares;
          arguments.output.data()[j + c] = pixel[c] / std::pow(base, static_cast<T>(beta));
        }
      }
    });
  }
};

// Local response normalization across channels.
//
//   out(n, y, x, c) = in(n, y, x, c) / (k + alpha / size * sum over d of in(n, y, x, d)^2)^beta
//
// with d from c - size / 2 to c + (size - 1) / 2 (both rounded down), cut to the channels there
// are. in and out (N, H, W, C). Same as torch.nn.functional.local_response_norm, and Caffe's
// ACROSS_CHANNELS. Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep CNNs", NIPS
// 2012, section 3.3.
template <class T>
Tensor<T> lrn(TensorView<const T> in, const Lrn& options) {
  return detail::computed<T>(options, {in});
}

}  // namespace camlite
