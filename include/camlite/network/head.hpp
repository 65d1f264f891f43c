// Head: what makes logits, and class activation maps, of a network's last feature map.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <camlite/model/graph.hpp>

namespace camlite {

// Global average pooling and at most one linear layer behind it; or why a network has none of that.
struct Head {
  std::string features;    // the layer whose output is pooled; "input" is the picture
  std::string pool;        // the global_avg_pool
  std::string classifier;  // linear or a 1x1 convolution; empty: the features' channels are classes
  std::string missing;     // why there are no maps, and what could be done; empty if there are

  TensorView<const float> weight;  // (K, C); empty where the features' channels are the classes
  TensorView<const float> bias;    // (K); empty if there is none
  Index classes = 0;
  std::shared_ptr<const void> storage;  // of both, shared with the network
};

namespace detail {

// Throws Error naming `source` if there are no maps.
inline void require_maps(const Head& head, std::string_view source) {
  if (!head.missing.empty()) fail(source, ": no class activation maps: ", head.missing);
}

// By value: whether it is one vector a picture, (N, C) or (N, 1, 1, C), for pictures of any size,
// as behind global_avg_pool. shapes: of the values, for some input.
inline std::vector<bool> vector_values(const Graph& graph, std::span<const Shape> shapes) {
  std::vector<bool> fixed{false}, vectors{false};  // fixed: of the same shape for any picture
  for (const Node& node : graph.nodes) {
    fixed.push_back(std::holds_alternative<GlobalAvgPool>(node.op) ||
                    std::all_of(node.inputs.begin(), node.inputs.end(), [&](Index value) {
                      return bool{fixed[static_cast<std::size_t>(value)]};
                    }));
    const Shape& shape = shapes[vectors.size()];
    vectors.push_back(fixed.back() &&
                      (shape.rank() == 2 || (shape.rank() == 4 && shape[1] == 1 && shape[2] == 1)));
  }
  return vectors;
}

// Where a graph's results are, by value, and the CAM head's nodes.
struct Results {
  Index logits = 0;
  std::optional<Index> probabilities;     // where the graph ends with softmax
  std::optional<std::size_t> pool;        // where there is a head
  std::optional<std::size_t> classifier;  // likewise; none where the channels are the classes
  std::string missing;                    // as Head's
};

// Walks from the result back to the pooling:
//
//   features -> global_avg_pool -> [linear, or a 1x1 convolution -> [scale]] -> [softmax]
//
// with dropout and flatten anywhere behind the pooling, and batch_norm as scale.
class ResultFinder {
 public:
  // shapes: of the graph's values, for one picture of its own size; vectors: see vector_values.
  ResultFinder(const Graph& graph, std::span<const Shape> shapes, const std::vector<bool>& vectors)
      : nodes_(graph.nodes), shapes_(shapes), vectors_(vectors) {}

  Results find() const {
    Results results;
    const Index result = std::ssize(nodes_);
    Index value = result;
    while (value > 0 && does_nothing(index(value))) value = node(value).inputs[0];
    if (is<Softmax>(value)) {
      results.probabilities = result;
      value = node(value).inputs[0];
    }
    results.logits = value;
    // What is behind the pooling, or behind the last feature map where there is no pooling.
    std::vector<std::size_t> behind;
    while (!is_map(value) && !is<GlobalAvgPool>(value)) {
      if (!does_nothing(index(value)) && !is<Flatten>(value)) behind.push_back(index(value));
      if (node(value).inputs.empty()) break;
      value = node(value).inputs[0];
    }
    std::reverse(behind.begin(), behind.end());
    if (!is<GlobalAvgPool>(value)) {
      results.missing = without_pooling(value, behind);
    } else if (!is_classifier(behind)) {
      results.missing =
          text(list(behind), behind.size() > 1 ? " stand" : " stands", " between ", titled(value),
               " and the logits, where maps need one linear layer at most; replace ",
               behind.size() > 1 ? "them" : "it", " by one linear layer and retrain");
    } else {
      results.pool = index(value);
      if (!behind.empty()) results.classifier = behind[0];
    }
    return results;
  }

  // Whether a node's value is its input, number by number: dropout, flatten of vectors, and concat
  // of one map.
  bool does_nothing(std::size_t i) const {
    return is<Dropout>(value_of(i)) ||
           (is<Flatten>(value_of(i)) && is_vector(nodes_[i].inputs[0])) ||
           (is<Concat>(value_of(i)) && nodes_[i].inputs.size() == 1);
  }

  // Whether a node is a linear layer: linear, or a 1x1 convolution of vectors.
  bool is_linear(std::size_t i) const {
    const auto* conv = std::get_if<Conv2d>(&nodes_[i].op);
    return is<Linear>(value_of(i)) ||
           (conv && is_vector(nodes_[i].inputs[0]) && conv->kernel == Size2d(1) &&
            conv->padding == Size2d(0) && conv->groups == 1);
  }

 private:
  static Index value_of(std::size_t node) { return static_cast<Index>(node + 1); }
  static std::size_t index(Index value) { return static_cast<std::size_t>(value - 1); }
  const Node& node(Index value) const { return nodes_[index(value)]; }
  const Shape& shape(Index value) const { return shapes_[static_cast<std::size_t>(value)]; }
  bool is_vector(Index value) const { return vectors_[static_cast<std::size_t>(value)]; }

  template <class Type>
  bool is(Index value) const {
    return value > 0 && std::holds_alternative<Type>(node(value).op);
  }

  // A feature map: the picture, or a value as large as the picture makes it.
  bool is_map(Index value) const { return shape(value).rank() == 4 && !is_vector(value); }

  // Nothing, or a linear layer and what is folded into it.
  bool is_classifier(std::span<const std::size_t> nodes) const {
    return nodes.empty() ||
           (is_linear(nodes[0]) && std::all_of(nodes.begin() + 1, nodes.end(), [&](std::size_t i) {
              return is<BatchNorm>(value_of(i)) || is<Scale>(value_of(i));
            }));
  }

  // "relu5 (relu)"
  std::string titled(Index value) const {
    if (value == 0) return "the input";
    return text(node(value).name, " (", type_of(node(value).op), ")");
  }

  // "a (linear), b (relu) and c (linear)"; of many, the first and the last ones.
  std::string list(std::span<const std::size_t> nodes) const {
    constexpr std::size_t most = 6;
    std::string out;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes.size() > most && i == most / 2) {
        i = nodes.size() - most / 2;
        out += ", ...";
      }
      if (i > 0) out += i + 1 == nodes.size() ? " and " : ", ";
      out += titled(value_of(nodes[i]));
    }
    return out;
  }

  // Why there is no head where `behind` leads from this value to the logits without a pooling.
  std::string without_pooling(Index map, std::span<const std::size_t> behind) const {
    if (is<AvgPool2d>(map)) {
      const auto& pool = std::get<AvgPool2d>(node(map).op);
      const Shape& in = shape(node(map).inputs[0]);
      if (pool.kernel == Size2d(in[1], in[2])) {
        return text(titled(map), " averages the whole map for pictures of one size only; make it ",
                    GlobalAvgPool::type);
      }
    }
    if (behind.empty()) {
      return text("the result is the feature map of ", titled(map), "; put ", GlobalAvgPool::type,
                  " behind it");
    }
    return text(list(behind), behind.size() > 1 ? " lead" : " leads",
                " from the last feature map, that of ", titled(map), ", to the logits without ",
                GlobalAvgPool::type, "; replace ", behind.size() > 1 ? "them" : "it",
                " by global average pooling and one linear layer, as the paper's VGGnet-GAP does, "
                "and retrain");
  }

  std::span<const Node> nodes_;
  std::span<const Shape> shapes_;
  const std::vector<bool>& vectors_;
};

}  // namespace detail
}  // namespace camlite
