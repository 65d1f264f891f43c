// The shards of a run, put together again.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace camlite::tool {

struct Merged {
  std::size_t shards = 0;
  std::size_t pictures = 0;
  std::size_t failed = 0;  // of them
};

// The files "out.shard-I-of-N.jsonl" beside "out.jsonl" that are there or begun, by name.
std::vector<std::string> find_shards(const std::string& output);

// Writes what a single process would have written: the records of all shards, by path, and their
// manifest. Throws Error, naming the shard, if one is missing, not complete, there twice, or of
// another run or another list of pictures than the first; if records are not of its shard, or twice
// there, or not as many as the manifest says; if two pictures have one overlay. Then nothing is
// written.
Merged merge_shards(const std::string& output, const std::vector<std::string>& shards);

}  // namespace camlite::tool
