// read_onnx: an ONNX model as a Draft, node by node.
//
//   file --protobuf--> ModelProto --fold or import_...--> Draft
//
// Each value of the graph is a constant, which is computed here and now, or depends on the picture:
// then it is a value of the Draft, seen as onnx_view.hpp says.

#include <algorithm>
#include <climits>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include <camlite/model/mapped_file.hpp>
#include <camlite/model/model_file.hpp>

#include "onnx.pb.h"
#include "onnx_fold.hpp"
#include "onnx_operators.hpp"
#include "readers.hpp"

namespace camlite::tool {

namespace onnx {
namespace {

constexpr Index oldest_opset = 7;

// An input whose size the file leaves open gets the most usual one.
constexpr Index usual_channels = 3, usual_extent = 224, most_extent = 1 << 16;

ModelProto parse(std::span<const std::byte> bytes, const std::string& path) {
  if (bytes.size() > INT_MAX) {
    fail(path, ": ", bytes.size(),
         " bytes; an ONNX model of more than 2 GiB must have its weights in another file");
  }
  const google::protobuf::LogSilencer silence;  // of names that are not UTF-8, without NDEBUG
  ModelProto model;
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream input(&stream);
  input.SetRecursionLimit(32);  // a model's tensors are six deep
  if (!model.ParseFromCodedStream(&input) || !input.ConsumedEntireMessage())
    fail(path, ": not an ONNX model, or cut short: it cannot be parsed");
  return model;
}

bool is_own_domain(const std::string& domain) {
  return domain.empty() || domain == "ai.onnx";
}

Index opset_of(const ModelProto& model, const std::string& path) {
  std::optional<Index> opset;
  for (const OperatorSetProto& import : model.opset_import()) {
    if (is_own_domain(import.domain())) opset = import.version();
  }
  if (!opset) fail(path, ": it does not say which version of ONNX's operators it uses");
  if (*opset < oldest_opset) {
    fail(path, ": opset ", *opset, " is not supported; ", oldest_opset, " and newer are (",
         "onnx.version_converter converts it)");
  }
  return *opset;
}

// The graph's input, and what of it is not said.
struct Picture {
  std::string name;
  Index pictures = 1;
  Index channels = 0, height = 0, width = 0;
  std::size_t rank = 4;
  bool channels_last = false;
};

// The extents of a value, 0 where they are open.
Extents declared_extents(const ValueProto& value, const std::string& path) {
  const TypeProto::Tensor& type = value.type().tensor_type();
  if (!is_real_type(type.elem_type())) {
    fail(path, ": the input \"", value.name(),
         "\" is no tensor of floating point numbers; pictures are");
  }
  Extents extents;
  for (const ShapeProto::Dimension& dimension : type.shape().dim()) {
    const Index extent = std::max<Index>(dimension.dim_value(), 0);
    if (extent > most_extent)
      fail(path, ": the input \"", value.name(), "\" has an extent of ", extent, ", more than ",
           most_extent);
    extents.push_back(extent);
  }
  return extents;
}

const ValueProto& picture_input(const GraphProto& graph, const std::string& path) {
  std::unordered_set<std::string> constants;
  for (const TensorProto& tensor : graph.initializer()) constants.insert(tensor.name());
  std::vector<const ValueProto*> inputs;
  std::string names;
  for (const ValueProto& input : graph.input()) {
    if (constants.contains(input.name())) continue;
    inputs.push_back(&input);
    if (inputs.size() <= 8) names += text(inputs.size() > 1 ? ", \"" : "\"", input.name(), "\"");
  }
  if (inputs.size() != 1) {
    fail(path, ": the graph has ", inputs.size(), " inputs", inputs.empty() ? "" : ": ", names,
         "; a network for camlite has one, the picture");
  }
  return *inputs[0];
}

// Whether the channels are the input's last extent, as TensorFlow has them: by its size, and since
// somewhere in the graph they are put where ONNX's convolutions want them.
bool has_channels_last(const GraphProto& graph, const Extents& input) {
  const auto few = [](Index extent) { return extent == 1 || extent == 3 || extent == 4; };
  if (!few(input[3]) || few(input[1])) return false;
  const Extents channels_first{0, 3, 1, 2};
  return std::any_of(graph.node().begin(), graph.node().end(), [&](const NodeProto& node) {
    return node.op_type() == "Transpose" && node.attribute_size() == 1 &&
           std::equal(channels_first.begin(), channels_first.end(),
                      node.attribute(0).ints().begin(), node.attribute(0).ints().end());
  });
}

Picture picture_of(const GraphProto& graph, const std::string& path, ConversionReport& report) {
  const ValueProto& input = picture_input(graph, path);
  Extents extents = declared_extents(input, path);
  Picture picture;
  picture.name = input.name();
  picture.rank = extents.size();
  if (picture.rank != 4 && picture.rank != 2) {
    fail(path, ": the input \"", input.name(), "\" has shape ", str(extents), ", ", picture.rank,
         " extents; a picture has (N, C, H, W)");
  }
  picture.channels_last = picture.rank == 4 && has_channels_last(graph, extents);
  if (picture.channels_last) {
    report.changed(input.name(), "the input has its channels last, camlite's first in .npy files");
    std::rotate(extents.begin() + 1, extents.begin() + 3, extents.end());
  }
  extents.resize(4, 1);
  picture.pictures = std::max<Index>(extents[0], 1);
  picture.channels = extents[1] > 0 ? extents[1] : usual_channels;
  picture.height = extents[2] > 0 ? extents[2] : usual_extent;
  picture.width = extents[3] > 0 ? extents[3] : usual_extent;
  if (extents[1] == 0 || extents[2] == 0 || extents[3] == 0) {
    report.changed(input.name(), text("the file leaves the input's size open: ", picture.channels,
                                      "x", picture.height, "x", picture.width, " is assumed"));
  }
  return picture;
}

// Which node makes each value, by number.
using Makers = std::unordered_map<std::string, int>;

Makers makers_of(const GraphProto& graph, const std::string& path) {
  Makers makers;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& output : graph.node(i).output()) {
      if (!output.empty() && !makers.emplace(output, i).second)
        fail(path, ": two nodes make the value \"", output, "\"");
    }
  }
  return makers;
}

// The nodes that lead to a value, by number.
std::vector<bool> nodes_behind(const GraphProto& graph, const Makers& makers,
                               const std::string& value) {
  std::vector<bool> needed(static_cast<std::size_t>(graph.node_size()));
  std::vector<const std::string*> open{&value};
  while (!open.empty()) {
    const auto maker = makers.find(*open.back());
    open.pop_back();
    if (maker == makers.end() || needed[static_cast<std::size_t>(maker->second)]) continue;
    needed[static_cast<std::size_t>(maker->second)] = true;
    for (const std::string& input : graph.node(maker->second).input()) open.push_back(&input);
  }
  return needed;
}

// The output that needs the most nodes: of logits and probabilities the latter, of a classifier and
// an auxiliary one the former.
struct Result {
  std::string name;
  std::vector<bool> nodes;
};

Result result_of(const GraphProto& graph, const std::string& path, ConversionReport& report) {
  constexpr int most_outputs = 1000;  // each is gone through the graph for
  if (graph.output_size() == 0) fail(path, ": the graph has no output");
  if (graph.output_size() > most_outputs)
    fail(path, ": the graph has ", graph.output_size(), " outputs");
  const Makers makers = makers_of(graph, path);
  Result best;
  std::ptrdiff_t most = -1;
  for (const ValueProto& output : graph.output()) {
    std::vector<bool> nodes = nodes_behind(graph, makers, output.name());
    const auto count = std::count(nodes.begin(), nodes.end(), true);
    if (count <= most) continue;
    most = count;
    best = {output.name(), std::move(nodes)};
  }
  for (const ValueProto& output : graph.output()) {
    if (output.name() != best.name)
      report.dropped(output.name(), text("another output; the result is ", best.name));
  }
  return best;
}

class Importer {
 public:
  Importer(const std::string& path, const ModelProto& model, Builder& builder)
      : path_(path), opset_(opset_of(model, path)), arrays_(path), builder_(builder) {
    for (const TensorProto& tensor : model.graph().initializer()) {
      if (!initializers_.emplace(tensor.name(), &tensor).second)
        fail(path, ": there are two initializers \"", tensor.name(), "\"");
    }
    for (const SparseTensorProto& tensor : model.graph().sparse_initializer())
      sparse_.insert(tensor.values().name());
  }

  void set(const std::string& name, Value value) {
    values_.insert_or_assign(name, std::move(value));
  }

  // The value of this name: one that a node has made, or an initializer, which is read when it is
  // asked for. Throws Error if there is none.
  const Value& value(const std::string& name) {
    const auto found = values_.find(name);
    if (found != values_.end()) return found->second;
    const auto initializer = initializers_.find(name);
    if (initializer == initializers_.end()) {
      if (sparse_.contains(name))
        fail("its input \"", name, "\" is sparse, which is not supported");
      fail(
          "it reads \"", name,
          "\", which no earlier node makes, or which is one of the outputs that are not supported");
    }
    Array array = arrays_.read(*initializer->second);
    return values_.emplace(name, std::make_shared<const Array>(std::move(array))).first->second;
  }

  void import_node(const NodeProto& node) try {
    if (!is_own_domain(node.domain()))
      fail("operators of \"", node.domain(), "\" are not supported");
    std::vector<const Value*> inputs;
    for (const std::string& input : node.input())
      inputs.push_back(input.empty() ? nullptr : &value(input));
    const Call call(node, opset_, arrays_, std::move(inputs));
    const Values outputs = computed(call);
    call.check_all_used();
    for (int i = 0; i < node.output_size(); ++i) {
      if (node.output(i).empty()) continue;
      if (static_cast<std::size_t>(i) < outputs.size())
        set(node.output(i), outputs[static_cast<std::size_t>(i)]);
    }
  } catch (const Error& error) {
    std::string_view what = error.what();
    const std::string prefix = path_ + ": ";
    if (what.starts_with(prefix)) what.remove_prefix(prefix.size());
    const std::string& name =
        node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
    fail(path_, ": node \"", name, "\" (", node.op_type(), "): ", what);
  }

 private:
  Values computed(const Call& call) {
    if (std::optional<Array> array = fold(call, builder_.budget))
      return {std::make_shared<const Array>(std::move(*array))};
    if (const Import import = find_operator(call.type())) return import(builder_, call);
    fail("the operator is not supported");
  }

  const std::string& path_;
  Index opset_;
  ArrayReader arrays_;
  Builder& builder_;
  std::unordered_map<std::string, const TensorProto*> initializers_;
  std::unordered_set<std::string> sparse_;
  std::unordered_map<std::string, Value> values_;
};

// What camlite export writes, and who made the file.
void read_metadata(const ModelProto& model, Draft& draft) {
  std::set<std::string> seen;
  for (const EntryProto& entry : model.metadata_props()) {
    if (!seen.insert(entry.key()).second) continue;
    if (entry.key() == "camlite.labels") {
      draft.labels = detail::parse_labels(entry.value());
    } else if (entry.key() == "camlite.preprocess") {
      draft.preprocessing = parse_preprocessing(entry.value(), draft.source());
    } else if (entry.key() == "camlite.boxes") {
      draft.boxes = parse_box_options(entry.value(), draft.source());
    } else if (!entry.key().empty() && !entry.key().starts_with("camlite.")) {
      draft.notes.emplace_back(entry.key(), entry.value());
    }
  }
  if (!model.producer_name().empty() && model.producer_name() != "camlite" &&
      seen.insert("producer").second) {
    draft.notes.emplace_back("producer",
                             text(model.producer_name(), ' ', model.producer_version()));
  }
}

}  // namespace
}  // namespace onnx

// The fields of a ModelProto in a row: a version, which is a number, and then others of those that
// it has, until a graph or a list of operator sets. Enough to tell it from other protobuf files,
// and from one that is cut short.
bool is_onnx(std::span<const std::byte> bytes) {
  google::protobuf::io::CodedInputStream input(
      reinterpret_cast<const std::uint8_t*>(bytes.data()),
      static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
  constexpr int number = 0, length_delimited = 2;
  bool has_version = false;
  for (std::uint32_t tag = input.ReadTag(); tag != 0; tag = input.ReadTag()) {
    const auto field = static_cast<int>(tag >> 3), kind = static_cast<int>(tag & 7);
    const bool is_number = field == 1 || field == 5;
    const bool known = (field >= 1 && field <= 8) || field == 14 || field == 20 || field == 25;
    if (!known || kind != (is_number ? number : length_delimited)) return false;
    std::uint64_t value = 0;
    if (!input.ReadVarint64(&value)) return false;
    has_version = has_version || field == 1;
    if (has_version && (field == 7 || field == 8)) return true;
    if (!is_number && (value > INT_MAX || !input.Skip(static_cast<int>(value)))) return false;
  }
  return false;
}

Draft read_onnx(const std::string& path, ConversionReport& report) {
  using namespace onnx;
  const MappedFile file(path);
  const ModelProto model = parse(file.bytes(), path);
  const GraphProto& graph = model.graph();
  const Picture picture = picture_of(graph, path, report);
  Draft draft(path, picture.channels, picture.height, picture.width);
  // Weights may be transposed or reshaped in the graph, so as many numbers as the file has, and
  // some more for shapes.
  const auto budget = static_cast<Index>(4 * file.bytes().size()) + (Index{1} << 24);
  Builder builder(draft, report, picture.pictures, budget);
  Importer importer(path, model, builder);
  const View view = picture.rank == 2 ? View::vector(picture.pictures, draft.input_shape())
                    : picture.channels_last
                        ? View::channels_last(picture.pictures, draft.input_shape())
                        : View::map(picture.pictures, draft.input_shape());
  importer.set(picture.name, Variable{"input", view});
  const Result result = result_of(graph, path, report);
  for (int i = 0; i < graph.node_size(); ++i) {
    if (result.nodes[static_cast<std::size_t>(i)]) importer.import_node(graph.node(i));
  }
  try {
    const auto* variable = std::get_if<Variable>(&importer.value(result.name));
    if (!variable) fail("it does not depend on the picture");
    draft.set_result(variable->view.rank() == 2 ? builder.vector(*variable, result.name)
                                                : builder.map(*variable));
  } catch (const Error& error) {
    fail(path, ": the result \"", result.name, "\": ", error.what());
  }
  read_metadata(model, draft);
  return draft;
}

}  // namespace camlite::tool
