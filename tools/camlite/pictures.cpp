#include "pictures.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include <camlite/image_io.hpp>
#include <camlite/kernels/isa.hpp>

#include "arguments.hpp"
#include "batch/hash.hpp"
#include "batch/progress.hpp"
#include "batch/stop_signal.hpp"
#include "batch/workers.hpp"
#include "console.hpp"
#include "paths.hpp"

namespace camlite::tool {

namespace {

// Of the records that are wanted. Throws UsageError if a file's name does not tell.
RecordFormat::Kind kind_of(const PictureOptions& options) {
  using Kind = RecordFormat::Kind;
  if (options.output == "-")
    throw UsageError("--output -: results go to standard output without --output");
  if (options.json) return Kind::json;
  if (options.csv) return Kind::csv;
  if (options.output.empty()) return Kind::text;
  if (options.output.ends_with(".jsonl")) return Kind::json;
  if (options.output.ends_with(".csv")) return Kind::csv;
  throw UsageError(text("--output ", options.output,
                        ": a file of results ends in .jsonl or .csv, or --json or --csv says "
                        "which it is"));
}

// A launcher's process that names one picture, and no file that others write to as well, has been
// given its share already.
Shard shard_of(const PictureOptions& options, const Inputs& inputs) {
  if (!options.shard.empty()) return parse_shard(options.shard);
  if (options.output.empty() && inputs.listed.pictures == 1) return {};
  return shard_from_environment().value_or(Shard());
}

// What look() returns, or why there is nothing.
template <class Look>
Report attempt(const std::string& path, const Look& look) {
  Report report;
  try {
    report = look();
  } catch (const UsageError&) {
    throw;  // the same for every picture
  } catch (const CannotWrite&) {
    throw;  // not the picture's fault
  } catch (const std::bad_alloc&) {
    report.error = "not enough memory";
  } catch (const std::exception& error) {
    report.error = error.what();
  }
  if (!report.error.empty() && !report.error.starts_with(path))
    report.error = text(path, ": ", report.error);
  report.path = path;
  return report;
}

}  // namespace

Image read_picture(const std::string& path, const ImageLimits& limits) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail(path, ": is a directory");
  return read_image(path, {.limits = limits});
}

void add_view_options(CLI::App& command, PredictOptions& predict, Index& crops) {
  auto* size =
      command
          .add_option(
              "--size", predict.size,
              "the shorter side, in pixels, of what the network gets, instead of the model's: "
              "twice the size gives a map twice as fine, and classes that the network knows "
              "less well, since it was trained at its own")
          ->type_name("S")
          ->check(in_range(1, 65536));
  auto* whole = command.add_flag("--whole", predict.whole_picture,
                                 "look at the whole picture instead of the square in its centre");
  command
      .add_option("--crops", crops,
                  "10: look at the four corners, the centre and their mirror images of the whole "
                  "picture made square, average the probabilities and merge the maps, as the "
                  "paper's authors do; takes ten times as long")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::IsMember({"1", "10"}))
      ->excludes(size)
      ->excludes(whole);
}

void add_limit_options(CLI::App& command, ImageLimits& limits) {
  command
      .add_option("--max-pixels", limits.pixels,
                  "the largest picture that is read, width times height")
      ->type_name("N")
      ->capture_default_str()
      ->check(in_range<Index>(1, std::numeric_limits<int>::max()));
}

void add_picture_options(CLI::App& command, PictureOptions& options) {
  command
      .add_option("IMAGE", options.arguments,
                  "pictures: JPEG, PNG or BMP files, folders, quoted patterns, - for a list")
      ->required()
      ->type_name("");
  command.add_flag("-0,--null", options.nul_separated,
                   "in the list on standard input each path ends in a NUL, as find -print0 and "
                   "git ls-files -z write it, and not in a line feed");
  add_model_options(command, options.model);
  command
      .add_option("--jobs", options.jobs,
                  "so many pictures at a time; without it one for each core. The results are the "
                  "same, and in the same order. --threads is for the network of each")
      ->type_name("N")
      ->check(in_range(1, 1024));
  command.add_option("--top", options.top, "the K most probable classes")
      ->type_name("K")
      ->capture_default_str()
      ->check(in_range(1, 1000000));
  add_view_options(command, options.predict, options.crops);
  add_limit_options(command, options.limits);
  auto* json = command.add_flag("--json", options.json, "one JSON object a line instead of text");
  command
      .add_flag("--csv", options.csv, "a table instead of text: RFC 4180, its first line a header")
      ->excludes(json);
  auto* output =
      command
          .add_option("--output", options.output,
                      "write the results to FILE.jsonl or FILE.csv (or any FILE with --json or "
                      "--csv), sorted by path: whole, or not at all")
          ->type_name("FILE");
  command
      .add_option(
          "--shard", options.shard,
          "only every Nth picture, by a hash of its path: the Ith of N processes that share "
          "the pictures, from 1; --output out.jsonl is then out.shard-I-of-N.jsonl, and "
          "camlite merge out.jsonl joins them. Without it what mpirun, srun or a Slurm job "
          "array says; 1/1 is all")
      ->type_name("I/N");
  auto* resume =
      command
          .add_flag("--resume", options.resume,
                    "go on with the FILE of a run that was stopped, or of fewer pictures: those "
                    "that it has are not looked at again. The model and the options must be the "
                    "same; a FILE that is not there is begun")
          ->needs(output);
  command.add_flag("--force", options.force, "replace FILE, and what a stopped run left")
      ->needs(output)
      ->excludes(resume);
  command.add_flag("--quiet", options.quiet, "say nothing of the progress");
}

Inputs find_inputs(const PictureOptions& options, bool of_all_shards) {
  const bool own_alone = !of_all_shards && !options.output.empty();
  Inputs inputs = find_inputs(options.arguments, options.nul_separated,
                              own_alone ? shard_of(options, {}) : Shard());
  std::string unanswered;
  for (const std::string& one : inputs.unanswered)
    unanswered += (unanswered.empty() ? "" : "\n") + one;
  if (inputs.listed.pictures == 0 && !unanswered.empty()) fail(unanswered);
  if (!unanswered.empty()) complain(unanswered);
  if (inputs.overlays_left_out > 0 && !options.quiet)
    complain(counted(inputs.overlays_left_out, "overlay") + " of these pictures left out");
  return inputs;
}

Crew crew_for(const PictureOptions& options, std::size_t pictures) {
  const int cores = default_threads();
  const int threads = std::max(options.model.threads, 1);
  const int wanted = options.jobs > 0 ? options.jobs : std::max(cores / threads, 1);
  const int jobs =
      static_cast<int>(std::clamp<std::size_t>(pictures, 1, static_cast<std::size_t>(wanted)));
  if (options.model.threads > 0) return {jobs, threads};
  return {jobs, std::max(cores / jobs, 1)};
}

Network make_network(const PictureOptions& options, const Crew& crew) {
  ModelChoice model = options.model;
  model.threads = crew.threads;
  return make_network(model);
}

Results::Results(const PictureOptions& options, const Inputs& inputs, const std::string& command,
                 const Model& model, const CsvColumns& columns, const Json& of_command)
    : options_(options), format_{kind_of(options), columns}, shard_(shard_of(options, inputs)) {
  if (shard_.count > 1 && !options.quiet) {
    const auto ours = std::count_if(inputs.pictures.begin(), inputs.pictures.end(),
                                    [&](const Input& one) { return holds(shard_, one.path); });
    complain(text("shard ", shard_.number, " of ", shard_.count, " (", shard_.source, "): ", ours,
                  " of ", counted(inputs.listed.pictures, "picture")));
  }
  if (options.output.empty()) {
    print(format_.header());
    return;
  }
  // A shard's file says what failed to those who merge, and cannot say this.
  if (shard_.count > 1 && !inputs.unanswered.empty())
    throw UsageError("a shard is of pictures that there are; nothing was done");
  const std::filesystem::path name = std::filesystem::path(options.output).filename();
  for (const Input& one : inputs.pictures) {
    // Most differ by their names, which costs no look at the disk.
    if (one.path.ends_with(name.string()) && identity(one.path) == identity(options.output))
      throw UsageError(text("--output ", options.output, " is one of the pictures"));
  }
  Json asked{{"top", options.top},
             {"crops", options.crops},
             {"size", options.predict.size},
             {"whole", options.predict.whole_picture},
             {"max_pixels", options.limits.pixels},
             {"max_memory", options.model.memory_gb},
             {"isa", isa_name(default_isa())}};  // each rounds in its own way
  asked.update(of_command);
  file_.emplace(shard_path(options.output, shard_), format_,
                Asked{.command = command,
                      .model = options.model.name(),
                      .model_hash = hash_of(model),
                      .format = format_.name(),
                      .options = std::move(asked),
                      .shard = shard_},
                inputs.listed,
                options.resume  ? IfThere::resume
                : options.force ? IfThere::replace
                                : IfThere::refuse);
}

std::unordered_map<std::string, std::string> Results::overlays() const {
  std::unordered_map<std::string, std::string> all;
  if (!file_) return all;
  all = file_->overlays();
  for (std::uint64_t number = 1; options_.resume && number <= shard_.count; ++number) {
    if (number == shard_.number) continue;
    const Shard other{.number = number, .count = shard_.count, .source = ""};
    auto of_other = overlays_in(shard_path(options_.output, other), format_);
    // The file says nothing of what is not its own.
    std::erase_if(of_other, [&](const auto& one) { return !holds(other, one.first); });
    all.merge(of_other);
  }
  return all;
}

int for_each_picture(const PictureOptions& options, const Inputs& inputs, const Crew& crew,
                     Results& results,
                     const std::function<Report(std::size_t, const Image&)>& work) {
  struct Line {
    std::string record;
    std::string error;
  };
  ResultsFile* const file = results.file();
  std::size_t count = 0;  // in the shard
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < inputs.pictures.size(); ++i) {
    const std::string& path = inputs.pictures[i].path;
    if (!holds(results.shard(), path)) continue;
    ++count;
    if (file == nullptr || !file->has(path)) left.push_back(i);
  }
  const auto look = [&](std::size_t at) -> Line {
    const std::string& path = inputs.pictures[left[at]].path;
    const Report report = attempt(path, [&] {
      if (const auto folder = inputs.unreadable.find(path); folder != inputs.unreadable.end())
        fail(path, ": ", folder->second);
      const Image picture = read_picture(path, options.limits);
      Report seen = work(left[at], picture);
      seen.width = picture.width();
      seen.height = picture.height();
      return seen;
    });
    return {results.format().record(report), report.error};
  };

  std::size_t done = 0, failed = 0;
  const StopSignal stop;
  Progress progress(count, count - left.size(), options.quiet || count < 2);
  try {
    for_each_in_order(
        left.size(), crew.jobs, [&] { return look; },
        [&](std::size_t at, const Line& result) {
          const bool broken = !result.error.empty();
          failed += broken ? 1 : 0;
          if (broken) results.add_failed(inputs.pictures[left[at]].path);
          // In a file all are told.
          constexpr std::size_t most = 10;
          if (broken && (file == nullptr || failed <= most)) {
            progress.clear();
            complain(result.error);
          }
          if (file != nullptr) {
            file->append(result.record, broken);
          } else if (!result.record.empty()) {
            progress.clear();
            print(result.record);
          }
          ++done;
          progress.advance([&] { return failed > 0 ? text(failed, " failed") : ""; });
        },
        StopSignal::requested);
  } catch (const Error& error) {  // a full disk, say: no picture's own mistake
    progress.clear();
    complain(error.what());
  }
  progress.clear();

  const bool complete = done == left.size();
  if (file != nullptr) {
    progress.finish(crew.jobs * crew.threads);
    if (complete) {
      file->finish();
    } else {
      file->stop();
    }
    failed = file->failed();
  }
  if (failed > 0 && count > 1) {
    const std::size_t all = file != nullptr ? file->done() : done;
    complain(text(failed, " of ", counted(all, "picture"), " failed",
                  file != nullptr && complete ? text("; ", file->path(), " says why") : ""));
  }
  if (!complete && count > 1) {
    complain(text("stopped with ", counted(left.size() - done, "picture"), " to go; ",
                  file == nullptr  ? "with --output FILE, --resume would go on from there"
                  : options.resume ? "the same command goes on from there"
                  : options.force
                      ? "the same command with --resume instead of --force goes on from there"
                      : "the same command with --resume goes on from there"));
  }
  if (!complete || !inputs.unanswered.empty()) return some_failed;
  // What is to be merged tells of it there: mpirun kills the other ranks where one fails, and a job
  // that waits for an array to succeed would never merge it.
  const bool told_by_merge = file != nullptr && results.shard().count > 1;
  return failed == 0 || told_by_merge ? all_done : some_failed;
}

}  // namespace camlite::tool
