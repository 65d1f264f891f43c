// camlite cam: what is in the picture, and where: heatmap overlays and boxes.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/image_io.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

struct CamOptions : PictureOptions {
  std::string wanted;  // --class
  std::string out;
  bool no_overlay = false;
  std::string colormap = "jet";
  float alpha = OverlayOptions().alpha;
  float threshold = BoxOptions().threshold;
};

constexpr std::pair<const char*, Colormap> colormaps[] = {{"jet", Colormap::jet},
                                                          {"turbo", Colormap::turbo},
                                                          {"viridis", Colormap::viridis},
                                                          {"gray", Colormap::gray}};

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

// White in black, so that it is seen on every colour, and as thick as the picture is large.
void outline(Image& picture, const Box& box) {
  const Index white = std::max<Index>(1, std::min(picture.width(), picture.height()) / 150);
  draw_box(picture, box, {0, 0, 0}, white + 2);
  draw_box(picture, {box.x + 1, box.y + 1, box.width - 2, box.height - 2}, {255, 255, 255}, white);
}

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
    for (const auto& [name, value] : colormaps) {
      if (options.colormap == name) colormap_ = value;
    }
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
      if (classes[i] != shown || overlay_path.empty()) continue;
      Image heat =
          overlay(picture, map, seen.view(), {.alpha = options_.alpha, .colormap = colormap_});
      if (found.findings.back().box) outline(heat, *found.findings.back().box);
      write_image(overlay_path, heat);
      found.overlay = overlay_path;
      found.overlay_class = shown;
    }
    return found;
  }

  const CamOptions& options_;
  Network network_;
  std::optional<Index> wanted_;
  Colormap colormap_ = Colormap::jet;
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
  command->add_flag("--no-overlay", options->no_overlay, "only print, write no pictures")
      ->excludes(out);
  command->add_option("--colormap", options->colormap, "jet, turbo, viridis or gray")
      ->type_name("NAME")
      ->capture_default_str()
      ->check([](const std::string& name) {
        const bool known = std::any_of(std::begin(colormaps), std::end(colormaps),
                                       [&](const auto& one) { return name == one.first; });
        return known
                   ? std::string()
                   : text("there is no colormap \"", name, "\"; jet, turbo, viridis and gray are");
      });
  command->add_option("--alpha", options->alpha, "share of the heatmap in the overlay, 0 to 1")
      ->type_name("A")
      ->capture_default_str()
      ->check(in_range(0.0F, 1.0F));
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
      "  camlite cam photos/*.jpg --out maps/            overlays in maps/NAME.cam.png\n"
      "  camlite cam photos/*.jpg --no-overlay --json    boxes only, one JSON object a line\n\n"
      "Two pictures of one name get NAME.cam.png and NAME-2.cam.png. An overlay never replaces\n"
      "one of the pictures of the same run.");
  command->callback([options, &status] { status = run_cam(*options); });
}

}  // namespace camlite::tool
