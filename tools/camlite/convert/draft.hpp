// Draft: a network on its way from another framework's file to a camlite model.
//
//   file --read_caffe, read_onnx, read_state_dict--> Draft --simplify--> Draft --to_model--> Model
//
// Each reader builds a Draft node by node, with what the file says and camlite's operators. What
// one network needs and another framework spells differently (an average pooling over the whole
// map, a batch normalization behind a convolution) is put right by simplify, for all of them alike.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <camlite/model/model.hpp>

namespace camlite::tool {

// What became of the layers of the file, for the person who converts it. A layer that cannot be
// mapped is an Error, not a line of the report.
class ConversionReport {
 public:
  enum class Kind { folded, dropped, changed };
  struct Line {
    Kind kind;
    std::string layer;
    std::string what;  // "into conv1", "a training layer", ...
  };

  void folded(std::string layer, const std::string& into) {
    add(Kind::folded, std::move(layer), "into " + into);
  }
  void dropped(std::string layer, std::string why) {
    add(Kind::dropped, std::move(layer), std::move(why));
  }
  void changed(std::string layer, std::string what) {
    add(Kind::changed, std::move(layer), std::move(what));
  }

  const std::vector<Line>& lines() const { return lines_; }

 private:
  void add(Kind kind, std::string layer, std::string what) {
    lines_.push_back({kind, std::move(layer), std::move(what)});
  }

  std::vector<Line> lines_;
};

// One operator. Its value has its name; "input" is the picture.
struct DraftNode {
  std::string name;
  Operator op;
  std::vector<std::string> inputs;
  std::vector<std::pair<std::string, Tensor<float>>> tensors;  // by suffix: "weight", "bias"

  // Throws Error if there is none of this suffix.
  Tensor<float>& tensor(std::string_view suffix);
};

class Draft {
 public:
  // `source` is the file, for messages. Throws Error if an extent is less than 1.
  Draft(std::string source, Index channels, Index height, Index width);

  // Appends a node behind those that it reads, checks that it can be applied to them and that its
  // tensors have the shapes that it needs, and returns the shape of its value for one picture:
  // (1, H, W, C) or (1, C); valid until the next one is added. Throws Error that names source, node
  // and numbers.
  //
  // A name that a graph's text cannot have, or that is taken, is changed, as `report` then says;
  // the node is known to later ones by the name that it was given.
  const Shape& add(DraftNode node, ConversionReport& report);

  // The node whose value this is. Throws Error if there is none, or it is the picture.
  const DraftNode& node(const std::string& value) const;

  // The shape of a value for one picture. Throws Error if there is none of this name.
  const Shape& shape(const std::string& value) const;
  bool has(const std::string& value) const { return values_.contains(value); }

  // The result is this value, and what does not lead to it is left out by simplify. Without this,
  // the last node's.
  void set_result(const std::string& value);

  // For pictures of another size. Throws Error if the network cannot take it.
  void resize(Index height, Index width);

  // For a picture, (1, H, W, C).
  Shape input_shape() const { return {1, height_, width_, channels_}; }
  const std::string& source() const { return source_; }
  const std::vector<DraftNode>& nodes() const { return nodes_; }

  std::vector<std::string> labels;
  std::optional<Preprocessing> preprocessing;  // if the file says it
  BoxOptions boxes;
  std::vector<std::pair<std::string, std::string>> notes;  // metadata: licence, producer, ...

 private:
  friend class Simplifier;

  // The node that a name stands for. Throws Error if there is none of this name.
  const std::string& node_of(const std::string& name) const;
  Shape checked_shape(const DraftNode& node) const;
  std::string usable_name(const std::string& wanted) const;

  std::string source_;
  Index channels_ = 0, height_ = 0, width_ = 0;
  std::vector<DraftNode> nodes_;  // their inputs are names of nodes, or "input", the picture
  std::string result_;            // likewise; empty: the last node
  std::unordered_map<std::string, std::string> values_;  // by name in the file: the node
  std::unordered_map<std::string, Shape> shapes_;        // by node

  friend Model to_model(Draft draft, DType dtype);
};

// A graph as a Draft. `tensor` gives the tensors by their names, "<node>.<suffix>". Throws Error as
// Draft::add does.
Draft to_draft(const Graph& graph, const std::string& source, ConversionReport& report,
               const std::function<Tensor<float>(const std::string&)>& tensor);

// Makes the network smaller without changing what it computes:
// - nodes whose values lead to nothing, and dropout, go;
// - batch normalization and scales behind a convolution, a linear layer or one another are folded
//   into it, in double, where nobody else reads its value;
// - padding with zeros on opposite sides becomes that of the convolution behind it;
// - pooling that averages the whole map becomes global_avg_pool;
// - flatten before a linear layer goes where there is one vector a picture already.
// Throws Error if nothing is left.
void simplify(Draft& draft, ConversionReport& report);

// The model, its weights as F32, F16 or BF16. Throws Error if a weight is too large for the type.
Model to_model(Draft draft, DType dtype = DType::F32);

}  // namespace camlite::tool
