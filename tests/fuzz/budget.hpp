// How much work a graph asks for: targets run what is cheap, and leave the rest.
#pragma once

#include <algorithm>
#include <variant>

#include <camlite/model/graph.hpp>

namespace camlite::fuzz {

// At most, about: elements read by every operator for the input. Throws Error as infer_shapes does,
// and where it does not fit into 63 bits.
inline Index work_of(const Graph& graph, const Shape& input) {
  const std::vector<Shape> shapes = infer_shapes(graph, input);
  Index work = input.size();
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const std::vector<Shape> in = input_shapes(node, shapes);
    Index each = 1;
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (requires { op.kernel; }) {
            each = checked_product(op.kernel.height, op.kernel.width);
          }
          if constexpr (std::is_same_v<Op, Lrn>) each = std::min(op.size, in[0][in[0].rank() - 1]);
        },
        node.op);
    work =
        detail::checked_sum(work, checked_product(shapes[i + 1].size(), std::max<Index>(each, 1)));
    work = detail::checked_sum(work, multiply_adds_of(node.op, in));
    for (const Shape& shape : in) work = detail::checked_sum(work, shape.size());
    for (const Parameter& parameter : parameters_of(node.op, in))
      work = detail::checked_sum(work, parameter.shape.size());
  }
  return work;
}

inline constexpr Index most_work = 1 << 21;

}  // namespace camlite::fuzz
