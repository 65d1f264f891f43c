// read_caffe: the layers of a Caffe network as camlite's operators, one after the other.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <camlite/model/text.hpp>

#include "caffe_blob.hpp"
#include "caffe_builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "preprocessings.hpp"
#include "readers.hpp"

namespace camlite::tool {

namespace {

using Layer = caffe::LayerParameter;

// As many as the convolution has that reads them.
std::int64_t picture_channels(const CaffeNet& net) {
  for (const Layer& layer : net.layers) {
    if (layer.type() != "Convolution" || layer.bottom().empty() || layer.blobs().empty() ||
        layer.bottom(0) != net.picture.blob)
      continue;
    const caffe::BlobProto& weight = layer.blobs(0);
    return weight.shape().dim_size() > 1 ? weight.shape().dim(1) : weight.channels();
  }
  return 3;
}

// The picture's size: what the files say, or the usual one.
Draft empty_draft(CaffeNet& net, ConversionReport& report) {
  CaffePicture& picture = net.picture;
  if (picture.blob.empty()) {
    if (net.layers.empty() || net.layers[0].bottom().empty())
      fail(net.definition, ": nothing says where the pictures come in");
    picture.blob = net.layers[0].bottom(0);
    report.changed(picture.blob, "is taken as the picture; the file does not say");
  }
  if (picture.shape.empty()) {
    std::int64_t size = picture.transform ? picture.transform->crop_size() : 0;
    if (size == 0) {
      size = 224;
      report.changed(picture.blob,
                     "the file does not say how large pictures are: 224x224 is assumed (--size)");
    }
    picture.shape = {1, picture_channels(net), size, size};
  }
  constexpr std::int64_t most = 1 << 16;
  const auto possible = [](std::int64_t extent) { return extent >= 1 && extent <= most; };
  if (picture.shape.size() != 4 ||
      !std::all_of(picture.shape.begin(), picture.shape.end(), possible)) {
    fail(net.definition, ": the input \"", picture.blob, "\" is ", caffe_shape_text(picture.shape),
         ", where pictures are (N, C, H, W) of 1 to ", most);
  }
  return {net.weights, picture.shape[1], picture.shape[2], picture.shape[3]};
}

// Throws Error, naming all layers that should have weights and have none.
void check_weights(const CaffeNet& net) {
  std::string missing;
  for (const Layer& layer : net.layers) {
    const CaffeLayerType* type = find_caffe_layer(layer.type());
    if (type != nullptr && type->has_weights && layer.bottom_size() < 2 && layer.blobs().empty())
      missing += text(missing.empty() ? "" : ", ", layer.name());
  }
  if (missing.empty()) return;
  if (net.weights == net.definition) {
    fail(net.weights, ": there are no weights for ", missing,
         ": is this what training saved, a .caffemodel?");
  }
  fail(net.weights, ": it has no weights for these layers of ", net.definition, ": ", missing);
}

bool only_trains(const Layer& layer) {
  return layer.type().ends_with("Loss") || layer.type() == "Accuracy" ||
         layer.type() == "Silence" || layer.type() == "HDF5Output";
}

void read_layer(CaffeBuilder& builder, const CaffeNet& net, const Layer& layer) try {
  if (only_trains(layer)) return builder.drop(layer, "only training needs it");
  const CaffeLayerType* type = find_caffe_layer(layer.type());
  if (layer.type().empty()) fail("it has no type, or one that is not known");
  if (type == nullptr) fail("camlite has nothing for layers of this type");
  if (layer.bottom().empty()) fail("it reads nothing");
  if (layer.top().empty()) fail("it makes nothing");
  const auto other = [&](const std::string& bottom) { return builder.is_other(bottom); };
  if (std::all_of(layer.bottom().begin(), layer.bottom().end(), other)) {
    return builder.drop(layer,
                        text("reads ", layer.bottom(0), ", which does not come from the picture"));
  }
  type->add(builder, layer);
} catch (const Error& error) {
  // The draft's own errors name its source, and the layer.
  if (std::string_view(error.what()).starts_with(net.weights)) throw;
  fail(net.definition, ": layer \"", layer.name(), "\" (", layer.type(), "): ", error.what());
}

// What the data layer says of pictures, if it says anything.
std::optional<Preprocessing> preprocessing(const CaffeNet& net, const Shape& input,
                                           ConversionReport& report) {
  if (!net.picture.transform || net.picture.shape[1] != 3) return {};
  const caffe::TransformationParameter& p = *net.picture.transform;
  const std::string& layer = net.picture.blob;
  if (p.has_mean_file()) {
    report.changed(layer,
                   text("the mean picture ", p.mean_file(), " is not read (--mean takes it)"));
  }
  if (p.mean_value().empty() && !p.has_scale()) return {};
  std::array<double, 3> mean{};
  if (p.mean_value().empty() && p.has_mean_file()) mean = {104, 117, 123};
  if (p.mean_value_size() == 1) mean.fill(decimal(p.mean_value(0)));
  if (p.mean_value_size() == 3)
    std::transform(p.mean_value().begin(), p.mean_value().end(), mean.begin(), decimal);
  if (p.mean_value_size() > 1 && p.mean_value_size() != 3) {
    fail(net.definition, ": the input \"", layer, "\" has ", p.mean_value_size(),
         " mean values for 3 channels");
  }
  const double scale = decimal(p.scale());
  for (double& value : mean) value *= scale;
  return Preprocessing{.fit = Preprocessing::Fit::exact,
                       .resize = {with_margin(input[1]), with_margin(input[2])},
                       .crop = {input[1], input[2]},
                       .channels = Preprocessing::Channels::bgr,
                       .scale = scale,
                       .mean = mean,
                       .std = {1, 1, 1}};
}

}  // namespace

Draft read_caffe(const std::string& path, const std::string& prototxt, ConversionReport& report) {
  CaffeNet net = read_caffe_net(path, prototxt, report);
  Draft draft = empty_draft(net, report);
  CaffeBuilder builder(net, draft, report);
  check_weights(net);
  for (Layer& layer : net.layers) {
    read_layer(builder, net, layer);
    layer.Clear();  // one copy of the weights at a time
  }
  if (builder.result().empty()) fail(net.definition, ": there is no layer to convert");
  draft.set_result(builder.result());
  draft.preprocessing = preprocessing(net, draft.input_shape(), report);
  return draft;
}

}  // namespace camlite::tool
