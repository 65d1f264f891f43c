#include "shard.hpp"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <system_error>

#include <camlite/model/text.hpp>

#include "../console.hpp"
#include "hash.hpp"

namespace camlite::tool {

namespace {

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

// The value of an environment variable; nothing where there is no such variable.
std::optional<std::uint64_t> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return {};
  if (const auto number = number_in(value)) return number;
  throw UsageError(text(name, "=", value, ": expected a whole number; --shard says it instead"));
}

struct Place {
  std::uint64_t number, count;
};

// What two variables tell together; nothing where there is neither.
std::optional<Place> place_in(const char* number, const char* count) {
  const auto which = variable(number), of = variable(count);
  if (which.has_value() != of.has_value()) {
    throw UsageError(text(which ? number : count, " is set, but ", which ? count : number,
                          " is not: this process's share is not known; say it: --shard I/N"));
  }
  if (!which) return {};
  return Place{*which, *of};
}

// One of several processes that were started together.
std::optional<Shard> rank_of(const char* source, const char* rank, const char* size) {
  const auto place = place_in(rank, size);
  if (!place) return {};
  if (place->number >= place->count)
    throw UsageError(
        text(rank, "=", place->number, " with ", size, "=", place->count, ": expected less"));
  return Shard{place->number + 1, place->count, source};
}

// A rank of whichever launcher started this process. Slurm sets SLURM_PROCID for a batch script
// too, which runs once: only in a step, which srun makes, there is one process a rank. Open MPI and
// MPICH start their own inside of one Slurm step, so they are asked first.
std::optional<Shard> launched_rank() {
  if (auto rank = rank_of("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")) return rank;
  if (auto rank = rank_of("MPI", "PMI_RANK", "PMI_SIZE")) return rank;
  if (std::getenv("SLURM_STEP_NUM_TASKS") != nullptr)
    return rank_of("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
  return {};
}

std::optional<Shard> array_task() {
  const auto task = place_in("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT");
  if (!task) return {};
  const auto [id, count] = *task;
  const std::uint64_t first = variable("SLURM_ARRAY_TASK_MIN").value_or(0);
  const std::uint64_t last = variable("SLURM_ARRAY_TASK_MAX").value_or(first + count - 1);
  const std::uint64_t step = variable("SLURM_ARRAY_TASK_STEP").value_or(1);
  if (count == 0 || step == 0 || id < first || id > last || (last - first) / step + 1 != count) {
    throw UsageError(text("the Slurm job array of ", count, " tasks from ", first, " to ", last,
                          " has gaps, so the place of task ", id,
                          " in it is not known; say it: --shard I/N"));
  }
  return Shard{(id - first) / step + 1, count, "Slurm job array"};
}

}  // namespace

Shard parse_shard(std::string_view said) {
  const std::size_t slash = said.find('/');
  const auto number = number_in(said.substr(0, slash));
  const auto count =
      slash == said.npos ? std::optional<std::uint64_t>{} : number_in(said.substr(slash + 1));
  if (!number || !count || *number < 1 || *number > *count)
    throw UsageError(text("--shard ", said, ": expected I/N with 1 <= I <= N, like 2/8"));
  return {*number, *count, "--shard"};
}

std::optional<Shard> shard_from_environment() {
  const auto rank = launched_rank(), task = array_task();
  if (!rank || !task) return rank ? rank : task;
  if (rank->count > ~std::uint64_t{0} / task->count)
    throw UsageError(text(task->count, " jobs of ", rank->count, " processes are too many"));
  return Shard{(task->number - 1) * rank->count + rank->number, task->count * rank->count,
               task->source + ", " + rank->source};
}

std::uint64_t path_hash(std::string_view path) {
  Hash of_bytes;
  of_bytes.add(std::as_bytes(std::span(path)));
  std::uint64_t hash = of_bytes.value();
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
  return hash ^ hash >> 31;
}

std::string shard_name(const Shard& shard) {
  return text("shard-", shard.number, "-of-", shard.count);
}

std::string shard_path(const std::string& output, const Shard& shard) {
  if (shard.count == 1) return output;
  const std::filesystem::path path(output);
  return (path.parent_path() / path.stem()).string() + '.' + shard_name(shard) +
         path.extension().string();
}

}  // namespace camlite::tool
