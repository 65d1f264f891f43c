// camlite run: tensors in, tensors out, for comparing with other programs.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/cam.hpp>
#include <camlite/model/text.hpp>
#include <camlite/network.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "model_choice.hpp"
#include "npy.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

struct RunOptions {
  ModelChoice model;
  std::string input;
  std::string logits;
  std::string features;
  std::string classes;  // --cam
  std::string maps;
};

// (rows, columns) as (columns, rows): what leads from (C, H * W) to (H * W, C) and back.
Tensor<float> transposed(TensorView<const float> in, Index rows, Index columns) {
  Tensor<float> out = Tensor<float>::uninitialized({columns, rows});
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) out(c, r) = in.data()[r * columns + c];
  }
  return out;
}

// (N, C, H, W); a file of (C, H, W) is one picture.
Shape pictures_shape(const NpyReader& input, const std::string& path, Index channels) {
  const Shape& given = input.shape();
  const bool one = given.rank() == 3;
  if ((!one && given.rank() != 4) || given[one ? 0 : 1] != channels) {
    fail(path, ": the network takes (N, ", channels, ", H, W), or (", channels,
         ", H, W) for one picture, this is ", given.str());
  }
  if (given.size() == 0) fail(path, ": no picture in an array of shape ", given.str());
  return one ? Shape{1, given[0], given[1], given[2]} : given;
}

std::vector<Index> find_classes(const Model& model, std::string_view list) {
  std::vector<Index> classes;
  do {
    classes.push_back(find_class(model, std::string(detail::next_piece(list, ','))));
  } while (!list.empty());
  return classes;
}

// A result that may be wanted as a file, picture by picture.
class Wanted {
 public:
  explicit Wanted(const std::string& path) : path_(path) {}

  // `one` is a picture's part: of this shape, out of `pictures`.
  void append(Index pictures, const Shape& shape, TensorView<const float> one) {
    if (!file_) {
      std::vector<Index> extents{pictures};
      extents.insert(extents.end(), shape.begin(), shape.end());
      shape_ = Shape(extents);
      file_.emplace(path_, shape_);
    }
    file_->append(one);
  }

  void commit(std::string_view what) {
    if (!file_) return;
    file_->commit();
    print(text(what, ' ', shape_.str(), "  ", printable(path_), "\n"));
  }

  bool is() const { return !path_.empty(); }

 private:
  const std::string& path_;
  Shape shape_;
  std::optional<NpyWriter> file_;
};

// Picture by picture: memory does not depend on how many there are.
int run(const RunOptions& options) {
  const Network network = make_network(options.model);
  const Index channels = network.model().graph().channels;
  std::vector<Index> classes;
  if (!options.maps.empty()) classes = find_classes(network.model(), options.classes);
  const NpyReader input(options.input);
  const Shape shape = pictures_shape(input, options.input, channels);
  const Index pictures = shape[0], height = shape[2], width = shape[3];

  const std::string* const outputs_to[] = {&options.logits, &options.features, &options.maps};
  for (const std::string* one : outputs_to) {
    for (const std::string* other : outputs_to) {
      if (one < other && !one->empty() && !other->empty() && identity(*one) == identity(*other))
        throw UsageError(text(*one, ": is to hold two results"));
    }
  }
  Wanted logits(options.logits), features(options.features), maps(options.maps);
  const bool any = logits.is() || features.is() || maps.is();
  Tensor<float> planes = Tensor<float>::uninitialized({channels, height, width});
  Workspace workspace;
  for (Index n = 0; n < pictures; ++n) {
    input.read(n * planes.size(), {planes.begin(), planes.end()});
    const Tensor<float> pixels = transposed(planes, channels, height * width);
    const Outputs outputs =
        network.forward(pixels.view().reshaped({1, height, width, channels}), workspace);
    const Prediction seen = network.prediction(outputs, 0, {0, 0, width, height});
    if (logits.is()) logits.append(pictures, seen.logits().shape(), seen.logits());
    if (features.is()) {
      const Tensor<float>& f = seen.features();
      features.append(pictures, {f.extent(2), f.extent(0), f.extent(1)},
                      transposed(f, f.extent(0) * f.extent(1), f.extent(2)));
    }
    if (maps.is()) {
      const Tensor<float> m = class_activation_maps(seen, classes);
      maps.append(pictures, m.shape(), m);
    }
    if (!any) {
      Report report;
      report.path = text(options.input, '[', n, ']');
      report.width = width;
      report.height = height;
      for (const ClassScore& score : seen.top(5)) report.findings.push_back({score, {}});
      print(RecordFormat().record(report));
    }
  }
  logits.commit("logits");
  features.commit("features");
  maps.commit("maps");
  return all_done;
}

}  // namespace

void add_run(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("run", "the network on tensors from a .npy file, results to others");
  auto options = std::make_shared<RunOptions>();
  add_model_options(*command, options->model);
  command
      ->add_option("--input", options->input,
                   "preprocessed pictures: float32 (N, 3, H, W), or (3, H, W) for one")
      ->type_name("X.npy")
      ->required();
  command->add_option("--logits", options->logits, "write the logits, (N, K)")->type_name("L.npy");
  command
      ->add_option("--features", options->features,
                   "write the last convolution's feature maps, (N, C, h, w)")
      ->type_name("F.npy");
  auto* cam = command
                  ->add_option("--cam", options->classes,
                               "the classes, comma between, whose activation maps go to --maps")
                  ->type_name("K1,K2,...");
  auto* maps = command
                   ->add_option("--maps", options->maps,
                                "write the class activation maps, (N, classes, h, w)")
                   ->type_name("C.npy")
                   ->needs(cam);
  cam->needs(maps);
  command->footer(
      "All arrays are NCHW, as PyTorch saves them. Without an output file, the most probable\n"
      "classes are printed.\n\n"
      "Examples:\n"
      "  camlite run --model vgg.safetensors --input x.npy --logits y.npy\n"
      "  camlite run --input x.npy --features f.npy --cam 7,42 --maps m.npy");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace camlite::tool
