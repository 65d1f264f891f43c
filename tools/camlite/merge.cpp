// camlite merge: the results of the shards of a run, as a single process would have written them.

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "batch/appended_file.hpp"
#include "batch/results_file.hpp"
#include "batch/shard.hpp"
#include "batch/shard_merge.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "paths.hpp"

namespace camlite::tool {

namespace {

struct MergeOptions {
  std::string output;
  std::vector<std::string> shards;
  bool force = false;
  bool quiet = false;
};

// As merge_shards; but not beside a run of one process with the same output, nor over what one
// that was stopped has left, with which --resume would go on.
Merged merge_alone(const MergeOptions& options, const std::vector<std::string>& shards) {
  const std::string part = part_of(options.output);
  std::error_code ignored;
  if (!std::filesystem::exists(part, ignored)) return merge_shards(options.output, shards);
  const AppendedFile lock(part);
  if (has_records(part) && !options.force) {
    throw UsageError(part +
                     ": is there, of a run of one process that did not end; --force takes it away");
  }
  const Merged merged = merge_shards(options.output, shards);
  std::filesystem::remove(part, ignored);
  return merged;
}

int merge(const MergeOptions& options) {
  std::vector<std::string> shards = options.shards;
  if (shards.empty()) shards = find_shards(options.output);
  if (shards.empty()) {
    fail(options.output, ": there are no shards of it: files like ",
         shard_path(options.output, {.number = 1, .count = 4, .source = ""}));
  }
  std::error_code ignored;
  if (!options.force && std::filesystem::exists(options.output, ignored))
    throw UsageError(options.output + ": is there already; --force replaces it");
  for (const std::string& shard : shards) {
    if (identity(shard) == identity(options.output))
      throw UsageError(text(shard, ": is a shard, and would be replaced by all of them"));
  }
  const Merged merged = merge_alone(options, shards);
  if (!options.quiet) {
    complain(text(counted(merged.shards, "shard"), ", ", counted(merged.pictures, "picture"),
                  merged.failed > 0 ? text(", ", merged.failed, " of them failed") : "", ": ",
                  options.output));
  }
  return merged.failed > 0 ? some_failed : all_done;
}

}  // namespace

void add_merge(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand(
      "merge", "put together what the shards of a run over many pictures have written");
  auto options = std::make_shared<MergeOptions>();
  command->add_option("OUTPUT", options->output, "the --output of the run")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("SHARD", options->shards,
                   "the shards' files; without them OUTPUT's: out.shard-I-of-N.jsonl beside "
                   "out.jsonl")
      ->type_name("FILE");
  command->add_flag("--force", options->force, "replace OUTPUT");
  command->add_flag("--quiet", options->quiet, "say nothing if all is well");
  command->footer(
      "OUTPUT is then what a run of one process would have written, to the byte. It is written "
      "only\nif all shards are there and complete, of the same model, options and list of "
      "pictures. The\nshards stay where they are. Exit status 1 also if pictures have failed, as "
      "in a run of one process.\n\n"
      "Example:\n"
      "  for i in 1 2 3 4; do camlite classify photos/ --output out.jsonl --shard $i/4 & done\n"
      "  wait; camlite merge out.jsonl");
  command->callback([options, &status] { status = merge(*options); });
}

}  // namespace camlite::tool
