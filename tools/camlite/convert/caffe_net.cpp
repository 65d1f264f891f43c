#include "caffe_net.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <camlite/model/mapped_file.hpp>

#include "../words.hpp"
#include "caffe_blob.hpp"
#include "readers.hpp"

namespace camlite::tool {

namespace {

namespace protobuf = google::protobuf;

// How protobuf writes a field's value; the lowest three bits of its tag.
enum class Wire { varint = 0, fixed64 = 1, bytes = 2, group = 3, group_end = 4, fixed32 = 5 };

// One field of a message: its number, how it is written, and its bytes where it is `bytes`.
struct Field {
  int number;
  Wire wire;
  std::span<const std::byte> bytes;
};

int length_of(std::span<const std::byte> bytes) {
  return static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
}

// Calls body(field) for each field of a message, until it says false or there is none left that is
// whole. The bytes of a field that is cut off go as far as there are any.
template <class Body>
void for_each_field(std::span<const std::byte> message, const Body& body) {
  protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()),
                                    length_of(message));
  while (const std::uint32_t tag = in.ReadTag()) {
    Field field{static_cast<int>(tag >> 3U), static_cast<Wire>(tag & 7U), {}};
    std::uint64_t number = 0;
    std::uint32_t half = 0, size = 0;
    bool whole = false;
    switch (field.wire) {
      case Wire::group:  // of what it holds, each is taken for a field of the message
      case Wire::group_end:
        whole = true;
        break;
      case Wire::varint:
        whole = in.ReadVarint64(&number);
        break;
      case Wire::fixed64:
        whole = in.ReadLittleEndian64(&number);
        break;
      case Wire::fixed32:
        whole = in.ReadLittleEndian32(&half);
        break;
      case Wire::bytes: {
        if (!in.ReadVarint32(&size)) return;
        const auto rest = message.subspan(static_cast<std::size_t>(in.CurrentPosition()));
        whole = size <= rest.size() && size <= INT_MAX && in.Skip(static_cast<int>(size));
        field.bytes = rest.first(std::min<std::size_t>(size, rest.size()));
        break;
      }
    }
    if (!body(field) || !whole) return;
  }
}

bool is_layer(const Field& field) {
  return field.wire == Wire::bytes && (field.number == caffe::NetParameter::kLayersFieldNumber ||
                                       field.number == caffe::NetParameter::kLayerFieldNumber);
}

// A layer takes a kilobyte, and two bytes of a file.
void check_layers(int layers, const std::string& path) {
  constexpr int most = 10000;
  if (layers > most) fail(path, ": more than ", most, " layers");
}

// The first layer that does not parse, for the message: "layer 3 of those that are whole, ...".
std::string damaged_part(std::span<const std::byte> file) {
  int layers = 0;
  bool found = false;
  for_each_field(file, [&](const Field& field) {
    if (!is_layer(field)) return true;
    ++layers;
    const auto parses = [&](auto layer) {
      return layer.ParsePartialFromArray(field.bytes.data(), length_of(field.bytes));
    };
    found = field.number == caffe::NetParameter::kLayerFieldNumber
                ? !parses(caffe::LayerParameter())
                : !parses(caffe::V1LayerParameter());
    return !found;
  });
  return found ? text("layer ", layers, " is damaged")
               : text("it is damaged behind its layer ", layers);
}

caffe::NetParameter parse_weights(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() > INT_MAX) {
    fail(path, ": ", bytes.size(),
         " bytes, and the format has 2 GiB at most: this is no Caffe model");
  }
  int layers = 0;
  for_each_field(bytes, [&](const Field& field) {
    layers += is_layer(field);
    check_layers(layers, path);
    return true;
  });
  const protobuf::LogSilencer silence;  // of names that are not UTF-8, in builds without NDEBUG
  caffe::NetParameter net;
  if (!net.ParseFromArray(bytes.data(), length_of(bytes))) {
    fail(path, ": as a Caffe model of ", bytes.size(), " bytes, ", damaged_part(bytes),
         "; was it cut short in a download?");
  }
  return net;
}

// What protobuf finds in a text.
class Findings : public protobuf::io::ErrorCollector {
 public:
  Findings(std::string path, ConversionReport& report) : path_(std::move(path)), report_(report) {}

  void AddError(int line, int column, const std::string& message) override {
    if (error_.empty()) error_ = text(place(line, column), ": ", message);
  }
  // A field that is not known.
  void AddWarning(int line, int column, const std::string& message) override {
    const bool of_training =
        message.find(caffe::Ignored::descriptor()->full_name() + '"') != std::string::npos;
    if (!of_training) report_.dropped(place(line, column), message);
  }

  const std::string& error() const { return error_; }

 private:
  std::string place(int line, int column) const {
    return text(path_, ':', line + 1, ':', column + 1);
  }

  std::string path_;
  ConversionReport& report_;
  std::string error_;  // the first one
};

// How deep braces are nested: protobuf's parser of texts goes one call deeper for each where it
// skips what it does not know, whatever its own limit says. And how many there are at the top. A
// string ends where protobuf's does, at its line's end, too.
void check_braces(std::string_view text, const std::string& path) {
  constexpr int most = 100;
  int depth = 0, line = 1, layers = 0;
  if (const std::size_t nul = text.find('\0'); nul != text.npos)
    fail(path, ':',
         1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n'),
         ": a NUL: this is no text");
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    line += c == '\n';
    if (quote != 0) {
      if (c == '\\' && text.substr(i + 1, 1) != "\n") ++i;
      if (c == quote || c == '\n') quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '{' || c == '<' || c == '[') {
      if (depth == 0) check_layers(++layers, path);
      if (++depth > most) fail(path, ':', line, ": braces are nested more than ", most, " deep");
    } else if (c == '}' || c == '>' || c == ']') {
      --depth;
    }
  }
}

caffe::NetParameter parse_definition(const std::string& path, ConversionReport& report) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  constexpr std::size_t most = std::size_t{64} << 20U;
  if (bytes.size() > most)
    fail(path, ": ", bytes.size(), " bytes are too many for a network's definition");
  check_braces(as_text(bytes), path);
  Findings findings(path, report);
  protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&findings);
  parser.AllowUnknownField(true);
  protobuf::io::ArrayInputStream in(bytes.data(), length_of(bytes));
  caffe::NetParameter net;
  if (!parser.Parse(&in, &net)) fail(findings.error());
  if (net.layer().empty() && net.layers().empty()) fail(path, ": it defines no layer");
  return net;
}

// The types of the old style as today's words, by number.
constexpr std::array<std::string_view, 40> type_names{"",
                                                      "Accuracy",
                                                      "BNLL",
                                                      "Concat",
                                                      "Convolution",
                                                      "Data",
                                                      "Dropout",
                                                      "EuclideanLoss",
                                                      "Flatten",
                                                      "HDF5Data",
                                                      "HDF5Output",
                                                      "Im2col",
                                                      "ImageData",
                                                      "InfogainLoss",
                                                      "InnerProduct",
                                                      "LRN",
                                                      "MultinomialLogisticLoss",
                                                      "Pooling",
                                                      "ReLU",
                                                      "Sigmoid",
                                                      "Softmax",
                                                      "SoftmaxWithLoss",
                                                      "Split",
                                                      "TanH",
                                                      "WindowData",
                                                      "Eltwise",
                                                      "Power",
                                                      "SigmoidCrossEntropyLoss",
                                                      "HingeLoss",
                                                      "MemoryData",
                                                      "ArgMax",
                                                      "Threshold",
                                                      "DummyData",
                                                      "Slice",
                                                      "MVN",
                                                      "AbsVal",
                                                      "Silence",
                                                      "ContrastiveLoss",
                                                      "Exp",
                                                      "Deconvolution"};
static_assert(type_names.size() == caffe::V1LayerParameter::LayerType_ARRAYSIZE);

// A layer of the old style as one of today's. The messages of its parameters are the same under
// other numbers.
caffe::LayerParameter modern(caffe::V1LayerParameter& old, const std::string& path) {
  if (old.has_layer()) {
    fail(path,
         ": its layers are in the style of 2013; Caffe's upgrade_net_proto_binary and "
         "upgrade_net_proto_text bring them up to date");
  }
  caffe::LayerParameter layer;
  layer.set_name(old.name());
  layer.set_type(std::string(type_names.at(static_cast<std::size_t>(old.type()))));
  layer.mutable_bottom()->Swap(old.mutable_bottom());
  layer.mutable_top()->Swap(old.mutable_top());
  layer.mutable_blobs()->Swap(old.mutable_blobs());
  layer.mutable_include()->Swap(old.mutable_include());
  layer.mutable_exclude()->Swap(old.mutable_exclude());
  const protobuf::Descriptor& fields = *old.GetDescriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const protobuf::FieldDescriptor& from = *fields.field(i);
    if (from.is_repeated() || from.message_type() == nullptr) continue;
    if (!old.GetReflection()->HasField(old, &from)) continue;
    const auto* to = layer.GetDescriptor()->FindFieldByName(from.name());
    layer.GetReflection()->SetAllocatedMessage(
        &layer, old.GetReflection()->ReleaseMessage(&old, &from), to);
  }
  return layer;
}

std::vector<caffe::LayerParameter> layers_of(caffe::NetParameter& net, const std::string& path) {
  if (!net.layers().empty() && !net.layer().empty()) {
    fail(path,
         ": it has layers of the old style (layers) and the new one (layer): only one of "
         "them can be meant");
  }
  std::vector<caffe::LayerParameter> layers;
  layers.reserve(static_cast<std::size_t>(net.layers_size()) +
                 static_cast<std::size_t>(net.layer_size()));
  for (caffe::V1LayerParameter& old : *net.mutable_layers()) layers.push_back(modern(old, path));
  for (caffe::LayerParameter& layer : *net.mutable_layer()) layers.push_back(std::move(layer));
  return layers;
}

// Whether a rule holds for a network that is tested, at level 0 and without stages.
bool holds(const caffe::NetStateRule& rule) {
  return (!rule.has_phase() || rule.phase() == caffe::TEST) && rule.min_level() <= 0 &&
         (!rule.has_max_level() || rule.max_level() >= 0) && rule.stage().empty();
}

bool is_tested(const caffe::LayerParameter& layer) {
  if (!layer.include().empty())
    return std::any_of(layer.include().begin(), layer.include().end(), holds);
  return std::none_of(layer.exclude().begin(), layer.exclude().end(), holds);
}

// What the network's own `input`s say: the first one is the picture.
void take_inputs(CaffeNet& net, const caffe::NetParameter& from) {
  if (from.input().empty()) return;
  net.picture.blob = from.input(0);
  if (from.input_shape_size() > 0) {
    net.picture.shape = caffe_extents(from.input_shape(0));
  } else if (from.input_dim_size() >= 4) {
    net.picture.shape.assign(from.input_dim().begin(), from.input_dim().begin() + 4);
  }
  net.labels.assign(from.input().begin() + 1, from.input().end());
}

// What a layer without inputs makes: pictures and, of most, their labels.
void take_source(CaffeNet& net, const caffe::LayerParameter& layer, ConversionReport& report) {
  if (layer.type() != "Input") {
    report.dropped(layer.name(), text("a layer that reads data (", layer.type(), ")"));
  }
  if (net.picture.blob.empty() && !layer.top().empty()) {
    net.picture.blob = layer.top(0);
    if (layer.input_param().shape_size() > 0)
      net.picture.shape = caffe_extents(layer.input_param().shape(0));
    if (layer.has_memory_data_param()) {
      const caffe::MemoryDataParameter& data = layer.memory_data_param();
      net.picture.shape = {1, data.channels(), data.height(), data.width()};
    }
    if (layer.has_transform_param()) net.picture.transform = layer.transform_param();
  }
  for (const std::string& top : layer.top()) {
    if (top != net.picture.blob) net.labels.push_back(top);
  }
}

// Whether a layer brings data. Others without inputs have lost them.
bool reads_data(const caffe::LayerParameter& layer) {
  constexpr std::array<std::string_view, 8> types{
      "Data", "ImageData", "HDF5Data", "WindowData", "MemoryData", "DummyData", "Input", "Python"};
  return layer.bottom().empty() &&
         (std::find(types.begin(), types.end(), layer.type()) != types.end() ||
          layer.type().ends_with("Data"));
}

// The layers of a network that is tested. One that was saved by training has only that phase's data
// layer.
void take_layers(CaffeNet& net, std::vector<caffe::LayerParameter> layers,
                 ConversionReport& report) {
  for (const bool tested : {true, false}) {
    for (const caffe::LayerParameter& layer : layers) {
      if (reads_data(layer) && is_tested(layer) == tested) take_source(net, layer, report);
    }
  }
  for (caffe::LayerParameter& layer : layers) {
    if (reads_data(layer)) continue;
    if (is_tested(layer)) {
      net.layers.push_back(std::move(layer));
    } else {
      report.dropped(layer.name(), "is not there when the network is tested");
    }
  }
}

// Gives the layers the weights of those with their names.
void take_weights(CaffeNet& net, std::vector<caffe::LayerParameter> from,
                  ConversionReport& report) {
  std::unordered_map<std::string_view, caffe::LayerParameter*> named;
  for (caffe::LayerParameter& layer : net.layers) {
    layer.clear_blobs();
    named.emplace(layer.name(), &layer);
  }
  for (caffe::LayerParameter& layer : from) {
    if (layer.blobs().empty()) continue;
    const auto found = named.find(layer.name());
    if (found != named.end()) {
      found->second->mutable_blobs()->Swap(layer.mutable_blobs());
    } else {
      report.dropped(layer.name(), text("its weights: ", net.definition, " has no such layer"));
    }
  }
}

}  // namespace

bool is_caffe(std::span<const std::byte> bytes) {
  using Net = caffe::NetParameter;
  bool fits = true, has_layer = false;
  for_each_field(bytes, [&](const Field& field) {
    const bool is_bytes = field.wire == Wire::bytes, is_number = field.wire == Wire::varint;
    switch (field.number) {
      case Net::kNameFieldNumber:
      case Net::kInputFieldNumber:
      case Net::kStateFieldNumber:
      case Net::kInputShapeFieldNumber:
        fits = is_bytes;
        break;
      case Net::kInputDimFieldNumber:
      case Net::kForceBackwardFieldNumber:
      case Net::kDebugInfoFieldNumber:
        fits = is_number;
        break;
      case Net::kLayersFieldNumber:
      case Net::kLayerFieldNumber:
        fits = is_bytes;
        has_layer = true;
        break;
      default:  // of somebody's branch of Caffe
        fits = has_layer || field.number < Net::kLayerFieldNumber;
    }
    return fits;
  });
  return fits && has_layer;
}

CaffeNet read_caffe_net(const std::string& path, const std::string& prototxt,
                        ConversionReport& report) {
  CaffeNet net{prototxt.empty() ? path : prototxt, path, {}, {}, {}};
  caffe::NetParameter file = parse_weights(path);
  if (prototxt.empty()) {
    take_inputs(net, file);
    take_layers(net, layers_of(file, path), report);
  } else {
    caffe::NetParameter definition = parse_definition(prototxt, report);
    take_inputs(net, definition);
    take_layers(net, layers_of(definition, prototxt), report);
    take_weights(net, layers_of(file, path), report);
  }
  return net;
}

}  // namespace camlite::tool
