// Graph: a network as the list of its operators, and its text.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <camlite/limits.hpp>
#include <camlite/model/attributes.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/operators.hpp>
#include <camlite/model/text.hpp>

namespace camlite {

// A value is what flows between nodes: value 0 is the picture, value i + 1 is what node i computes.
struct Node {
  std::string name;
  Operator op;
  std::vector<Index> inputs;  // values of earlier nodes
  int line = 0;               // in the graph's text
};

// The operators in order of execution. The last node's value is the result; every other one is read
// by somebody.
struct Graph {
  Index channels = 0;  // of the picture
  Index height = 0;    // of the picture that the network was made for; others work too
  Index width = 0;
  std::vector<Node> nodes;
};

namespace detail {

constexpr std::string_view no_inputs = "-";  // the list of an operator that reads nothing

struct GraphInput {
  static constexpr std::string_view type = "input";
  Index channels = 0;
  Index height = 0;
  Index width = 0;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("channels", self.channels, Need::required);
    visit("height", self.height, Need::required);
    visit("width", self.width, Need::required);
  }
};

// The operator of this type with its default attributes; throws Error if there is none.
inline Operator operator_named(std::string_view type) {
  Operator found;
  const auto matches = [&]<class Candidate>(Candidate candidate) {
    if (Candidate::type != type) return false;
    found = candidate;
    return true;
  };
  const bool known = [&]<class... Candidates>(std::type_identity<std::variant<Candidates...>>) {
    return (matches(Candidates{}) || ...);
  }(std::type_identity<Operator>{});
  if (!known) fail("there is no operator ", in_quotes(type));
  return found;
}

inline void check_arity(const Node& node) {
  const Arity arity = std::visit([](const auto& op) { return op.arity; }, node.op);
  const Index count = std::ssize(node.inputs);
  if (count >= arity.least && count <= arity.most) return;
  const std::string range = arity.least == arity.most ? "" : text(" to ", arity.most);
  fail(type_of(node.op), " takes ", arity.least, range, arity.most == 1 ? " input" : " inputs",
       ", not ", count);
}

// What holds of a graph besides its shapes, however it was made: each name is there once, and every
// value but the result is read. Throws Error naming `source`, line and node.
inline void check_graph(const Graph& graph, std::string_view source) {
  std::vector<bool> is_read(graph.nodes.size() + 1, false);
  std::vector<std::string_view> names;
  for (const Node& node : graph.nodes) {
    names.push_back(node.name);
    for (Index value : node.inputs) {
      if (value >= 0 && value < std::ssize(is_read))
        is_read[static_cast<std::size_t>(value)] = true;
    }
  }
  for (std::size_t i = 0; i + 1 < graph.nodes.size(); ++i) {
    if (!is_read[i + 1]) {
      fail(source, ": graph line ", graph.nodes[i].line, ": nobody reads ", graph.nodes[i].name,
           "; only the last operator's output is the result");
    }
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(source, ": two operators of the graph are named ", *twice);
}

class GraphParser {
 public:
  explicit GraphParser(const LoadLimits& limits) : most_nodes_(limits.graph_lines) {}

  Graph parse(std::string_view text, std::string_view source) {
    for_each_line(text, [&](std::string_view line, int number) {
      try {
        parse_line(line, number);
      } catch (const Error& error) {
        fail(source, ": graph line ", number, ": ", error.what());
      }
    });
    if (!seen_input_) fail(source, ": the graph is empty");
    if (graph_.nodes.empty()) fail(source, ": the graph has an input and no operators");
    check_graph(graph_, source);
    return std::move(graph_);
  }

 private:
  using Attributes = std::vector<std::pair<std::string_view, std::string_view>>;

  void parse_line(std::string_view line, int number) {
    const std::string_view name = next_word(line);
    if (name.empty()) return;
    if (!seen_input_) {
      if (name != "input") fail("the first line must be `input channels=... height=... width=...`");
      parse_input(line);
      return;
    }
    if (std::ssize(graph_.nodes) == most_nodes_) {
      fail("operator ", most_nodes_ + 1, above_limit(most_nodes_, "LoadLimits::graph_lines"));
    }
    const std::string_view type = next_word(line);
    try {
      if (name.find_first_of(",=") != std::string_view::npos)
        fail("a name has no comma and no \"=\"");
      if (name == no_inputs) fail("this stands for no inputs, it is no name");
      if (type.empty()) fail("the operator is missing");
      Node node{std::string(name), operator_named(type), parse_sources(next_word(line)), number};
      std::visit([&](auto& op) { read_attributes(op, parse_attributes(line)); }, node.op);
      check_arity(node);
      if (!values_.emplace(name, std::ssize(graph_.nodes) + 1).second)
        fail("there is one of this name already");
      graph_.nodes.push_back(std::move(node));
    } catch (const Error& error) {
      fail(name, ": ", error.what());
    }
  }

  void parse_input(std::string_view line) {
    GraphInput input;
    read_attributes(input, parse_attributes(line));
    for (Index extent : {input.channels, input.height, input.width}) {
      if (extent < 1) fail("input: channels, height and width must be at least 1, not ", extent);
    }
    checked_product(checked_product(input.height, input.width), input.channels);
    graph_.channels = input.channels;
    graph_.height = input.height;
    graph_.width = input.width;
    seen_input_ = true;
    values_.emplace("input", 0);
  }

  std::vector<Index> parse_sources(std::string_view list) {
    if (list.empty()) fail("its inputs are missing");
    if (list == no_inputs) return {};
    if (list.ends_with(',')) fail("its list of inputs ends with a comma");
    std::vector<Index> sources;
    do {
      const std::string_view name = next_piece(list, ',');
      const auto value = values_.find(std::string(name));
      if (value == values_.end())
        fail("its input ", in_quotes(name), " is not the name of an earlier line");
      sources.push_back(value->second);
    } while (!list.empty());
    return sources;
  }

  static Attributes parse_attributes(std::string_view line) {
    Attributes attributes;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      const std::size_t equals = word.find('=');
      if (equals == std::string_view::npos) fail(in_quotes(word), " is not of the form key=value");
      attributes.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return attributes;
  }

  Index most_nodes_;
  Graph graph_;
  bool seen_input_ = false;
  std::map<std::string, Index> values_;  // no hash table, in which names can be made to meet
};

}  // namespace detail

// A graph from its text: one operator a line, `name operator input[,input...] key=value...`, in
// order of execution, `-` where it has no inputs; the first line is
// `input channels=3 height=224 width=224`; empty lines are skipped. Throws Error naming `source`,
// the line and what is wrong with it.
inline Graph parse_graph(std::string_view text, std::string_view source = "graph",
                         const LoadLimits& limits = {}) {
  return detail::GraphParser(limits).parse(text, source);
}

// The text from which parse_graph makes the same graph. Attributes that have their default value
// are left out.
inline std::string graph_text(const Graph& graph) {
  std::string out = text("input channels=", graph.channels, " height=", graph.height,
                         " width=", graph.width, "\n");
  for (const Node& node : graph.nodes) {
    out += text(node.name, ' ', type_of(node.op), ' ');
    if (node.inputs.empty()) out += detail::no_inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Index value = node.inputs[i];
      out += i > 0 ? "," : "";
      out += value == 0 ? "input" : graph.nodes[static_cast<std::size_t>(value - 1)].name;
    }
    out += std::visit([](const auto& op) { return detail::attributes_text(op); }, node.op) + "\n";
  }
  return out;
}

// The shapes of some values of a graph. Throws Error if one of them has none yet.
inline std::vector<Shape> shapes_of(std::span<const Index> values, std::span<const Shape> shapes) {
  std::vector<Shape> list;
  for (Index value : values) {
    if (value < 0 || value >= std::ssize(shapes))
      fail("reads value ", value, " before it is there");
    list.push_back(shapes[static_cast<std::size_t>(value)]);
  }
  return list;
}

// The same as a node sees its inputs.
inline std::vector<Shape> input_shapes(const Node& node, std::span<const Shape> shapes) {
  return shapes_of(node.inputs, shapes);
}

// The shape of every value for an input of (N, H, W, C): element 0 is the input, i + 1 the output
// of node i. Throws Error naming `source`, the line and the node that cannot be applied, or if the
// result is not one a picture.
inline std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input,
                                       std::string_view source = "graph") {
  if (input.rank() != 4 || input[3] != graph.channels) {
    fail(source, ": the network's input is (N, H, W, ", graph.channels, "), not ", input.str());
  }
  std::vector<Shape> shapes{input};
  for (const Node& node : graph.nodes) {
    try {
      detail::check_arity(node);
      shapes.push_back(output_shape_of(node.op, input_shapes(node, shapes)));
    } catch (const Error& error) {
      fail(source, ": graph line ", node.line, ": ", node.name, ": ", error.what());
    }
  }
  if (shapes.back()[0] != input[0]) {
    fail(source, ": the result is ", shapes.back().str(), " for ", input[0],
         " pictures: it is constant, and not one a picture");
  }
  return shapes;
}

}  // namespace camlite
