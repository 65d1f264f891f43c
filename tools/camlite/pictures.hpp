// What the commands on pictures have in common: their options, and going through the pictures.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <camlite/image.hpp>
#include <camlite/limits.hpp>
#include <camlite/network.hpp>
#include <camlite/ten_crop.hpp>

#include "batch/inputs.hpp"
#include "batch/picture_report.hpp"
#include "batch/results_file.hpp"
#include "batch/shard.hpp"
#include "json.hpp"
#include "model_choice.hpp"

namespace camlite::tool {

struct PictureOptions {
  std::vector<std::string> arguments;  // files, folders, patterns, "-"
  bool nul_separated = false;          // the list on standard input
  ModelChoice model;
  int jobs = 0;  // 0: as many as there are cores for
  Index top = 5;
  PredictOptions predict;
  Index crops = 1;  // or 10
  ImageLimits limits;
  bool json = false;
  bool csv = false;
  bool quiet = false;
  std::string output;  // a file; else standard output
  std::string shard;   // "I/N"; else what a launcher says
  bool resume = false;
  bool force = false;
};

// Throws Error, naming the file.
Image read_picture(const std::string& path, const ImageLimits& limits);

// Adds --size, --whole and --crops, which is 1 or 10.
void add_view_options(CLI::App& command, PredictOptions& predict, Index& crops);

// Adds --max-pixels.
void add_limit_options(CLI::App& command, ImageLimits& limits);

void add_picture_options(CLI::App& command, PictureOptions& options);

// The last lines of the help: what may be named as pictures, and what results look like.
constexpr const char* pictures_footer =
    "Pictures are files, folders (all pictures below them), quoted patterns (*, ?, [...], and **\n"
    "for any folders) and - for a list of files on standard input. In folders, names that end in\n"
    ".jpg, .jpeg, .png or .bmp count; hidden files and overlays (NAME.cam.png) do not. Each file\n"
    "is looked at once. Pictures that cannot be used are told and counted; the exit status is "
    "then\n"
    "1, as it is after Ctrl-C, which finishes the pictures in flight; a second one does not.\n\n"
    "CSV has the columns image,error,class_1,label_1,probability_1,class_2,...; of cam also\n"
    "overlay,overlay_class behind error and x_k,y_k,width_k,height_k behind probability_k. Failed\n"
    "pictures are records too, with an error. Records on standard output are in the order of the\n"
    "pictures, those of --output sorted by path. While that run lasts they are in FILE.part;\n"
    "FILE.manifest.json says what was asked, how many pictures are done, and whether it is all.\n";

// The pictures that the options name; says on standard error which were left out, and which
// arguments name none. Throws Error if all do. `of_all_shards`: with those of the others, too,
// where something depends on them.
Inputs find_inputs(const PictureOptions& options, bool of_all_shards);

// How the cores are shared out: so many pictures at a time, each by a network of so many threads.
struct Crew {
  int jobs = 1;
  int threads = 1;
};

// What the options say of it; else a core for each picture, and for one picture all of them.
Crew crew_for(const PictureOptions& options, std::size_t pictures);

// The model of the options, for one of the crew.
Network make_network(const PictureOptions& options, const Crew& crew);

// use(what the network sees in the picture): a Prediction, or a TenCropPrediction if the options
// ask for it.
template <class Use>
auto see(const Network& network, const Image& picture, const PictureOptions& options,
         const Use& use) {
  if (options.crops == TenCrops::count) return use(predict_ten_crops(network, picture));
  return use(network.predict(picture, options.predict));
}

// Which of the pictures a run looks at, and where their records go: standard output, or the file of
// the options.
class Results {
 public:
  // `of_command`: its options that records depend on, besides those that all commands have. Throws
  // UsageError, Error.
  Results(const PictureOptions& options, const Inputs& inputs, const std::string& command,
          const Model& model, const CsvColumns& columns, const Json& of_command);

  const RecordFormat& format() const { return format_; }
  const Shard& shard() const { return shard_; }
  ResultsFile* file() { return file_ ? &*file_ : nullptr; }

  // Overlays of earlier runs, by picture: of this shard, and of those whose results are beside its.
  std::unordered_map<std::string, std::string> overlays() const;

  // Whether there is no result of a picture of the shard, which was told: in this run, or in the
  // file by an earlier one.
  bool has_failed(const std::string& picture) const {
    return failed_.contains(picture) || (file_ && file_->has_failed(picture));
  }
  void add_failed(std::string picture) { failed_.insert(std::move(picture)); }

 private:
  const PictureOptions& options_;
  RecordFormat format_;
  Shard shard_;
  std::optional<ResultsFile> file_;
  std::unordered_set<std::string> failed_;
};

// Reads each picture of the shard of which there is no result yet, calls work with its place among
// the inputs, on several threads at a time, and keeps what that returns, in the order of the
// inputs. What goes wrong with a picture is said on standard error, the others still done; but a
// UsageError or a CannotWrite ends it. Returns the exit status.
int for_each_picture(const PictureOptions& options, const Inputs& inputs, const Crew& crew,
                     Results& results,
                     const std::function<Report(std::size_t, const Image&)>& work);

}  // namespace camlite::tool
