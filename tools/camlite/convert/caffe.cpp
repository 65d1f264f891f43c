// read_caffe: the layers of a Caffe network as camlite's operators.

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <camlite/model/text.hpp>

#include "caffe_net.hpp"
#include "readers.hpp"

namespace camlite::tool {

namespace {

using Layer = caffe::LayerParameter;
using Tensors = std::vector<std::pair<std::string, Tensor<float>>>;

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

// The number that is written as this one is: 0.0001, not 9.999999747378752e-05. Throws Error if it
// is not finite.
double decimal(float value) {
  return detail::parse_number<double>(text(value), "an attribute");
}

// A number that may be there, as a list.
template <class Number>
std::vector<Number> listed(bool has, Number number) {
  return has ? std::vector<Number>{number} : std::vector<Number>{};
}

std::vector<std::uint32_t> listed(const auto& numbers) {
  return {numbers.begin(), numbers.end()};
}

class CaffeReader {
 public:
  CaffeReader(CaffeNet net, ConversionReport& report)
      : net_(std::move(net)), report_(report), draft_(empty_draft()) {
    values_[net_.picture.blob] = "input";
    others_.insert(net_.labels.begin(), net_.labels.end());
    others_.erase(net_.picture.blob);
  }

  Draft read() {
    check_weights();
    for (Layer& layer : net_.layers) {
      read_layer(layer);
      layer.Clear();  // one copy of the weights at a time
    }
    if (result_.empty()) fail(net_.definition, ": there is no layer to convert");
    draft_.set_result(result_);
    draft_.preprocessing = preprocessing();
    return std::move(draft_);
  }

 private:
  using Convert = void (CaffeReader::*)(const Layer&);
  struct Type {
    std::string_view name;
    Convert convert;
    bool has_weights;
  };

  // The layers that there are. The names are Caffe's, and those of two that others brought.
  static const Type* find_type(const Layer& layer) {
    static constexpr std::array<Type, 23> types{{
        {"BatchNorm", &CaffeReader::batch_norm, true},
        {"Bias", &CaffeReader::bias, true},
        {"Clip", &CaffeReader::clip, false},
        {"Concat", &CaffeReader::concat, false},
        {"Convolution", &CaffeReader::convolution, true},
        {"ConvolutionDepthwise", &CaffeReader::convolution, true},
        {"DepthwiseConvolution", &CaffeReader::convolution, true},
        {"Dropout", &CaffeReader::dropout, false},
        {"Eltwise", &CaffeReader::eltwise, false},
        {"Flatten", &CaffeReader::flatten, false},
        {"InnerProduct", &CaffeReader::inner_product, true},
        {"LRN", &CaffeReader::lrn, false},
        {"PReLU", &CaffeReader::prelu, true},
        {"Pooling", &CaffeReader::pooling, false},
        {"Power", &CaffeReader::power, false},
        {"ReLU", &CaffeReader::relu, false},
        {"Reshape", &CaffeReader::reshape, false},
        {"Scale", &CaffeReader::scale, true},
        {"Sigmoid", &CaffeReader::sigmoid, false},
        {"Slice", &CaffeReader::slice, false},
        {"Softmax", &CaffeReader::softmax, false},
        {"Split", &CaffeReader::split, false},
        {"Swish", &CaffeReader::swish, false},
    }};
    const auto* const found = std::find_if(
        types.begin(), types.end(), [&](const Type& type) { return type.name == layer.type(); });
    return found == types.end() ? nullptr : found;
  }

  static bool only_trains(const Layer& layer) {
    return layer.type().ends_with("Loss") || layer.type() == "Accuracy" ||
           layer.type() == "Silence" || layer.type() == "HDF5Output";
  }

  // The picture's size: what the files say, or the usual one.
  Draft empty_draft() {
    CaffePicture& picture = net_.picture;
    if (picture.blob.empty()) {
      if (net_.layers.empty() || net_.layers[0].bottom().empty())
        fail(net_.definition, ": nothing says where the pictures come in");
      picture.blob = net_.layers[0].bottom(0);
      report_.changed(picture.blob, "is taken as the picture; the file does not say");
    }
    if (picture.shape.empty()) {
      std::int64_t size = picture.transform ? picture.transform->crop_size() : 0;
      if (size == 0) {
        size = 224;
        report_.changed(
            picture.blob,
            "the file does not say how large pictures are: 224x224 is assumed (--size)");
      }
      picture.shape = {1, picture_channels(), size, size};
    }
    constexpr std::int64_t most = 1 << 16;
    const auto possible = [](std::int64_t extent) { return extent >= 1 && extent <= most; };
    if (picture.shape.size() != 4 ||
        !std::all_of(picture.shape.begin(), picture.shape.end(), possible)) {
      fail(net_.definition, ": the input \"", picture.blob, "\" is ",
           caffe_shape_text(picture.shape), ", where pictures are (N, C, H, W) of 1 to ", most);
    }
    return {net_.weights, picture.shape[1], picture.shape[2], picture.shape[3]};
  }

  // As many as the convolution has that reads them.
  std::int64_t picture_channels() const {
    for (const Layer& layer : net_.layers) {
      if (layer.type() != "Convolution" || layer.bottom().empty() || layer.blobs().empty() ||
          layer.bottom(0) != net_.picture.blob)
        continue;
      const caffe::BlobProto& weight = layer.blobs(0);
      return weight.shape().dim_size() > 1 ? weight.shape().dim(1) : weight.channels();
    }
    return 3;
  }

  // Throws Error, naming all layers that should have weights and have none.
  void check_weights() const {
    std::string missing;
    for (const Layer& layer : net_.layers) {
      const Type* type = find_type(layer);
      if (type != nullptr && type->has_weights && layer.bottom_size() < 2 && layer.blobs().empty())
        missing += text(missing.empty() ? "" : ", ", layer.name());
    }
    if (missing.empty()) return;
    if (net_.weights == net_.definition) {
      fail(net_.weights, ": there are no weights for ", missing,
           ": is this what training saved, a .caffemodel?");
    }
    fail(net_.weights, ": it has no weights for these layers of ", net_.definition, ": ", missing);
  }

  void read_layer(const Layer& layer) try {
    if (only_trains(layer)) return drop(layer, "only training needs it");
    const Type* type = find_type(layer);
    if (layer.type().empty()) fail("it has no type, or one that is not known");
    if (type == nullptr) fail("camlite has nothing for layers of this type");
    if (layer.bottom().empty()) fail("it reads nothing");
    if (layer.top().empty()) fail("it makes nothing");
    const auto other = [&](const std::string& bottom) { return others_.contains(bottom); };
    if (std::all_of(layer.bottom().begin(), layer.bottom().end(), other))
      return drop(layer, text("reads ", layer.bottom(0), ", which does not come from the picture"));
    (this->*type->convert)(layer);
  } catch (const Error& error) {
    // The draft's own errors name its source, and the layer.
    if (std::string_view(error.what()).starts_with(net_.weights)) throw;
    fail(net_.definition, ": layer \"", layer.name(), "\" (", layer.type(), "): ", error.what());
  }

  void drop(const Layer& layer, std::string why) {
    report_.dropped(layer.name(), std::move(why));
    for (const std::string& top : layer.top()) {
      values_.erase(top);
      others_.insert(top);
    }
  }

  // The draft's name of a layer's input.
  const std::string& input(const Layer& layer, int i = 0) const {
    const auto found = values_.find(layer.bottom(i));
    if (found != values_.end()) return found->second;
    if (others_.contains(layer.bottom(i)))
      fail("it reads ", layer.bottom(i), ", which does not come from the picture");
    fail("it reads ", layer.bottom(i), ", which no layer before it makes");
  }
  const Shape& input_shape(const Layer& layer, int i = 0) const {
    return draft_.shape(input(layer, i));
  }
  std::vector<std::string> inputs(const Layer& layer) const {
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(layer.bottom_size()));
    for (int i = 0; i < layer.bottom_size(); ++i) names.push_back(input(layer, i));
    return names;
  }

  static void require_one_input(const Layer& layer) {
    if (layer.bottom_size() != 1) fail("it reads ", layer.bottom_size(), " blobs, not one");
  }
  static void require_one_output(const Layer& layer) {
    if (layer.top_size() != 1) fail("it makes ", layer.top_size(), " blobs, not one");
  }

  // Throws Error if the axis is not that of the channels; a negative one counts from the end.
  void require_channel_axis(const Layer& layer, std::int64_t axis) const {
    const int rank = input_shape(layer).rank();
    if (axis != 1 && axis != 1 - rank)
      fail("it works along axis ", axis, " of ", rank, ", camlite only along the channels, axis 1");
  }

  // A name that no node has yet.
  std::string free_name(const std::string& wanted) {
    if (!draft_.has(wanted)) return wanted;
    for (int number = 2;; ++number) {
      std::string name = text(wanted, '_', number);
      if (draft_.has(name)) continue;
      report_.changed(name, text("was called \"", wanted, "\" in the file"));
      return name;
    }
  }

  // Adds a node; returns the name that it got.
  std::string add(const std::string& name, const Operator& op, std::vector<std::string> from,
                  Tensors tensors = {}) {
    draft_.add({free_name(name), op, std::move(from), std::move(tensors)}, report_);
    return draft_.nodes().back().name;
  }

  // The blob is from now on this value.
  void make(const std::string& blob, const std::string& value) {
    others_.erase(blob);
    values_[blob] = value;
    result_ = value;
  }

  // A layer that is one node with one output.
  void add_layer(const Layer& layer, const Operator& op, std::vector<std::string> from,
                 Tensors tensors = {}) {
    require_one_output(layer);
    make(layer.top(0), add(layer.name(), op, std::move(from), std::move(tensors)));
  }
  void add_layer(const Layer& layer, const Operator& op, Tensors tensors = {}) {
    require_one_input(layer);
    add_layer(layer, op, {input(layer)}, std::move(tensors));
  }

  // A layer whose output is its input.
  void pass_on(const Layer& layer, std::string why) {
    require_one_input(layer);
    const std::string value = input(layer);
    report_.dropped(layer.name(), std::move(why));
    for (const std::string& top : layer.top()) make(top, value);
  }

  static void require_blobs(const Layer& layer, int count) {
    if (layer.blobs_size() != count)
      fail("it has ", layer.blobs_size(), " blobs of weights, and should have ", count);
  }

  // One of the layer's blobs as a tensor.
  Tensor<float> blob(const Layer& layer, int i, const Shape& shape, std::string_view what) const {
    const bool elsewhere = net_.weights != net_.definition;
    return tensor_from_blob(layer.blobs(i), shape,
                            elsewhere ? text(what, " in ", net_.weights) : what);
  }

  // weight and, if there is one, bias.
  Tensors weight_and_bias(const Layer& layer, const Shape& weight, bool has_bias) const {
    require_blobs(layer, has_bias ? 2 : 1);
    Tensors tensors;
    tensors.emplace_back("weight", blob(layer, 0, weight, "weight"));
    if (has_bias) tensors.emplace_back("bias", blob(layer, 1, {weight[0]}, "bias"));
    return tensors;
  }

  // --- the layers ------------------------------------------------------------------------------

  void convolution(const Layer& layer) {
    const caffe::ConvolutionParameter& p = layer.convolution_param();
    require_one_input(layer);
    require_channel_axis(layer, p.axis());
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
    const std::array<Shape, 1> in{input_shape(layer)};
    conv.output_shape(in);  // checks the numbers
    const Shape weight = conv.parameters(in)[0].shape;
    add_layer(layer, conv, weight_and_bias(layer, weight, conv.bias));
  }

  void pooling(const Layer& layer) {
    const caffe::PoolingParameter& p = layer.pooling_param();
    using Method = caffe::PoolingParameter;
    if (p.pool() == Method::STOCHASTIC) fail("stochastic pooling is not supported");
    const Shape& in = input_shape(layer);
    if (p.global_pooling() && p.pool() == Method::AVE) return add_layer(layer, GlobalAvgPool{});
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
      add_layer(layer, MaxPool2d{pool});
    } else {
      add_layer(layer, AvgPool2d{pool});  // divides by the part of a window in the padded map
    }
  }

  void inner_product(const Layer& layer) {
    const caffe::InnerProductParameter& p = layer.inner_product_param();
    require_one_input(layer);
    const Shape& in = input_shape(layer);
    if (p.axis() != 1 && p.axis() != 1 - in.rank())
      fail("it works along axis ", p.axis(), ", camlite only on all that there is of a picture");
    const Index outputs = p.num_output(), features = in.size() / in[0];
    const Linear linear{outputs, p.bias_term()};
    const Shape stored = p.transpose() ? Shape{features, outputs} : Shape{outputs, features};
    require_blobs(layer, linear.bias ? 2 : 1);
    Tensor<float> weight = blob(layer, 0, stored, "weight");
    if (p.transpose()) {
      Tensor<float> transposed = Tensor<float>::uninitialized({outputs, features});
      for (Index o = 0; o < outputs; ++o) {
        for (Index i = 0; i < features; ++i) transposed(o, i) = weight(i, o);
      }
      weight = std::move(transposed);
    }
    Tensors tensors;
    tensors.emplace_back("weight", std::move(weight));
    if (linear.bias) tensors.emplace_back("bias", blob(layer, 1, {outputs}, "bias"));
    std::string from = input(layer);
    const bool is_vector = in.rank() == 2 || (in[1] == 1 && in[2] == 1);
    if (!is_vector) from = add(layer.name() + "_flatten", Flatten{}, {from});
    add_layer(layer, linear, {from}, std::move(tensors));
  }

  // mean and variance are sums that the third blob, a count, is to divide.
  void batch_norm(const Layer& layer) {
    require_blobs(layer, 3);
    const caffe::BatchNormParameter& p = layer.batch_norm_param();
    const Index channels = channels_of(input_shape(layer));
    const double count = blob(layer, 2, {1}, "count")(0), eps = decimal(p.eps());
    const Tensor<float> mean = blob(layer, 0, {channels}, "mean");
    const Tensor<float> variance = blob(layer, 1, {channels}, "variance");
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
      report_.changed(layer.name(), "normalizes with the statistics of training, not the batch's");
    }
    Tensors tensors;
    tensors.emplace_back("weight", std::move(weight));
    tensors.emplace_back("bias", std::move(bias));
    add_layer(layer, Scale{}, std::move(tensors));
  }

  // Throws Error unless a layer's numbers are one for each channel.
  void require_channel_numbers(const Layer& layer, const auto& p) const {
    require_channel_axis(layer, p.axis());
    if (p.num_axes() != 1)
      fail("its num_axes is ", p.num_axes(), ": camlite has one number for each channel");
  }

  // Of two inputs, the second one has the first one's leading axes from `axis` on.
  void require_broadcast(const Layer& layer, std::int64_t axis) const {
    const Shape &map = input_shape(layer, 0), &factors = input_shape(layer, 1);
    const bool vectors = factors.rank() == 2 || (factors[1] == 1 && factors[2] == 1);
    const bool fits = map == factors || (vectors && channels_of(map) == channels_of(factors));
    if (layer.bottom_size() != 2 || axis != 0 || !fits) {
      fail("its inputs, along axis ", axis, ", are ", caffe_shape_text(caffe_shape(map)), " and ",
           caffe_shape_text(caffe_shape(factors)), "; camlite has (N, C, H, W) with (N, C)");
    }
  }

  void scale(const Layer& layer) {
    const caffe::ScaleParameter& p = layer.scale_param();
    if (layer.bottom_size() > 1) {
      require_broadcast(layer, p.axis());
      require_blobs(layer, 0);
      return add_layer(layer, Mul{}, inputs(layer));
    }
    require_channel_numbers(layer, p);
    const Index channels = channels_of(input_shape(layer));
    add_layer(layer, Scale{p.bias_term()}, weight_and_bias(layer, {channels}, p.bias_term()));
  }

  void bias(const Layer& layer) {
    const caffe::BiasParameter& p = layer.bias_param();
    if (layer.bottom_size() > 1) {
      require_broadcast(layer, p.axis());
      require_blobs(layer, 0);
      return add_layer(layer, Add{}, inputs(layer));
    }
    require_channel_numbers(layer, p);
    require_blobs(layer, 1);
    const Index channels = channels_of(input_shape(layer));
    Tensors tensors;
    tensors.emplace_back("bias", blob(layer, 0, {channels}, "bias"));
    tensors.emplace_back("weight", equal_numbers(channels, 1));
    add_layer(layer, Scale{}, std::move(tensors));
  }

  void power(const Layer& layer) {
    const caffe::PowerParameter& p = layer.power_param();
    if (p.power() != 1)
      fail("(shift + scale * x) ^ ", p.power(), ": camlite has it with the power 1 only");
    if (p.scale() == 1 && p.shift() == 0) return pass_on(layer, "x * 1 + 0 is x");
    const Index channels = channels_of(input_shape(layer));
    Tensors tensors;
    tensors.emplace_back("weight", equal_numbers(channels, p.scale()));
    tensors.emplace_back("bias", equal_numbers(channels, p.shift()));
    add_layer(layer, Scale{}, std::move(tensors));
  }

  void eltwise(const Layer& layer) {
    const caffe::EltwiseParameter& p = layer.eltwise_param();
    std::vector<std::string> from = inputs(layer);
    for (int i = 1; i < layer.bottom_size(); ++i) {
      if (input_shape(layer, i) != input_shape(layer)) {
        fail("its inputs must be of one shape, they are ",
             caffe_shape_text(caffe_shape(input_shape(layer))), " and ",
             caffe_shape_text(caffe_shape(input_shape(layer, i))));
      }
    }
    using Operation = caffe::EltwiseParameter;
    if (p.operation() == Operation::PROD) return add_layer(layer, Mul{}, std::move(from));
    if (p.operation() == Operation::MAX) return add_layer(layer, Maximum{}, std::move(from));
    if (p.coeff_size() != 0 && p.coeff_size() != layer.bottom_size())
      fail("it has ", p.coeff_size(), " coefficients for ", layer.bottom_size(), " inputs");
    for (int i = 0; i < p.coeff_size(); ++i) {
      if (p.coeff(i) == 1) continue;
      std::string& value = from[static_cast<std::size_t>(i)];
      Tensors tensors;
      tensors.emplace_back("weight", equal_numbers(channels_of(draft_.shape(value)), p.coeff(i)));
      value = add(text(layer.name(), "_coeff", i), Scale{false}, {value}, std::move(tensors));
    }
    add_layer(layer, Add{}, std::move(from));
  }

  void concat(const Layer& layer) {
    const caffe::ConcatParameter& p = layer.concat_param();
    require_channel_axis(layer, p.has_concat_dim() ? p.concat_dim() : p.axis());
    add_layer(layer, Concat{}, inputs(layer));
  }

  void slice(const Layer& layer) {
    const caffe::SliceParameter& p = layer.slice_param();
    require_one_input(layer);
    require_channel_axis(layer, p.has_slice_dim() ? p.slice_dim() : p.axis());
    const std::string from = input(layer);
    const Index channels = channels_of(input_shape(layer)), parts = layer.top_size();
    if (p.slice_point().empty() ? channels % parts != 0 : p.slice_point_size() != parts - 1) {
      fail("it makes ", parts, " parts of ", channels, " channels with ", p.slice_point_size(),
           " points between them");
    }
    Index start = 0;
    for (int i = 0; i < layer.top_size(); ++i) {
      Index end =
          i + 1 < layer.top_size() && !p.slice_point().empty() ? p.slice_point(i) : channels;
      if (p.slice_point().empty()) end = start + channels / parts;
      make(layer.top(i), add(text(layer.name(), '_', i), Slice{start, end}, {from}));
      start = end;
    }
  }

  void flatten(const Layer& layer) {
    const caffe::FlattenParameter& p = layer.flatten_param();
    const int rank = input_shape(layer).rank();
    if (p.axis() != 1 || (p.end_axis() != -1 && p.end_axis() != rank - 1))
      fail("it flattens axes ", p.axis(), " to ", p.end_axis(), ", camlite all but the first");
    add_layer(layer, Flatten{});
  }

  // To vectors, or to the shape that there is.
  void reshape(const Layer& layer) {
    const caffe::ReshapeParameter& p = layer.reshape_param();
    const Shape& in = input_shape(layer);
    const std::vector<std::int64_t> was = caffe_shape(in);
    std::vector<std::int64_t> wanted(p.shape().dim().begin(), p.shape().dim().end());
    bool known = p.axis() == 0 && p.num_axes() == -1 && wanted.size() >= 2;
    if (known) wanted[0] = 1;  // pictures, however many the file has
    std::int64_t rest = in.size();
    for (std::size_t i = 1; known && i < wanted.size(); ++i) {
      if (wanted[i] == 0 && i < was.size()) wanted[i] = was[i];
      if (wanted[i] == -1) continue;
      known = wanted[i] > 0 && rest % wanted[i] == 0;
      if (known) rest /= wanted[i];
    }
    std::replace(wanted.begin(), wanted.end(), std::int64_t{-1}, rest);
    if (known && wanted == was) return pass_on(layer, "its input has this shape");
    const bool vectors = known && wanted[1] == in.size() &&
                         std::all_of(wanted.begin() + 2, wanted.end(),
                                     [](std::int64_t extent) { return extent == 1; });
    if (!vectors) {
      fail("it makes ",
           caffe_shape_text(
               std::vector<std::int64_t>(p.shape().dim().begin(), p.shape().dim().end())),
           " of ", caffe_shape_text(was),
           "; camlite has vectors of all that there is of a picture");
    }
    add_layer(layer, Flatten{});
  }

  void lrn(const Layer& layer) {
    const caffe::LRNParameter& p = layer.lrn_param();
    if (p.norm_region() != caffe::LRNParameter::ACROSS_CHANNELS)
      fail("normalization within a channel is not supported, only across channels");
    if (p.local_size() % 2 == 0) fail("its local_size is ", p.local_size(), ", and must be odd");
    add_layer(layer, Lrn{p.local_size(), decimal(p.alpha()), decimal(p.beta()), decimal(p.k())});
  }

  void softmax(const Layer& layer) {
    require_channel_axis(layer, layer.softmax_param().axis());
    add_layer(layer, Softmax{});
  }

  void prelu(const Layer& layer) {
    require_blobs(layer, 1);
    const Index channels = channels_of(input_shape(layer));
    Tensors tensors;
    tensors.emplace_back("weight",
                         layer.prelu_param().channel_shared()
                             ? equal_numbers(channels, blob(layer, 0, Shape{1}, "slope")(0))
                             : blob(layer, 0, {channels}, "slopes"));
    add_layer(layer, Prelu{}, std::move(tensors));
  }

  void relu(const Layer& layer) {
    const double slope = decimal(layer.relu_param().negative_slope());
    if (slope != 0) return add_layer(layer, LeakyRelu{slope});
    add_layer(layer, Relu{});
  }

  void clip(const Layer& layer) {
    const caffe::ClipParameter& p = layer.clip_param();
    if (!p.has_min() || !p.has_max()) fail("it has not both of min and max");
    add_layer(layer, Clamp{decimal(p.min()), decimal(p.max())});
  }

  void swish(const Layer& layer) {
    if (layer.swish_param().beta() != 1)
      fail("its beta is ", layer.swish_param().beta(), ", camlite has it with 1 only");
    add_layer(layer, Silu{});
  }

  void sigmoid(const Layer& layer) { add_layer(layer, Sigmoid{}); }
  void dropout(const Layer& layer) {
    add_layer(layer, Dropout{decimal(layer.dropout_param().dropout_ratio())});
  }
  // Where training read a blob more than once.
  void split(const Layer& layer) {
    require_one_input(layer);
    const std::string value = input(layer);
    for (const std::string& top : layer.top()) make(top, value);
  }

  // What the data layer says of pictures, if it says anything.
  std::optional<Preprocessing> preprocessing() {
    if (!net_.picture.transform || net_.picture.shape[1] != 3) return {};
    const caffe::TransformationParameter& p = *net_.picture.transform;
    const std::string& layer = net_.picture.blob;
    if (p.has_mean_file()) {
      report_.changed(layer, text("the mean picture ", p.mean_file(), " is not read (--mean)"));
    }
    if (p.mean_value().empty() && !p.has_scale()) return {};
    std::array<double, 3> mean{};
    if (p.mean_value().empty() && p.has_mean_file()) mean = {104, 117, 123};
    if (p.mean_value_size() == 1) mean.fill(decimal(p.mean_value(0)));
    if (p.mean_value_size() == 3)
      std::transform(p.mean_value().begin(), p.mean_value().end(), mean.begin(), decimal);
    if (p.mean_value_size() > 1 && p.mean_value_size() != 3) {
      fail(net_.definition, ": the input \"", layer, "\" has ", p.mean_value_size(),
           " mean values for 3 channels");
    }
    const double scale = decimal(p.scale());
    for (double& value : mean) value *= scale;
    const Shape input = draft_.input_shape();
    return Preprocessing{.fit = Preprocessing::Fit::exact,
                         .resize = {input[1] * 8 / 7, input[2] * 8 / 7},
                         .crop = {input[1], input[2]},
                         .channels = Preprocessing::Channels::bgr,
                         .scale = scale,
                         .mean = mean,
                         .std = {1, 1, 1}};
  }

  CaffeNet net_;
  ConversionReport& report_;
  Draft draft_;
  std::unordered_map<std::string, std::string> values_;  // blobs, as the draft calls them
  std::unordered_set<std::string> others_;               // blobs that do not come from pictures
  std::string result_;                                   // the value of the last layer
};

}  // namespace

Draft read_caffe(const std::string& path, const std::string& prototxt, ConversionReport& report) {
  return CaffeReader(read_caffe_net(path, prototxt, report), report).read();
}

}  // namespace camlite::tool
