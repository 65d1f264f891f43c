// Call: a node of an ONNX graph with its attributes and the values that it reads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "onnx.pb.h"
#include "onnx_array.hpp"
#include "onnx_view.hpp"

namespace camlite::tool::onnx {

// A value of the graph: a constant, or what the network computes from the picture: a value of the
// Draft and how it is seen.
using Constant = std::shared_ptr<const Array>;
struct Variable {
  std::string name;
  View view;
};
using Value = std::variant<Constant, Variable>;

// Attributes and inputs are checked as they are asked for: what is there and of another kind than
// it should be is an Error. So is an attribute that nobody asked for: see check_all_used.
class Call {
 public:
  // `inputs`: null where an optional one is left out. The node and the values must outlive it.
  Call(const NodeProto& node, Index opset, ArrayReader& arrays, std::vector<const Value*> inputs);

  const std::string& type() const { return node_.op_type(); }
  Index opset() const { return opset_; }  // of the model
  // What the layer is called here: its name, or its output's, or that of the weight in PyTorch.
  std::string name() const;

  std::size_t inputs() const { return inputs_.size(); }
  std::size_t outputs() const { return static_cast<std::size_t>(node_.output_size()); }
  bool has(std::size_t input) const { return input < inputs_.size() && inputs_[input]; }
  bool is_constant(std::size_t input) const;
  bool all_constant() const;
  const Value& value(std::size_t input) const;
  const Variable& variable(std::size_t input) const;
  const Array& constant(std::size_t input) const;
  // The input's shape, whichever it is.
  Extents extents(std::size_t input) const;

  bool has(std::string_view attribute) const { return find(attribute) != nullptr; }
  Index integer(std::string_view attribute, Index otherwise) const;
  bool flag(std::string_view attribute, bool otherwise) const {
    return integer(attribute, otherwise ? 1 : 0) != 0;
  }
  double real(std::string_view attribute, double otherwise) const;
  std::string word(std::string_view attribute, std::string_view otherwise) const;
  std::optional<Extents> integers(std::string_view attribute) const;
  std::optional<std::vector<float>> reals(std::string_view attribute) const;
  std::optional<Array> array(std::string_view attribute) const;

  // What older opsets have as an attribute and newer ones as an input.
  std::optional<Extents> list(std::string_view attribute, std::size_t input) const;
  std::optional<float> number(std::string_view attribute, std::size_t input) const;

  // These do not matter here.
  void ignore(std::initializer_list<std::string_view> attributes) const;
  void check_all_used() const;

 private:
  const AttributeProto* find(std::string_view name) const;

  const NodeProto& node_;
  Index opset_;
  ArrayReader& arrays_;
  std::vector<const Value*> inputs_;
  mutable std::vector<bool> used_;  // by attribute
};

}  // namespace camlite::tool::onnx
