#include "results_file.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/file.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/output_file.hpp>
#include <camlite/version.hpp>

#include "../console.hpp"
#include "differences.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

constexpr const char* mark = "camlite_results";  // the first member of a manifest
constexpr Index largest_manifest = Index{1} << 20;

std::string part_of(const std::string& path) {
  return path + ".part";
}

std::string manifest_of(const std::string& path) {
  return path + ".manifest.json";
}

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool has_records(const std::string& part) {
  std::error_code error;
  const auto bytes = fs::file_size(part, error);
  return !error && bytes > 0;
}

// The path, once it is settled that there may be what there is.
std::string settled(std::string path, IfThere if_there) {
  if (if_there != IfThere::refuse) return path;
  constexpr const char* choice = "--resume goes on with it, --force replaces it";
  if (is_there(path)) throw UsageError(text(path, ": is there already; ", choice));
  if (has_records(part_of(path)))
    throw UsageError(text(part_of(path), ": is there, of a run that did not end; ", choice));
  return path;
}

void remove(const std::string& path) {
  std::error_code error;
  if (fs::remove(path, error); error) fail(path, ": cannot remove: ", error.message());
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ResultsFile::ResultsFile(std::string path, const RecordFormat& format, Asked asked,
                         IfThere if_there)
    : path_(settled(std::move(path), if_there)),
      format_(format),
      asked_(std::move(asked)),
      part_(part_of(path_)) {
  asked_.options = Json::parse(json_line(asked_.options));  // as it is read back
  try {
    begin(if_there);
  } catch (...) {
    // As if it had not been tried.
    std::error_code ignored;
    if (!has_records(part_of(path_))) fs::remove(part_of(path_), ignored);
    throw;
  }
}

void ResultsFile::begin(IfThere if_there) {
  if (if_there == IfThere::replace) {
    part_.recover([](std::string_view) { return 0; });
    remove(path_);
  }
  const bool complete = is_there(path_);
  if (complete || has_records(part_of(path_))) check_manifest();
  if (complete) {
    const MappedFile file(path_);
    std::string_view records = as_text(file.bytes());
    const std::string header = format_.header();
    if (!records.starts_with(header))
      fail(path_, ": is not a file of such results, whose first line is ", header);
    records.remove_prefix(header.size());
    const auto whole = for_each_record(
        records, format_, path_, [&](const KnownRecord& one, std::string_view) { learn(one); });
    if (whole != records.size()) fail(path_, ": its last record is cut off");
  }
  part_.recover([&](std::string_view records) {
    return for_each_record(records, format_, part_of(path_),
                           [&](const KnownRecord& one, std::string_view) { learn(one); });
  });
  write_manifest(false);
}

void ResultsFile::append(std::string_view record, bool failed) {
  part_.append(record);
  ++done_;
  failed_ += failed ? 1 : 0;
}

void ResultsFile::finish() {
  struct Line {
    std::string picture;
    std::string_view record;
  };
  std::vector<Line> lines;
  const MappedFile before = is_there(path_) ? MappedFile(path_) : MappedFile();
  const MappedFile part(part_of(path_));
  const std::string header = format_.header();
  const auto add = [&](std::string_view records, const std::string& name) {
    for_each_record(records, format_, name, [&](const KnownRecord& one, std::string_view record) {
      lines.push_back({one.picture, record});
    });
  };
  if (!before.bytes().empty()) add(as_text(before.bytes()).substr(header.size()), path_);
  add(as_text(part.bytes()), part_of(path_));
  // A run that was killed here has left its records in both.
  const auto by_picture = [](const Line& a, const Line& b) { return a.picture < b.picture; };
  const auto same = [](const Line& a, const Line& b) { return a.picture == b.picture; };
  std::stable_sort(lines.begin(), lines.end(), by_picture);
  lines.erase(std::unique(lines.begin(), lines.end(), same), lines.end());

  OutputFile file(path_);
  file.write(std::as_bytes(std::span(header)));
  for (const Line& line : lines) file.write(std::as_bytes(std::span(line.record)));
  file.commit();
  write_manifest(true);
  remove(part_of(path_));
}

void ResultsFile::check_manifest() const {
  const std::string name = manifest_of(path_);
  if (!is_there(name))
    fail(name, ": is not there, so that nobody knows of what run ", path_, " is");
  const std::vector<std::byte> bytes = read_file(name, largest_manifest);
  const Json found = Json::parse(as_text(bytes), nullptr, false);
  if (!found.is_object() || !found.contains(mark) || !found.contains("options"))
    fail(name, ": is not the manifest of a run");
  const Json now{{"version", CAMLITE_VERSION},
                 {"command", asked_.command},
                 {"model_hash", asked_.model_hash},
                 {"format", format_.name()}};
  const std::string different =
      differences(found, now) + differences(found["options"], asked_.options);
  if (!different.empty()) {
    fail(path_, ": results of another run, with which this one cannot go on:", different,
         "\nName another file, or replace this one with --force.");
  }
}

void ResultsFile::learn(const KnownRecord& record) {
  if (!known_.insert(record.picture).second) return;
  ++done_;
  failed_ += record.failed ? 1 : 0;
  if (!record.overlay.empty()) overlays_.emplace(record.picture, record.overlay);
}

void ResultsFile::write_manifest(bool complete) const {
  const Json manifest{{mark, 1},
                      {"version", CAMLITE_VERSION},
                      {"command", asked_.command},
                      {"model", asked_.model},
                      {"model_hash", asked_.model_hash},
                      {"format", format_.name()},
                      {"options", asked_.options},
                      {"pictures", {{"done", done_}, {"failed", failed_}}},
                      {"complete", complete}};
  const std::string content = manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  OutputFile file(manifest_of(path_));
  file.write(std::as_bytes(std::span(content)));
  file.commit();
}

}  // namespace camlite::tool
