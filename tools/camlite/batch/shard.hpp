// A run over many pictures, dealt out to processes that know nothing of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace camlite::tool {

/// Shard `number` of `count`, from 1, as people count: --shard 2/8.
struct Shard {
  std::uint64_t number = 1;
  std::uint64_t count = 1;
  std::string source;  // who said so, for messages: "--shard", "Slurm", "Open MPI", ...; "" for all
};

/// "I/N" with 1 <= I <= N. Throws UsageError.
Shard parse_shard(std::string_view text);

/// Which of the processes that a launcher started this is: its rank under Open MPI, MPICH and what
/// else speaks PMI, or srun; its place in a Slurm job array; or both, where every job of an array
/// starts several. Nothing without a launcher. Throws UsageError for variables that make no sense,
/// and for a job array with gaps, whose places cannot be known.
std::optional<Shard> shard_from_environment();

/// A number from the bytes of a picture's path alone: FNV-1a of 64 bits, then the finalizer of
/// SplitMix64, so that neighbours spread. It is part of what a run over several machines means, and
/// stays as it is.
std::uint64_t path_hash(std::string_view path);

/// Every path is of exactly one of the `count` shards, whatever other paths there are.
inline bool holds(const Shard& shard, std::string_view path) {
  return path_hash(path) % shard.count == shard.number - 1;
}

/// Which pictures a run was to look at, those of the other shards too.
struct Listed {
  std::size_t pictures = 0;
  std::uint64_t hash = 0;  // the sum of path_hash over them, in whatever order

  void add(std::string_view path) {
    ++pictures;
    hash += path_hash(path);
  }
  friend bool operator==(const Listed&, const Listed&) = default;
};

/// "shard-2-of-8"
std::string shard_name(const Shard& shard);

/// Where this shard of what goes to `output` is written: "out.jsonl" -> "out.shard-2-of-8.jsonl";
/// of all, `output` itself.
std::string shard_path(const std::string& output, const Shard& shard);

}  // namespace camlite::tool
