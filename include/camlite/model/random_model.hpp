// random_model: a graph with random weights, for measuring and for trying things out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/model/model.hpp>

namespace camlite {

namespace detail {

// Uniform in [-1, 1), the same on every machine: splitmix64.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}

  float operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<float>((z ^ (z >> 31)) >> 40) / static_cast<float>(1 << 23) - 1.0F;
  }

 private:
  std::uint64_t state_;
};

template <class... Types>
bool is_one_of(const Operator& op) {
  return (std::holds_alternative<Types>(op) || ...);
}

// About how large a value's elements are.
struct Magnitude {
  double mean_square = 1;
  double zero_mean = 1;  // the part of it that is as often negative: ReLU halves this part
};

// Of an operator's output, from those of its inputs, where weights are made so that a convolution's
// and a linear layer's mean square is 1.
inline Magnitude magnitude_of(const Operator& op, std::span<const Magnitude> in,
                              std::span<const Shape> shapes) {
  if (is_one_of<Conv2d, Linear>(op) || in.empty()) return {};
  if (is_one_of<Sigmoid, HardSigmoid>(op)) return {0.25, 0};
  if (is_one_of<Relu, Relu6, LeakyRelu, Silu, HardSwish>(op))
    return {in[0].mean_square - in[0].zero_mean / 2, 0};
  Magnitude sum{0, 0}, product, joined{0, 0};
  double channels = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double extent = shapes[i].rank() == 0 ? 1 : static_cast<double>(channels_of(shapes[i]));
    channels += extent;
    sum = {sum.mean_square + in[i].mean_square, sum.zero_mean + in[i].zero_mean};
    product = {product.mean_square * in[i].mean_square, product.zero_mean * in[i].zero_mean};
    joined = {joined.mean_square + extent * in[i].mean_square,
              joined.zero_mean + extent * in[i].zero_mean};
  }
  if (is_one_of<Add, Sub>(op)) return sum;
  if (is_one_of<Mul>(op)) return product;
  if (is_one_of<Concat>(op)) return {joined.mean_square / channels, joined.zero_mean / channels};
  return in[0];
}

}  // namespace detail

// A model of this graph whose weights are random, the same for the same seed on every machine.
//
// Kernels are uniform with variance 1 / (fan-in * mean square of the input), as far as that can be
// told from the graph: 2 / fan-in behind a ReLU (He et al., ICCV 2015), and less behind the sums of
// residual networks, so that activations keep their scale at any depth. Biases are small; batch
// normalization's weights and variances are around one.
inline Model random_model(Graph graph, std::uint64_t seed = 1,
                          std::string source = "random model") {
  ModelParts parts;
  parts.graph = std::move(graph);
  parts.source = std::move(source);
  const Shape input{1, parts.graph.height, parts.graph.width, parts.graph.channels};
  const std::vector<Shape> shapes = infer_shapes(parts.graph, input, parts.source);
  detail::SplitMix uniform(seed);
  std::vector<detail::Magnitude> magnitudes{{}};  // by value
  std::vector<std::pair<std::string, Tensor<float>>> weights;
  for (const Node& node : parts.graph.nodes) {
    const std::vector<Shape> in_shapes = input_shapes(node, shapes);
    std::vector<detail::Magnitude> in;
    in.reserve(node.inputs.size());
    for (Index value : node.inputs) in.push_back(magnitudes[static_cast<std::size_t>(value)]);
    magnitudes.push_back(detail::magnitude_of(node.op, in, in_shapes));
    for (const Parameter& parameter : parameters_of(node.op, in_shapes)) {
      Tensor<float> tensor = Tensor<float>::uninitialized(parameter.shape);
      const bool is_kernel = parameter.shape.rank() > 1;
      const bool is_scale =
          !is_kernel && (parameter.suffix == "weight" || parameter.suffix == "running_var");
      // A product of two floats is exact in double: the same with and without fused multiply-adds.
      float reach = 0.05F;
      if (is_kernel) {
        const double fan_in =
            static_cast<double>(tensor.size()) / static_cast<double>(parameter.shape[0]);
        const double mean_square = in.empty() ? 1 : std::clamp(in[0].mean_square, 1e-3, 1e3);
        reach = static_cast<float>(std::sqrt(3 / (fan_in * mean_square)));
      }
      for (float& value : tensor)
        value = static_cast<float>((is_scale ? 1 : 0) + double{reach} * uniform());
      weights.emplace_back(text(node.name, '.', parameter.suffix), std::move(tensor));
    }
  }
  parts.preprocessing.resize = std::max(parts.graph.height, parts.graph.width);
  parts.preprocessing.crop = {parts.graph.height, parts.graph.width};
  return make_model(std::move(parts), std::move(weights));
}

// The same of a graph's text. Throws Error as parse_graph does.
inline Model random_model(std::string_view graph_text, std::uint64_t seed = 1,
                          std::string source = "random model") {
  Graph graph = parse_graph(graph_text, source);
  return random_model(std::move(graph), seed, std::move(source));
}

}  // namespace camlite
