// softmax: from logits to probabilities.
#pragma once

#include <algorithm>
#include <cmath>

#include <camlite/ops/operator.hpp>

namespace camlite {

struct Softmax {
  static constexpr std::string_view type = "softmax";
  static constexpr Arity arity{1, 1};

  static Shape output_shape(std::span<const Shape> in) {
    if (in[0].rank() == 0) fail("needs at least one extent, its input is a scalar");
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    const TensorView<const T> in = arguments.inputs[0];
    const Index classes = in.extent(in.rank() - 1);
    const T* logit = in.data();
    T* out = arguments.output.data();
    for (const T* end = in.end(); logit != end; logit += classes, out += classes) {
      // exp never overflows below the largest logit, and the sum is at least 1.
      const T largest = *std::max_element(logit, logit + classes);
      T sum = 0;
      for (Index k = 0; k < classes; ++k) sum += out[k] = std::exp(logit[k] - largest);
      for (Index k = 0; k < classes; ++k) out[k] /= sum;
    }
  }
};

// Softmax over the last extent.
//
//   out(n, k) = exp(in(n, k) - m) / sum over j of exp(in(n, j) - m),  m = max over j of in(n, j)
//
// Any shape, usually (N, K). Same as torch.softmax(dim=1).
template <class T>
Tensor<T> softmax(TensorView<const T> in) {
  return detail::computed<T>(Softmax{}, {in});
}

}  // namespace camlite
