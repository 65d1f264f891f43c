// dropout: nothing, outside of training.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>

namespace camlite {

// Kept in the graph so that a network reads as it was trained; `Network` drops it. Any shape.
struct Dropout {
  static constexpr std::string_view type = "dropout";
  static constexpr Arity arity{1, 1};

  double p = 0.5;  // the share that training set to zero

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("p", self.p, Need::optional);
  }

  Shape output_shape(std::span<const Shape> in) const {
    detail::require_finite("p", p);
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    std::copy(arguments.inputs[0].begin(), arguments.inputs[0].end(), arguments.output.begin());
  }
};

}  // namespace camlite
