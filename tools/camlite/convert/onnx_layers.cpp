// Layers with weights, normalization, softmax.

#include <algorithm>
#include <cmath>

#include "onnx_operators.hpp"
#include "onnx_shapes.hpp"
#include "onnx_window.hpp"

namespace camlite::tool::onnx {

namespace {

// (N, K) times a constant matrix: linear, on what is flattened first where it is a map. A matrix
// that counts a map's elements in another order than camlite's flatten gets its columns permuted.
struct Matrix {
  const Array& values;
  bool outputs_first;  // (outputs, inputs), else (inputs, outputs)
  float factor = 1;
};

std::string linear(Builder& builder, const std::string& name, const Variable& in,
                   const Matrix& matrix, std::optional<Tensor<float>> bias) {
  if (!in.view.is_flat())
    fail("its input has shape ", str(in.view.extents()), "; only (N, K) is supported");
  const Extents& shape = matrix.values.shape;
  if (shape.size() != 2)
    fail("its matrix has shape ", str(shape), "; only two extents are supported");
  const Index outputs = shape[matrix.outputs_first ? 0 : 1];
  const Index inputs = shape[matrix.outputs_first ? 1 : 0];
  const Index there = in.view.extents()[1];
  if (inputs != there) fail("its matrix has ", inputs, " inputs, its input has ", there);
  std::string from = in.name;
  if (!in.view.is_vector()) from = builder.add(name + ".flatten", Flatten{}, {from});
  const std::vector<Index> column = in.view.flat_positions();
  const std::vector<float>& values = matrix.values.reals();
  Tensor<float> weight = Tensor<float>::uninitialized({outputs, inputs});
  for (Index o = 0; o < outputs; ++o) {
    for (Index i = 0; i < inputs; ++i) {
      const Index at = matrix.outputs_first ? o * inputs + i : i * outputs + o;
      weight.data()[o * inputs + column[static_cast<std::size_t>(i)]] =
          matrix.factor * values[static_cast<std::size_t>(at)];
    }
  }
  const Linear op{outputs, bias.has_value()};
  Builder::Tensors tensors;
  tensors.emplace_back("weight", std::move(weight));
  if (bias) tensors.emplace_back("bias", std::move(*bias));
  return builder.add(name, op, {from}, std::move(tensors));
}

// Gemm's third input for `outputs` outputs: as many numbers, or one.
Tensor<float> gemm_bias(const Array& given, Index outputs, float factor) {
  const Index extent = given.shape.empty() ? 1 : given.shape.back();
  if (given.size() != extent || (extent != 1 && extent != outputs)) {
    fail("its bias has shape ", str(given.shape), "; only one number for each of its ", outputs,
         " outputs is supported");
  }
  Tensor<float> bias(Shape{outputs});
  for (Index o = 0; o < outputs; ++o)
    bias(o) = factor * given.reals()[static_cast<std::size_t>(extent == 1 ? 0 : o)];
  return bias;
}

// A 1x1 convolution of a vector that has no rows and columns any more.
std::optional<Values> conv_of_vector(Builder& builder, const Call& call, const Conv2d& conv,
                                     const Array& weight, std::optional<Tensor<float>>& bias) {
  const Variable& in = call.variable(0);
  if (builder.shape(in.name).rank() != 2 || !in.view.is_map()) return {};
  if (conv.kernel != Size2d(1) || conv.groups != 1) return {};
  const Array matrix{{weight.shape[0], weight.shape[1]}, weight.elements};
  const Variable vector{in.name, in.view.squeezed({false, false, true, true})};
  return Values{
      builder.as_map(linear(builder, call.name(), vector, {matrix, true}, std::move(bias)))};
}

}  // namespace

Values import_conv(Builder& builder, const Call& call) {
  const Array& weight = call.constant(1);
  const Extents& shape = weight.shape;
  if (shape.size() != 4 || call.extents(0).size() != 4) {
    fail("weights of shape ", str(shape), " on a value of shape ", str(call.extents(0)),
         ": only two-dimensional convolution is supported");
  }
  const Extents kernel = call.integers("kernel_shape").value_or(Extents{shape[2], shape[3]});
  if (kernel != Extents{shape[2], shape[3]})
    fail("its kernel_shape is ", str(kernel), ", its weights have shape ", str(shape));
  const Extents in = call.extents(0);
  const Window window = read_window(call, {shape[2], shape[3]}, {in[2], in[3]});
  Conv2d conv{.out_channels = shape[0],
              .kernel = window.kernel,
              .stride = window.stride,
              .padding = 0,
              .dilation = window.dilation,
              .groups = call.integer("group", 1),
              .bias = call.has(std::size_t{2})};
  std::optional<Tensor<float>> bias;
  if (conv.bias)
    bias = call.constant(2).tensor(Shape(std::span<const Index>(call.constant(2).shape)));
  if (window.pads == Border{}) {
    if (std::optional<Values> values = conv_of_vector(builder, call, conv, weight, bias))
      return *values;
  }
  std::string from = builder.map(call.variable(0));
  if (window.pads.is_symmetric()) {
    conv.padding = {window.pads.top, window.pads.left};
  } else {
    from = padded(builder, call.name(), from, window.pads, 0);
  }
  Builder::Tensors tensors;
  tensors.emplace_back("weight", weight.tensor(Shape(std::span<const Index>(shape))));
  if (bias) tensors.emplace_back("bias", std::move(*bias));
  return {builder.as_map(builder.add(call.name(), conv, {from}, std::move(tensors)))};
}

Values import_batch_normalization(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  call.ignore({"momentum"});
  if (!call.flag("spatial", true)) fail("spatial=0 is not supported");
  if (call.flag("training_mode", false)) fail("training_mode=1 is not supported");
  if (call.opset() < 14 && call.outputs() > 1)
    fail("it has ", call.outputs(), " outputs, as in training, which is not supported");
  if (in.view.rank() < 2 || !in.view.is_channels(1))
    fail("on a value of shape ", str(in.view.extents()), " it is not supported");
  const BatchNorm norm{call.real("epsilon", 1e-5)};
  const Index channels = in.view.extent(Dim::channels);
  Builder::Tensors tensors;
  const std::vector<std::string> suffixes{"weight", "bias", "running_mean", "running_var"};
  for (std::size_t i = 0; i < suffixes.size(); ++i) {
    const Array& given = call.constant(i + 1);
    if (given.shape != Extents{channels}) {
      fail("its input ", i + 2, " has shape ", str(given.shape), " for ", channels, " channels");
    }
    tensors.emplace_back(suffixes[i], given.tensor({channels}));
  }
  if (builder.shape(in.name).rank() == 4)
    return {builder.add_like(in, call.name(), norm, std::move(tensors))};
  // camlite's is one of maps; on vectors it is a scale.
  Builder::Tensors scale;
  scale.emplace_back("weight", Tensor<float>({channels}));
  scale.emplace_back("bias", Tensor<float>({channels}));
  for (Index c = 0; c < channels; ++c) {
    const auto a = norm.affine<double>(tensors[0].second(c), tensors[1].second(c),
                                       tensors[2].second(c), tensors[3].second(c));
    scale[0].second(c) = static_cast<float>(a.scale);
    scale[1].second(c) = static_cast<float>(a.shift);
  }
  return {builder.add_like(in, call.name(), Scale{}, std::move(scale))};
}

// alpha * A * B + beta * C
Values import_gemm(Builder& builder, const Call& call) {
  if (call.flag("transA", false)) fail("transA=1 is not supported");
  const Matrix matrix{call.constant(1), call.flag("transB", false),
                      static_cast<float>(call.real("alpha", 1))};
  const auto factor = static_cast<float>(call.real("beta", 1));
  std::optional<Tensor<float>> bias;
  if (call.has(std::size_t{2})) {
    if (matrix.values.shape.size() != 2)
      fail("its matrix has shape ", str(matrix.values.shape), "; it must have two extents");
    bias = gemm_bias(call.constant(2), matrix.values.shape[matrix.outputs_first ? 0 : 1], factor);
  }
  return {
      builder.as_vector(linear(builder, call.name(), call.variable(0), matrix, std::move(bias)))};
}

Values import_mat_mul(Builder& builder, const Call& call) {
  return {builder.as_vector(
      linear(builder, call.name(), call.variable(0), {call.constant(1), false}, {}))};
}

// From opset 13 on over one axis; before, over all axes from that one on.
Values import_softmax(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  const std::size_t rank = in.view.rank();
  const bool one_axis = call.opset() >= 13;
  const std::size_t axis = axis_of(call.integer("axis", one_axis ? -1 : 1), rank);
  Extents rest = in.view.extents();
  if (!one_axis) {
    const Index together = size_of(std::span<const Index>(rest).subspan(axis));
    rest.resize(axis);
    rest.push_back(together);
  }
  View view = one_axis ? in.view : in.view.reshaped(rest);
  std::string from = in.name;
  if (!view.is_channels(axis) && view.is_flat_in_order() && axis == 1) {
    from = builder.vector({in.name, view}, call.name());
    view = builder.as_vector(from).view;
  }
  if (!view.is_channels(axis)) {
    fail("over axis ", axis, " of ", str(in.view.extents()),
         " it is not supported, only over channels");
  }
  return {Variable{builder.add(call.name(), Softmax{}, {from}),
                   one_axis ? view : view.reshaped(in.view.extents())}};
}

Values import_lrn(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  if (in.view.rank() < 3 || !in.view.is_channels(1))
    fail("on a value of shape ", str(in.view.extents()), " it is not supported");
  if (!call.has("size")) fail("its size is missing");
  const Lrn lrn{call.integer("size", 0), call.real("alpha", 1e-4), call.real("beta", 0.75),
                call.real("bias", 1)};
  if (lrn.size % 2 == 0) {
    fail("its size is ", lrn.size,
         "; an even one, where ONNX's window begins in another place than others', is not "
         "supported");
  }
  return {builder.add_like(in, call.name(), lrn)};
}

}  // namespace camlite::tool::onnx
