#include "shard_merge.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <regex>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/model/mapped_file.hpp>

#include "../console.hpp"
#include "../words.hpp"
#include "manifest.hpp"
#include "record_reader.hpp"
#include "results_file.hpp"
#include "shard.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

struct ShardFile {
  std::string path;
  Manifest manifest;
};

ShardFile open_shard(const std::string& path) {
  ShardFile shard{path, read_manifest(path)};
  if (shard.manifest.asked.shard.count < 2)
    fail(path, ": is all of a run, and not one of its shards");
  if (!shard.manifest.complete)
    fail(path, ": is not complete; the command that wrote it goes on with --resume");
  return shard;
}

// By number: each once, of one run over one list of pictures.
void check_agreement(const std::vector<ShardFile>& shards) {
  const ShardFile& first = shards.front();
  const std::uint64_t count = first.manifest.asked.shard.count;
  for (const ShardFile& one : shards) {
    const Manifest& manifest = one.manifest;
    if (manifest.asked.shard.count != count) {
      fail("shards of two runs: ", first.path, " is one of ", count, ", ", one.path, " one of ",
           manifest.asked.shard.count, "; name those that belong together");
    }
    const std::string different = differences(first.manifest.asked, manifest.asked);
    if (!different.empty())
      fail(one.path, ": of another run than ", first.path, " (there):", different);
    if (manifest.listed != first.manifest.listed) {
      fail(one.path, ": of a list of ", counted(manifest.listed.pictures, "picture"), ", and ",
           first.path, " of another one of ", counted(first.manifest.listed.pictures, "picture"),
           "; --resume brings the older one up to date");
    }
  }
  std::uint64_t expected = 1;
  for (const ShardFile& one : shards) {
    const std::uint64_t number = one.manifest.asked.shard.number;
    if (number < expected) fail(one.path, ": shard ", number, " of ", count, " is there twice");
    if (number > expected) break;
    ++expected;
  }
  if (expected <= count) fail("shard ", expected, " of ", count, " is missing");
}

// A shard that went on with more pictures did not see the others' overlays, if it was elsewhere.
void check_overlays(const std::vector<RecordLine>& lines) {
  std::unordered_map<std::string_view, std::string_view> pictures;
  for (const RecordLine& line : lines) {
    if (line.overlay.empty()) continue;
    const auto [first, is_new] = pictures.emplace(line.overlay, line.picture);
    if (is_new) continue;
    fail(line.overlay, ": the overlay of both ", first->second, " and ", line.picture,
         ", which different shards have drawn; run all of them again with --force");
  }
}

}  // namespace

std::vector<std::string> find_shards(const std::string& output) {
  const fs::path path(output);
  const std::string stem = path.stem().string() + ".shard-", suffix = path.extension().string();
  const std::regex numbers("[1-9][0-9]*-of-[1-9][0-9]*");
  std::vector<std::string> found;
  std::error_code error;
  const fs::path folder = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    // One that is begun has a manifest, and a file only when it is complete.
    std::string name = entry->path().filename().string();
    const std::string end = manifest_path(suffix);
    if (!name.starts_with(stem) || !name.ends_with(end)) continue;
    name.resize(name.size() - manifest_path("").size());
    const std::string middle = name.substr(stem.size(), name.size() - stem.size() - suffix.size());
    if (std::regex_match(middle, numbers)) found.push_back((path.parent_path() / name).string());
  }
  if (error) fail(folder.string(), ": cannot read the folder: ", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

Merged merge_shards(const std::string& output, const std::vector<std::string>& paths) {
  std::vector<ShardFile> shards;
  shards.reserve(paths.size());
  for (const std::string& path : paths) shards.push_back(open_shard(path));
  const auto by_number = [](const ShardFile& a, const ShardFile& b) {
    return a.manifest.asked.shard.number < b.manifest.asked.shard.number;
  };
  std::stable_sort(shards.begin(), shards.end(), by_number);
  check_agreement(shards);

  Manifest manifest = shards.front().manifest;
  manifest.asked.shard = {};
  manifest.done = manifest.failed = 0;
  std::vector<MappedFile> files;
  std::vector<RecordLine> lines;
  RecordFormat format;
  Listed found;
  for (const ShardFile& shard : shards) {
    const std::size_t before = lines.size();
    const MappedFile& file = files.emplace_back(shard.path);
    const ResultsText content =
        results_text(as_text(file.bytes()), manifest.asked.format, shard.path);
    if (files.size() == 1) format = content.format;
    if (content.format.header() != format.header())
      fail(shard.path, ": has other columns than ", shards.front().path);
    add_lines(content.records, format, shard.path, lines);
    for (std::size_t i = before; i < lines.size(); ++i) {
      const std::string& picture = lines[i].picture;
      if (!holds(shard.manifest.asked.shard, picture))
        fail(shard.path, ": ", picture, " is not a picture of this shard");
      if (i > before && picture <= lines[i - 1].picture)
        fail(shard.path, ": ", picture, " is behind ", lines[i - 1].picture, ", out of order");
      found.add(picture);
    }
    if (lines.size() - before != shard.manifest.done) {
      fail(shard.path, ": has ", counted(lines.size() - before, "record"),
           ", and its manifest says ", shard.manifest.done);
    }
    manifest.done += shard.manifest.done;
    manifest.failed += shard.manifest.failed;
  }
  if (found != manifest.listed) {
    fail("the shards of ", output, " have ", counted(found.pictures, "picture"),
         ", which are not the ", manifest.listed.pictures,
         " that they were to look at; where pictures were taken away since, run the shards again "
         "with --force");
  }
  check_overlays(lines);
  // No picture is of two shards, and none is twice in one.
  std::sort(lines.begin(), lines.end(),
            [](const RecordLine& a, const RecordLine& b) { return a.picture < b.picture; });
  write_results(output, format, lines);
  try {
    write_manifest(output, manifest);
  } catch (...) {
    std::error_code ignored;
    fs::remove(output, ignored);  // what nobody knows of what run it is
    throw;
  }
  return {shards.size(), manifest.done, manifest.failed};
}

}  // namespace camlite::tool
