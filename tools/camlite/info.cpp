// camlite info: what a model is made of, and what it costs.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <camlite/model/preprocessing.hpp>
#include <camlite/network.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "json.hpp"
#include "model_choice.hpp"

namespace camlite::tool {

namespace {

struct InfoOptions {
  ModelChoice model;
  Index size = 0;
  bool json = false;
  bool labels = false;
};

// A network on an input of one shape.
struct Facts {
  const Network& network;
  Shape input;
  std::vector<LayerInfo> layers;
  MemoryInfo memory;
  std::optional<Shape> features = {};  // of the CAM head, if there is one
  Index parameters = 0;
  Index multiply_adds = 0;
};

Facts facts_of(const Network& network, Index size) {
  const Shape input = input_shape(network.model(), 1, size);
  Facts facts{network, input, network.layers(input), network.memory(input)};
  if (network.has_cam_head()) facts.features = network.features_shape(input);
  for (const LayerInfo& layer : facts.layers) {
    facts.parameters += layer.parameters;
    facts.multiply_adds += layer.multiply_adds;
  }
  return facts;
}

// 20514088 as "20,514,088"
std::string grouped(Index number) {
  std::string digits = text(number);
  for (Index at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string millions(Index number) {
  return fixed(static_cast<double>(number) / 1e6, 2) + " M";
}

std::string megabytes(Index bytes) {
  return fixed(static_cast<double>(bytes) / (1 << 20), 1) + " MB";
}

// (1, 224, 224, 64) as "224x224x64", (1, 1000) as "1000"
std::string extents(const Shape& shape) {
  std::string out;
  for (int axis = 1; axis < shape.rank(); ++axis) out += text(axis > 1 ? "x" : "", shape[axis]);
  return out;
}

// "features relu5 (14x14x512) -> global_avg_pool gap -> linear fc", or why there is none.
std::string head_text(const Facts& facts) {
  const Head& head = facts.network.head();
  if (!facts.features) return "none: " + printable(head.missing);
  std::string out =
      text("features ", shortened(printable(head.features), 32), " (", extents(*facts.features),
           ") -> ", GlobalAvgPool::type, " ", shortened(printable(head.pool), 32));
  if (head.classifier.empty()) return out + ", whose channels are the classes";
  const Graph& graph = facts.network.model().graph();
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                 [&](const Node& n) { return n.name == head.classifier; });
  return out + text(" -> ", type_of(node->op), " ", shortened(printable(head.classifier), 32));
}

std::string to_text(const Facts& facts) {
  const Model& model = facts.network.model();
  using enum Table::Align;
  Table layers("  ", {left, left, right, right, right, left});
  layers.row({"layer", "operator", "output", "parameters", "multiply-adds", "algorithm"});
  layers.row({"input", "", extents(facts.input), "", "", ""});
  for (const LayerInfo& layer : facts.layers) {
    layers.row({shortened(printable(layer.name), 32), layer.type, extents(layer.output),
                layer.parameters > 0 ? grouped(layer.parameters) : "",
                layer.multiply_adds > 0 ? millions(layer.multiply_adds) : "", layer.algorithm});
  }
  layers.row({"total", "", "", grouped(facts.parameters), millions(facts.multiply_adds), ""});

  std::string preprocessing = preprocessing_text(model.preprocessing());
  for (char& c : preprocessing) c = c == '\n' ? ' ' : c;
  Table rest("  ", {left, left});
  rest.row({"preprocessing", preprocessing});
  rest.row({"boxes", text("above ", model.box_options().threshold, " of a map's maximum")});
  rest.row({"classes",
            text(model.classes(), model.labels().empty() ? ", without labels" : ", with labels")});
  rest.row({"CAM head", head_text(facts)});
  rest.row({"memory", text("weights ", megabytes(facts.memory.weights), ", workspace ",
                           megabytes(facts.memory.workspace), " for one picture on ",
                           counted(facts.network.threads(), "thread"))});
  for (const auto& [key, value] : model.notes()) {
    std::string line = printable(value);
    for (char& c : line) c = c == '\n' ? ' ' : c;
    rest.row({shortened(printable(key), 32), shortened(line, 200)});
  }
  return text(printable(model.source()), "\n", layers.str(), "\n", rest.str());
}

Json to_json(const Facts& facts) {
  const Model& model = facts.network.model();
  const auto extents = [](const Shape& shape) {
    return Json(std::vector<Index>(shape.begin(), shape.end()));
  };
  Json layers = Json::array();
  for (const LayerInfo& layer : facts.layers) {
    layers.push_back({{"name", layer.name},
                      {"operator", layer.type},
                      {"output", extents(layer.output)},
                      {"parameters", layer.parameters},
                      {"multiply_adds", layer.multiply_adds},
                      {"algorithm", layer.algorithm}});
  }
  const Head& head = facts.network.head();
  const auto or_null = [](const std::string& name) { return name.empty() ? Json() : Json(name); };
  Json notes = Json::object();
  for (const auto& [key, value] : model.notes()) notes[key] = value;
  return {{"model", model.source()},
          {"input", extents(facts.input)},
          {"classes", model.classes()},
          {"labels", model.labels()},
          {"cam_head", facts.network.has_cam_head()},
          {"cam_features", or_null(head.features)},
          {"cam_pool", or_null(head.pool)},
          {"cam_classifier", or_null(head.classifier)},
          {"cam_reason", or_null(head.missing)},
          {"preprocessing", preprocessing_text(model.preprocessing())},
          {"box_threshold", model.box_options().threshold},
          {"layers", std::move(layers)},
          {"parameters", facts.parameters},
          {"multiply_adds", facts.multiply_adds},
          {"threads", facts.network.threads()},
          {"weight_bytes", facts.memory.weights},
          {"workspace_bytes", facts.memory.workspace},
          {"notes", std::move(notes)}};
}

int print_labels(const Model& model, bool json) {
  if (json) {
    print(json_line({{"classes", model.classes()}, {"labels", model.labels()}}));
    return all_done;
  }
  std::string lines;
  Index k = 0;
  for (const std::string& name : model.class_names())
    lines += text(k++, '\t', printable(name), '\n');
  print(lines);
  return all_done;
}

int info(const InfoOptions& options) {
  if (options.labels) return print_labels(load(options.model), options.json);
  const Network network = make_network(options.model);
  const Facts facts = facts_of(network, options.size);
  print(options.json ? json_line(to_json(facts)) : to_text(facts));
  return all_done;
}

}  // namespace

void add_info(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("info", "a model's layers, shapes, parameters, multiply-adds, memory");
  auto options = std::make_shared<InfoOptions>();
  add_model_options(*command, options->model, true);
  command
      ->add_option("--size", options->size,
                   "for an input with this shorter side, in pixels, instead of the model's")
      ->type_name("S")
      ->check(in_range(1, 65536));
  command->add_flag("--json", options->json,
                    "one JSON object; shapes are (N, H, W, C), sizes are bytes");
  command->add_flag("--labels", options->labels,
                    "only the classes: number, tab, name, one a line; with --json as an array");
  command->footer(
      "Examples:\n"
      "  camlite info                                  the default model\n"
      "  camlite info vgg.safetensors --size 448\n"
      "  camlite info --arch vgg16-gap --groups 2");
  command->callback([options, &status] { status = info(*options); });
}

}  // namespace camlite::tool
