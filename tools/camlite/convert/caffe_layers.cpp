#include "caffe_layers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "caffe_blob.hpp"

namespace camlite::tool {

namespace {

using Layer = caffe::LayerParameter;
using Tensors = CaffeBuilder::Tensors;

// An extent as Caffe counts it, (N, C, H, W) or (N, C).
std::vector<std::int64_t> caffe_shape(const Shape& shape) {
  if (shape.rank() == 4) return {shape[0], shape[3], shape[1], shape[2]};
  return {shape.begin(), shape.end()};
}

Index channels_of(const Shape& shape) {
  return shape[shape.rank() - 1];
}

// `count` equal numbers. The count comes from the file, which need not have as many of its own.
Tensor<float> equal_numbers(Index count, double value) {
  constexpr Index most = 1 << 20;
  if (count > most) fail("its input has ", count, " channels, more than ", most);
  Tensor<float> tensor = Tensor<float>::uninitialized({count});
  std::fill(tensor.begin(), tensor.end(), static_cast<float>(value));
  return tensor;
}

// Numbers for height and width: one for both, one for each, or under the two names.
Size2d height_and_width(std::string_view what, const auto& both, bool has_height, Index height,
                        bool has_width, Index width, Index usual) {
  if (has_height || has_width) {
    if (!both.empty()) fail("it has ", what, " for both directions and for one");
    return {has_height ? height : usual, has_width ? width : usual};
  }
  if (both.size() > 2) fail("it has ", both.size(), " numbers for ", what, ", not one or two");
  if (both.empty()) return usual;
  return {static_cast<Index>(both[0]), static_cast<Index>(both[both.size() - 1])};
}

// A number that may be there, as a list.
template <class Number>
std::vector<Number> listed(bool has, Number number) {
  if (!has) return {};
  return {number};
}

std::vector<std::uint32_t> listed(const auto& numbers) {
  return {numbers.begin(), numbers.end()};
}

void convolution(CaffeBuilder& net, const Layer& layer) {
  const caffe::ConvolutionParameter& p = layer.convolution_param();
  net.require_one_input(layer);
  net.require_channel_axis(layer, p.axis());
  Conv2d conv;
  conv.out_channels = p.num_output();
  conv.groups = p.group();
  conv.bias = p.bias_term();
  conv.kernel = height_and_width("kernel_size", listed(p.kernel_size()), p.has_kernel_h(),
                                 p.kernel_h(), p.has_kernel_w(), p.kernel_w(), 0);
  conv.stride = height_and_width("stride", listed(p.stride()), p.has_stride_h(), p.stride_h(),
                                 p.has_stride_w(), p.stride_w(), 1);
  conv.padding = height_and_width("pad", listed(p.pad()), p.has_pad_h(), p.pad_h(), p.has_pad_w(),
                                  p.pad_w(), 0);
  conv.dilation = height_and_width("dilation", listed(p.dilation()), false, 1, false, 1, 1);
  const std::array<Shape, 1> in{net.input_shape(layer)};
  conv.output_shape(in);  // checks the numbers
  const Shape weight = conv.parameters(in)[0].shape;
  net.add_layer(layer, conv, net.weight_and_bias(layer, weight, conv.bias));
}

void pooling(CaffeBuilder& net, const Layer& layer) {
  const caffe::PoolingParameter& p = layer.pooling_param();
  using Method = caffe::PoolingParameter;
  if (p.pool() == Method::STOCHASTIC) fail("stochastic pooling is not supported");
  const Shape& in = net.input_shape(layer);
  if (p.global_pooling() && p.pool() == Method::AVE) return net.add_layer(layer, GlobalAvgPool{});
  Pool2d pool;
  if (p.global_pooling()) {
    if (in.rank() == 4) pool.kernel = pool.stride = {in[1], in[2]};
  } else {
    pool.kernel =
        height_and_width("kernel_size", listed(p.has_kernel_size(), p.kernel_size()),
                         p.has_kernel_h(), p.kernel_h(), p.has_kernel_w(), p.kernel_w(), 0);
    pool.stride = height_and_width("stride", listed(p.has_stride(), p.stride()), p.has_stride_h(),
                                   p.stride_h(), p.has_stride_w(), p.stride_w(), 1);
    pool.padding = height_and_width("pad", listed(p.has_pad(), p.pad()), p.has_pad_h(), p.pad_h(),
                                    p.has_pad_w(), p.pad_w(), 0);
    if (pool.stride == Size2d(0)) fail("its stride is 0");
    pool.rounding = p.round_mode() == Method::CEIL ? Rounding::caffe : Rounding::floor;
  }
  if (p.pool() == Method::MAX) {
    net.add_layer(layer, MaxPool2d{pool});
  } else {
    net.add_layer(layer, AvgPool2d{pool});  // divides by the part of a window in the padded map
  }
}

void inner_product(CaffeBuilder& net, const Layer& layer) {
  const caffe::InnerProductParameter& p = layer.inner_product_param();
  net.require_one_input(layer);
  const Shape& in = net.input_shape(layer);
  if (p.axis() != 1 && p.axis() != 1 - in.rank())
    fail("it works along axis ", p.axis(), ", camlite only on all that there is of a picture");
  const Index outputs = p.num_output(), features = in.size() / in[0];
  const Linear linear{outputs, p.bias_term()};
  const Shape stored = p.transpose() ? Shape{features, outputs} : Shape{outputs, features};
  net.require_blobs(layer, linear.bias ? 2 : 1);
  Tensor<float> weight = net.blob(layer, 0, stored, "weight");
  if (p.transpose()) {
    Tensor<float> transposed = Tensor<float>::uninitialized({outputs, features});
    for (Index o = 0; o < outputs; ++o) {
      for (Index i = 0; i < features; ++i) transposed(o, i) = weight(i, o);
    }
    weight = std::move(transposed);
  }
  Tensors tensors;
  tensors.emplace_back("weight", std::move(weight));
  if (linear.bias) tensors.emplace_back("bias", net.blob(layer, 1, {outputs}, "bias"));
  std::string from = net.input(layer);
  const bool is_vector = in.rank() == 2 || (in[1] == 1 && in[2] == 1);
  if (!is_vector) from = net.add(layer.name() + "_flatten", Flatten{}, {from});
  net.add_layer(layer, linear, {from}, std::move(tensors));
}

// mean and variance are sums that the third blob, a count, is to divide.
void batch_norm(CaffeBuilder& net, const Layer& layer) {
  net.require_blobs(layer, 3);
  const caffe::BatchNormParameter& p = layer.batch_norm_param();
  const Index channels = channels_of(net.input_shape(layer));
  const double count = net.blob(layer, 2, {1}, "count")(0), eps = decimal(p.eps());
  const Tensor<float> mean = net.blob(layer, 0, {channels}, "mean");
  const Tensor<float> variance = net.blob(layer, 1, {channels}, "variance");
  Tensor<float> weight({channels}), bias({channels});
  for (Index c = 0; c < channels; ++c) {
    const double factor = count == 0 ? 0 : 1 / count;
    const double squared = variance(c) * factor + eps;
    if (!(squared > 0)) {
      fail("the variance of channel ", c, " is ", variance(c), " / ", count, ", with eps ", eps,
           " not positive");
    }
    weight(c) = static_cast<float>(1 / std::sqrt(squared));
    bias(c) = static_cast<float>(-mean(c) * factor / std::sqrt(squared));
  }
  if (p.has_use_global_stats() && !p.use_global_stats()) {
    net.report.changed(layer.name(), "normalizes with the statistics of training, not the batch's");
  }
  Tensors tensors;
  tensors.emplace_back("weight", std::move(weight));
  tensors.emplace_back("bias", std::move(bias));
  net.add_layer(layer, Scale{}, std::move(tensors));
}

// Throws Error unless a layer's numbers are one for each channel.
void require_channel_numbers(CaffeBuilder& net, const Layer& layer, const auto& p) {
  net.require_channel_axis(layer, p.axis());
  if (p.num_axes() != 1)
    fail("its num_axes is ", p.num_axes(), ": camlite has one number for each channel");
}

// Of two inputs, the second one has the first one's leading axes from `axis` on.
void require_broadcast(CaffeBuilder& net, const Layer& layer, std::int64_t axis) {
  const Shape &map = net.input_shape(layer, 0), &factors = net.input_shape(layer, 1);
  const bool vectors = factors.rank() == 2 || (factors[1] == 1 && factors[2] == 1);
  const bool fits = map == factors || (vectors && channels_of(map) == channels_of(factors));
  if (layer.bottom_size() != 2 || axis != 0 || !fits) {
    fail("its inputs, along axis ", axis, ", are ", caffe_shape_text(caffe_shape(map)), " and ",
         caffe_shape_text(caffe_shape(factors)), "; camlite has (N, C, H, W) with (N, C)");
  }
}

void scale(CaffeBuilder& net, const Layer& layer) {
  const caffe::ScaleParameter& p = layer.scale_param();
  if (layer.bottom_size() > 1) {
    require_broadcast(net, layer, p.axis());
    net.require_blobs(layer, 0);
    return net.add_layer(layer, Mul{}, net.inputs(layer));
  }
  require_channel_numbers(net, layer, p);
  const Index channels = channels_of(net.input_shape(layer));
  net.add_layer(layer, Scale{p.bias_term()}, net.weight_and_bias(layer, {channels}, p.bias_term()));
}

void bias(CaffeBuilder& net, const Layer& layer) {
  const caffe::BiasParameter& p = layer.bias_param();
  if (layer.bottom_size() > 1) {
    require_broadcast(net, layer, p.axis());
    net.require_blobs(layer, 0);
    return net.add_layer(layer, Add{}, net.inputs(layer));
  }
  require_channel_numbers(net, layer, p);
  net.require_blobs(layer, 1);
  const Index channels = channels_of(net.input_shape(layer));
  Tensors tensors;
  tensors.emplace_back("bias", net.blob(layer, 0, {channels}, "bias"));
  tensors.emplace_back("weight", equal_numbers(channels, 1));
  net.add_layer(layer, Scale{}, std::move(tensors));
}

void power(CaffeBuilder& net, const Layer& layer) {
  const caffe::PowerParameter& p = layer.power_param();
  if (p.power() != 1)
    fail("(shift + scale * x) ^ ", p.power(), ": camlite has it with the power 1 only");
  if (p.scale() == 1 && p.shift() == 0) return net.pass_on(layer, "x * 1 + 0 is x");
  const Index channels = channels_of(net.input_shape(layer));
  Tensors tensors;
  tensors.emplace_back("weight", equal_numbers(channels, p.scale()));
  tensors.emplace_back("bias", equal_numbers(channels, p.shift()));
  net.add_layer(layer, Scale{}, std::move(tensors));
}

void eltwise(CaffeBuilder& net, const Layer& layer) {
  const caffe::EltwiseParameter& p = layer.eltwise_param();
  std::vector<std::string> from = net.inputs(layer);
  for (int i = 1; i < layer.bottom_size(); ++i) {
    if (net.input_shape(layer, i) != net.input_shape(layer)) {
      fail("its inputs must be of one shape, they are ",
           caffe_shape_text(caffe_shape(net.input_shape(layer))), " and ",
           caffe_shape_text(caffe_shape(net.input_shape(layer, i))));
    }
  }
  using Operation = caffe::EltwiseParameter;
  if (p.operation() == Operation::PROD) return net.add_layer(layer, Mul{}, std::move(from));
  if (p.operation() == Operation::MAX) return net.add_layer(layer, Maximum{}, std::move(from));
  if (p.coeff_size() != 0 && p.coeff_size() != layer.bottom_size())
    fail("it has ", p.coeff_size(), " coefficients for ", layer.bottom_size(), " inputs");
  for (int i = 0; i < p.coeff_size(); ++i) {
    if (p.coeff(i) == 1) continue;
    std::string& value = from[static_cast<std::size_t>(i)];
    Tensors tensors;
    tensors.emplace_back("weight", equal_numbers(channels_of(net.shape(value)), p.coeff(i)));
    value = net.add(text(layer.name(), "_coeff", i), Scale{false}, {value}, std::move(tensors));
  }
  net.add_layer(layer, Add{}, std::move(from));
}

void concat(CaffeBuilder& net, const Layer& layer) {
  const caffe::ConcatParameter& p = layer.concat_param();
  net.require_channel_axis(layer, p.has_concat_dim() ? p.concat_dim() : p.axis());
  net.add_layer(layer, Concat{}, net.inputs(layer));
}

void slice(CaffeBuilder& net, const Layer& layer) {
  const caffe::SliceParameter& p = layer.slice_param();
  net.require_one_input(layer);
  net.require_channel_axis(layer, p.has_slice_dim() ? p.slice_dim() : p.axis());
  const std::string from = net.input(layer);
  const Index channels = channels_of(net.input_shape(layer)), parts = layer.top_size();
  if (p.slice_point().empty() ? channels % parts != 0 : p.slice_point_size() != parts - 1) {
    fail("it makes ", parts, " parts of ", channels, " channels with ", p.slice_point_size(),
         " points between them");
  }
  Index start = 0;
  for (int i = 0; i < layer.top_size(); ++i) {
    Index end = i + 1 < layer.top_size() && !p.slice_point().empty() ? p.slice_point(i) : channels;
    if (p.slice_point().empty()) end = start + channels / parts;
    net.make(layer.top(i), net.add(text(layer.name(), '_', i), Slice{start, end}, {from}));
    start = end;
  }
}

void flatten(CaffeBuilder& net, const Layer& layer) {
  const caffe::FlattenParameter& p = layer.flatten_param();
  const int rank = net.input_shape(layer).rank();
  if (p.axis() != 1 || (p.end_axis() != -1 && p.end_axis() != rank - 1))
    fail("it flattens axes ", p.axis(), " to ", p.end_axis(), ", camlite all but the first");
  net.add_layer(layer, Flatten{});
}

// To vectors, or to the shape that there is.
void reshape(CaffeBuilder& net, const Layer& layer) {
  const caffe::ReshapeParameter& p = layer.reshape_param();
  const Shape& in = net.input_shape(layer);
  const std::vector<std::int64_t> was = caffe_shape(in);
  std::vector<std::int64_t> wanted(p.shape().dim().begin(), p.shape().dim().end());
  bool known = p.axis() == 0 && p.num_axes() == -1 && wanted.size() >= 2;
  if (known) wanted[0] = 1;  // pictures, however many the file has
  std::int64_t rest = in.size();
  for (std::size_t i = 1; known && i < wanted.size(); ++i) {
    if (i < was.size() && wanted[i] == 0) wanted[i] = was[i];
    if (wanted[i] == -1) continue;
    known = wanted[i] > 0 && rest % wanted[i] == 0;
    if (known) rest /= wanted[i];
  }
  std::replace(wanted.begin(), wanted.end(), std::int64_t{-1}, rest);
  if (known && wanted == was) return net.pass_on(layer, "its input has this shape");
  const bool vectors = known && wanted[1] == in.size() &&
                       std::all_of(wanted.begin() + 2, wanted.end(),
                                   [](std::int64_t extent) { return extent == 1; });
  if (!vectors) {
    fail(
        "it makes ",
        caffe_shape_text(std::vector<std::int64_t>(p.shape().dim().begin(), p.shape().dim().end())),
        " of ", caffe_shape_text(was), "; camlite has vectors of all that there is of a picture");
  }
  net.add_layer(layer, Flatten{});
}

void lrn(CaffeBuilder& net, const Layer& layer) {
  const caffe::LRNParameter& p = layer.lrn_param();
  if (p.norm_region() != caffe::LRNParameter::ACROSS_CHANNELS)
    fail("normalization within a channel is not supported, only across channels");
  if (p.local_size() % 2 == 0) fail("its local_size is ", p.local_size(), ", and must be odd");
  net.add_layer(layer, Lrn{p.local_size(), decimal(p.alpha()), decimal(p.beta()), decimal(p.k())});
}

void softmax(CaffeBuilder& net, const Layer& layer) {
  net.require_channel_axis(layer, layer.softmax_param().axis());
  net.add_layer(layer, Softmax{});
}

void prelu(CaffeBuilder& net, const Layer& layer) {
  net.require_blobs(layer, 1);
  const Index channels = channels_of(net.input_shape(layer));
  Tensors tensors;
  tensors.emplace_back("weight",
                       layer.prelu_param().channel_shared()
                           ? equal_numbers(channels, net.blob(layer, 0, Shape{1}, "slope")(0))
                           : net.blob(layer, 0, {channels}, "slopes"));
  net.add_layer(layer, Prelu{}, std::move(tensors));
}

void relu(CaffeBuilder& net, const Layer& layer) {
  const double slope = decimal(layer.relu_param().negative_slope());
  if (slope != 0) return net.add_layer(layer, LeakyRelu{slope});
  net.add_layer(layer, Relu{});
}

void clip(CaffeBuilder& net, const Layer& layer) {
  const caffe::ClipParameter& p = layer.clip_param();
  if (!p.has_min() || !p.has_max()) fail("it has not both of min and max");
  net.add_layer(layer, Clamp{decimal(p.min()), decimal(p.max())});
}

void swish(CaffeBuilder& net, const Layer& layer) {
  if (layer.swish_param().beta() != 1)
    fail("its beta is ", layer.swish_param().beta(), ", camlite has it with 1 only");
  net.add_layer(layer, Silu{});
}

void sigmoid(CaffeBuilder& net, const Layer& layer) {
  net.add_layer(layer, Sigmoid{});
}
void dropout(CaffeBuilder& net, const Layer& layer) {
  net.add_layer(layer, Dropout{decimal(layer.dropout_param().dropout_ratio())});
}
// Where training read a blob more than once.
void split(CaffeBuilder& net, const Layer& layer) {
  net.require_one_input(layer);
  const std::string value = net.input(layer);
  for (const std::string& top : layer.top()) net.make(top, value);
}

}  // namespace

const CaffeLayerType* find_caffe_layer(std::string_view name) {
  static constexpr std::array<CaffeLayerType, 23> types{{
      {"BatchNorm", batch_norm, true},
      {"Bias", bias, true},
      {"Clip", clip, false},
      {"Concat", concat, false},
      {"Convolution", convolution, true},
      {"ConvolutionDepthwise", convolution, true},
      {"DepthwiseConvolution", convolution, true},
      {"Dropout", dropout, false},
      {"Eltwise", eltwise, false},
      {"Flatten", flatten, false},
      {"InnerProduct", inner_product, true},
      {"LRN", lrn, false},
      {"PReLU", prelu, true},
      {"Pooling", pooling, false},
      {"Power", power, false},
      {"ReLU", relu, false},
      {"Reshape", reshape, false},
      {"Scale", scale, true},
      {"Sigmoid", sigmoid, false},
      {"Slice", slice, false},
      {"Softmax", softmax, false},
      {"Split", split, false},
      {"Swish", swish, false},
  }};
  const auto* const found = std::find_if(types.begin(), types.end(),
                                         [&](const CaffeLayerType& t) { return t.name == name; });
  return found == types.end() ? nullptr : found;
}

}  // namespace camlite::tool
