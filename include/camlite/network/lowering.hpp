// From a model's graph to the steps that run: batch normalization folded into the convolution
// before it, ReLU and 2x2 max pooling applied by it, dropout gone, weights packed for the kernels.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <camlite/kernels/conv2d.hpp>
#include <camlite/model/model.hpp>
#include <camlite/network/head.hpp>
#include <camlite/network/program.hpp>

namespace camlite::detail {

class Lowering {
 public:
  Lowering(const Model& model, const Target& target)
      : model_(model),
        target_(target),
        nodes_(model.graph().nodes),
        alias_(nodes_.size() + 1),
        readers_(nodes_.size() + 1),
        shapes_(infer_shapes(model.graph(), model.input_shape(), model.source())),
        vectors_(vector_values(model.graph(), shapes_)),
        finder_(model.graph(), shapes_, vectors_) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (finder_.does_nothing(i)) {
        alias_[i + 1] = alias_[at(nodes_[i].inputs[0])];
        continue;
      }
      alias_[i + 1] = static_cast<Index>(i + 1);
      for (Index value : nodes_[i].inputs) readers_[at(alias_[at(value)])].push_back(i);
    }
  }

  Program lower() {
    std::vector<bool> done(nodes_.size(), false);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (done[i] || finder_.does_nothing(i)) continue;
      const Node& node = nodes_[i];
      if (std::holds_alternative<Conv2d>(node.op)) {
        lower_convolution(i, done);
      } else {
        add_step(new_step(node, node.op, load_parameters(node)), i);
      }
      model_.release_pages();
    }
    program_.values = std::ssize(nodes_) + 1;
    set_results();
    return std::move(program_);
  }

 private:
  static std::size_t at(Index value) { return static_cast<std::size_t>(value); }

  std::vector<Index> resolved(std::vector<Index> values) const {
    for (Index& value : values) value = alias_[at(value)];
    return values;
  }

  Step new_step(const Node& node, const Operator& op, std::vector<Tensor<float>> parameters) const {
    Step step;
    step.name = node.name;
    step.type = type_of(node.op);
    step.op = op;
    step.inputs = resolved(node.inputs);
    for (const Tensor<float>& parameter : parameters)
      step.parameter_shapes.push_back(parameter.shape());
    step.parameters = std::make_shared<const std::vector<Tensor<float>>>(std::move(parameters));
    return step;
  }

  // `last`: the node whose value the step computes.
  void add_step(Step step, std::size_t last) {
    step.output = static_cast<Index>(last + 1);
    program_.steps.push_back(std::move(step));
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
    const std::string_view normalized = norm ? "+batch_norm" : "";
    if (finder_.is_linear(i)) {
      parameters[0] =
          std::move(parameters[0]).reshaped({conv.out_channels, parameters[0].extent(1)});
      Step step = new_step(nodes_[i], Linear{conv.out_channels, conv.bias}, std::move(parameters));
      step.type += normalized;
      add_step(std::move(step), last);
      return;
    }
    Step step = new_step(nodes_[i], conv, {});
    step.type += normalized;
    Activation activation = Activation::none;
    if (const auto relu = only_reader<Relu>(last)) {
      activation = Activation::relu;
      step.type += "+relu";
      done[last = *relu] = true;
    } else if (const auto relu6 = only_reader<Relu6>(last)) {
      activation = Activation::relu6;
      step.type += "+relu6";
      done[last = *relu6] = true;
    }
    const Shape &in = shapes_[at(nodes_[i].inputs[0])], &out = shapes_[i + 1];
    ConvAlgorithm algorithm = kernels::fastest_algorithm(conv, in, out, *target_.kernels);
    if (target_.convolution && kernels::can_compute(*target_.convolution, conv, in[3]))
      algorithm = *target_.convolution;
    bool pooled = false;
    if (const auto pool = only_reader<MaxPool2d>(last);
        pool && kernels::winograd_index(algorithm) &&
        halves(std::get<MaxPool2d>(nodes_[*pool].op))) {
      pooled = true;
      step.type += "+max_pool2d";
      done[last = *pool] = true;
    }
    for (const Tensor<float>& parameter : parameters)
      step.parameter_shapes.push_back(parameter.shape());
    step.conv.emplace(conv, activation, pooled, *target_.kernels, algorithm, parameters[0].view(),
                      conv.bias ? parameters[1].view() : TensorView<const float>(),
                      target_.threads);
    add_step(std::move(step), last);
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

  void set_results() {
    const Results results = finder_.find();
    program_.logits = alias_[at(results.logits)];
    if (results.probabilities) program_.probabilities = alias_[at(*results.probabilities)];
    auto head = std::make_shared<Head>();
    head->classes = model_.classes();
    head->missing = results.missing;
    if (results.pool) {
      const Node& pool = nodes_[*results.pool];
      program_.features = alias_[at(pool.inputs[0])];
      head->features = *program_.features == 0 ? "input" : nodes_[at(*program_.features - 1)].name;
      head->pool = pool.name;
    }
    if (results.classifier) {
      const Node& node = nodes_[*results.classifier];
      const Step& step = *std::find_if(program_.steps.begin(), program_.steps.end(),
                                       [&](const Step& s) { return s.name == node.name; });
      const std::vector<Tensor<float>>& parameters = *step.parameters;
      head->classifier = node.name;
      head->weight = parameters[0].view();
      if (parameters.size() > 1) head->bias = parameters[1].view();
      head->storage = step.parameters;
    }
    program_.head = std::move(head);
  }

  const Model& model_;
  Target target_;
  std::span<const Node> nodes_;
  std::vector<Index> alias_;  // by value: itself, or the one that it is for all that follows
  std::vector<std::vector<std::size_t>> readers_;  // by value: the nodes that read it
  std::vector<Shape> shapes_;
  std::vector<bool> vectors_;
  ResultFinder finder_;
  Program program_;
};

}  // namespace camlite::detail
