// Folding: an affine function of each channel behind a linear operator is that operator with other
// weights. What batch normalization costs once a network is trained, then, is nothing.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/model/operators.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// y = scale(c) * x + shift(c). In double, so that folding costs one rounding.
struct ChannelAffine {
  std::vector<double> scale;
  std::vector<double> shift;
};

// What a batch_norm or scale computes; none for other operators. tensor(suffix) returns the
// operator's parameter of this name, (C).
template <class TensorOf>
std::optional<ChannelAffine> channel_affine(const Operator& op, const TensorOf& tensor) {
  ChannelAffine affine;
  const auto put = [&](double scale, double shift) {
    affine.scale.push_back(scale);
    affine.shift.push_back(shift);
  };
  if (const auto* norm = std::get_if<BatchNorm>(&op)) {
    const Tensor<float>&weight = tensor("weight"), &bias = tensor("bias");
    const Tensor<float>&mean = tensor("running_mean"), &variance = tensor("running_var");
    for (Index c = 0; c < weight.size(); ++c) {
      const auto [scale, shift] = norm->affine<double>(weight(c), bias(c), mean(c), variance(c));
      put(scale, shift);
    }
    return affine;
  }
  if (const auto* scale = std::get_if<Scale>(&op)) {
    const Tensor<float>& weight = tensor("weight");
    Tensor<float> bias(weight.shape());
    if (scale->bias) bias = tensor("bias");
    for (Index c = 0; c < weight.size(); ++c) put(weight(c), bias(c));
    return affine;
  }
  return {};
}

// Whether an operator that an affine function can be folded into has a bias yet; none for an
// operator that none can be folded into. Its parameter `weight` has a row for each output channel.
inline std::optional<bool> foldable_bias(const Operator& op) {
  if (const auto* conv = std::get_if<Conv2d>(&op)) return conv->bias;
  if (const auto* linear = std::get_if<Linear>(&op)) return linear->bias;
  if (const auto* scale = std::get_if<Scale>(&op)) return scale->bias;
  if (std::holds_alternative<BatchNorm>(op)) return true;
  return {};
}

// Folds `behind`, which is applied to the operator's output, into the operator, which has a bias
// from then on:
//
//   weight(o, ...) = scale(o) * weight(o, ...),  bias(o) = scale(o) * bias(o) + shift(o)
//
// weight (O, ...), bias (O), zeros if there was none. The operator is one that foldable_bias knows.
inline void fold(const ChannelAffine& behind, Operator& op, Tensor<float>& weight,
                 Tensor<float>& bias) {
  const auto give_bias = [](auto& o) {
    if constexpr (requires { o.bias = true; }) o.bias = true;
  };
  std::visit(give_bias, op);
  const Index rows = bias.size(), row = weight.size() / rows;
  for (Index o = 0; o < rows; ++o) {
    const double scale = behind.scale[static_cast<std::size_t>(o)];
    const double shift = behind.shift[static_cast<std::size_t>(o)];
    float* w = weight.data() + o * row;
    for (Index i = 0; i < row; ++i) w[i] = static_cast<float>(w[i] * scale);
    bias(o) = static_cast<float>(bias(o) * scale + shift);
  }
}

}  // namespace camlite
