// camlite export: a model as an ONNX file, so that the same weights run elsewhere.

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "commands.hpp"
#include "console.hpp"
#include "convert/onnx_writer.hpp"
#include "json.hpp"
#include "model_choice.hpp"
#include "model_folders.hpp"

namespace camlite::tool {

namespace {

struct ExportOptions {
  std::string model;
  std::string out;
  bool features = false;
  bool json = false;
};

int export_model(const ExportOptions& options) {
  std::error_code ignored;
  if (std::filesystem::equivalent(find_model(options.model), options.out, ignored))
    throw UsageError(text("MODEL and OUT are the same file, ", options.out));
  ModelChoice choice;
  choice.path = options.model;
  const Model model = load(choice);
  const OnnxExport done = save_onnx(options.out, model, options.features);
  if (options.json) {
    print(json_line(Json{{"model", model.source()},
                         {"out", options.out},
                         {"input", done.input},
                         {"outputs", done.outputs},
                         {"nodes", done.nodes},
                         {"bytes", done.bytes}}));
    return all_done;
  }
  std::string outputs;
  for (const std::string& output : done.outputs) outputs += (outputs.empty() ? "" : ", ") + output;
  const Shape input = model.input_shape();
  print(text(printable(options.out), "\n  ", counted(done.nodes, "node"), ", ",
             fixed(static_cast<double>(done.bytes) / 1e6, 1), " MB, ", done.input, " (N, ",
             input[3], ", ", input[1], ", ", input[2], ") -> ", outputs, "\n"));
  return all_done;
}

}  // namespace

void add_export(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("export", "a camlite model as an ONNX file, to run elsewhere");
  auto options = std::make_shared<ExportOptions>();
  command
      ->add_option("MODEL", options->model, "a camlite model, or the name of one (camlite models)")
      ->type_name("FILE|NAME")
      ->required();
  command->add_option("OUT", options->out, "the ONNX file to write")->type_name("FILE")->required();
  command->add_flag("--features", options->features,
                    "the feature maps that are pooled are an output, too");
  command->add_flag("--json", options->json, "what was written as one JSON object");
  command->footer(
      "The file has operators of ONNX's opset 14 and weights in float32; its input is \"input\",\n"
      "(N, C, H, W) with N open, its outputs \"logits\" and, where the network ends with softmax,\n"
      "\"probabilities\". Labels and preprocessing are in its metadata.\n\n"
      "Examples:\n"
      "  camlite export vgg.safetensors vgg.onnx\n"
      "  camlite export resnet50.safetensors resnet50.onnx --features");
  command->callback([options, &status] { status = export_model(*options); });
}

}  // namespace camlite::tool
