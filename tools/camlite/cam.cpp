// camlite cam: what is in the picture, and where: heatmap overlays and boxes.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/image_io.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "drawing.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

struct CamOptions : PictureOptions {
  std::string wanted;  // --class
  std::string out;
  bool no_overlay = false;
  DrawingOptions drawing;
  float threshold = BoxOptions().threshold;
};

// The overlay's file for each picture: --out itself, or NAME.cam.png in a directory. A name that an
// earlier picture of this run has, or that is one of its pictures, becomes NAME-2.cam.png, and so
// on.
class OverlayNames {
 public:
  // Makes the directory. Throws UsageError if --out cannot be what it says, Error if the directory
  // cannot be made.
  explicit OverlayNames(const CamOptions& options) {
    for (const std::string& path : options.paths) taken_.insert(identity(path));
    std::error_code error;
    directory_ = options.out;
    if (options.out.empty() || fs::is_directory(directory_, error)) return;
    if (options.out.ends_with('/')) {
      if (fs::create_directories(directory_, error); error) {
        fail(options.out, ": cannot make the directory: ", error.message());
      }
      return;
    }
    if (options.paths.size() > 1) {
      throw UsageError(text("--out ", options.out, " is no directory, and there are ",
                            options.paths.size(), " pictures; --out ", options.out, "/ makes one"));
    }
    try {
      image_format_of_path(options.out);
    } catch (const Error& wrong_suffix) {
      throw UsageError(text("--out ", wrong_suffix.what(), "; that of a directory ends in /"));
    }
    if (taken_.contains(identity(options.out))) {
      throw UsageError(text("--out ", options.out, " is the picture itself"));
    }
    file_ = options.out;
  }

  std::string next(const std::string& picture) {
    if (!file_.empty()) return file_;
    const std::string stem = fs::path(picture).stem().string();
    fs::path name = directory_ / (stem + ".cam.png");
    for (int number = 2; !taken_.insert(identity(name)).second; ++number) {
      name = directory_ / text(stem, '-', number, ".cam.png");
    }
    return name.string();
  }

 private:
  fs::path directory_;
  std::string file_;
  std::set<std::string> taken_;
};

// The largest region's box, if the map is positive anywhere.
std::optional<Box> largest_box(TensorView<const float> map, const Box& view, float threshold) {
  const std::vector<Box> all = boxes(map, view, {.threshold = threshold});
  return all.empty() ? std::nullopt : std::optional(all.front());
}

class Cam {
 public:
  explicit Cam(const CamOptions& options)
      : options_(options), network_(make_network(options.model)) {
    const Model& model = network_.model();
    network_.require_maps();
    if (!options.wanted.empty()) wanted_ = find_class(model, options.wanted);
  }

  // Writes the overlay, if a file is named.
  Report look(const Image& picture, const std::string& overlay_path) const {
    return see(network_, picture, options_,
               [&](const auto& seen) { return report(seen, picture, overlay_path); });
  }

 private:
  // seen: a Prediction, or a TenCropPrediction.
  template <class Seen>
  Report report(const Seen& seen, const Image& picture, const std::string& overlay_path) const {
    std::vector<Index> classes;
    for (const ClassScore& score : seen.top(options_.top)) classes.push_back(score.index);
    const Index shown = wanted_.value_or(classes.front());
    if (std::find(classes.begin(), classes.end(), shown) == classes.end()) classes.push_back(shown);

    const Tensor<float> maps = class_activation_maps(seen, classes);
    Report found;
    found.located = true;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const TensorView<const float> map = maps.view()[static_cast<Index>(i)];
      found.findings.push_back(
          {seen.score(classes[i]), largest_box(map, seen.view(), options_.threshold)});
    }
    if (!overlay_path.empty()) {
      const auto place = std::find(classes.begin(), classes.end(), shown) - classes.begin();
      write_image(overlay_path, drawing(picture, maps, seen.view(), found.findings,
                                        static_cast<std::size_t>(place), options_.drawing));
      found.overlay = overlay_path;
      found.overlay_class = shown;
    }
    return found;
  }

  const CamOptions& options_;
  Network network_;
  std::optional<Index> wanted_;
};

int run_cam(const CamOptions& options) {
  std::optional<OverlayNames> names;
  if (!options.no_overlay) names.emplace(options);
  const Cam cam(options);
  // Named before they are read, so that a broken picture does not change the others' names.
  std::vector<std::string> overlays(options.paths.size());
  if (names)
    std::transform(options.paths.begin(), options.paths.end(), overlays.begin(),
                   [&](const std::string& path) { return names->next(path); });
  return for_each_picture(
      options, [&](std::size_t i, const Image& picture) { return cam.look(picture, overlays[i]); });
}

}  // namespace

void add_cam(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand(
      "cam", "class activation maps: heatmap overlays and boxes of what is in pictures");
  auto options = std::make_shared<CamOptions>();
  add_picture_options(*command, *options);
  command
      ->add_option("--class", options->wanted,
                   "show this class instead of the most probable one: its number, WordNet id, name "
                   "or a part of the name; it is listed even where it is not among the top")
      ->type_name("ID|NAME");
  auto* out = command
                  ->add_option("--out", options->out,
                               "where overlays go: a directory (one that ends in / is made), or a "
                               "file if there is one picture; without it NAME.cam.png here")
                  ->type_name("PATH");
  auto* no_overlay =
      command->add_flag("--no-overlay", options->no_overlay, "only print, write no pictures")
          ->excludes(out);
  add_drawing_options(*command, options->drawing, no_overlay);
  command
      ->add_option("--threshold", options->threshold,
                   "a box is around the largest region above this share of the map's maximum")
      ->type_name("T")
      ->capture_default_str()
      ->check(in_range(0.0F, 1.0F));
  command->footer(
      "Examples:\n"
      "  camlite cam cat.jpg                             overlay in cat.cam.png\n"
      "  camlite cam street.jpg --class \"sports car\"     where would that be?\n"
      "  camlite cam cat.jpg --panel --top 3             photo, heatmap, box of three classes\n"
      "  camlite cam photos/*.jpg --out maps/            overlays in maps/NAME.cam.png\n"
      "  camlite cam photos/*.jpg --no-overlay --json    boxes only, one JSON object a line\n\n"
      "The overlay names the class beside its box; on a strip below pictures of less than 128\n"
      "pixels. Two pictures of one name get NAME.cam.png and NAME-2.cam.png. An overlay never\n"
      "replaces one of the pictures of the same run.");
  command->callback([options, &status] { status = run_cam(*options); });
}

}  // namespace camlite::tool
