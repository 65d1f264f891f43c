// camlite cam: what is in the picture, and where: heatmap overlays and boxes.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/image_io.hpp>
#include <camlite/output_file.hpp>
#include <camlite/thumbnail.hpp>

#include "arguments.hpp"
#include "batch/page.hpp"
#include "batch/progress.hpp"
#include "batch/stop_signal.hpp"
#include "cam_report.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "drawing.hpp"
#include "json.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

struct CamOptions : PictureOptions {
  std::string wanted;  // --class
  std::string out;
  bool no_overlay = false;  // also where nobody said where many of them should go
  DrawingOptions drawing;
  std::optional<float> threshold;  // the model's without it
  std::string report;              // a folder
  std::size_t report_pictures = 60;
};

// The overlay's file for each picture: --out itself, or in a directory BELOW.cam.png, where BELOW
// is the picture's path below the folder in which it was found, without its suffix. A name that an
// earlier picture of this run has, or that is one of its pictures, one of the folders or a link,
// becomes BELOW-2.cam.png, and so on. The end of a name that is too long for a file is left out.
class OverlayNames {
 public:
  // Makes the directory. Throws UsageError if --out cannot be what it says, CannotWrite if the
  // directory cannot be made.
  OverlayNames(const CamOptions& options, const std::vector<Input>& pictures) {
    std::error_code error;
    directory_ = options.out;
    if (options.out.empty() || options.out.ends_with('/') || fs::is_directory(directory_, error)) {
      make_folder(directory_);
      for (const Input& one : pictures) {
        if (one.path.ends_with(overlay_suffix) || fs::is_symlink(one.path, error))
          taken_.insert(identity(one.path));
      }
      identity_ = identity(options.out.empty() ? "." : options.out);
      return;
    }
    if (pictures.size() > 1) {
      throw UsageError(text("--out ", options.out, " is no directory, and there are ",
                            pictures.size(), " pictures; --out ", options.out, "/ makes one"));
    }
    try {
      image_format_of_path(options.out);
    } catch (const Error& wrong_suffix) {
      throw UsageError(text("--out ", wrong_suffix.what(), "; that of a directory ends in /"));
    }
    if (identity(pictures.front().path) == identity(options.out)) {
      throw UsageError(text("--out ", options.out, " is the picture itself"));
    }
    file_ = options.out;
  }

  // Of each picture. Makes the folders that they are in. Throws CannotWrite. `before`: overlays of
  // earlier runs, by picture, which stay.
  std::vector<std::string> of(const std::vector<Input>& pictures,
                              const std::unordered_map<std::string, std::string>& before) {
    if (file_.empty()) take_folders(pictures);
    for (const auto& [picture, overlay] : before) {
      taken_.insert((identity_ / fs::path(overlay).lexically_relative(directory_)).string());
    }
    std::vector<std::string> names;
    for (const Input& one : pictures) {
      const auto known = before.find(one.path);
      names.push_back(known != before.end() ? known->second : next(one));
    }
    return names;
  }

 private:
  // Those that next() makes, and those above them.
  void take_folders(const std::vector<Input>& pictures) {
    fs::path last;
    for (const Input& one : pictures) {
      fs::path folder = fs::path(one.below()).parent_path();
      if (folder == last) continue;
      last = folder;
      for (; folder.has_filename(); folder = folder.parent_path())
        taken_.insert((identity_ / folder).string());
    }
  }

  // Whether nothing has this name that is not to be replaced, and nothing will.
  bool take(const std::string& name) {
    std::error_code ignored;
    return !fs::is_symlink(directory_ / name, ignored) &&
           taken_.insert((identity_ / name).string()).second;
  }

  // So much that a file system has room for it with a number, the suffix and that of a temporary
  // file; of UTF-8, whole characters.
  static std::string fitting(std::string stem) {
    constexpr std::size_t most = 220;
    if (stem.size() <= most) return stem;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(stem[end]) & 0xC0) == 0x80) --end;
    stem.resize(end);
    return stem;
  }

  std::string next(const Input& picture) {
    if (!file_.empty()) return file_;
    const fs::path below(picture.below());
    const fs::path folder = below.parent_path();
    if (folder != made_) make_folder(directory_ / folder);
    made_ = folder;
    const std::string stem = (folder / fitting(below.stem().string())).string();
    std::string name = stem + overlay_suffix;
    for (int number = 2; !take(name); ++number) name = text(stem, '-', number, overlay_suffix);
    return (directory_ / name).string();
  }

  fs::path directory_;
  std::string file_;
  fs::path identity_;  // of the directory
  fs::path made_;      // the last folder in it
  std::unordered_set<std::string> taken_;
};

// The largest region's box, if the map is positive anywhere.
std::optional<Box> largest_box(TensorView<const float> map, const Box& view,
                               const BoxOptions& options) {
  const std::vector<Box> all = boxes(map, view, options);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

// Throws CannotWrite; Error if the picture is too large for its format.
void write(const std::string& path, const Image& overlay) {
  const std::vector<std::byte> bytes = encode_image(overlay, image_format_of_path(path));
  try {
    OutputFile file(path);
    file.write(bytes);
    file.commit();
  } catch (const Error& error) {
    throw CannotWrite(error.what());
  }
}

class Cam {
 public:
  Cam(const CamOptions& options, const Crew& crew)
      : options_(options),
        network_(make_network(options, crew)),
        boxes_(camlite::tool::box_options(options.threshold, network_.model())) {
    const Model& model = network_.model();
    network_.require_maps();
    if (!options.wanted.empty()) wanted_ = find_class(model, options.wanted);
  }

  // Of its records.
  CsvColumns columns() const {
    const Index most = std::min(options_.top + (wanted_ ? 1 : 0), network_.model().classes());
    return {
        .classes = static_cast<std::size_t>(most), .located = true, .drawn = !options_.no_overlay};
  }

  const Model& model() const { return network_.model(); }
  const BoxOptions& box_options() const { return boxes_; }

  // The options that its records depend on.
  Json asked() const {
    Json asked{{"class", wanted_ ? Json(*wanted_) : Json("most probable")},
               {"threshold", boxes_.threshold},
               {"overlays", options_.no_overlay ? "none" : "in " + options_.out}};
    if (!options_.no_overlay) asked.update(to_json(options_.drawing));
    return asked;
  }

  // Writes the overlay, if a file is named. Many threads may call it at the same time.
  Report look(const Image& picture, const std::string& overlay_path) const {
    return see(network_, picture, options_, [&](const auto& seen) {
      const Found found = find(seen);
      Report report;
      report.located = true;
      report.findings = found.findings;
      if (!overlay_path.empty()) {
        // Of this run before it was killed; without --output, others may be writing there.
        if (!options_.output.empty()) remove_leftovers(overlay_path);
        write(overlay_path, drawing(picture, found.maps, seen.view(), found.findings, found.shown,
                                    options_.drawing));
        report.overlay = overlay_path;
        report.overlay_class = found.findings[found.shown].score.index;
      }
      return report;
    });
  }

  // For the page.
  SeenPicture show(const Image& picture) const {
    return see(network_, picture, options_, [&](const auto& seen) {
      Found found = find(seen);
      Thumbnail thumbnail(picture, page_picture_side);
      thumbnail.add_map(found.maps.view()[static_cast<Index>(found.shown)], seen.view(),
                        overlay_options(options_.drawing));
      if (const auto& box = found.findings[found.shown].box)
        thumbnail.add_box(*box, found_box_color, page_box_line);
      return SeenPicture{thumbnail.image(), std::move(found.findings), found.shown};
    });
  }

 private:
  struct Found {
    Tensor<float> maps;  // (K, h, w), of the findings
    std::vector<Finding> findings;
    std::size_t shown = 0;  // the class that was asked for, or the most probable one
  };

  // seen: a Prediction, or a TenCropPrediction.
  template <class Seen>
  Found find(const Seen& seen) const {
    std::vector<Index> classes;
    for (const ClassScore& score : seen.top(options_.top)) classes.push_back(score.index);
    const Index shown = wanted_.value_or(classes.front());
    if (std::find(classes.begin(), classes.end(), shown) == classes.end()) classes.push_back(shown);
    const auto place = std::find(classes.begin(), classes.end(), shown) - classes.begin();

    Found found{class_activation_maps(seen, classes), {}, static_cast<std::size_t>(place)};
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const TensorView<const float> map = found.maps.view()[static_cast<Index>(i)];
      found.findings.push_back({seen.score(classes[i]), largest_box(map, seen.view(), boxes_)});
    }
    return found;
  }

  const CamOptions& options_;
  Network network_;
  BoxOptions boxes_;
  std::optional<Index> wanted_;
};

// Of each shard a page of its own.
std::string report_folder(const CamOptions& options, const Shard& shard) {
  if (shard.count == 1) return options.report;
  return (fs::path(options.report) / shard_name(shard)).string();
}

int report_not_written() {
  complain("report: not written, since the run was stopped");
  return some_failed;
}

// The page of the first pictures of the shard; says on standard error where it is. Returns the
// run's exit status, which has been `status` so far.
int write_page_of(const CamOptions& options, const Inputs& inputs, const Results& results,
                  const Cam& cam, int status) {
  const Shard& shard = results.shard();
  std::vector<std::string> pictures;
  std::size_t all = 0;
  for (const Input& one : inputs.pictures) {
    if (!holds(shard, one.path)) continue;
    if (++all <= options.report_pictures) pictures.push_back(one.path);
  }
  Progress progress(pictures.size(), 0, options.quiet || pictures.size() < 2);
  const StopSignal stop;
  std::vector<std::string> failed_now;  // those that failed before have been told
  const std::string path = write_cam_report(
      report_folder(options, shard), options.model.name(),
      text(pictures.size() < all ? text("The first ", pictures.size(), " of ") : "",
           counted(all, "picture"), "; boxes are around the largest region above ",
           fixed(100 * static_cast<double>(cam.box_options().threshold), 0),
           "% of the map's maximum."),
      pictures,
      [&](const std::string& picture) {
        SeenPicture seen = cam.show(read_picture(picture, options.limits));
        progress.advance([] { return "for the page"; });
        return seen;
      },
      [&](const std::string& picture, const char* why) {
        if (!results.has_failed(picture)) failed_now.emplace_back(why);
      });
  progress.clear();
  if (path.empty()) return report_not_written();
  for (const std::string& why : failed_now) complain(why);
  if (!options.quiet) complain("report: " + printable(path));
  return failed_now.empty() ? status : some_failed;
}

// Records in a file are of many pictures: overlays of them go where --out says, or nowhere. Throws
// UsageError for what cannot be drawn.
void settle_overlays(CamOptions& options) {
  constexpr Index most = 100;  // rows of 290 pixels
  if (!options.output.empty() && options.out.empty()) {
    if (options.drawing.asked())
      throw UsageError("with --output, overlays are drawn where --out DIR/ says");
    options.no_overlay = true;
  }
  if (options.drawing.panel && options.top > most)
    throw UsageError(
        text("--panel --top ", options.top, ": a panel shows at most ", most, " classes"));
}

int run_cam(CamOptions options) {
  settle_overlays(options);
  const Inputs inputs = find_inputs(options, !options.no_overlay);
  std::optional<OverlayNames> names;
  if (!options.no_overlay) names.emplace(options, inputs.pictures);
  const Crew crew = crew_for(options, inputs.pictures.size());
  const Cam cam(options, crew);
  Results results(options, inputs, "cam", cam.model(), cam.columns(), cam.asked());
  // Named before they are read, so that a broken picture does not change the others' names.
  std::vector<std::string> overlays;
  if (names) overlays = names->of(inputs.pictures, results.overlays());
  if (!options.report.empty()) make_folder(report_folder(options, results.shard()));
  const int status =
      for_each_picture(options, inputs, crew, results, [&](std::size_t i, const Image& picture) {
        return cam.look(picture, names ? overlays[i] : std::string());
      });
  if (options.report.empty()) return status;
  if (StopSignal::requested()) return report_not_written();
  return write_page_of(options, inputs, results, cam, status);
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
                               "file if there is one picture; without it here, or with --output "
                               "nowhere")
                  ->type_name("PATH");
  auto* no_overlay =
      command->add_flag("--no-overlay", options->no_overlay, "only print, write no pictures")
          ->excludes(out);
  add_drawing_options(*command, options->drawing, no_overlay);
  add_threshold_option(*command, options->threshold,
                       "a box is around the largest region above this share of the map's maximum");
  auto* report = command
                     ->add_option("--report", options->report,
                                  "write a page to look at to DIR/index.html: pictures with map, "
                                  "box and classes (of a shard to DIR/shard-I-of-N/index.html)")
                     ->type_name("DIR");
  command
      ->add_option("--report-pictures", options->report_pictures,
                   "of how many pictures, the first of the run")
      ->type_name("N")
      ->capture_default_str()
      ->check(in_range(1, 10000))
      ->needs(report);
  command->footer(
      std::string(
          "Examples:\n"
          "  camlite cam cat.jpg                             overlay in cat.cam.png\n"
          "  camlite cam street.jpg --class \"sports car\"     where would that be?\n"
          "  camlite cam cat.jpg --panel --top 3             photo, heatmap, box of three classes\n"
          "  camlite cam photos/ --out maps/                 overlays in maps/BELOW.cam.png\n"
          "  camlite cam photos/ --no-overlay --json         boxes only, one JSON object a line\n"
          "  camlite cam \"photos/**/*.jpg\" --output boxes.csv    boxes only, in a table\n\n"
          "The overlay names the class beside its box; on a strip below pictures of less than 128\n"
          "pixels. Those of the pictures of a folder are in folders as the pictures are. Two\n"
          "pictures of one name get NAME.cam.png and NAME-2.cam.png. An overlay never replaces\n"
          "one of the pictures of the same run.\n\n") +
      pictures_footer);
  command->callback([options, &status] { status = run_cam(*options); });
}

}  // namespace camlite::tool
