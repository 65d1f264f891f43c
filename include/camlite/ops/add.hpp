// add: the sum of tensors, element by element.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

struct Add {
  static constexpr std::string_view type = "add";
  static constexpr Arity arity{2, 1 << 16};

  static Shape output_shape(std::span<const Shape> in) {
    for (const Shape& shape : in) {
      if (shape != in[0])
        fail("adds tensors of one shape, its inputs are ", in[0].str(), " and ", shape.str());
    }
    return in[0];
  }

  template <class T>
  void run(const Arguments<T>& arguments) const {
    constexpr Index piece = 1 << 14;
    const Index size = arguments.output.size();
    parallel_for((size + piece - 1) / piece, arguments.threads, [&](Index i, int) {
      const Index first = i * piece, count = std::min(piece, size - first);
      T* out = arguments.output.data() + first;
      std::copy_n(arguments.inputs[0].data() + first, count, out);
      for (const TensorView<const T>& in : arguments.inputs.subspan(1)) {
        for (Index j = 0; j < count; ++j) out[j] += in.data()[first + j];
      }
    });
  }
};

// out = in1 + in2 + ..., element by element; all of one shape, any shape.
template <class T>
Tensor<T> add(std::initializer_list<TensorView<const T>> in) {
  return detail::computed<T>(Add{}, in);
}

}  // namespace camlite
