// Networks by name, with random weights: for measuring, and for trying things out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/model/model.hpp>

namespace camlite {

// The paper's VGGnet-GAP: VGG16 up to conv5_3, CAM_conv (3x3, 1024 channels), GAP, linear.
// `groups` of CAM_conv is 2 in the authors' release, 1 in most re-implementations.
inline std::string vgg16_gap_graph(Index groups = 1, Index classes = 1000) {
  std::string graph = "input channels=3 height=224 width=224\n", last = "input";
  const auto conv = [&](const std::string& name, const std::string& relu, Index channels,
                        Index conv_groups) {
    graph += text(name, " conv2d ", last, " out_channels=", channels, " kernel=3 padding=1");
    if (conv_groups != 1) graph += text(" groups=", conv_groups);
    graph += text("\n", relu, " relu ", name, "\n");
    last = relu;
  };
  int stage = 1;
  for (const auto& [depth, channels] : {std::pair{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}) {
    for (int i = 1; i <= depth; ++i) {
      conv(text("conv", stage, "_", i), text("relu", stage, "_", i), channels, 1);
    }
    if (stage < 5) {
      graph += text("pool", stage, " max_pool2d ", last, " kernel=2 stride=2\n");
      last = text("pool", stage);
    }
    ++stage;
  }
  conv("CAM_conv", "CAM_relu", 1024, groups);
  return graph + text("CAM_pool global_avg_pool ", last,
                      "\nCAM_fc linear CAM_pool out_features=", classes, "\nprob softmax CAM_fc\n");
}

// A model of this graph whose weights are random: uniform with He's variance 2 / fan-in (He et al.,
// ICCV 2015), so that activations keep their scale; biases small; the same numbers for the same
// seed on every machine.
inline Model random_model(std::string_view graph_text, std::uint64_t seed = 1,
                          std::string source = "random model") {
  ModelParts parts;
  parts.graph = parse_graph(graph_text, source);
  parts.source = std::move(source);
  const Shape input{1, parts.graph.height, parts.graph.width, parts.graph.channels};
  const std::vector<Shape> shapes = infer_shapes(parts.graph, input, parts.source);
  auto uniform = [state = seed]() mutable {  // splitmix64, in [-1, 1)
    std::uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<float>((z ^ (z >> 31)) >> 40) / static_cast<float>(1 << 23) - 1.0F;
  };
  std::vector<std::pair<std::string, Tensor<float>>> weights;
  for (const Node& node : parts.graph.nodes) {
    for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes))) {
      Tensor<float> tensor = Tensor<float>::uninitialized(parameter.shape);
      const bool is_kernel = parameter.shape.rank() > 1;
      const auto fan_in =
          static_cast<float>(tensor.size()) / static_cast<float>(parameter.shape[0]);
      const float reach = is_kernel ? std::sqrt(6.0F / fan_in) : 0.05F;
      // Batch normalization's weight and variance are scales around one.
      const bool is_scale =
          !is_kernel && (parameter.suffix == "weight" || parameter.suffix == "running_var");
      for (float& value : tensor) value = (is_scale ? 1.0F : 0.0F) + reach * uniform();
      weights.emplace_back(text(node.name, '.', parameter.suffix), std::move(tensor));
    }
  }
  parts.preprocessing.resize = std::max(parts.graph.height, parts.graph.width);
  parts.preprocessing.crop = {parts.graph.height, parts.graph.width};
  return make_model(std::move(parts), std::move(weights));
}

// The names that random_architecture knows.
inline std::vector<std::string_view> architecture_names() {
  return {"vgg16-gap"};
}

struct ArchitectureOptions {
  Index groups = 1;  // of vgg16-gap's CAM_conv
  Index classes = 1000;
  std::uint64_t seed = 1;
};

// A network by its name, with random weights. Throws Error that lists the names if there is none of
// this one.
inline Model random_architecture(std::string_view name, const ArchitectureOptions& options = {}) {
  if (name == "vgg16-gap") {
    return random_model(vgg16_gap_graph(options.groups, options.classes), options.seed,
                        std::string(name));
  }
  std::string known;
  for (std::string_view one : architecture_names()) known += text(known.empty() ? "" : ", ", one);
  fail("there is no architecture \"", name, "\"; known are: ", known);
}

}  // namespace camlite
