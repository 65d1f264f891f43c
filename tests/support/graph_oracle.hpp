// A network computed node by node in double, nothing folded, nothing shared: what Network is
// compared with.
#pragma once

#include <variant>
#include <vector>

#include <camlite/model/model.hpp>
#include <camlite/tensor.hpp>

#include "compare.hpp"
#include "run_operator.hpp"

namespace camlite::test {

// Every value of the graph: element 0 is the input, i + 1 what node i computes.
inline std::vector<Tensor<double>> graph_values(const Model& model, const Tensor<float>& input) {
  std::vector<Tensor<double>> values;
  values.push_back(converted<double>(input));
  for (const Node& node : model.graph().nodes) {
    std::vector<Tensor<double>> inputs, parameters;
    for (Index value : node.inputs) inputs.push_back(values[static_cast<std::size_t>(value)]);
    for (const Parameter& parameter : parameters_of(node.op, shapes_of(inputs))) {
      const StoredTensor& stored = model.tensor(text(node.name, '.', parameter.suffix));
      parameters.push_back(converted<double>(to_float(stored)));
    }
    values.push_back(std::visit(
        [&](const auto& op) { return run_operator<double>(op, inputs, parameters); }, node.op));
  }
  return values;
}

}  // namespace camlite::test
