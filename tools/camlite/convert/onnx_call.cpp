#include "onnx_call.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace camlite::tool::onnx {

namespace {

enum Kind {
  a_float = 1,
  an_int = 2,
  a_string = 3,
  a_tensor = 4,
  a_graph = 5,
  floats = 6,
  ints = 7
};

// Some old files do not say what kind an attribute is.
void check_kind(const AttributeProto& attribute, Kind kind, bool looks_like_it) {
  const bool good = attribute.has_type() ? attribute.type() == kind : looks_like_it;
  if (!good) fail("its attribute \"", attribute.name(), "\" is of another kind than it should be");
}

}  // namespace

Call::Call(const NodeProto& node, Index opset, ArrayReader& arrays,
           std::vector<const Value*> inputs)
    : node_(node),
      opset_(opset),
      arrays_(arrays),
      inputs_(std::move(inputs)),
      used_(static_cast<std::size_t>(node.attribute_size())) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.has_ref_attr_name())
      fail("its attribute \"", attribute.name(),
           "\" is that of a function, which is not supported");
    if (attribute.type() == a_graph || attribute.has_g() || attribute.graphs_size() > 0)
      fail("its attribute \"", attribute.name(), "\" is a subgraph, which is not supported");
  }
}

// PyTorch names the nodes of a graph by their numbers, and their weights by the layers.
std::string Call::name() const {
  constexpr std::string_view suffix = ".weight";
  if (node_.input_size() > 1) {
    const std::string& weight = node_.input(1);
    if (weight.size() > suffix.size() && weight.ends_with(suffix))
      return weight.substr(0, weight.size() - suffix.size());
  }
  return !node_.name().empty() || node_.output_size() == 0 ? node_.name() : node_.output(0);
}

bool Call::is_constant(std::size_t input) const {
  return has(input) && std::holds_alternative<Constant>(*inputs_[input]);
}

bool Call::all_constant() const {
  return std::all_of(inputs_.begin(), inputs_.end(), [](const Value* value) {
    return !value || std::holds_alternative<Constant>(*value);
  });
}

const Value& Call::value(std::size_t input) const {
  if (!has(input)) fail("its input ", input + 1, " is missing");
  return *inputs_[input];
}

const Variable& Call::variable(std::size_t input) const {
  const auto* variable = std::get_if<Variable>(&value(input));
  if (!variable) fail("its input ", input + 1, " is a constant, which is not supported");
  return *variable;
}

const Array& Call::constant(std::size_t input) const {
  const auto* array = std::get_if<Constant>(&value(input));
  if (!array)
    fail("its input ", input + 1, " depends on the picture; only a constant is supported");
  return **array;
}

Extents Call::extents(std::size_t input) const {
  return is_constant(input) ? constant(input).shape : variable(input).view.extents();
}

const AttributeProto* Call::find(std::string_view name) const {
  for (int i = 0; i < node_.attribute_size(); ++i) {
    if (node_.attribute(i).name() == name) {
      used_[static_cast<std::size_t>(i)] = true;
      return &node_.attribute(i);
    }
  }
  return nullptr;
}

Index Call::integer(std::string_view attribute, Index otherwise) const {
  const AttributeProto* found = find(attribute);
  if (!found) return otherwise;
  check_kind(*found, an_int, found->has_i());
  return found->i();
}

double Call::real(std::string_view attribute, double otherwise) const {
  const AttributeProto* found = find(attribute);
  if (!found) return otherwise;
  check_kind(*found, a_float, found->has_f());
  return found->f();
}

std::string Call::word(std::string_view attribute, std::string_view otherwise) const {
  const AttributeProto* found = find(attribute);
  if (!found) return std::string(otherwise);
  check_kind(*found, a_string, found->has_s());
  return found->s();
}

std::optional<Extents> Call::integers(std::string_view attribute) const {
  const AttributeProto* found = find(attribute);
  if (!found) return {};
  check_kind(*found, ints, found->ints_size() > 0);
  return Extents(found->ints().begin(), found->ints().end());
}

std::optional<std::vector<float>> Call::reals(std::string_view attribute) const {
  const AttributeProto* found = find(attribute);
  if (!found) return {};
  check_kind(*found, floats, found->floats_size() > 0);
  return std::vector<float>(found->floats().begin(), found->floats().end());
}

std::optional<Array> Call::array(std::string_view attribute) const {
  const AttributeProto* found = find(attribute);
  if (!found) return {};
  check_kind(*found, a_tensor, found->has_t());
  return arrays_.read(found->t());
}

std::optional<Extents> Call::list(std::string_view attribute, std::size_t input) const {
  if (!has(input)) return integers(attribute);
  const Array& array = constant(input);
  if (array.shape.size() > 1)
    fail("its input ", input + 1, " has shape ", str(array.shape), ", it must be a list");
  const std::vector<std::int64_t>& given = array.integers();
  return Extents(given.begin(), given.end());
}

std::optional<float> Call::number(std::string_view attribute, std::size_t input) const {
  if (has(input)) return constant(input).real();
  if (!has(attribute)) return {};
  return static_cast<float>(real(attribute, 0));
}

void Call::ignore(std::initializer_list<std::string_view> attributes) const {
  for (std::string_view attribute : attributes) find(attribute);
}

void Call::check_all_used() const {
  for (int i = 0; i < node_.attribute_size(); ++i) {
    if (!used_[static_cast<std::size_t>(i)])
      fail("its attribute \"", node_.attribute(i).name(), "\" is not supported");
  }
}

}  // namespace camlite::tool::onnx
