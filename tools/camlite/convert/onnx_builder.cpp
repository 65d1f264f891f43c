#include "onnx_builder.hpp"

namespace camlite::tool::onnx {

std::string Builder::add(const std::string& name, const Operator& op,
                         std::vector<std::string> inputs, Tensors tensors) {
  std::string free = name;
  for (int number = 2; draft_.has(free); ++number) free = text(name, '_', number);
  draft_.add({std::move(free), op, std::move(inputs), std::move(tensors)}, report);
  return draft_.nodes().back().name;
}

Variable Builder::add_like(const Variable& in, const std::string& name, const Operator& op,
                           Tensors tensors) {
  return {add(name, op, {in.name}, std::move(tensors)), in.view};
}

std::string Builder::add_constant(const std::string& name, Tensor<float> value) {
  const camlite::Constant op{value.extent(1), value.extent(2), value.extent(0)};
  Tensors tensors;
  tensors.emplace_back("value", std::move(value));
  return add(name, op, {}, std::move(tensors));
}

const DraftNode* Builder::node(const std::string& value) const {
  return value == "input" ? nullptr : &draft_.node(value);
}

Variable Builder::as_map(std::string name) const {
  View view = View::map(pictures_, shape(name));
  return {std::move(name), std::move(view)};
}

Variable Builder::as_vector(std::string name) const {
  View view = View::vector(pictures_, shape(name));
  return {std::move(name), std::move(view)};
}

std::string Builder::map(const Variable& variable) const {
  const View& view = variable.view;
  if (view.is_map()) return variable.name;
  fail("its input of shape ", str(view.extents()),
       " was reshaped or transposed in a way that is not supported; it needs (N, C, H, W)");
}

std::string Builder::vector(const Variable& variable, const std::string& name) {
  const View& view = variable.view;
  if (view.is_vector()) return variable.name;
  if (view.is_flat_in_order()) return add(name + ".flatten", Flatten{}, {variable.name});
  fail("its input of shape ", str(view.extents()),
       " was reshaped or transposed in a way that is not supported; it needs (N, K)");
}

}  // namespace camlite::tool::onnx
