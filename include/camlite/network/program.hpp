// Program: the steps of a forward pass.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/kernels/conv2d.hpp>
#include <camlite/model/graph.hpp>
#include <camlite/network/head.hpp>

namespace camlite::detail {

// What the kernels are chosen by.
struct Target {
  const kernels::Kernels* kernels = nullptr;
  std::optional<ConvAlgorithm> convolution;  // instead of the fastest, where it can be
  int threads = 1;                           // that pack
};

// One operator, ready to run. Values are numbered as the graph numbers them.
struct Step {
  std::string name;
  std::string type;  // the operators that it does the work of: "conv2d+relu"
  Operator op;
  std::vector<Index> inputs;
  Index output = 0;
  std::vector<Shape>
      parameter_shapes;  // of what the model holds for it, batch normalization folded
  // None of a convolution; of a constant its value.
  std::shared_ptr<const std::vector<Tensor<float>>> parameters;
  std::optional<kernels::FastConv2d> conv;  // what it has instead
  Activation then;                          // of its output; a convolution has it in itself
};

struct Program {
  std::vector<Step> steps;
  Index logits = 0;
  std::optional<Index> probabilities;  // where the graph ends with softmax
  std::optional<Index> features;       // where there is a CAM head
  std::shared_ptr<const Head> head;    // or why there is none
};

// The shape of every value for this input, as infer_shapes has them. The parameters, which were
// checked for the size that the graph names, must fit this one too: a linear layer behind flatten
// takes no other. Throws Error naming `source` and the layer.
inline std::vector<Shape> value_shapes(const Program& program, const Graph& graph,
                                       const Shape& input, std::string_view source) {
  std::vector<Shape> shapes = infer_shapes(graph, input, source);
  for (const Step& step : program.steps) {
    const std::vector<Parameter> needed = parameters_of(step.op, shapes_of(step.inputs, shapes));
    for (std::size_t i = 0; i < needed.size(); ++i) {
      const Shape& held = step.parameter_shapes[i];
      if (held == needed[i].shape) continue;
      fail(source, ": ", step.name, ": for an input of ", input.str(), " its ", needed[i].suffix,
           " would have to be ", needed[i].shape.str(), ", it is ", held.str());
    }
  }
  return shapes;
}

}  // namespace camlite::detail
