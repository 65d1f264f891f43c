// camlite evaluate: classification and localization errors on pictures whose truth is known.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <camlite/evaluate/localization.hpp>

#include "arguments.hpp"
#include "batch/progress.hpp"
#include "batch/stop_signal.hpp"
#include "batch/workers.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "evaluate/dataset.hpp"
#include "evaluate/examine.hpp"
#include "evaluate/figures.hpp"
#include "evaluate/fingerprint.hpp"
#include "evaluate/options.hpp"
#include "evaluate/record.hpp"
#include "evaluate/records_file.hpp"
#include "evaluate/report.hpp"
#include "evaluate/score_maps.hpp"
#include "evaluate/truth_file.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

// Throws UsageError where options and truth do not go together.
void check(const EvaluateOptions& options, const std::vector<LabelledImage>& truth) {
  const bool sizes_known = std::all_of(truth.begin(), truth.end(),
                                       [](const LabelledImage& one) { return one.width != 0; });
  if (options.images.empty() && options.score_maps.empty())
    throw UsageError("--images is required: the folder of the pictures");
  if (options.images.empty() && !sizes_known) {
    throw UsageError(
        text("--images is required: ", options.truth, " does not say how large the pictures are"));
  }
}

// What goes wrong with pictures, on standard error.
class Complaints {
 public:
  std::size_t count() const { return count_; }

  // `why` names the picture.
  void add(const std::string& why) {
    ++count_;
    complain(why);
  }

  // Those that are not there, in few lines: where a set is incomplete, that may be thousands.
  // Those with a record are done.
  void add_missing(const std::vector<Example>& examples,
                   const std::vector<std::optional<Record>>& records,
                   const EvaluateOptions& options) {
    constexpr std::size_t most = 10;
    std::size_t missing = 0;
    for (std::size_t place = 0; place < examples.size(); ++place) {
      const Example& example = examples[place];
      if (records[place] || is_there(example, options)) continue;
      ++count_;
      if (++missing <= most) complain(why_missing(example, options));
    }
    if (missing > most) complain(text("and ", missing - most, " more that are missing"));
  }

  static bool is_there(const Example& example, const EvaluateOptions& options) {
    return (options.images.empty() || !example.picture.empty()) &&
           (options.score_maps.empty() || !example.score_map.empty());
  }

 private:
  static std::string why_missing(const Example& example, const EvaluateOptions& options) {
    const bool has_picture = options.images.empty() || !example.picture.empty();
    return has_picture ? text(example.name, ".npy: not in ", options.score_maps)
                       : text(example.name, ": not in ", options.images);
  }

  std::size_t count_ = 0;
};

// How it goes so far.
class Tally {
 public:
  explicit Tally(const Dataset& set) : set_(set) {}

  void add(const Record& record) {
    const Truth& truth = set_.examples[record.place].truth;
    ++pictures_;
    if (record.classes.empty()) return;
    by_network_ = true;
    wrong_ += truth.has(record.classes[0].index) ? 0 : 1;
    wrong_known_ += localized_known(record.known, truth) ? 0 : 1;
  }

  std::string str() const {
    if (!by_network_) return "";
    const auto percent = [&](std::size_t wrong) {
      return fixed(100.0 * static_cast<double>(wrong) / static_cast<double>(pictures_), 1) + "%";
    };
    return text("errors: top-1 ", percent(wrong_), ", class known ", percent(wrong_known_));
  }

 private:
  const Dataset& set_;
  std::size_t pictures_ = 0;
  std::size_t wrong_ = 0;
  std::size_t wrong_known_ = 0;
  bool by_network_ = false;
};

// The records by place, those of an earlier run among them.
class Records {
 public:
  Records(const Dataset& set, const EvaluateOptions& options, const Model* model)
      : by_place_(set.examples.size()) {
    if (options.records.empty()) return;
    file_.emplace(options.records, fingerprint(options, set, model), set.examples.size(),
                  model == nullptr ? 0 : model->classes());
    for (Record& record : file_->take_known()) {
      const std::size_t place = record.place;
      by_place_[place] = std::move(record);
    }
  }

  void add(Record record) {
    if (file_) file_->append(record);
    const std::size_t place = record.place;
    by_place_[place] = std::move(record);
  }

  const std::vector<std::optional<Record>>& by_place() const { return by_place_; }

 private:
  std::vector<std::optional<Record>> by_place_;
  std::optional<RecordsFile> file_;
};

// Of one picture: its record, or why there is none.
struct Attempt {
  Record record;
  std::string why_not;
};

// Throws Error if the map cannot be saved, which is not the picture's fault.
Attempt examine(const Examiner& examiner, const Example& example, Workspace& workspace,
                const std::string& save_maps) {
  Examined examined;
  std::string why;
  try {
    examined = examiner.examine(example, workspace);
  } catch (const std::bad_alloc&) {
    why = "not enough memory";
  } catch (const std::exception& error) {
    why = error.what();
  }
  if (why.empty()) {
    if (!save_maps.empty())
      write_score_map(text(save_maps, '/', example.name, ".npy"), examined.score_map);
    return {std::move(examined.record), ""};
  }
  const std::string& file = example.picture.empty() ? example.score_map : example.picture;
  const bool named =
      why.starts_with(file) || (!example.score_map.empty() && why.starts_with(example.score_map));
  return {{}, named ? why : text(file, ": ", why)};
}

// Makes records of the pictures that have none, and keeps them. Returns false if it was stopped.
bool examine_all(const Examiner& examiner, const Dataset& set, const EvaluateOptions& options,
                 Records& records, Complaints& complaints) {
  std::vector<std::size_t> left;
  Tally tally(set);
  for (std::size_t place = 0; place < set.examples.size(); ++place) {
    const std::optional<Record>& known = records.by_place()[place];
    if (known) {
      tally.add(*known);
    } else if (Complaints::is_there(set.examples[place], options)) {
      left.push_back(place);
    }
  }
  const int threads = options.model.threads > 0 ? options.model.threads : default_threads();
  std::size_t looked_at = 0;
  const StopSignal stop;
  Progress progress(set.examples.size(), set.examples.size() - left.size(), options.quiet);
  for_each_in_order(
      left.size(), threads,
      [&] {
        return [&, workspace = std::make_shared<Workspace>()](std::size_t i) {
          return examine(examiner, set.examples[left[i]], *workspace, options.save_maps);
        };
      },
      [&](std::size_t i, Attempt attempt) {
        ++looked_at;
        if (!attempt.why_not.empty()) {
          progress.clear();
          complaints.add(attempt.why_not);
        } else {
          attempt.record.place = left[i];
          tally.add(attempt.record);
          records.add(std::move(attempt.record));
        }
        progress.advance([&] { return tally.str(); });
      },
      StopSignal::requested);
  progress.finish(threads);
  return looked_at == left.size();
}

// How many pictures there are figures of, and which there are not.
std::string pictures_told(const Figures& figures, const Dataset& set, std::size_t broken) {
  std::string note;
  if (broken > 0) note += text(", ", broken, " could not be used");
  if (set.left_out > 0) note += text(", ", set.left_out, " of unknown classes left out");
  return counted(figures.pictures, "picture") + note;
}

// How boxes come about: "tiny_vgg_gap, the paper's rule at 0.2". model: null with score maps.
std::string method(const EvaluateOptions& options, const Model* model) {
  if (model == nullptr) return text("maps of ", printable(options.score_maps));
  const std::string rule =
      options.is_papers_rule()
          ? text("the paper's rule at ", box_options(options.threshold, *model).threshold)
          : text("the authors' rule", options.rule == "authors" ? "" : ", its largest boxes");
  return text(printable(options.model.name()), ", ", rule,
              options.crops == 10 ? ", ten crops" : "");
}

// The last words of a run.
void tell(const Figures& figures, const Dataset& set, const EvaluateOptions& options,
          const Model* model, std::size_t broken, bool complete) {
  if (options.json) {
    Json line = to_json(figures);
    if (model != nullptr) {
      line["model"] = options.model.name();
      line["rule"] = options.rule;
      if (options.is_papers_rule())
        line["threshold"] = box_options(options.threshold, *model).threshold;
      line["crops"] = options.crops;
    }
    line["broken"] = broken;
    line["left_out"] = set.left_out;
    line["complete"] = complete;
    print(json_line(line));
    return;
  }
  print(text(pictures_told(figures, set, broken), "; ", method(options, model), "\n",
             to_text(figures)));
}

int evaluate(const EvaluateOptions& options) {
  std::vector<LabelledImage> truth = read_truth(options.truth);
  check(options, truth);
  if (!options.report.empty()) make_folder(options.report);
  const Examiner examiner(options);
  const Model* model = examiner.network() == nullptr ? nullptr : &examiner.network()->model();
  const Dataset set = make_dataset(std::move(truth), options, model);
  Records records(set, options, model);
  Complaints complaints;
  complaints.add_missing(set.examples, records.by_place(), options);
  const bool complete = examine_all(examiner, set, options, records, complaints);

  const auto& by_place = records.by_place();
  const auto done = static_cast<std::size_t>(
      std::count_if(by_place.begin(), by_place.end(), [](const auto& one) { return !!one; }));
  std::vector<std::string> unread;
  if (done > 0) {
    const Figures figures = figures_of(set, by_place, options);
    tell(figures, set, options, model, complaints.count(), complete);
    if (!options.report.empty()) {
      const std::string page =
          write_report({set, by_place, figures, options, examiner.network(), method(options, model),
                        pictures_told(figures, set, complaints.count()) +
                            (complete ? "" : text("; stopped before all ", set.examples.size()))},
                       unread);
      for (const std::string& why : unread) complain(why);
      if (!options.json) print(text("  report: ", printable(page), "\n"));
    }
  } else {
    complain("no picture was evaluated");
  }
  if (!complete) {
    const std::string left = counted(set.examples.size() - done - complaints.count(), "picture");
    complain(text("stopped with ", left, " to go; ",
                  options.records.empty()
                      ? "with --records FILE, the same command would go on from there"
                      : "the same command goes on from there"));
  }
  return complete && complaints.count() == 0 && unread.empty() ? all_done : some_failed;
}

}  // namespace

void add_evaluate(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand(
      "evaluate", "classification and localization errors on pictures whose truth is known");
  auto options = std::make_shared<EvaluateOptions>();
  command
      ->add_option("--images", options->images,
                   "the folder of the pictures: they are DIR/NAME or DIR/images/NAME")
      ->type_name("DIR");
  command
      ->add_option("--truth", options->truth,
                   "what is where: a line `image class x0 y0 x1 y1` a box, tabs between, or a "
                   "folder with localization.txt, class_labels.txt and image_sizes.txt")
      ->type_name("FILE|DIR")
      ->required();
  add_model_options(*command, options->model);
  command
      ->add_option("--rule", options->rule,
                   "how maps become boxes: paper, the largest region above a share of the maximum; "
                   "authors, the generator that the paper's authors released, two boxes of the "
                   "first and of the second class and one of the third, their heuristics; "
                   "authors-largest, its largest box of each of five classes")
      ->type_name("NAME")
      ->capture_default_str()
      ->check(CLI::IsMember({"paper", "authors", "authors-largest"}));
  auto* threshold =
      add_threshold_option(*command, options->threshold, "the share of the paper's rule");
  add_view_options(*command, options->predict, options->crops);
  add_limit_options(*command, options->limits);
  command->add_flag("--multi-region", options->multi_region,
                    "MaxBoxAcc of the best of all regions instead of the largest one");
  command->add_flag("--known-classes", options->known_classes,
                    "leave out pictures of classes that the model does not know");
  command
      ->add_option("--save-maps", options->save_maps,
                   "write the map of each picture's true class to DIR/NAME.npy: "
                   "(224, 224), from 0 to 1")
      ->type_name("DIR");
  auto* maps = command
                   ->add_option("--scoremaps", options->score_maps,
                                "evaluate the maps in DIR/NAME.npy, from any program, instead of "
                                "a network's: (h, w), from 0 to 1")
                   ->type_name("DIR");
  for (const char* of_network : {"--model", "--arch", "--rule", "--threshold", "--crops", "--size",
                                 "--whole", "--known-classes", "--save-maps"}) {
    maps->excludes(command->get_option(of_network));
  }
  command
      ->add_option("--records", options->records,
                   "keep what is done in FILE, a line of JSON a picture, and go on from there when "
                   "the same command is given again")
      ->type_name("FILE");
  auto* report =
      command
          ->add_option("--report", options->report,
                       "write a page to look at to DIR/index.html: figures, accuracy against "
                       "threshold, classes, and the best and the worst pictures")
          ->type_name("DIR");
  command
      ->add_option("--report-pictures", options->report_pictures,
                   "how many of the best pictures the page shows, and how many of the worst")
      ->type_name("N")
      ->capture_default_str()
      ->check(in_range(1, 1000))
      ->needs(report);
  command->add_flag("--json", options->json, "one JSON object");
  command->add_flag("--quiet", options->quiet, "say nothing of the progress");
  command->footer(
      "Errors are ILSVRC's: a picture is right if one of its first k (class, box) pairs is of a\n"
      "true class and overlaps with a box of that class by half (intersection over union). With\n"
      "the class known, the box is that of the true class's map. MaxBoxAcc is the share of the\n"
      "pictures whose map has a right box, at the threshold that suits the set best; MaxBoxAccV2\n"
      "the mean over overlaps of 0.3, 0.5 and 0.7 (Choe et al., CVPR 2020). Intervals are\n"
      "of 95 %, by 1000 bootstrap resamples.\n\n"
      "Pictures are looked at side by side, a thread each. Classes are numbers, WordNet ids or\n"
      "labels of the model. Boxes are whole pixels, the last ones included, and count as pixels "
      "are\n"
      "stored: EXIF orientation is ignored. Ctrl-C ends a run with the figures so far. Pictures "
      "that\n"
      "cannot be used are listed, counted and left out; the exit status is then 1, as it is after\n"
      "Ctrl-C.\n\n"
      "Examples:\n"
      "  camlite evaluate --images tiny-imagenet-200/val --truth "
      "tiny-imagenet-200/val/val_annotations.txt\n"
      "  camlite evaluate --images ILSVRC --truth wsolevaluation/metadata/ILSVRC/test \\\n"
      "      --model vgg.safetensors --crops 10 --rule authors --records vgg.jsonl\n"
      "  camlite evaluate --truth wsolevaluation/metadata/ILSVRC/test --scoremaps maps/");
  command->callback([=, &status] {
    if (!options->is_papers_rule() && threshold->count() > 0)
      throw UsageError("--threshold is the paper's rule's; the authors' has cuts of its own");
    status = evaluate(*options);
  });
}

}  // namespace camlite::tool
