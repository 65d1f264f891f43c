// An operator's run() on tensors, as Network calls it.
#pragma once

#include <vector>

#include <camlite/ops/operator.hpp>
#include <camlite/tensor.hpp>

namespace camlite::test {

template <class T>
std::vector<Shape> shapes_of(const std::vector<Tensor<T>>& tensors) {
  std::vector<Shape> shapes;
  shapes.reserve(tensors.size());
  for (const Tensor<T>& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

// What `op` makes of these inputs on `threads` threads, in just the scratch memory that it asks
// for.
template <class T, class Operator>
Tensor<T> run_operator(const Operator& op, const std::vector<Tensor<T>>& inputs,
                       const std::vector<Tensor<T>>& parameters, int threads = 1) {
  const std::vector<TensorView<const T>> input_views(inputs.begin(), inputs.end());
  const std::vector<TensorView<const T>> parameter_views(parameters.begin(), parameters.end());
  const std::vector<Shape> shapes = shapes_of(inputs);
  Tensor<T> out(op.output_shape(shapes));
  std::vector<T> scratch(static_cast<std::size_t>(scratch_of(op, shapes) * threads));
  op.run(Arguments<T>{input_views, parameter_views, out.view(), scratch.data(), threads});
  return out;
}

}  // namespace camlite::test
