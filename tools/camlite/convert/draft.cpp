#include "draft.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>

#include <camlite/model/half.hpp>
#include <camlite/model/text.hpp>

namespace camlite::tool {

namespace {

const std::string picture_value = "input";

// Stores a weight as 16 bits. Throws Error, naming the tensor, if it becomes infinite that was not.
template <class Narrow>
void store_narrow(const Tensor<float>& values, const std::string& name, std::string_view type,
                  Narrow narrow, std::byte* out) {
  for (Index i = 0; i < values.size(); ++i) {
    const float value = values.data()[i];
    const std::uint16_t bits = narrow(value);
    const bool infinite = (bits & 0x7FFFU) == narrow(INFINITY);
    if (infinite && std::isfinite(value))
      fail("tensor \"", name, "\": ", value, " is too large for ", type);
    std::memcpy(out + i * 2, &bits, 2);
  }
}

// The elements of a tensor as they are stored.
std::vector<std::byte> stored(const Tensor<float>& values, const std::string& name, DType dtype) {
  const std::size_t width = dtype == DType::F32 ? 4 : 2;
  std::vector<std::byte> bytes(static_cast<std::size_t>(values.size()) * width);
  if (dtype == DType::F16) {
    store_narrow(values, name, "F16", half_from_float, bytes.data());
  } else if (dtype == DType::BF16) {
    store_narrow(values, name, "BF16", bfloat_from_float, bytes.data());
  } else if (!bytes.empty()) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

}  // namespace

Tensor<float>& DraftNode::tensor(std::string_view suffix) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const auto& pair) { return pair.first == suffix; });
  if (found == tensors.end()) fail(name, ": there is no tensor ", name, ".", suffix);
  return found->second;
}

Draft::Draft(std::string source, Index channels, Index height, Index width)
    : source_(std::move(source)), channels_(channels), height_(height), width_(width) {
  for (Index extent : {channels, height, width}) {
    if (extent < 1) {
      fail(source_, ": an input of ", channels, " channels and ", height, "x", width,
           " pixels cannot be");
    }
  }
  checked_product(checked_product(height, width), channels);
  values_[picture_value] = picture_value;
  shapes_[picture_value] = input_shape();
}

const std::string& Draft::node_of(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) fail(source_, ": there is no value \"", name, "\" yet");
  return found->second;
}

const Shape& Draft::shape(const std::string& name) const {
  return shapes_.at(node_of(name));
}

const DraftNode& Draft::node(const std::string& name) const {
  const std::string& wanted = node_of(name);
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](const DraftNode& node) { return node.name == wanted; });
  if (found == nodes_.end()) fail(source_, ": \"", name, "\" is the picture, no layer's value");
  return *found;
}

// A graph's text is UTF-8, and divides its words by blanks, inputs by commas and attributes by "=".
std::string Draft::usable_name(const std::string& wanted) const {
  std::string name = wanted.empty() ? "layer" : wanted;
  const bool is_utf8 = detail::valid_utf8_prefix(name) == name.size();
  for (char& c : name) {
    const auto code = static_cast<unsigned char>(c);
    if (c == ',' || c == '=' || code <= ' ' || code == 0x7f || (code > 0x7f && !is_utf8)) c = '_';
  }
  const auto taken = [&](const std::string& candidate) {
    return candidate == picture_value || candidate == "-" ||
           std::any_of(nodes_.begin(), nodes_.end(),
                       [&](const DraftNode& node) { return node.name == candidate; });
  };
  if (!taken(name)) return name;
  for (int number = 2;; ++number) {
    std::string candidate = text(name, '_', number);
    if (!taken(candidate)) return candidate;
  }
}

// The shape of a node's value; its inputs are names of nodes.
Shape Draft::checked_shape(const DraftNode& node) const try {
  const Arity arity = std::visit([](const auto& op) { return op.arity; }, node.op);
  const Index count = std::ssize(node.inputs);
  if (count < arity.least || count > arity.most) fail("it has ", count, " inputs");
  std::vector<Shape> in;
  for (const std::string& input : node.inputs) in.push_back(shapes_.at(input));
  const Shape out = output_shape_of(node.op, in);
  const std::vector<Parameter> needed = parameters_of(node.op, in);
  for (const Parameter& parameter : needed) {
    const auto given = std::find_if(node.tensors.begin(), node.tensors.end(),
                                    [&](const auto& t) { return t.first == parameter.suffix; });
    if (given == node.tensors.end()) fail("its ", parameter.suffix, " is missing");
    if (given->second.shape() != parameter.shape) {
      fail("its ", parameter.suffix, " is ", given->second.shape().str(), ", it needs ",
           parameter.shape.str());
    }
  }
  if (needed.size() != node.tensors.size())
    fail("it has ", node.tensors.size(), " tensors and needs ", needed.size());
  return out;
} catch (const Error& error) {
  fail(source_, ": layer \"", node.name, "\" (", type_of(node.op), "): ", error.what());
}

const Shape& Draft::add(DraftNode node, ConversionReport& report) {
  constexpr Index most_layers = LoadLimits().graph_lines;
  if (std::ssize(nodes_) == most_layers) fail(source_, ": more than ", most_layers, " layers");
  for (std::string& input : node.inputs) input = node_of(input);
  const Shape shape = checked_shape(node);
  const std::string wanted = node.name;
  node.name = usable_name(wanted);
  if (node.name != wanted)
    report.changed(node.name, text("was called \"", wanted, "\" in the file"));
  values_[wanted] = node.name;
  values_.emplace(node.name, node.name);
  nodes_.push_back(std::move(node));
  return shapes_[nodes_.back().name] = shape;
}

void Draft::set_result(const std::string& name) {
  result_ = node_of(name);
  if (result_ == picture_value) fail(source_, ": the result is the picture itself");
}

void Draft::resize(Index height, Index width) try {
  Draft resized(source_, channels_, height, width);
  for (const DraftNode& node : nodes_) resized.shapes_[node.name] = resized.checked_shape(node);
  shapes_ = std::move(resized.shapes_);
  std::erase_if(values_, [&](const auto& value) { return !shapes_.contains(value.second); });
  height_ = height;
  width_ = width;
} catch (const Error& error) {
  fail("for pictures of ", height, "x", width, ": ", error.what());
}

Draft to_draft(const Graph& graph, const std::string& source, ConversionReport& report,
               const std::function<Tensor<float>(const std::string&)>& tensor) {
  Draft draft(source, graph.channels, graph.height, graph.width);
  const std::vector<Shape> shapes = infer_shapes(graph, draft.input_shape(), source);
  for (const Node& node : graph.nodes) {
    DraftNode copy{node.name, node.op, {}, {}};
    for (Index value : node.inputs) {
      copy.inputs.push_back(value == 0 ? picture_value
                                       : graph.nodes[static_cast<std::size_t>(value - 1)].name);
    }
    for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes))) {
      copy.tensors.emplace_back(parameter.suffix, tensor(text(node.name, '.', parameter.suffix)));
    }
    draft.add(std::move(copy), report);
  }
  return draft;
}

Model to_model(Draft draft, DType dtype) {
  ModelParts parts;
  parts.source = draft.source_;
  parts.graph = {draft.channels_, draft.height_, draft.width_, {}};
  parts.labels = std::move(draft.labels);
  if (draft.preprocessing) parts.preprocessing = *draft.preprocessing;
  parts.boxes = draft.boxes;
  parts.notes = std::move(draft.notes);
  std::unordered_map<std::string, Index> values{{picture_value, 0}};
  auto storage = std::make_shared<std::vector<std::vector<std::byte>>>();
  try {
    for (DraftNode& node : draft.nodes_) {
      std::vector<Index> inputs;
      for (const std::string& input : node.inputs) inputs.push_back(values.at(input));
      for (const auto& [suffix, tensor] : node.tensors) {
        const std::string name = text(node.name, '.', suffix);
        storage->push_back(stored(tensor, name, dtype));
        parts.tensors.push_back(
            {name, dtype, {tensor.shape().begin(), tensor.shape().end()}, storage->back()});
      }
      node.tensors.clear();  // one copy of the weights at a time
      const auto line = static_cast<int>(parts.graph.nodes.size()) + 2;
      parts.graph.nodes.push_back({node.name, node.op, std::move(inputs), line});
      values.emplace(node.name, std::ssize(parts.graph.nodes));
    }
  } catch (const Error& error) {
    fail(draft.source_, ": ", error.what());
  }
  parts.storage = std::move(storage);
  return Model(std::move(parts));
}

}  // namespace camlite::tool
