// What the networks by name are written down with.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <camlite/model/graph.hpp>

namespace camlite {

// What may differ between networks of one name.
struct ArchitectureOptions {
  Index classes = 1000;
  Index groups = 1;  // of the convolutions that the paper adds: CAM_conv; conv6 and conv7
  Index size = 0;    // of the pictures, height and width; 0: what the network was published for
  std::uint64_t seed = 1;  // of random weights
};

// A graph, operator by operator: reads like the forward function of a PyTorch module. What is wrong
// in the graph is found where it is used, by `infer_shapes`.
class GraphBuilder {
 public:
  using Value = Index;
  static constexpr Value input = 0;

  // For RGB pictures, size x size.
  explicit GraphBuilder(Index size) : graph_{3, size, size, {}} {}

  // Appends an operator, and returns its value.
  Value add(std::string name, Operator op, std::vector<Value> inputs) {
    const auto line = static_cast<int>(graph_.nodes.size()) + 2;
    graph_.nodes.push_back({std::move(name), op, std::move(inputs), line});
    return std::ssize(graph_.nodes);
  }

  Value conv_relu(std::string conv, std::string relu, Value in, const Conv2d& how) {
    return add(std::move(relu), Relu{}, {add(std::move(conv), how, {in})});
  }

  Value conv_norm(std::string conv, std::string norm, Value in, const Conv2d& how) {
    return add(std::move(norm), BatchNorm{}, {add(std::move(conv), how, {in})});
  }

  Value max_pool(std::string name, Value in, const Pool2d& how) {
    return add(std::move(name), MaxPool2d{how}, {in});
  }

  Graph graph() && { return std::move(graph_); }

 private:
  Graph graph_;
};

namespace detail {

inline Index size_or(const ArchitectureOptions& options, Index usual) {
  return options.size == 0 ? usual : options.size;
}

inline constexpr bool with_norm = true;

// The paper's head, under the names of its authors' Caffe models: a 3x3 convolution with 1024
// units, here with batch normalization if wanted, GAP, linear, softmax.
inline Graph with_cam_head(GraphBuilder net, GraphBuilder::Value x,
                           const ArchitectureOptions& options, bool norm = false) {
  x = net.add("CAM_conv",
              Conv2d{.out_channels = 1024, .kernel = 3, .padding = 1, .groups = options.groups},
              {x});
  if (norm) x = net.add("CAM_bn", BatchNorm{}, {x});
  x = net.add("CAM_relu", Relu{}, {x});
  x = net.add("CAM_pool", GlobalAvgPool{}, {x});
  x = net.add("CAM_fc", Linear{.out_features = options.classes}, {x});
  net.add("prob", Softmax{}, {x});
  return std::move(net).graph();
}

}  // namespace detail
}  // namespace camlite
