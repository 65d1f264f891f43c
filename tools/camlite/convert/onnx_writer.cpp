#include "onnx_writer.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <camlite/model/model_file.hpp>
#include <camlite/network/head.hpp>
#include <camlite/output_file.hpp>

#include "onnx.pb.h"
#include "onnx_array.hpp"

namespace camlite::tool {

namespace onnx {
namespace {

constexpr Index opset = 14;      // the first with HardSwish
constexpr Index ir_version = 7;  // what came with it

// A node's attributes, by the kinds that they have in the file.
class Attributes {
 public:
  explicit Attributes(NodeProto& node) : node_(node) {}

  Attributes& set(std::string_view name, Index value) {
    AttributeProto& attribute = add(name, 2);
    attribute.set_i(value);
    return *this;
  }
  Attributes& set(std::string_view name, double value) {
    AttributeProto& attribute = add(name, 1);
    attribute.set_f(static_cast<float>(value));
    return *this;
  }
  Attributes& set(std::string_view name, const Extents& values) {
    AttributeProto& attribute = add(name, 7);
    attribute.mutable_ints()->Add(values.begin(), values.end());
    return *this;
  }

 private:
  AttributeProto& add(std::string_view name, int type) {
    AttributeProto& attribute = *node_.add_attribute();
    attribute.set_name(std::string(name));
    attribute.set_type(type);
    return attribute;
  }

  NodeProto& node_;
};

Extents pair(const Size2d& size) {
  return {size.height, size.width};
}

// The same padding on opposite sides, as ONNX has it: all beginnings, then all ends.
Extents pads(const Size2d& padding) {
  return {padding.height, padding.width, padding.height, padding.width};
}

class Exporter {
 public:
  Exporter(const Model& model, bool features)
      : model_(model),
        nodes_(model.graph().nodes),
        shapes_(infer_shapes(model.graph(), model.input_shape(), model.source())),
        names_(shapes_.size()) {
    const std::vector<bool> vectors = detail::vector_values(model.graph(), shapes_);
    results_ = detail::ResultFinder(model.graph(), shapes_, vectors).find();
    if (features && !results_.pool) {
      fail(model.source(),
           ": no feature maps to export, since there is no CAM head: ", results_.missing);
    }
    if (features) features_ = nodes_[*results_.pool].inputs[0];
  }

  ModelProto proto() {
    proto_.set_ir_version(ir_version);
    proto_.set_producer_name("camlite");
    proto_.add_opset_import()->set_version(opset);
    graph_.set_name("camlite");
    for (const char* taken : {"input", "logits", "probabilities", "features"}) taken_.insert(taken);
    names_[0] = "input";
    const Shape input = model_.input_shape();
    declare(*graph_.add_input(), "input", {0, input[3], input[1], input[2]});
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      try {
        export_node(i);
      } catch (const Error& error) {
        fail(model_.source(), ": ", nodes_[i].name, " (", type_of(nodes_[i].op),
             "): ", error.what());
      }
    }
    add_result("logits", results_.logits);
    if (results_.probabilities) add_result("probabilities", *results_.probabilities);
    if (features_) add_features(*features_);
    add_metadata();
    return std::move(proto_);
  }

 private:
  using Names = std::vector<std::string>;

  const Shape& shape(Index value) const { return shapes_[static_cast<std::size_t>(value)]; }
  const std::string& name(Index value) const { return names_[static_cast<std::size_t>(value)]; }

  // ONNX's values and initializers share one space of names.
  std::string unique(const std::string& wanted) {
    std::string free = wanted;
    for (int number = 2; !taken_.insert(free).second; ++number) free = text(wanted, '_', number);
    return free;
  }

  // A node that makes one value, called as the node; returns what it may have.
  Attributes add(std::string_view type, const Names& inputs, const std::string& output) {
    NodeProto& node = *graph_.add_node();
    node.set_op_type(std::string(type));
    node.set_name(output);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return Attributes(node);
  }

  TensorProto& add_tensor(const std::string& name, int type, const Extents& dims) {
    const Index width = type == int64_type ? 8 : 4;
    bytes_ = checked_sum(bytes_, checked_product(size_of(dims), width));
    // Protobuf's lengths have 31 bits; names and nodes need some room beside the weights.
    constexpr Index most = std::numeric_limits<std::int32_t>::max() - (Index{1} << 24);
    if (bytes_ > most) {
      fail("the weights so far are ", bytes_,
           " bytes as float32; an ONNX file holds less than 2 GiB");
    }
    TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    tensor.mutable_dims()->Add(dims.begin(), dims.end());
    return tensor;
  }

  static Index checked_sum(Index a, Index b) { return detail::checked_sum(a, b); }

  std::string add_integers(const std::string& wanted, const Extents& values) {
    std::string name = unique(wanted);
    TensorProto& tensor = add_tensor(name, int64_type, {std::ssize(values)});
    std::string& raw = *tensor.mutable_raw_data();
    raw.resize(values.size() * sizeof(std::int64_t));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t value = values[i];
      std::memcpy(raw.data() + i * sizeof value, &value, sizeof value);
    }
    return name;
  }

  std::string add_number(const std::string& wanted, double value) {
    std::string name = unique(wanted);
    const auto number = static_cast<float>(value);
    add_tensor(name, float_type, {})
        .set_raw_data(std::string(reinterpret_cast<const char*>(&number), sizeof number));
    return name;
  }

  // A weight of node i, "weight" or "bias", under these extents or its own.
  std::string add_weight(std::size_t i, const std::string& suffix, Extents dims = {}) {
    const StoredTensor& stored = model_.tensor(text(nodes_[i].name, '.', suffix));
    if (dims.empty()) dims = stored.shape;
    std::string name = unique(stored.name);
    TensorProto& tensor = add_tensor(name, float_type, dims);
    std::string& raw = *tensor.mutable_raw_data();
    const auto size = static_cast<std::size_t>(size_of(dims));
    raw.resize(size * sizeof(float));
    std::vector<float> values(size);
    to_float(stored, values);
    std::memcpy(raw.data(), values.data(), raw.size());
    return name;
  }

  // A value of (N, 1, 1, C) as (N, C) where it is none already.
  std::string as_vector(Index value, const std::string& wanted) {
    if (shape(value).rank() == 2) return name(value);
    std::string flat = unique(wanted);
    add("Flatten", {name(value)}, flat).set("axis", Index{1});
    return flat;
  }

  // One number a channel, so that it broadcasts to a value of this rank.
  Extents channel_extents(const Shape& in) const {
    const Index channels = in[in.rank() - 1];
    return in.rank() == 4 ? Extents{channels, 1, 1} : Extents{channels};
  }

  void export_node(std::size_t i) {
    const std::string out = unique(nodes_[i].name);
    names_[i + 1] = out;
    std::visit([&](const auto& op) { this->write(op, i, out); }, nodes_[i].op);
  }

  // The inputs' names, and the shape of the first one.
  Names inputs(std::size_t i) const {
    Names list;
    for (Index value : nodes_[i].inputs) list.push_back(name(value));
    return list;
  }
  const Shape& in_shape(std::size_t i) const { return shape(nodes_[i].inputs[0]); }

  // Operators of two inputs and, one after another, of more. Beside a map, (N, C) is (N, C, 1, 1).
  void write_pairs(std::string_view type, std::size_t i, const std::string& out) {
    const bool maps = shapes_[i + 1].rank() == 4;
    Names list;
    for (Index value : nodes_[i].inputs) {
      list.push_back(name(value));
      if (!maps || shape(value).rank() != 2) continue;
      list.back() = unique(name(value) + ".map");
      add("Unsqueeze", {name(value), add_integers(out + ".axes", {2, 3})}, list.back());
    }
    std::string so_far = list[0];
    for (std::size_t k = 1; k < list.size(); ++k) {
      const std::string next = k + 1 == list.size() ? out : unique(text(out, ".", k));
      add(type, {so_far, list[k]}, next);
      so_far = next;
    }
  }

  void write_pool(const Pool2d& pool, Attributes attributes) {
    attributes.set("kernel_shape", pair(pool.kernel))
        .set("strides", pair(pool.step()))
        .set("pads", pads(pool.padding));
    if (pool.rounding != Rounding::floor) attributes.set("ceil_mode", Index{1});
  }

  void write(const Add&, std::size_t i, const std::string& out) { write_pairs("Add", i, out); }
  void write(const Sub&, std::size_t i, const std::string& out) { write_pairs("Sub", i, out); }
  void write(const Mul&, std::size_t i, const std::string& out) { write_pairs("Mul", i, out); }
  void write(const Div&, std::size_t i, const std::string& out) { write_pairs("Div", i, out); }
  void write(const Maximum&, std::size_t i, const std::string& out) { write_pairs("Max", i, out); }

  void write(const AvgPool2d& op, std::size_t i, const std::string& out) {
    Attributes attributes = add("AveragePool", inputs(i), out);
    write_pool(op, attributes);
    attributes.set("count_include_pad", Index{op.count_include_pad});
  }

  void write(const MaxPool2d& op, std::size_t i, const std::string& out) {
    write_pool(op, add("MaxPool", inputs(i), out));
  }

  void write(const BatchNorm& op, std::size_t i, const std::string& out) {
    Names list = inputs(i);
    for (const char* suffix : {"weight", "bias", "running_mean", "running_var"})
      list.push_back(add_weight(i, suffix));
    add("BatchNormalization", list, out).set("epsilon", op.eps);
  }

  void write(const ChannelShuffle& op, std::size_t i, const std::string& out) {
    const Shape& in = in_shape(i);
    const std::string split = unique(out + ".groups"), turned = unique(out + ".shuffled");
    const Index depth = in[3] / op.groups;
    // 0: as many pictures as there are
    add("Reshape",
        {inputs(i)[0], add_integers(split + ".shape", {0, op.groups, depth, in[1], in[2]})}, split);
    add("Transpose", {split}, turned).set("perm", Extents{0, 2, 1, 3, 4});
    add("Reshape", {turned, add_integers(out + ".shape", {0, in[3], in[1], in[2]})}, out);
  }

  void write_clip(double least, double most, std::size_t i, const std::string& out) {
    Names list = inputs(i);
    list.push_back(std::isinf(least) ? "" : add_number(out + ".min", least));
    if (!std::isinf(most)) list.push_back(add_number(out + ".max", most));
    add("Clip", list, out);
  }

  void write(const Clamp& op, std::size_t i, const std::string& out) {
    write_clip(op.min, op.max, i, out);
  }
  void write(const Relu6&, std::size_t i, const std::string& out) { write_clip(0, 6, i, out); }

  void write(const Concat&, std::size_t i, const std::string& out) {
    add("Concat", inputs(i), out).set("axis", Index{1});
  }

  void write(const camlite::Constant& op, std::size_t i, const std::string& out) {
    add("Identity", {add_weight(i, "value", {1, op.channels, op.height, op.width})}, out);
  }

  void write(const Conv2d& op, std::size_t i, const std::string& out) {
    Names list = inputs(i);
    list.push_back(add_weight(i, "weight"));
    if (op.bias) list.push_back(add_weight(i, "bias"));
    add("Conv", list, out)
        .set("kernel_shape", pair(op.kernel))
        .set("strides", pair(op.stride))
        .set("pads", pads(op.padding))
        .set("dilations", pair(op.dilation))
        .set("group", op.groups);
  }

  void write(const Dropout&, std::size_t i, const std::string& out) {
    add("Dropout", inputs(i), out);
  }
  void write(const Flatten&, std::size_t i, const std::string& out) {
    add("Flatten", inputs(i), out).set("axis", Index{1});
  }
  void write(const GlobalAvgPool&, std::size_t i, const std::string& out) {
    add("GlobalAveragePool", inputs(i), out);
  }
  void write(const HardSigmoid& op, std::size_t i, const std::string& out) {
    add("HardSigmoid", inputs(i), out).set("alpha", op.alpha).set("beta", op.beta);
  }
  void write(const HardSwish&, std::size_t i, const std::string& out) {
    add("HardSwish", inputs(i), out);
  }
  void write(const LeakyRelu& op, std::size_t i, const std::string& out) {
    add("LeakyRelu", inputs(i), out).set("alpha", op.negative_slope);
  }

  void write(const Linear& op, std::size_t i, const std::string& out) {
    Names list{as_vector(nodes_[i].inputs[0], out + ".flat"), add_weight(i, "weight")};
    if (op.bias) list.push_back(add_weight(i, "bias"));
    add("Gemm", list, out).set("transB", Index{1});
  }

  void write(const Lrn& op, std::size_t i, const std::string& out) {
    if (op.size % 2 == 0) {
      fail("its size is ", op.size,
           "; of an even one, the window begins at another channel in ONNX than elsewhere");
    }
    add("LRN", inputs(i), out)
        .set("size", op.size)
        .set("alpha", op.alpha)
        .set("beta", op.beta)
        .set("bias", op.k);
  }

  void write(const Pad& op, std::size_t i, const std::string& out) {
    const std::string by =
        add_integers(out + ".pads", {0, 0, op.top, op.left, 0, 0, op.bottom, op.right});
    add("Pad", {inputs(i)[0], by, add_number(out + ".value", op.value)}, out);
  }

  void write(const Prelu&, std::size_t i, const std::string& out) {
    add("PRelu", {inputs(i)[0], add_weight(i, "weight", channel_extents(in_shape(i)))}, out);
  }

  void write(const Relu&, std::size_t i, const std::string& out) { add("Relu", inputs(i), out); }

  void write(const Scale& op, std::size_t i, const std::string& out) {
    const Extents extents = channel_extents(in_shape(i));
    const std::string product = op.bias ? unique(out + ".product") : out;
    add("Mul", {inputs(i)[0], add_weight(i, "weight", extents)}, product);
    if (op.bias) add("Add", {product, add_weight(i, "bias", extents)}, out);
  }

  void write(const Sigmoid&, std::size_t i, const std::string& out) {
    add("Sigmoid", inputs(i), out);
  }

  void write(const Silu&, std::size_t i, const std::string& out) {
    const std::string gate = unique(out + ".sigmoid");
    add("Sigmoid", inputs(i), gate);
    add("Mul", {inputs(i)[0], gate}, out);
  }

  void write(const Slice& op, std::size_t i, const std::string& out) {
    add("Slice",
        {inputs(i)[0], add_integers(out + ".starts", {op.start}),
         add_integers(out + ".ends", {op.end}), add_integers(out + ".axes", {1})},
        out);
  }

  void write(const Softmax&, std::size_t i, const std::string& out) {
    if (in_shape(i).rank() != 4 && in_shape(i).rank() != 2)
      fail("of a value of shape ", in_shape(i).str(), " it is not supported");
    add("Softmax", inputs(i), out).set("axis", Index{1});
  }

  // N is open; the other extents are those for pictures of the model's own size.
  void declare(ValueProto& value, const std::string& name, const Extents& extents) {
    value.set_name(name);
    TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(float_type);
    for (Index extent : extents) {
      ShapeProto::Dimension& dimension = *type.mutable_shape()->add_dim();
      if (extent == 0) {
        dimension.set_dim_param("N");
      } else {
        dimension.set_dim_value(extent);
      }
    }
  }

  // A value as an output of this name: (N, K) where there is one vector a picture.
  void add_result(const std::string& output, Index value) {
    const Shape& in = shape(value);
    const bool is_map = in.rank() == 4 && in[1] * in[2] != 1;
    if (is_map) {
      add("Identity", {name(value)}, output);
      declare(*graph_.add_output(), output, {0, in[3], in[1], in[2]});
    } else {
      add("Flatten", {name(value)}, output).set("axis", Index{1});
      declare(*graph_.add_output(), output, {0, in[in.rank() - 1]});
    }
  }

  void add_features(Index value) {
    const Shape& in = shape(value);
    add("Identity", {name(value)}, "features");
    declare(*graph_.add_output(), "features", {0, in[3], in[1], in[2]});
  }

  void add_metadata() {
    for (const auto& [key, value] : model_content(model_).metadata) {
      if (key == "camlite.version" || key == "camlite.graph") continue;
      EntryProto& entry = *proto_.add_metadata_props();
      entry.set_key(key);
      entry.set_value(value);
    }
  }

  const Model& model_;
  const std::vector<Node>& nodes_;
  std::vector<Shape> shapes_;
  detail::Results results_;
  std::optional<Index> features_;
  ModelProto proto_;
  GraphProto& graph_ = *proto_.mutable_graph();
  Names names_;  // of the values, in the file
  std::unordered_set<std::string> taken_;
  Index bytes_ = 0;  // of the tensors so far
};

// Protobuf's bytes into an OutputFile. What goes wrong is kept: protobuf's streams write once more
// where they end, which must not throw.
class FileStream : public google::protobuf::io::CopyingOutputStream {
 public:
  explicit FileStream(OutputFile& file) : file_(file) {}

  bool Write(const void* buffer, int size) override {
    try {
      file_.write({static_cast<const std::byte*>(buffer), static_cast<std::size_t>(size)});
      return true;
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }

  const std::exception_ptr& failure() const { return failure_; }

 private:
  OutputFile& file_;
  std::exception_ptr failure_;
};

}  // namespace
}  // namespace onnx

OnnxExport save_onnx(const std::string& path, const Model& model, bool features) {
  const onnx::ModelProto proto = onnx::Exporter(model, features).proto();
  OnnxExport done{"input", {}, static_cast<std::size_t>(proto.graph().node_size()), 0};
  for (const onnx::ValueProto& output : proto.graph().output())
    done.outputs.push_back(output.name());
  const std::size_t bytes = proto.ByteSizeLong();
  if (bytes > std::numeric_limits<std::int32_t>::max())
    fail(model.source(), ": ", bytes, " bytes; an ONNX file holds less than 2 GiB");
  done.bytes = static_cast<Index>(bytes);
  OutputFile file(path);
  onnx::FileStream copying(file);
  google::protobuf::io::CopyingOutputStreamAdaptor stream(&copying);
  const bool written = proto.SerializeToZeroCopyStream(&stream) && stream.Flush();
  if (copying.failure()) std::rethrow_exception(copying.failure());
  if (!written) fail(path, ": cannot write");
  file.commit();
  return done;
}

}  // namespace camlite::tool
