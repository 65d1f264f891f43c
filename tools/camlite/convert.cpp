// camlite convert: a network from another framework's file as a camlite model.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/model/mapped_file.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/text.hpp>
#include <camlite/network.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "convert/draft.hpp"
#include "convert/format.hpp"
#include "convert/preprocessings.hpp"
#include "convert/readers.hpp"
#include "convert/verify.hpp"
#include "json.hpp"
#include "model_choice.hpp"
#include "words.hpp"

namespace camlite::tool {

namespace {

struct ConvertOptions {
  std::string in;
  std::string out;
  std::string prototxt;
  std::string arch;
  std::string labels;
  std::string preprocess;
  std::string size, resize;
  std::string channels;
  std::string mean, std;
  std::optional<double> scale;
  std::optional<float> box_threshold;
  std::vector<std::string> notes;  // KEY=VALUE
  std::string dtype = "f32";
  std::vector<std::string> verify;  // X.npy Y.npy
  double tolerance = 1e-3;
  bool json = false;
};

Draft read(Format format, const ConvertOptions& options, ConversionReport& report) {
  if (!options.prototxt.empty() && format != Format::caffe) {
    throw UsageError(text("--prototxt is for Caffe models; ", options.in, " is of the format ",
                          format_name(format)));
  }
  if (!options.arch.empty() && format != Format::state_dict) {
    throw UsageError(text("--arch is for weights without a network; ", options.in,
                          " is of the format ", format_name(format), ", which has one"));
  }
  switch (format) {
    case Format::camlite:
      return read_camlite(options.in, report);
    case Format::state_dict:
      if (options.arch.empty()) {
        throw UsageError(text(options.in,
                              ": a safetensors file of weights without a network; name it with "
                              "--arch (camlite convert --help lists them)"));
      }
      return read_state_dict(options.in, options.arch, report);
    case Format::checkpoint:
      fail(options.in,
           ": this looks like a PyTorch checkpoint, which only Python can read; "
           "tools/convert/from_torch.py converts it");
    case Format::onnx:
      return read_onnx(options.in, report);
    case Format::caffe:
      return read_caffe(options.in, options.prototxt, report);
  }
  fail(options.in, ": unknown format");
}

std::vector<std::string> read_labels(const std::string& path) {
  const MappedFile file(path);
  std::vector<std::string> labels = detail::parse_labels(as_text(file.bytes()));
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

// "224" or "HEIGHTxWIDTH", at least 1. Throws UsageError.
Size2d parse_size(const std::string& words, std::string_view what) try {
  Size2d size;
  std::string_view rest = words;
  const std::string_view height = detail::next_piece(rest, 'x');
  size = detail::parse_number<Index>(height, what);
  if (words.find('x') != std::string::npos) size.width = detail::parse_number<Index>(rest, what);
  constexpr Index most = Preprocessing::most_extent;
  if (size.height < 1 || size.width < 1 || size.height > most || size.width > most)
    fail(what, " must be 1 to ", most, ", not ", words);
  return size;
} catch (const Error& error) {
  throw UsageError(error.what());
}

// "A,B,C", or the name of a mean picture; none of "". Throws UsageError; Error, naming the file.
std::optional<std::array<double, 3>> mean_of(const std::string& words) {
  std::error_code ignored;
  if (words.empty()) return {};
  if (std::filesystem::exists(words, ignored)) return read_caffe_mean(words);
  try {
    return detail::parse_triple(words, "--mean");
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

// What the command line says of preprocessing, over what the file says, over what is usual. Throws
// UsageError.
void set_preprocessing(Draft& draft, Format format, const ConvertOptions& options,
                       const std::optional<std::array<double, 3>>& mean,
                       ConversionReport& report) try {
  const Shape input = draft.input_shape();
  const Size2d size{input[1], input[2]};
  const std::string usual = format == Format::caffe ? "caffe" : "torchvision";
  if (!options.preprocess.empty()) {
    draft.preprocessing = known_preprocessing(options.preprocess, size);
  } else if (!draft.preprocessing) {
    draft.preprocessing = known_preprocessing(usual, size);
    report.changed("preprocessing",
                   text("the file does not say: ", usual, "'s is assumed (--preprocess)"));
  } else if (!options.size.empty()) {
    const Preprocessing fresh = *known_preprocessing("torchvision", size);
    draft.preprocessing->resize =
        draft.preprocessing->fit == Preprocessing::Fit::exact ? size : fresh.resize;
    draft.preprocessing->crop = fresh.crop;
  }
  Preprocessing& how = *draft.preprocessing;
  if (!options.resize.empty()) {
    how.resize = parse_size(options.resize, "--resize");
    how.fit = options.resize.find('x') == std::string::npos ? Preprocessing::Fit::shorter_side
                                                            : Preprocessing::Fit::exact;
  }
  if (!options.channels.empty()) {
    how.channels =
        options.channels == "bgr" ? Preprocessing::Channels::bgr : Preprocessing::Channels::rgb;
  }
  if (options.scale) how.scale = *options.scale;
  if (mean) how.mean = *mean;
  if (!options.std.empty()) how.std = detail::parse_triple(options.std, "--std");
  detail::check(how, "the command line");
} catch (const Error& error) {
  throw UsageError(error.what());
}

// Adds the KEY=VALUE of the command line to what the file says; the same key replaces. Throws
// UsageError.
void set_notes(Draft& draft, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) {
    const std::size_t equals = note.find('=');
    const std::string key = note.substr(0, equals);
    if (equals == std::string::npos || key.empty())
      throw UsageError(text("--note takes KEY=VALUE, not ", note));
    if (key.starts_with("camlite."))
      throw UsageError(
          text("--note ", key, ": keys that start with camlite. say what the model is"));
    std::erase_if(draft.notes, [&](const auto& known) { return known.first == key; });
    draft.notes.emplace_back(key, note.substr(equals + 1));
  }
}

DType dtype_of(const std::string& name) {
  return name == "f16" ? DType::F16 : name == "bf16" ? DType::BF16 : DType::F32;
}

std::string_view kind_name(ConversionReport::Kind kind) {
  switch (kind) {
    case ConversionReport::Kind::folded:
      return "folded";
    case ConversionReport::Kind::dropped:
      return "dropped";
    case ConversionReport::Kind::changed:
      return "changed";
  }
  return "";
}

std::string scientific(double value) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.1e", value);
  return digits.data();
}

struct Outcome {
  Format format;
  const ConversionReport& report;
  const Network& network;
  const std::string& out;
  std::string_view dtype;
  std::optional<Verified> verified;
};

std::string to_text(const Outcome& outcome) {
  const Model& model = outcome.network.model();
  std::string text_out = text(printable(model.source()), ": ", format_name(outcome.format), "\n");
  using enum Table::Align;
  Table lines("  ", {left, left, left});
  for (const auto& line : outcome.report.lines()) {
    lines.row({std::string(kind_name(line.kind)), shortened(printable(line.layer), 40),
               shortened(printable(line.what), 120)});
  }
  text_out += lines.str();
  const Graph& graph = model.graph();
  Index parameters = 0;
  for (const StoredTensor& tensor : model.tensors()) {
    Index size = 1;
    for (Index extent : tensor.shape) size *= extent;
    parameters += size;
  }
  text_out += text("  ", counted(graph.nodes.size(), "operator"), ", input ", graph.channels, "x",
                   graph.height, "x", graph.width, ", ", model.classes(), " classes",
                   model.labels().empty() ? " without labels" : "", ", ",
                   fixed(static_cast<double>(parameters) / 1e6, 2), " M parameters as ",
                   outcome.dtype, "\n");
  if (!outcome.network.has_cam_head())
    text_out += "  no class activation maps: camlite info says why\n";
  if (outcome.verified) {
    text_out += text("  verified: ", outcome.verified->compared, " of ",
                     counted(outcome.verified->pictures, "picture"), ", largest difference ",
                     scientific(outcome.verified->error), " of the largest value\n");
  }
  return text_out + text(printable(outcome.out), "\n");
}

Json to_json(const Outcome& outcome) {
  const Model& model = outcome.network.model();
  Json lines = Json::array();
  for (const auto& line : outcome.report.lines()) {
    lines.push_back({{"kind", kind_name(line.kind)}, {"layer", line.layer}, {"what", line.what}});
  }
  Json json{{"input", model.source()},
            {"format", format_name(outcome.format)},
            {"output", outcome.out},
            {"dtype", outcome.dtype},
            {"operators", model.graph().nodes.size()},
            {"classes", model.classes()},
            {"cam_head", outcome.network.has_cam_head()},
            {"report", std::move(lines)}};
  if (outcome.verified) {
    json["verified"] = {{"pictures", outcome.verified->pictures},
                        {"compared", outcome.verified->compared},
                        {"error", static_cast<float>(outcome.verified->error)}};
  }
  return json;
}

int convert(const ConvertOptions& options) {
  std::error_code ignored;
  if (std::filesystem::equivalent(options.in, options.out, ignored))
    throw UsageError(text("IN and OUT are the same file, ", options.in));
  for (const char* suffix : {".onnx", ".caffemodel", ".prototxt", ".pth", ".pt"}) {
    if (options.out.ends_with(suffix)) {
      throw UsageError(text(options.out, ": what is written is a camlite model, NAME.safetensors, ",
                            "not a file of another framework's (camlite export writes ONNX)"));
    }
  }
  std::optional<Size2d> size;
  if (!options.size.empty()) size = parse_size(options.size, "--size");
  const Format format = format_of(options.in);
  ConversionReport report;
  Draft draft = read(format, options, report);
  simplify(draft, report);
  if (size) draft.resize(size->height, size->width);
  if (draft.preprocessing) detail::check(*draft.preprocessing, options.in);
  set_preprocessing(draft, format, options, mean_of(options.mean), report);
  if (!options.labels.empty()) {
    draft.labels = read_labels(options.labels);
    if (draft.labels.empty()) fail(options.labels, ": there is no label in it");
  }
  if (options.box_threshold) draft.boxes.threshold = *options.box_threshold;
  set_notes(draft, options.notes);
  const Model model = to_model(std::move(draft), dtype_of(options.dtype));
  const Network network(model);
  Outcome outcome{format, report, network, options.out, options.dtype, {}};
  if (!options.verify.empty()) {
    outcome.verified = verify(network, options.verify[0], options.verify[1]);
    if (!(outcome.verified->error <= options.tolerance)) {
      fail(options.in, ": the converted network's ", outcome.verified->compared,
           " differ from those in ", options.verify[1], " by ", scientific(outcome.verified->error),
           " of the largest value, more than --tolerance ", options.tolerance,
           "; nothing was written");
    }
  }
  save_model(options.out, model);
  print(options.json ? json_line(to_json(outcome)) : to_text(outcome));
  return all_done;
}

}  // namespace

void add_convert(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("convert", "a network from Caffe, ONNX or PyTorch as a camlite model");
  auto options = std::make_shared<ConvertOptions>();
  command
      ->add_option("IN", options->in,
                   "an ONNX model, a .caffemodel, weights as safetensors, or a camlite model; told "
                   "by content")
      ->type_name("FILE")
      ->required();
  command->add_option("OUT", options->out, "the camlite model to write")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--prototxt", options->prototxt,
                   "the definition of a Caffe network; without it the weights' file has the layers")
      ->type_name("FILE");
  command
      ->add_option("--arch", options->arch,
                   "the network whose weights a safetensors file holds, under the names of "
                   "PyTorch's state dict")
      ->type_name("NAME")
      ->check(CLI::IsMember(architecture_choices()));
  command->add_option("--labels", options->labels, "the names of the classes, one a line")
      ->type_name("FILE");
  command
      ->add_option("--preprocess", options->preprocess,
                   "what was done to pictures in training; caffe: BGR minus 104, 117, 123; "
                   "tensorflow: [-1, 1]; unit: [0, 1]; bytes: [0, 255]; without it what the file "
                   "says, or what is usual for it")
      ->type_name("NAME")
      ->check(CLI::IsMember(preprocessing_names()));
  command
      ->add_option("--size", options->size,
                   "height and width of the network's input, 224 or 224x320")
      ->type_name("S");
  command
      ->add_option("--resize", options->resize,
                   "before the centre of that size is cut out: the shorter side's pixels, or "
                   "HEIGHTxWIDTH; without it 8/7 of the size")
      ->type_name("S");
  command->add_option("--channels", options->channels, "their order in the input")
      ->type_name("NAME")
      ->check(CLI::IsMember(std::vector<std::string>{"rgb", "bgr"}));
  command
      ->add_option("--scale", options->scale,
                   "input = (scale * byte - mean) / std; 1/255 is 0.00392156862745098")
      ->type_name("X");
  command
      ->add_option("--mean", options->mean,
                   "of each channel, in the order of --channels; or a mean picture of Caffe's, of "
                   "which the mean is taken")
      ->type_name("A,B,C or FILE");
  command->add_option("--std", options->std, "likewise")->type_name("A,B,C");
  command
      ->add_option(
          "--box-threshold", options->box_threshold,
          "the share of a map's maximum above which boxes are cut unless somebody asks for "
          "another; camlite evaluate tells which suits the network best")
      ->type_name("T")
      ->check(in_range(0.0F, 1.0F));
  command
      ->add_option(
          "--note", options->notes,
          "what else the model is to say of itself, such as license=Apache-2.0; as often as "
          "you like")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--dtype", options->dtype, "how weights are stored")
      ->type_name("TYPE")
      ->check(CLI::IsMember(std::vector<std::string>{"f32", "f16", "bf16"}));
  command
      ->add_option("--verify", options->verify,
                   "run the model on X, (N, C, H, W), and compare with Y, the logits or "
                   "probabilities (N, K) that it should give, before anything is written")
      ->type_name("X.npy Y.npy")
      ->expected(2);
  command
      ->add_option("--tolerance", options->tolerance,
                   "how far they may differ, of the largest value; without it 0.001")
      ->type_name("X")
      ->check(in_range(0.0, 1.0));
  command->add_flag("--json", options->json, "what was done as one JSON object");
  command->footer(
      "What was folded, dropped or changed is said layer by layer; what cannot be converted is an\n"
      "error that names the layer, and nothing is written.\n\n"
      "Examples:\n"
      "  camlite convert vgg16CAM.caffemodel vgg.safetensors --prototxt deploy.prototxt \\\n"
      "    --labels synset_words.txt\n"
      "  camlite convert resnet50.onnx resnet50.safetensors --labels imagenet.txt --dtype f16\n"
      "  camlite convert state_dict.safetensors resnet18.safetensors --arch resnet18");
  command->callback([options, &status] { status = convert(*options); });
}

}  // namespace camlite::tool
