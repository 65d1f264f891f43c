// linear: the fully connected layer.
#pragma once

#include <algorithm>

#include <camlite/ops/gemm.hpp>
#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct Linear {
  static constexpr std::string_view type = "linear";
  static constexpr Arity arity{1, 1};

  Index out_features = 0;
  bool bias = true;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("out_features", self.out_features, Need::required);
    visit("bias", self.bias, Need::optional);
  }

  // (N, C) or (N, 1, 1, C) -> (N, out_features)
  Shape output_shape(std::span<const Shape> in) const {
    detail::require_at_least("out_features", out_features, 1);
    const bool pooled = in[0].rank() == 4 && in[0][1] == 1 && in[0][2] == 1;
    if (in[0].rank() != 2 && !pooled) {
      fail("needs one vector a picture, (N, C) or (N, 1, 1, C), its input is ", in[0].str(),
           "; global_avg_pool or flatten go before it");
    }
    return {in[0][0], out_features};
  }

  // weight (out_features, in_features), as the frameworks store it; bias.
  std::vector<Parameter> parameters(std::span<const Shape> in) const {
    std::vector<Parameter> list{{"weight", {out_features, features(in[0])}}};
    if (bias) list.push_back({"bias", {out_features}});
    return list;
  }

  Index multiply_adds(std::span<const Shape> in) const {
    return checked_product(checked_product(in[0][0], out_features), features(in[0]));
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0], weight = arguments.parameters[0];
    const Index batch = in.extent(0), depth = weight.extent(1);
    constexpr Index block = 128;  // outputs at a time
    parallel_for((out_features + block - 1) / block, arguments.threads, [&](Index i, int) {
      const Index first = i * block, count = std::min(block, out_features - first);
      const Matrix<T> out{arguments.output.data() + first, batch, count, out_features};
      gemm<T>({in.data(), batch, depth, depth},
              {weight.data() + first * depth, count, depth, depth}, out);
      if (!bias) return;
      for (Index n = 0; n < batch; ++n) {
        for (Index j = 0; j < count; ++j)
          out.data[n * out.stride + j] += arguments.parameters[1].data()[first + j];
      }
    });
  }

 private:
  static Index features(const Shape& in) { return in[in.rank() - 1]; }
};

// The fully connected layer.
//
//   out(n, k) = bias(k) + sum over c of weight(k, c) * in(n, c)
//
// in (N, C) or (N, 1, 1, C), weight (K, C), bias (K) or empty, out (N, K). Same as
// torch.nn.functional.linear. Throws Error if the shapes do not fit together.
template <class T>
Tensor<T> linear(TensorView<const T> in, TensorView<const T> weight,
                 TensorView<const T> bias = {}) {
  if (weight.rank() != 2) fail("linear: weight must be (out, in), it is ", weight.shape().str());
  const Linear op{weight.extent(0), bias.size() > 0};
  if (!op.bias) return detail::computed<T>(op, {in}, {weight});
  return detail::computed<T>(op, {in}, {weight, bias});
}

}  // namespace camlite
