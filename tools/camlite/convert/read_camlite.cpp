#include <camlite/model/graph.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/text.hpp>

#include "readers.hpp"

namespace camlite::tool {

Draft read_camlite(const std::string& path, ConversionReport& report) {
  const Model model = load_model(path);
  const Graph& graph = model.graph();
  Draft draft(path, graph.channels, graph.height, graph.width);
  const std::vector<Shape> shapes = infer_shapes(graph, model.input_shape(), path);
  const auto name = [&](Index value) {
    return value == 0 ? std::string("input")
                      : graph.nodes[static_cast<std::size_t>(value - 1)].name;
  };
  for (const Node& node : graph.nodes) {
    DraftNode copy{node.name, node.op, {}, {}};
    for (Index value : node.inputs) copy.inputs.push_back(name(value));
    for (const Parameter& parameter : parameters_of(node.op, input_shapes(node, shapes))) {
      copy.tensors.emplace_back(parameter.suffix,
                                to_float(model.tensor(text(node.name, '.', parameter.suffix))));
    }
    draft.add(std::move(copy), report);
  }
  draft.labels = model.labels();
  draft.preprocessing = model.preprocessing();
  draft.notes = model.notes();
  return draft;
}

}  // namespace camlite::tool
