// Model: all that a model file holds, checked as a whole.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/limits.hpp>
#include <camlite/model/box_options.hpp>
#include <camlite/model/graph.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/preprocessing.hpp>
#include <camlite/model/stored_tensor.hpp>

namespace camlite {

// What a Model is made of.
struct ModelParts {
  Graph graph;
  std::vector<StoredTensor> tensors;  // "<node>.weight", ...
  std::vector<std::string> labels;    // one a class, or none
  Preprocessing preprocessing;
  BoxOptions boxes;                                        // that suit the network's maps
  std::vector<std::pair<std::string, std::string>> notes;  // other metadata: licence, source, ...
  std::string source = "model";                            // the file's name, for messages
  std::shared_ptr<void> storage;  // keeps the tensors' bytes alive; null if somebody else does
  std::shared_ptr<const MappedFile> file;  // likewise, where they lie in a mapped file
};

namespace detail {

// The parts and what was found out when they were checked.
struct ModelContent {
  ModelContent(ModelParts given, const LoadLimits& limits) : parts(std::move(given)) {
    check_graph(parts.graph, parts.source);
    for (std::size_t i = 0; i < parts.tensors.size(); ++i) index.emplace(parts.tensors[i].name, i);
    const std::vector<Shape> shapes = infer_shapes(parts.graph, input_shape(1), parts.source);
    check_sizes(shapes, limits);
    auto unused = index;
    for (const Node& node : parts.graph.nodes) {
      for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes))) {
        const std::string name = text(node.name, '.', parameter.suffix);
        check_tensor(node, name, parameter.shape);
        check_size(node, text("the tensor \"", name, "\""), parameter.shape, limits.elements);
        unused.erase(name);
      }
    }
    check_unused(unused);
    const Shape& result = shapes.back();
    classes = result.rank() == 0 ? 1 : result[result.rank() - 1];
    if (!parts.labels.empty() && std::ssize(parts.labels) != classes) {
      fail(parts.source, ": ", parts.labels.size(), " labels for ", classes, " classes");
    }
    check(parts.preprocessing, parts.source);
    check(parts.boxes, text(parts.source, ": boxes"));
  }

  Shape input_shape(Index batch) const {
    return {batch, parts.graph.height, parts.graph.width, parts.graph.channels};
  }

  std::string where(const Node& node) const {
    return text(parts.source, ": graph line ", node.line, ": ", node.name);
  }

  // Throws Error if the picture, what a node computes or all of them are above the limits. shapes:
  // by value.
  void check_sizes(const std::vector<Shape>& shapes, const LoadLimits& limits) const {
    Index all = shapes[0].size();
    if (all > limits.elements) {
      fail(parts.source, ": the picture has ", all, " elements",
           above_limit(limits.elements, "LoadLimits::elements"));
    }
    for (std::size_t i = 0; i < parts.graph.nodes.size(); ++i) {
      const Node& node = parts.graph.nodes[i];
      check_size(node, "its result", shapes[i + 1], limits.elements);
      const Index size = shapes[i + 1].size();
      if (size > limits.all_elements - all) {
        fail(where(node), ": its result ", shapes[i + 1].str(), " has ", size,
             " elements, beside the ", all, " of the values before it",
             above_limit(limits.all_elements, "LoadLimits::all_elements"));
      }
      all += size;
    }
  }

  void check_size(const Node& node, std::string_view what, const Shape& shape, Index most) const {
    if (shape.size() <= most) return;
    fail(where(node), ": ", what, ' ', shape.str(), " has ", shape.size(), " elements, ",
         (shape.size() >> 20) * static_cast<Index>(sizeof(float)), " MB as floats",
         above_limit(most, "LoadLimits::elements"));
  }

  const StoredTensor* find(std::string_view name) const {
    const auto found = index.find(std::string(name));
    return found == index.end() ? nullptr : &parts.tensors[found->second];
  }

  void check_tensor(const Node& node, const std::string& name, const Shape& shape) const {
    const StoredTensor* tensor = find(name);
    if (!tensor) {
      fail(where(node), " needs the tensor \"", name, "\" of shape ", shape.str(),
           ", which is not in the file");
    }
    if (!std::equal(tensor->shape.begin(), tensor->shape.end(), shape.begin(), shape.end())) {
      const bool shown = tensor->shape.size() <= Shape::max_rank;
      fail(where(node), ": the tensor \"", name, "\" has ",
           shown ? text("shape ", Shape(std::span<const Index>(tensor->shape)).str())
                 : text(tensor->shape.size(), " extents"),
           ", it needs ", shape.str());
    }
    switch (tensor->dtype) {
      case DType::F16:
      case DType::BF16:
      case DType::F32:
      case DType::F64:
        return;
      default:
        fail(where(node), ": the tensor \"", name, "\" is of type ", dtype_name(tensor->dtype),
             "; weights are F32, F16, BF16 or F64");
    }
  }

  void check_unused(const std::map<std::string, std::size_t>& unused) const {
    if (index.size() != parts.tensors.size()) fail(parts.source, ": a tensor is there twice");
    if (unused.empty()) return;
    fail(parts.source, ": no operator uses the tensor \"", unused.begin()->first, "\"",
         unused.size() > 1 ? text(", nor ", unused.size() - 1, " others") : "");
  }

  ModelParts parts;
  // Tensors by name. No hash table, in which names can be made to meet.
  std::map<std::string, std::size_t> index;
  Index classes = 0;
};

}  // namespace detail

// A network with its weights, class names and preprocessing. Immutable; copies share the weights.
class Model {
 public:
  // Throws Error, naming source, node and numbers, unless shapes follow from one another through
  // the graph, every tensor that an operator needs is there, has its shape and floats, no tensor is
  // left over, there are as many labels as classes (or none), and nothing is above the limits.
  explicit Model(ModelParts parts, const LoadLimits& limits = {})
      : content_(std::make_shared<detail::ModelContent>(std::move(parts), limits)) {}

  const Graph& graph() const { return content_->parts.graph; }
  std::span<const StoredTensor> tensors() const { return content_->parts.tensors; }
  const std::vector<std::string>& labels() const { return content_->parts.labels; }
  const Preprocessing& preprocessing() const { return content_->parts.preprocessing; }
  const BoxOptions& box_options() const { return content_->parts.boxes; }
  const std::vector<std::pair<std::string, std::string>>& notes() const {
    return content_->parts.notes;
  }
  const std::string& source() const { return content_->parts.source; }

  // Number of classes: the last extent of the graph's result.
  Index classes() const { return content_->classes; }

  // The name of class k; "class 17" if the model has no labels. Throws Error if there is no such
  // class.
  std::string label(Index k) const {
    if (k < 0 || k >= classes()) fail(source(), ": there is no class ", k, " among ", classes());
    return labels().empty() ? text("class ", k) : labels()[static_cast<std::size_t>(k)];
  }

  // The names of all classes. Throws Error if they are without labels and more than a million: a
  // small file can say that there are thousands of millions.
  std::vector<std::string> class_names() const {
    constexpr Index most_without_labels = 1'000'000;
    if (labels().empty() && classes() > most_without_labels) {
      fail(source(), ": ", classes(), " classes without labels, more than ", most_without_labels);
    }
    std::vector<std::string> names;
    for (Index k = 0; k < classes(); ++k) names.push_back(label(k));
    return names;
  }

  // Throws Error if there is none of this name, or the file that it lies in was changed since.
  const StoredTensor& tensor(std::string_view name) const {
    const StoredTensor* found = content_->find(name);
    if (!found) fail(source(), ": there is no tensor \"", name, "\"");
    if (content_->parts.file) content_->parts.file->fetch(found->bytes);
    return *found;
  }

  // Gives the resident memory of a mapped file's pages back to the system; a tensor that is read
  // again comes from the file again.
  void release_pages() const {
    if (content_->parts.file) content_->parts.file->release_pages();
  }

  // The input that the graph names, for a batch: (batch, height, width, channels).
  Shape input_shape(Index batch = 1) const { return content_->input_shape(batch); }

 private:
  std::shared_ptr<const detail::ModelContent> content_;
};

// A model from tensors in memory, which it keeps: what converters and tests make.
inline Model make_model(ModelParts parts,
                        std::vector<std::pair<std::string, Tensor<float>>> weights) {
  auto storage =
      std::make_shared<std::vector<std::pair<std::string, Tensor<float>>>>(std::move(weights));
  for (const auto& [name, tensor] : *storage) {
    parts.tensors.push_back({name,
                             DType::F32,
                             {tensor.shape().begin(), tensor.shape().end()},
                             std::as_bytes(std::span<const float>(tensor.begin(), tensor.end()))});
  }
  parts.storage = std::move(storage);
  return Model(std::move(parts));
}

}  // namespace camlite
