// camlite convert: a network from another framework's file as a camlite model.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
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
#include "convert/readers.hpp"
#include "json.hpp"
#include "npy.hpp"

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
  std::string dtype = "f32";
  std::vector<std::string> verify;  // X.npy Y.npy
  double tolerance = 1e-3;
  bool json = false;
};

enum class Format { camlite, state_dict, onnx, caffe };

std::string_view format_name(Format format) {
  switch (format) {
    case Format::camlite:
      return "camlite";
    case Format::state_dict:
      return "PyTorch state dict";
    case Format::onnx:
      return "ONNX";
    case Format::caffe:
      return "Caffe";
  }
  return "";
}

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

// A safetensors file starts with the length of its JSON header and the header.
bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && bytes[8] == std::byte{'{'};
}

bool is_text(std::span<const std::byte> bytes) {
  const auto start = bytes.first(std::min<std::size_t>(bytes.size(), 4096));
  return std::all_of(start.begin(), start.end(), [](std::byte b) {
    return b >= std::byte{' '} || b == std::byte{'\n'} || b == std::byte{'\r'} ||
           b == std::byte{'\t'};
  });
}

// By the file's content; its name says nothing. Throws Error if it is none that can be read.
Format format_of(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.empty()) fail(path, ": the file is empty");
  if (is_safetensors(bytes)) {
    const Safetensors content = parse_safetensors(bytes, path);
    const bool has_graph = std::any_of(content.metadata.begin(), content.metadata.end(),
                                       [](const auto& m) { return m.first == "camlite.graph"; });
    return has_graph ? Format::camlite : Format::state_dict;
  }
  constexpr std::string_view zip = "PK\x03\x04", pickle = "\x80\x02";
  if (starts_with(bytes, zip) || starts_with(bytes, pickle)) {
    fail(path,
         ": this looks like a PyTorch checkpoint, which only Python can read; "
         "tools/convert/from_torch.py converts it");
  }
  if (starts_with(bytes, "\x89HDF"))
    fail(path, ": this is an HDF5 file (Keras?); export the network to ONNX");
  if (is_text(bytes)) {
    fail(path,
         ": this is text. Of a Caffe network, name the weights (.caffemodel), and the definition "
         "with --prototxt");
  }
  if (is_onnx(bytes)) return Format::onnx;
  if (is_caffe(bytes)) return Format::caffe;
  fail(path,
       ": this is no ONNX model, no Caffe model, no safetensors file, nor anything else that "
       "camlite converts");
}

// A camlite model once more: with other labels, preprocessing or type.
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
                              "--arch (camlite info --help lists them)"));
      }
      return read_state_dict(options.in, options.arch, report);
    case Format::onnx:
      return read_onnx(options.in, report);
    case Format::caffe:
      return read_caffe(options.in, options.prototxt, report);
  }
  fail(options.in, ": unknown format");
}

std::vector<std::string> read_labels(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  std::vector<std::string> labels =
      detail::parse_labels({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

// The preprocessings that networks are usually trained with, for an input of this size.
std::optional<Preprocessing> known_preprocessing(std::string_view name, const Size2d& input) {
  using enum Preprocessing::Fit;
  using enum Preprocessing::Channels;
  const Index shorter = std::min(input.height, input.width);
  const Index resize = shorter * 8 / 7;  // 256 for 224, in proportion for other sizes
  const std::array<double, 3> none{0, 0, 0}, one{1, 1, 1}, half{127.5, 127.5, 127.5};
  if (name == "torchvision") return Preprocessing{.resize = resize, .crop = input};
  if (name == "caffe") {
    return Preprocessing{
        exact, {input.height * 8 / 7, input.width * 8 / 7}, input, bgr, 1, {104, 117, 123}, one};
  }
  if (name == "tensorflow") return Preprocessing{shorter_side, resize, input, rgb, 1, half, half};
  if (name == "unit") return Preprocessing{shorter_side, resize, input, rgb, 1.0 / 255, none, one};
  if (name == "bytes") return Preprocessing{shorter_side, resize, input, rgb, 1, none, one};
  return {};
}

const std::vector<std::string> preprocessing_names{"torchvision", "caffe", "tensorflow", "unit",
                                                   "bytes"};

// "224" or "HEIGHTxWIDTH", at least 1. Throws UsageError.
Size2d parse_size(const std::string& words, std::string_view what) try {
  Size2d size;
  std::string_view rest = words;
  const std::string_view height = detail::next_piece(rest, 'x');
  size = detail::parse_number<Index>(height, what);
  if (words.find('x') != std::string::npos) size.width = detail::parse_number<Index>(rest, what);
  constexpr Index most = 1 << 16;
  if (size.height < 1 || size.width < 1 || size.height > most || size.width > most)
    fail(what, " must be 1 to ", most, ", not ", words);
  return size;
} catch (const Error& error) {
  throw UsageError(error.what());
}

// What the command line says of preprocessing, over what the file says, over what is usual. Throws
// UsageError.
void set_preprocessing(Draft& draft, Format format, const ConvertOptions& options,
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
  if (!options.mean.empty()) how.mean = detail::parse_triple(options.mean, "--mean");
  if (!options.std.empty()) how.std = detail::parse_triple(options.std, "--std");
  detail::check(how, "the command line");
} catch (const Error& error) {
  throw UsageError(error.what());
}

DType dtype_of(const std::string& name) {
  return name == "f16" ? DType::F16 : name == "bf16" ? DType::BF16 : DType::F32;
}

// How far the model's results are from what they should be.
struct Verified {
  Index pictures = 0;
  double error = 0;  // the largest difference over the largest value
  std::string_view compared;
};

double relative_error(std::span<const float> is, std::span<const float> should) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < is.size(); ++i) {
    const double d = std::abs(static_cast<double>(is[i]) - should[i]);
    difference = d <= difference ? difference : d;  // NaN stays
    largest = std::max(largest, std::abs(static_cast<double>(should[i])));
  }
  return difference == 0 ? 0 : difference / largest;
}

// Runs the model on the pictures of X, (N, C, H, W), and compares with Y, (N, K), which may be
// logits or probabilities: whichever is closer.
Verified verify(const Network& network, const std::string& x, const std::string& y) {
  const NpyReader pictures(x), results(y);
  const Shape& shape = pictures.shape();
  const Index channels = network.model().graph().channels, classes = network.model().classes();
  if (shape.rank() != 4 || shape[1] != channels || shape[0] < 1)
    fail(x, ": verifying takes (N, ", channels, ", H, W), this is ", shape.str());
  if (results.shape().size() != checked_product(shape[0], classes) ||
      results.shape()[0] != shape[0])
    fail(y, ": for ", shape[0], " pictures and ", classes, " classes this should be (", shape[0],
         ", ", classes, "), it is ", results.shape().str());
  const Index positions = shape[2] * shape[3], size = channels * positions;
  Tensor<float> planes = Tensor<float>::uninitialized({channels, positions});
  Tensor<float> pixels = Tensor<float>::uninitialized({1, shape[2], shape[3], channels});
  std::vector<float> should(static_cast<std::size_t>(classes));
  Workspace workspace;
  double logits = 0, probabilities = 0;
  const auto worse = [](double a, double b) { return b <= a ? a : b; };
  for (Index n = 0; n < shape[0]; ++n) {
    pictures.read(n * size, {planes.begin(), planes.end()});
    for (Index c = 0; c < channels; ++c) {
      for (Index i = 0; i < positions; ++i) pixels.data()[i * channels + c] = planes(c, i);
    }
    const Prediction seen = network.prediction(network.forward(pixels.view(), workspace), 0,
                                               {0, 0, shape[3], shape[2]});
    results.read(n * classes, should);
    logits = worse(logits, relative_error({seen.logits().begin(), seen.logits().end()}, should));
    probabilities =
        worse(probabilities,
              relative_error({seen.probabilities().begin(), seen.probabilities().end()}, should));
  }
  return probabilities < logits ? Verified{shape[0], probabilities, "probabilities"}
                                : Verified{shape[0], logits, "logits"};
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
  std::optional<Size2d> size;
  if (!options.size.empty()) size = parse_size(options.size, "--size");
  const Format format = format_of(options.in);
  ConversionReport report;
  Draft draft = read(format, options, report);
  simplify(draft, report);
  if (size) draft.resize(size->height, size->width);
  set_preprocessing(draft, format, options, report);
  if (!options.labels.empty()) {
    draft.labels = read_labels(options.labels);
    if (draft.labels.empty()) fail(options.labels, ": there is no label in it");
  }
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
      ->type_name("NAME");
  command->add_option("--labels", options->labels, "the names of the classes, one a line")
      ->type_name("FILE");
  command
      ->add_option("--preprocess", options->preprocess,
                   "what was done to pictures in training: torchvision, caffe (BGR minus 104, 117, "
                   "123), tensorflow ([-1, 1]), unit ([0, 1]) or bytes ([0, 255]); without it what "
                   "the file says, or what is usual for it")
      ->type_name("NAME")
      ->check(CLI::IsMember(preprocessing_names).description(""));
  command
      ->add_option("--size", options->size,
                   "height and width of the network's input, 224 or 224x320")
      ->type_name("S");
  command
      ->add_option("--resize", options->resize,
                   "before the centre of that size is cut out: the shorter side's pixels, or "
                   "HEIGHTxWIDTH; without it 8/7 of the size")
      ->type_name("S");
  command->add_option("--channels", options->channels, "rgb or bgr, their order in the input")
      ->type_name("NAME")
      ->check(CLI::IsMember(std::vector<std::string>{"rgb", "bgr"}).description(""));
  command
      ->add_option("--scale", options->scale,
                   "input = (scale * byte - mean) / std; 1/255 is 0.00392156862745098")
      ->type_name("X");
  command->add_option("--mean", options->mean, "of each channel, in the order of --channels")
      ->type_name("A,B,C");
  command->add_option("--std", options->std, "likewise")->type_name("A,B,C");
  command->add_option("--dtype", options->dtype, "how weights are stored: f32, f16 or bf16")
      ->type_name("TYPE")
      ->check(CLI::IsMember(std::vector<std::string>{"f32", "f16", "bf16"}).description(""));
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
