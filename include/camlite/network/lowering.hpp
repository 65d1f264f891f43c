// From a model's graph to the steps that run: batch normalization folded into the convolution
// before it, ReLU and 2x2 max pooling applied by it, dropout gone, weights packed for the kernels.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/kernels/conv2d.hpp>
#include <camlite/model/model.hpp>

namespace camlite {

// The linear layer behind global average pooling: what turns features into logits, and into maps.
struct Head {
  TensorView<const float> weight;  // (K, C); empty where the features' channels are the classes
  TensorView<const float> bias;    // (K); empty if there is none
  Index classes = 0;
  std::shared_ptr<const void> storage;  // of both, shared with the network
};

namespace detail {

// One operator, ready to run. Values are numbered as the graph numbers them.
struct Step {
  std::string name;
  Operator op;
  Activation activation = Activation::none;  // of a convolution
  bool normalized = false;                   // batch normalization was folded in
  bool pooled = false;                       // 2x2 max pooling is applied to its output
  std::vector<Index> inputs;
  Index output = 0;
  std::vector<Shape>
      parameter_shapes;  // of what the model holds for it, batch normalization folded
  std::shared_ptr<const std::vector<Tensor<float>>> parameters;  // none of a convolution
  std::optional<kernels::FastConv2d> conv;                       // what it has instead
};

// What the kernels are chosen by.
struct Target {
  const kernels::Kernels* kernels = nullptr;
  std::optional<ConvAlgorithm> convolution;  // instead of the fastest, where it can be
  int threads = 1;                           // that pack
};

struct Program {
  std::vector<Step> steps;
  Index values = 0;
  Index logits = 0;
  std::optional<Index> probabilities;  // where the graph ends with softmax
  std::optional<Index> features;       // where there is a CAM head
  std::shared_ptr<const Head> head;    // likewise
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

class Lowering {
 public:
  Lowering(const Model& model, const Target& target)
      : model_(model),
        target_(target),
        nodes_(model.graph().nodes),
        alias_(nodes_.size() + 1),
        readers_(nodes_.size() + 1) {
    for (std::size_t v = 0; v < alias_.size(); ++v) alias_[v] = static_cast<Index>(v);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (Index value : nodes_[i].inputs) readers_[at(value)].push_back(i);
    }
    shapes_ = infer_shapes(model.graph(), model.input_shape(), model.source());
  }

  Program lower() {
    std::vector<bool> done(nodes_.size(), false);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (done[i]) continue;
      const Node& node = nodes_[i];
      if (std::holds_alternative<Dropout>(node.op)) {
        alias_[i + 1] = alias_[at(node.inputs[0])];
      } else if (std::holds_alternative<Conv2d>(node.op)) {
        lower_convolution(i, done);
      } else {
        Step step = new_step(node, load_parameters(node));
        step.output = static_cast<Index>(i + 1);
        program_.steps.push_back(std::move(step));
      }
      model_.release_pages();
    }
    program_.values = std::ssize(nodes_) + 1;
    find_results();
    return std::move(program_);
  }

 private:
  static std::size_t at(Index value) { return static_cast<std::size_t>(value); }

  std::vector<Index> resolved(std::vector<Index> values) const {
    for (Index& value : values) value = alias_[at(value)];
    return values;
  }

  Step new_step(const Node& node, std::vector<Tensor<float>> parameters) const {
    Step step;
    step.name = node.name;
    step.op = node.op;
    step.inputs = resolved(node.inputs);
    for (const Tensor<float>& parameter : parameters)
      step.parameter_shapes.push_back(parameter.shape());
    step.parameters = std::make_shared<const std::vector<Tensor<float>>>(std::move(parameters));
    return step;
  }

  std::vector<Tensor<float>> load_parameters(const Node& node) const {
    std::vector<Tensor<float>> tensors;
    for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes_))) {
      tensors.push_back(to_float(model_.tensor(text(node.name, '.', parameter.suffix))));
    }
    return tensors;
  }

  // The only node that reads what node i computes, if it is of this type.
  template <class Type>
  std::optional<std::size_t> only_reader(std::size_t i) const {
    const std::vector<std::size_t>& readers = readers_[i + 1];
    if (readers.size() != 1 || !std::holds_alternative<Type>(nodes_[readers[0]].op)) return {};
    return readers[0];
  }

  void lower_convolution(std::size_t i, std::vector<bool>& done) {
    auto conv = std::get<Conv2d>(nodes_[i].op);
    std::vector<Tensor<float>> parameters = load_parameters(nodes_[i]);
    std::size_t last = i;
    const auto norm = only_reader<BatchNorm>(last);
    if (norm) {
      fold(*norm, conv, parameters);
      done[last = *norm] = true;
    }
    Step step = new_step(nodes_[i], {});
    step.op = conv;
    step.normalized = norm.has_value();
    if (const auto relu = only_reader<Relu>(last)) {
      step.activation = Activation::relu;
      done[last = *relu] = true;
    } else if (const auto relu6 = only_reader<Relu6>(last)) {
      step.activation = Activation::relu6;
      done[last = *relu6] = true;
    }
    const Shape &in = shapes_[at(nodes_[i].inputs[0])], &out = shapes_[i + 1];
    ConvAlgorithm algorithm = kernels::fastest_algorithm(conv, in, out, *target_.kernels);
    if (target_.convolution && kernels::can_compute(*target_.convolution, conv, in[3]))
      algorithm = *target_.convolution;
    if (const auto pool = only_reader<MaxPool2d>(last);
        pool && kernels::winograd_index(algorithm) &&
        halves(std::get<MaxPool2d>(nodes_[*pool].op))) {
      step.pooled = true;
      done[last = *pool] = true;
    }
    step.output = static_cast<Index>(last + 1);
    for (const Tensor<float>& parameter : parameters)
      step.parameter_shapes.push_back(parameter.shape());
    step.conv.emplace(
        conv, step.activation, step.pooled, *target_.kernels, algorithm, parameters[0].view(),
        conv.bias ? parameters[1].view() : TensorView<const float>(), target_.threads);
    program_.steps.push_back(std::move(step));
  }

  // 2x2 windows side by side, the last odd row and column left out.
  static bool halves(const MaxPool2d& pool) {
    return pool.kernel == Size2d(2) && pool.step() == Size2d(2) && pool.padding == Size2d(0) &&
           pool.rounding == Rounding::floor;
  }

  // norm(conv(x)) as one convolution: its weights times the scale, its bias times the scale plus
  // the shift. In double, so that folding costs one rounding.
  void fold(std::size_t norm_node, Conv2d& conv, std::vector<Tensor<float>>& parameters) const {
    const auto& norm = std::get<BatchNorm>(nodes_[norm_node].op);
    const std::vector<Tensor<float>> p = load_parameters(nodes_[norm_node]);
    if (!conv.bias) parameters.emplace_back(Shape{conv.out_channels});
    conv.bias = true;
    Tensor<float>& weight = parameters[0];
    const Index taps = weight.size() / conv.out_channels;
    for (Index o = 0; o < conv.out_channels; ++o) {
      const auto [scale, shift] = norm.affine<double>(p[0](o), p[1](o), p[2](o), p[3](o));
      float* kernel = weight.data() + o * taps;
      for (Index t = 0; t < taps; ++t) kernel[t] = static_cast<float>(kernel[t] * scale);
      float& bias = parameters[1](o);
      bias = static_cast<float>(bias * scale + shift);
    }
  }

  // Where the logits, the probabilities and the CAM head are: [conv features, GAP, linear,
  // softmax], with dropout and flatten anywhere behind the pooling, and linear or softmax missing.
  void find_results() {
    std::vector<const Step*> producers(alias_.size(), nullptr);  // by value
    for (const Step& step : program_.steps) producers[at(step.output)] = &step;
    const auto producer = [&](Index value) { return producers[at(value)]; };
    Index value = alias_[nodes_.size()];
    const Step* step = producer(value);
    if (step && std::holds_alternative<Softmax>(step->op)) {
      program_.probabilities = value;
      value = step->inputs[0];
      step = producer(value);
    }
    program_.logits = value;
    const auto skip_flatten = [&] {
      while (step && std::holds_alternative<Flatten>(step->op)) step = producer(step->inputs[0]);
    };
    auto head = std::make_shared<Head>();
    head->classes = model_.classes();
    skip_flatten();
    if (step && std::holds_alternative<Linear>(step->op)) {
      const std::vector<Tensor<float>>& parameters = *step->parameters;
      head->weight = parameters[0].view();
      if (parameters.size() > 1) head->bias = parameters[1].view();
      head->storage = step->parameters;
      step = producer(step->inputs[0]);
      skip_flatten();
    }
    if (step && std::holds_alternative<GlobalAvgPool>(step->op)) {
      program_.features = step->inputs[0];
      program_.head = std::move(head);
    }
  }

  const Model& model_;
  Target target_;
  std::span<const Node> nodes_;
  std::vector<Index> alias_;                       // by value: the value whose memory it is
  std::vector<std::vector<std::size_t>> readers_;  // by value: the nodes that read it
  std::vector<Shape> shapes_;
  Program program_;
};

}  // namespace detail
}  // namespace camlite
