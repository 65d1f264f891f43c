// Builder: the Draft of an ONNX model while its nodes are gone through.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "draft.hpp"
#include "onnx_call.hpp"

namespace camlite::tool::onnx {

class Builder {
 public:
  using Tensors = std::vector<std::pair<std::string, Tensor<float>>>;

  // `pictures`: how many the file's batch has; 1 where it does not say. `elements`: how
  // many may be computed from constants.
  Builder(Draft& draft, ConversionReport& to, Index pictures, Index elements)
      : report(to), budget(elements), draft_(draft), pictures_(pictures) {}

  ConversionReport& report;
  Index budget;

  // Adds a layer and returns the name of its value.
  std::string add(const std::string& name, const Operator& op, std::vector<std::string> inputs,
                  Tensors tensors = {});
  // The same with the number of input values that it computes, seen as the input is.
  Variable add_like(const Variable& in, const std::string& name, const Operator& op,
                    Tensors tensors = {});
  // A constant (C, H, W), as a value that broadcasts.
  std::string add_constant(const std::string& name, Tensor<float> value);

  const Shape& shape(const std::string& value) const { return draft_.shape(value); }
  Index pictures() const { return pictures_; }
  // The operator that computes a value, and what from; null for the picture.
  const DraftNode* node(const std::string& value) const;

  // The whole of a value as (N, C, H, W) or (N, C).
  Variable as_map(std::string name) const;
  Variable as_vector(std::string name) const;

  // What an operator needs of a variable: the name of a value that is the variable as a map (N, C,
  // H, W), or as a vector (N, K), for which it may be flattened, in a layer named after `name`.
  // Throw Error if it is not like that.
  std::string map(const Variable& variable) const;
  std::string vector(const Variable& variable, const std::string& name);

 private:
  Draft& draft_;
  Index pictures_;
};

}  // namespace camlite::tool::onnx
