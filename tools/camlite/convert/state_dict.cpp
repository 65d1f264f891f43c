// PyTorch's state dicts: the tensors of a network that camlite knows by name.

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/model/architectures.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/safetensors.hpp>

#include "readers.hpp"

namespace camlite::tool {

namespace {

// The weights of a file by the names that the network has for them.
class StateDict {
 public:
  StateDict(std::vector<StoredTensor> tensors, ConversionReport& report) {
    std::vector<std::string> names;
    names.reserve(tensors.size());
    for (const StoredTensor& tensor : tensors) names.push_back(tensor.name);
    for (const std::string_view wrapper : {"module.", "_orig_mod.", "module."})
      strip(wrapper, names, report);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!drop(names[i])) add(modern(names[i]), std::move(tensors[i]));
    }
    for (const auto& [layer, count] : counters_)
      report.dropped(layer, text(count, " of them, no weights"));
    for (const auto& [layer, count] : heads_)
      report.dropped(layer, text(count, " tensors, a classifier for training alone"));
    if (renamed_ > 0)
      report.changed("denselayer",
                     text("old names, norm.1 and the like, ", renamed_, " of them: norm1"));
  }

  const StoredTensor* find(const std::string& name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }

 private:
  // DataParallel and torch.compile put their own name before all others.
  static void strip(std::string_view wrapper, std::vector<std::string>& names,
                    ConversionReport& report) {
    const bool wrapped = !names.empty() && std::all_of(names.begin(), names.end(), [&](auto& name) {
      return name.starts_with(wrapper);
    });
    if (!wrapped) return;
    for (std::string& name : names) name.erase(0, wrapper.size());
    report.changed(std::string(wrapper), "taken off all names: what a wrapper of PyTorch adds");
  }

  // Whether this is nothing that the network computes with.
  bool drop(const std::string& name) {
    const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
    for (const std::string_view counter : {"num_batches_tracked", "total_ops", "total_params"}) {
      if (last != counter) continue;
      ++counters_[std::string(counter)];
      return true;
    }
    for (const std::string_view head : {"aux1", "aux2", "loss1", "loss2"}) {  // GoogLeNet's
      if (!name.starts_with(head) || name.find_first_of("./") != head.size()) continue;
      ++heads_[std::string(head)];
      return true;
    }
    return false;
  }

  // Torchvision's weights of DenseNet are from when a name could have "norm.1" for "norm1".
  std::string modern(std::string name) {
    const std::size_t layer = name.find(".denselayer");
    if (layer == std::string::npos) return name;
    for (const std::string_view old : {".norm.", ".conv."}) {
      const std::size_t at = name.find(old, layer);
      if (at == std::string::npos) continue;
      name.erase(at + old.size() - 1, 1);
      ++renamed_;
    }
    return name;
  }

  void add(const std::string& name, StoredTensor tensor) {
    if (!tensors_.emplace(name, std::move(tensor)).second)
      fail("two tensors are called ", detail::in_quotes(name));
  }

  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, Index> counters_, heads_;
  Index renamed_ = 0;
};

// What the network's options must be for these weights, as far as they tell.
ArchitectureOptions options_for(const Architecture& architecture, const StateDict& weights) {
  ArchitectureOptions options;
  const Graph graph = architecture.graph(options);
  const std::vector<Shape> shapes =
      infer_shapes(graph, {1, graph.height, graph.width, graph.channels}, architecture.name);
  const StoredTensor* last = nullptr;
  for (const Node& node : graph.nodes) {
    const std::vector<Parameter> parameters = parameters_of(node.op, input_shapes(node, shapes));
    if (parameters.empty()) continue;
    last = weights.find(text(node.name, ".weight"));
    if (!last || last->shape.size() != 4 || node.name != architecture.grouped) continue;
    const Index channels = parameters[0].shape[1], of_a_group = last->shape[1];
    if (of_a_group > 0 && channels % of_a_group == 0) options.groups = channels / of_a_group;
  }
  // The last layer with weights is the classifier.
  if (last && !last->shape.empty()) options.classes = last->shape[0];
  return options;
}

// "conv1.weight [64, 3, 7, 7], ... and 120 others"
class NameList {
 public:
  template <class... Words>
  void add(const Words&... words) {
    if (++count_ <= most) names_ += text(count_ > 1 ? ", " : "", words...);
  }

  std::string line(std::string_view what) const {
    if (count_ == 0) return "";
    const Index others = std::max<Index>(count_ - most, 0);
    return text("\n  ", count_, " ", what, ": ", names_,
                others > 0 ? text(" and ", others, " others") : "");
  }

 private:
  static constexpr Index most = 5;
  std::string names_;
  Index count_ = 0;
};

std::string shape_text(const StoredTensor& tensor) {
  return detail::list_text(tensor.shape);
}

std::string shape_text(const Shape& shape) {
  return detail::list_text(std::vector<Index>(shape.begin(), shape.end()));
}

// Throws Error, naming all of them, unless the file has the network's tensors and no others.
void check(const Graph& graph, const StateDict& weights, std::string_view what) {
  const std::vector<Shape> shapes =
      infer_shapes(graph, {1, graph.height, graph.width, graph.channels}, what);
  NameList missing, unexpected, misshapen;
  std::map<std::string, Shape> needed;
  for (const Node& node : graph.nodes) {
    for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes))) {
      const std::string name = text(node.name, '.', parameter.suffix);
      needed.emplace(name, parameter.shape);
      const StoredTensor* tensor = weights.find(name);
      if (!tensor) {
        missing.add(name, " ", shape_text(parameter.shape));
      } else if (!std::equal(tensor->shape.begin(), tensor->shape.end(), parameter.shape.begin(),
                             parameter.shape.end())) {
        misshapen.add(name, " ", shape_text(*tensor), ", not ", shape_text(parameter.shape));
      }
    }
  }
  for (const auto& [name, tensor] : weights.tensors()) {
    if (!needed.contains(name)) unexpected.add(detail::in_quotes(name), " ", shape_text(tensor));
  }
  const std::string wrong =
      missing.line("missing") + misshapen.line("of another shape") + unexpected.line("unexpected");
  if (!wrong.empty()) {
    fail("these are not the weights of ", what, "; of the ", needed.size(), " tensors that it has",
         wrong);
  }
}

}  // namespace

Draft read_state_dict(const std::string& path, const std::string& name, ConversionReport& report) {
  const Architecture& architecture = architecture_named(name);
  const MappedFile file(path);
  Safetensors content = parse_safetensors(file.bytes(), path);
  try {
    const StateDict weights(std::move(content.tensors), report);
    const ArchitectureOptions options = options_for(architecture, weights);
    const Graph graph = architecture.graph(options);
    check(graph, weights,
          text(name, " with ", options.classes, " classes",
               options.groups == 1 ? "" : text(" and ", options.groups, " groups")));
    return to_draft(graph, path, report,
                    [&](const std::string& tensor) { return to_float(*weights.find(tensor)); });
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

}  // namespace camlite::tool
