// camlite models: the models that can be named.

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <camlite/model/model_file.hpp>
#include <camlite/network.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "json.hpp"
#include "model_choice.hpp"
#include "model_folders.hpp"

namespace camlite::tool {

namespace {

struct ModelsOptions {
  bool json = false;
};

Json model_json(const NamedModel& named) {
  const Model model = load_model(named.path);
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(named.path, ignored);
  Json notes = Json::object();
  for (const auto& [key, value] : model.notes()) notes[key] = value;
  const Graph& graph = model.graph();
  return {{"name", named.name},           {"path", named.path},
          {"classes", model.classes()},   {"input", {graph.channels, graph.height, graph.width}},
          {"bytes", ignored ? 0 : bytes}, {"notes", std::move(notes)}};
}

std::string folders_text() {
  std::string out = "Models are looked for in\n";
  for (const std::string& folder : model_folders()) out += text("  ", printable(folder), "\n");
  return out;
}

int list_models(const ModelsOptions& options) {
  using enum Table::Align;
  Table table("  ", {left, right, right, right, left});
  table.row({"name", "classes", "input", "MB", "file"});
  int status = all_done;
  std::size_t count = 0;
  for (const NamedModel& named : named_models()) {
    try {
      const Json model = model_json(named);
      ++count;
      if (options.json) {
        print(json_line(model));
        continue;
      }
      const auto& input = model["input"];
      table.row({shortened(printable(named.name), 40), text(model["classes"].get<Index>()),
                 text(input[1].get<Index>(), "x", input[2].get<Index>()),
                 fixed(static_cast<double>(model["bytes"].get<std::int64_t>()) / (1 << 20), 1),
                 printable(named.path)});
    } catch (const Error& error) {
      complain(error.what());
      status = some_failed;
    }
  }
  if (!options.json) {
    print((count > 0 ? table.str() + "\n" : "") + folders_text() +
          "\nWithout --model: " + default_model_text() + "\n");
  }
  return status;
}

}  // namespace

void add_models(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("models", "the models that --model knows by name, and where they are");
  auto options = std::make_shared<ModelsOptions>();
  command->add_flag("--json", options->json, "one JSON object a model");
  command->footer(
      "NAME.safetensors in one of the folders is --model NAME. The first folder is\n"
      "$CAMLITE_MODELS, if it is set, or $XDG_DATA_HOME/camlite/models (~/.local/share/...).\n\n"
      "Examples:\n"
      "  camlite models\n"
      "  camlite cam --model efficientnet-lite0 photo.jpg      after tools/get_model has put it "
      "there");
  command->callback([options, &status] { status = list_models(*options); });
}

}  // namespace camlite::tool
