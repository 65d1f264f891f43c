// Activations and arithmetic.

#include <cmath>
#include <limits>

#include "onnx_operators.hpp"

namespace camlite::tool::onnx {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Operators of one input, each number by itself: however it is seen.
Values unary(Builder& builder, const Call& call, const Operator& op) {
  return {builder.add_like(call.variable(0), call.name(), op)};
}

Values clamped(Builder& builder, const Call& call, const Variable& in, double least, double most) {
  if (least == -infinity && most == infinity) return {in};
  Operator op = Clamp{least, most};
  if (least == 0 && most == infinity) op = Relu{};
  if (least == 0 && most == 6) op = Relu6{};
  return {builder.add_like(in, call.name(), op)};
}

// Bounds of the largest floats are none: Clip's defaults before opset 11.
double bound(std::optional<float> given, double otherwise) {
  return given && std::abs(*given) < std::numeric_limits<float>::max() ? *given : otherwise;
}

// A constant beside a value, as (C, H, W) with extents of 1, and whether it can be said with one
// number a channel.
struct Operand {
  Tensor<float> value;
  bool by_channel = false;
};

Operand spread(const Builder& builder, const View& view, const Array& constant) {
  Operand operand{view.spread(constant, builder.budget), false};
  operand.by_channel = operand.value.extent(1) == 1 && operand.value.extent(2) == 1;
  return operand;
}

// One number for each of the channels.
Tensor<float> for_channels(const Tensor<float>& value, Index channels) {
  Tensor<float> out(Shape{channels});
  for (Index c = 0; c < channels; ++c) out(c) = value.data()[value.size() == 1 ? 0 : c];
  return out;
}

// weight * x + bias, channel by channel.
Values scaled(Builder& builder, const Call& call, const Variable& in, Tensor<float> weight,
              std::optional<Tensor<float>> bias) {
  Builder::Tensors tensors;
  tensors.emplace_back("weight", std::move(weight));
  const Scale op{bias.has_value()};
  if (bias) tensors.emplace_back("bias", std::move(*bias));
  return {builder.add_like(in, call.name(), op, std::move(tensors))};
}

// A constant that has rows or columns where the value has one: (C, H, W) of its own shape.
Tensor<float> as_map_constant(const View& view, const Array& constant) {
  Extents shape = constant.shape;
  while (shape.size() < 4) shape.insert(shape.begin(), 1);
  if (!view.is_map() || shape.size() > 4 || shape[0] != 1) {
    fail("a constant of shape ", str(constant.shape), " beside a value of shape ",
         str(view.extents()), " is not supported");
  }
  return constant.tensor({shape[1], shape[2], shape[3]});
}

bool fits(const View& view, const Array& constant) {
  const Extents extents = view.extents();
  if (constant.shape.size() > extents.size()) return false;
  for (std::size_t back = 1; back <= constant.shape.size(); ++back) {
    const Index extent = constant.shape[constant.shape.size() - back];
    if (extent != 1 && extent != extents[extents.size() - back]) return false;
  }
  return true;
}

// A value and a constant, element by element. `turned`: the constant comes first.
Values with_constant(Builder& builder, const Call& call, const Operator& op, const Variable& in,
                     const Array& constant, bool turned) {
  Tensor<float> value;
  const bool within = fits(in.view, constant);
  if (within) {
    Operand operand = spread(builder, in.view, constant);
    value = std::move(operand.value);
  } else {
    value = as_map_constant(in.view, constant);
  }
  const std::string name = call.name();
  const std::string other = builder.add_constant(name + ".constant", std::move(value));
  std::string out =
      turned ? builder.add(name, op, {other, in.name}) : builder.add(name, op, {in.name, other});
  if (!within) return {builder.as_map(std::move(out))};
  return {Variable{std::move(out), in.view}};
}

// Two values, element by element.
Values with_variable(Builder& builder, const Call& call, const Operator& op, const Variable& a,
                     const Variable& b) {
  const std::string name = call.name();
  if (a.view == b.view && builder.shape(a.name) == builder.shape(b.name))
    return {Variable{builder.add(name, op, {a.name, b.name}), a.view}};
  if (a.view.rank() != b.view.rank()) {
    fail("values of shapes ", str(a.view.extents()), " and ", str(b.view.extents()),
         " are not supported");
  }
  if (a.view.rank() == 2) {
    return {builder.as_vector(
        builder.add(name, op, {builder.vector(a, name), builder.vector(b, name)}))};
  }
  return {builder.as_map(builder.add(name, op, {builder.map(a), builder.map(b)}))};
}

// The constant's numbers by channel, if an operator of one value and one constant needs no more.
struct ByChannel {
  const Variable& in;
  bool turned;  // the constant comes first
  Tensor<float> numbers;
};

std::optional<ByChannel> by_channel(const Builder& builder, const Call& call) {
  for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    if (!call.is_constant(1 - i)) continue;
    const Variable& in = call.variable(i);
    if (!fits(in.view, call.constant(1 - i))) return {};
    Operand operand = spread(builder, in.view, call.constant(1 - i));
    if (!operand.by_channel) return {};
    return ByChannel{in, i == 1, for_channels(operand.value, in.view.extent(Dim::channels))};
  }
  return {};
}

Values binary(Builder& builder, const Call& call, const Operator& op) {
  if (call.inputs() != 2) fail("it has ", call.inputs(), " inputs; 2 are supported");
  if (call.is_constant(1))
    return with_constant(builder, call, op, call.variable(0), call.constant(1), false);
  if (call.is_constant(0))
    return with_constant(builder, call, op, call.variable(1), call.constant(0), true);
  return with_variable(builder, call, op, call.variable(0), call.variable(1));
}

// Operators of any number of values, all of one shape.
Values variadic(Builder& builder, const Call& call, const Operator& op) {
  const Variable& first = call.variable(0);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const Variable& in = call.variable(i);
    if (!(in.view == first.view)) {
      fail("values of shapes ", str(first.view.extents()), " and ", str(in.view.extents()),
           " are not supported");
    }
    names.push_back(in.name);
  }
  if (names.size() == 1) return {first};
  return {Variable{builder.add(call.name(), op, std::move(names)), first.view}};
}

// x * sigmoid(x), and x * hard_sigmoid(x), are operators of their own.
std::optional<Operator> self_gated(const Builder& builder, const Variable& x,
                                   const Variable& gate) {
  const DraftNode* node = builder.node(gate.name);
  if (!node || !(x.view == gate.view) || node->inputs != std::vector{x.name}) return {};
  if (std::holds_alternative<Sigmoid>(node->op)) return Silu{};
  const auto* hard = std::get_if<HardSigmoid>(&node->op);
  const bool as_swish =
      hard && std::abs(hard->alpha - 1.0 / 6) < 1e-7 && std::abs(hard->beta - 0.5) < 1e-7;
  return as_swish ? std::optional<Operator>(HardSwish{}) : std::nullopt;
}

template <class Function>
void for_each_number(Tensor<float>& numbers, const Function& function) {
  for (float& number : numbers) number = function(number);
}

Tensor<float> ones(const Shape& shape, float value = 1) {
  Tensor<float> out(shape);
  std::fill(out.begin(), out.end(), value);
  return out;
}

// max(x, 0) + slope * min(x, 0), for slopes that differ from position to position.
Values sloped(Builder& builder, const Call& call, const Variable& in, const Tensor<float>& slopes) {
  const std::string name = call.name();
  const std::string slope = builder.add_constant(name + ".slope", slopes);
  const std::string above = builder.add(name + ".above", Relu{}, {in.name});
  const std::string below = builder.add(name + ".below", Clamp{.max = 0}, {in.name});
  const std::string product = builder.add(name + ".product", Mul{}, {below, slope});
  return {Variable{builder.add(name, Add{}, {above, product}), in.view}};
}

// Max or Min with a number: an activation. `bounds` makes it one.
template <class Bounds>
std::optional<Values> with_number(Builder& builder, const Call& call, const Bounds& bounds) {
  if (call.inputs() != 2 || call.is_constant(0) == call.is_constant(1)) return {};
  const std::size_t at = call.is_constant(0) ? 0 : 1;
  const Array& number = call.constant(at);
  const Variable& in = call.variable(1 - at);
  if (number.size() != 1 || !fits(in.view, number)) return {};
  const Clamp clamp = bounds(static_cast<double>(number.real()));
  return clamped(builder, call, in, clamp.min, clamp.max);
}

}  // namespace

Values import_relu(Builder& builder, const Call& call) {
  return unary(builder, call, Relu{});
}

Values import_clip(Builder& builder, const Call& call) {
  const double least = bound(call.number("min", 1), -infinity);
  const double most = bound(call.number("max", 2), infinity);
  return clamped(builder, call, call.variable(0), least, most);
}

Values import_leaky_relu(Builder& builder, const Call& call) {
  return unary(builder, call, LeakyRelu{call.real("alpha", 0.01)});
}

Values import_prelu(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  if (!fits(in.view, call.constant(1))) {
    fail("slopes of shape ", str(call.constant(1).shape), " for a value of shape ",
         str(in.view.extents()));
  }
  const Operand slopes = spread(builder, in.view, call.constant(1));
  if (!slopes.by_channel) return sloped(builder, call, in, slopes.value);
  Builder::Tensors tensors;
  tensors.emplace_back("weight", for_channels(slopes.value, in.view.extent(Dim::channels)));
  return {builder.add_like(in, call.name(), Prelu{}, std::move(tensors))};
}

Values import_sigmoid(Builder& builder, const Call& call) {
  return unary(builder, call, Sigmoid{});
}

Values import_hard_sigmoid(Builder& builder, const Call& call) {
  return unary(builder, call, HardSigmoid{call.real("alpha", 0.2), call.real("beta", 0.5)});
}

Values import_hard_swish(Builder& builder, const Call& call) {
  return unary(builder, call, HardSwish{});
}

Values import_swish(Builder& builder, const Call& call) {
  const double alpha = call.real("alpha", 1);
  if (alpha != 1) fail("its alpha is ", alpha, "; only 1 is supported");
  return unary(builder, call, Silu{});
}

Values import_add(Builder& builder, const Call& call) {
  if (call.inputs() != 2) return variadic(builder, call, Add{});
  std::optional<ByChannel> with = by_channel(builder, call);
  if (!with) return binary(builder, call, Add{});
  Tensor<float> factors = ones(with->numbers.shape());
  return scaled(builder, call, with->in, std::move(factors), std::move(with->numbers));
}

Values import_sub(Builder& builder, const Call& call) {
  std::optional<ByChannel> with = by_channel(builder, call);
  if (!with) return binary(builder, call, Sub{});
  if (!with->turned) for_each_number(with->numbers, [](float x) { return -x; });
  Tensor<float> factors = ones(with->numbers.shape(), with->turned ? -1 : 1);
  return scaled(builder, call, with->in, std::move(factors), std::move(with->numbers));
}

Values import_mul(Builder& builder, const Call& call) {
  if (std::optional<ByChannel> with = by_channel(builder, call))
    return scaled(builder, call, with->in, std::move(with->numbers), {});
  if (call.inputs() == 2 && !call.is_constant(0) && !call.is_constant(1)) {
    const Variable &a = call.variable(0), &b = call.variable(1);
    if (const std::optional<Operator> op = self_gated(builder, a, b))
      return {builder.add_like(a, call.name(), *op)};
    if (const std::optional<Operator> op = self_gated(builder, b, a))
      return {builder.add_like(b, call.name(), *op)};
  }
  return binary(builder, call, Mul{});
}

Values import_div(Builder& builder, const Call& call) {
  std::optional<ByChannel> with = by_channel(builder, call);
  if (!with || with->turned) return binary(builder, call, Div{});
  for_each_number(with->numbers, [](float x) { return 1 / x; });
  return scaled(builder, call, with->in, std::move(with->numbers), {});
}

Values import_max(Builder& builder, const Call& call) {
  const auto at_least = [](double number) { return Clamp{.min = number}; };
  if (std::optional<Values> values = with_number(builder, call, at_least)) return *values;
  return call.inputs() == 2 ? binary(builder, call, Maximum{}) : variadic(builder, call, Maximum{});
}

Values import_min(Builder& builder, const Call& call) {
  const auto at_most = [](double number) { return Clamp{.max = number}; };
  if (std::optional<Values> values = with_number(builder, call, at_most)) return *values;
  fail("only the smaller of a value and a number is supported");
}

Values import_neg(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  return scaled(builder, call, in, ones({in.view.extent(Dim::channels)}, -1), {});
}

}  // namespace camlite::tool::onnx
