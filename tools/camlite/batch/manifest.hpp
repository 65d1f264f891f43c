// What a file of results is of: FILE.manifest.json beside FILE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "../json.hpp"
#include "shard.hpp"

namespace camlite::tool {

// What a run was asked, so that one that goes on can tell whether it is the same.
struct Asked {
  std::string command;
  std::string model;              // its name, which may change
  std::string model_hash;         // of its content
  std::string format;             // of the records
  Json options = Json::object();  // those that records depend on
  Shard shard;
};

struct Manifest {
  Asked asked;
  Listed listed;
  std::size_t done = 0;    // of this shard
  std::size_t failed = 0;  // of them
  bool complete = false;   // all of this shard are done, and their records are in FILE
  bool replaces = false;   // until then, FILE is of an earlier run, of which nothing is to be kept
};

std::string manifest_path(const std::string& results);

// Of the file of results. Throws Error, naming the manifest, if there is none or it is not one.
Manifest read_manifest(const std::string& results);

// Whole, or as it was. Throws Error.
void write_manifest(const std::string& results, const Manifest& manifest);

// What differs between two runs whose records cannot be in one file, a line each; "" if nothing
// does. The shard is not looked at.
std::string differences(const Asked& found, const Asked& asked);

}  // namespace camlite::tool
