// From a model's graph to the steps that run: batch normalization folded into the layer before it,
// activations and 2x2 max pooling applied by what is before them, dropout gone, constants laid out
// and weights packed for the kernels.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <camlite/kernels/conv2d.hpp>
#include <camlite/kernels/operators.hpp>
#include <camlite/model/fold.hpp>
#include <camlite/model/model.hpp>
#include <camlite/network/head.hpp>
#include <camlite/network/program.hpp>

namespace camlite::detail {

class Lowering {
 public:
  // memory_limit: bytes of the weights, as the kernels read them.
  Lowering(const Model& model, const Target& target, Index memory_limit)
      : model_(model),
        target_(target),
        memory_limit_(memory_limit),
        nodes_(model.graph().nodes),
        alias_(nodes_.size() + 1),
        readers_(nodes_.size() + 1),
        done_(nodes_.size(), false),
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
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (done_[i] || finder_.does_nothing(i)) continue;
      lower(i);
      model_.release_pages();
    }
    set_results();
    return std::move(program_);
  }

 private:
  static std::size_t at(Index value) { return static_cast<std::size_t>(value); }

  // A node on its way to a step, with what later nodes it has taken into it.
  struct Layer {
    Operator op;
    std::string type;  // "conv2d+batch_norm"
    std::vector<Tensor<float>> parameters;
    std::size_t last;  // the node whose value it computes
    Activation activation = Activation::none;
  };

  void lower(std::size_t i) {
    Layer layer{nodes_[i].op, std::string(type_of(nodes_[i].op)), load_parameters(nodes_[i]), i,
                Activation::none};
    fold_affine(layer);
    if (is<Conv2d>(layer.op) && finder_.is_linear(i)) {
      const auto conv = std::get<Conv2d>(layer.op);
      Tensor<float>& weight = layer.parameters[0];
      const Shape matrix{conv.out_channels, weight.extent(1)};
      weight = std::move(weight).reshaped(matrix);
      layer.op = Linear{conv.out_channels, conv.bias};
    }
    take_activation(layer);
    if (is<Conv2d>(layer.op)) {
      add_convolution(i, std::move(layer));
    } else if (is<Constant>(layer.op)) {
      const Tensor<float> value = std::move(layer.parameters[0]);
      keep(i, value.size());
      Step& step = add_step(i, std::move(layer));
      step.parameter_shapes = {value.shape()};
      step.parameters =
          std::make_shared<const std::vector<Tensor<float>>>(1, constant<float>(value.view()));
    } else {
      add_step(i, std::move(layer));
    }
  }

  // The step that does the layer's work.
  Step& add_step(std::size_t i, Layer layer) {
    Step step;
    step.name = nodes_[i].name;
    step.type = std::move(layer.type);
    step.op = layer.op;
    step.inputs = nodes_[i].inputs;
    for (Index& value : step.inputs) value = alias_[at(value)];
    if (is<Concat>(layer.op)) join_earlier(step.inputs, static_cast<Index>(layer.last + 1));
    step.output = static_cast<Index>(layer.last + 1);
    for (const Tensor<float>& parameter : layer.parameters) {
      keep(i, parameter.size());
      step.parameter_shapes.push_back(parameter.shape());
    }
    step.parameters =
        std::make_shared<const std::vector<Tensor<float>>>(std::move(layer.parameters));
    step.then = layer.activation;
    program_.steps.push_back(std::move(step));
    return program_.steps.back();
  }

  // concat(a, b, c) behind concat(a, b), as DenseNet has them, is concat(concat(a, b), c): so all
  // of them can be one map that grows.
  void join_earlier(std::vector<Index>& inputs, Index output) {
    const std::vector<Index> all = inputs;
    const auto earlier = concats_.find(all[0]);
    if (earlier != concats_.end()) {
      const auto& [parts, joined] = earlier->second;
      const auto size = std::ssize(parts);
      if (size < std::ssize(all) && std::equal(parts.begin(), parts.end(), all.begin())) {
        inputs.erase(inputs.begin(), inputs.begin() + size);
        inputs.insert(inputs.begin(), joined);
      }
    }
    concats_.insert_or_assign(all[0], std::pair(all, output));
  }

  void add_convolution(std::size_t i, Layer layer) {
    const auto conv = std::get<Conv2d>(layer.op);
    const Activation activation = layer.activation;
    const Shape &in = shapes_[at(nodes_[i].inputs[0])], &out = shapes_[i + 1];
    ConvAlgorithm algorithm = kernels::fastest_algorithm(conv, in, out, *target_.kernels);
    if (target_.convolution && kernels::can_compute(*target_.convolution, conv, in[3]))
      algorithm = *target_.convolution;
    bool pooled = false;
    if (const auto reader = only_reader(layer.last); reader && kernels::winograd_index(algorithm) &&
                                                     activation.is_clamp() &&
                                                     halves(nodes_[*reader].op)) {
      pooled = true;
      take(layer, *reader);
    }
    const std::vector<Tensor<float>> parameters = std::exchange(layer.parameters, {});
    keep(i, kernels::FastConv2d::size_of(conv, *target_.kernels, algorithm, parameters[0].shape()));
    Step& step = add_step(i, std::move(layer));
    for (const Tensor<float>& parameter : parameters)
      step.parameter_shapes.push_back(parameter.shape());
    step.conv.emplace(conv, activation, pooled, *target_.kernels, algorithm, parameters[0].view(),
                      conv.bias ? parameters[1].view() : TensorView<const float>(),
                      target_.threads);
  }

  // Of weights, before there is memory for them. Throws Error if so many more are above the limit.
  void keep(std::size_t i, Index floats) {
    bytes_ = checked_sum(bytes_, checked_product(floats, Index{sizeof(float)}));
    if (bytes_ <= memory_limit_) return;
    fail(model_.source(), ": graph line ", nodes_[i].line, ": ", nodes_[i].name,
         ": keeping the weights so far, as the kernels read them,",
         above_memory_limit(bytes_, memory_limit_));
  }

  // The activation behind an operator that can do it on the way.
  void take_activation(Layer& layer) {
    const auto takes = []<class Op>(const Op&) {
      return kernels::TakesActivation<Op> || std::is_same_v<Op, Conv2d>;
    };
    const auto reader = only_reader(layer.last);
    if (!reader || !std::visit(takes, layer.op)) return;
    const auto own = activation_of(nodes_[*reader].op);
    if (!own) return;
    layer.activation = *own;
    take(layer, *reader);
  }

  // Folds the batch normalizations and scales behind a layer into it. One that there is nothing to
  // fold into becomes a scale.
  void fold_affine(Layer& layer) {
    if (!foldable_bias(layer.op)) return;
    if (const auto affine = affine_of(layer.last); affine && !is<Scale>(layer.op)) {
      const Shape channels{std::ssize(affine->scale)};
      layer.op = Scale{};
      layer.parameters = {Tensor<float>(channels), Tensor<float>(channels)};
      std::fill_n(layer.parameters[0].data(), channels.size(), 1.0F);
      fold(*affine, layer.op, layer.parameters[0], layer.parameters[1]);
    }
    for (auto reader = only_reader(layer.last); reader; reader = only_reader(layer.last)) {
      const auto affine = affine_of(*reader);
      if (!affine) return;
      if (!*foldable_bias(layer.op))
        layer.parameters.emplace_back(Shape{std::ssize(affine->scale)});
      fold(*affine, layer.op, layer.parameters[0], layer.parameters[1]);
      take(layer, *reader);
    }
  }

  std::optional<ChannelAffine> affine_of(std::size_t i) const {
    const auto tensor = [&](std::string_view suffix) {
      return to_float(model_.tensor(text(nodes_[i].name, '.', suffix)));
    };
    return channel_affine(nodes_[i].op, tensor);
  }

  // From here on the layer does the work of this node, too.
  void take(Layer& layer, std::size_t node) {
    layer.type += text('+', type_of(nodes_[node].op));
    layer.last = node;
    done_[node] = true;
  }

  std::vector<Tensor<float>> load_parameters(const Node& node) const {
    std::vector<Tensor<float>> tensors;
    for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes_))) {
      tensors.push_back(to_float(model_.tensor(text(node.name, '.', parameter.suffix))));
    }
    return tensors;
  }

  // The node that reads what node i computes, if there is only one.
  std::optional<std::size_t> only_reader(std::size_t i) const {
    const std::vector<std::size_t>& readers = readers_[i + 1];
    if (readers.size() != 1) return {};
    return readers[0];
  }

  template <class Type>
  static bool is(const Operator& op) {
    return std::holds_alternative<Type>(op);
  }

  // What an operator is that a convolution can do to its own output.
  static std::optional<Activation> activation_of(const Operator& op) {
    const auto own = [](const auto& o) -> std::optional<Activation> {
      if constexpr (requires { o.activation(); }) return o.activation();
      return {};
    };
    return std::visit(own, op);
  }

  // Whether it pools 2x2 windows side by side, the last odd row and column left out.
  static bool halves(const Operator& op) {
    const auto* pool = std::get_if<MaxPool2d>(&op);
    return pool && pool->kernel == Size2d(2) && pool->step() == Size2d(2) &&
           pool->padding == Size2d(0) && pool->rounding == Rounding::floor;
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
  Index memory_limit_;
  Index bytes_ = 0;  // of the weights so far
  std::span<const Node> nodes_;
  std::vector<Index> alias_;  // by value: itself, or the one that it is for all that follows
  std::vector<std::vector<std::size_t>> readers_;  // by value: the nodes that read it
  std::vector<bool> done_;  // by node: the step of an earlier one does its work
  std::vector<Shape> shapes_;
  std::vector<bool> vectors_;
  ResultFinder finder_;
  // The latest concat that begins with a value: what it joins, and its own value.
  std::unordered_map<Index, std::pair<std::vector<Index>, Index>> concats_;
  Program program_;
};

}  // namespace camlite::detail
