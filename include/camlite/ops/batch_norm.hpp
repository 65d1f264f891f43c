// batch_norm: batch normalization with the statistics of training.
#pragma once

#include <cmath>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct BatchNorm {
  static constexpr std::string_view type = "batch_norm";
  static constexpr Arity arity{1, 1};

  double eps = 1e-5;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("eps", self.eps, Need::optional);
  }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_feature_map(in[0]);
    if (!(eps >= 0)) fail("eps must not be negative, it is ", eps);
    detail::require_finite("eps", eps);
    return in[0];
  }

  // All (C), named as torch.nn.BatchNorm2d names them.
  std::vector<Parameter> parameters(std::span<const Shape> in) const {
    const Shape channels{in[0][3]};
    return {{"weight", channels},
            {"bias", channels},
            {"running_mean", channels},
            {"running_var", channels}};
  }

  Index multiply_adds(std::span<const Shape> in) const { return in[0].size(); }

  // The normalization of channel c as x * scale + shift; `bias`, `mean`, ... are its four
  // parameters.
  template <class T>
  struct Affine {
    T scale;
    T shift;
  };
  template <class T>
  Affine<T> affine(T weight, T bias, T mean, T variance) const {
    const T scale = weight / std::sqrt(variance + static_cast<T>(eps));
    return {scale, bias - mean * scale};
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const auto parameter = [&](std::size_t i, Index c) {
      return arguments.parameters[i].data()[c];
    };
    const Index channels = in.extent(3), row = in.extent(2) * channels;
    parallel_for(in.extent(0) * in.extent(1), arguments.threads, [&](Index i, int) {
      for (Index c = 0; c < channels; ++c) {
        const Affine<T> a =
            affine(parameter(0, c), parameter(1, c), parameter(2, c), parameter(3, c));
        for (Index j = i * row + c; j < (i + 1) * row; j += channels) {
          arguments.output.data()[j] = in.data()[j] * a.scale + a.shift;
        }
      }
    });
  }
};

// Batch normalization, as it is after training.
//
//   out(n, y, x, c) = weight(c) * (in(n, y, x, c) - mean(c)) / sqrt(variance(c) + eps) + bias(c)
//
// in and out (N, H, W, C), the four parameters (C). Same as
// torch.nn.functional.batch_norm(training=False). Ioffe, Szegedy, "Batch Normalization", ICML 2015.
template <class T>
Tensor<T> batch_norm(TensorView<const T> in, TensorView<const T> weight, TensorView<const T> bias,
                     TensorView<const T> mean, TensorView<const T> variance, double eps = 1e-5) {
  return detail::computed<T>(BatchNorm{eps}, {in}, {weight, bias, mean, variance});
}

}  // namespace camlite
