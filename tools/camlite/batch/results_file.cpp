#include "results_file.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/output_file.hpp>

#include "../console.hpp"
#include "../words.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
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

}  // namespace

std::string part_of(const std::string& path) {
  return path + ".part";
}

bool has_records(const std::string& part) {
  std::error_code error;
  const auto bytes = fs::file_size(part, error);
  return !error && bytes > 0;
}

ResultsFile::ResultsFile(std::string path, const RecordFormat& format, const Asked& asked,
                         const Listed& listed, IfThere if_there)
    : path_(settled(std::move(path), if_there)),
      format_(format),
      manifest_{.asked = asked, .listed = listed},
      part_(part_of(path_)) {
  Json& options = manifest_.asked.options;
  options = Json::parse(json_line(options));  // as it is read back
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
  const bool there = is_there(path_);
  if (if_there == IfThere::replace) {
    part_.recover([](std::string_view) { return 0; });
    manifest_.replaces = there;
  } else if (there || has_records(part_of(path_))) {
    const Manifest found = read_manifest(path_);
    agree_with(found);
    manifest_.replaces = found.replaces;
  }
  if (there && !manifest_.replaces) {
    const MappedFile file(path_);
    const ResultsText text = results_text(as_text(file.bytes()), format_.name(), path_);
    const auto whole =
        for_each_record(text.records, format_, path_,
                        [&](const KnownRecord& one, std::string_view) { learn(one); });
    if (whole != text.records.size()) fail(path_, ": its last record is cut off");
  }
  part_.recover([&](std::string_view records) {
    return for_each_record(records, format_, part_of(path_),
                           [&](const KnownRecord& one, std::string_view) { learn(one); });
  });
  // From here on, this run is the only one.
  remove_leftovers(path_);
  remove_leftovers(manifest_path(path_));
  stop();
}

void ResultsFile::append(std::string_view record, bool failed) {
  part_.append(record);
  ++manifest_.done;
  manifest_.failed += failed ? 1 : 0;
}

void ResultsFile::finish() {
  std::vector<RecordLine> lines;
  const bool goes_on = !manifest_.replaces && is_there(path_);
  const MappedFile before = goes_on ? MappedFile(path_) : MappedFile();
  const MappedFile part(part_of(path_));
  if (!before.bytes().empty()) {
    const ResultsText text = results_text(as_text(before.bytes()), format_.name(), path_);
    add_lines(text.records, format_, path_, lines);
  }
  add_lines(as_text(part.bytes()), format_, part_of(path_), lines);
  // A run that was killed here has left its records in both.
  const auto by_picture = [](const RecordLine& a, const RecordLine& b) {
    return a.picture < b.picture;
  };
  const auto same = [](const RecordLine& a, const RecordLine& b) { return a.picture == b.picture; };
  std::stable_sort(lines.begin(), lines.end(), by_picture);
  lines.erase(std::unique(lines.begin(), lines.end(), same), lines.end());

  write_results(path_, format_, lines);
  manifest_.complete = true;
  manifest_.replaces = false;
  write_manifest(path_, manifest_);
  remove(part_of(path_));
}

void ResultsFile::agree_with(const Manifest& found) const {
  const std::string different = differences(found.asked, manifest_.asked);
  if (!different.empty()) {
    fail(path_, ": results of another run, with which this one cannot go on:", different,
         "\nName another file, or replace this one with --force.");
  }
}

void ResultsFile::learn(const KnownRecord& record) {
  if (!known_.insert(record.picture).second) return;
  ++manifest_.done;
  manifest_.failed += record.failed ? 1 : 0;
  if (record.failed) failed_.insert(record.picture);
  if (!record.overlay.empty()) overlays_.emplace(record.picture, record.overlay);
}

std::unordered_map<std::string, std::string> overlays_in(const std::string& path,
                                                         const RecordFormat& format) {
  std::unordered_map<std::string, std::string> overlays;
  const auto read = [&](const std::string& name, bool has_header) {
    const MappedFile file(name);
    std::string_view records = as_text(file.bytes());
    if (has_header) records = results_text(records, format.name(), name).records;
    for_each_record(records, format, name, [&](const KnownRecord& one, std::string_view) {
      if (!one.overlay.empty()) overlays.emplace(one.picture, one.overlay);
    });
  };
  if (const std::string part = part_of(path); has_records(part)) {
    try {
      read(part, false);
    } catch (const Error&) {
      if (is_there(part)) throw;  // else that run has ended meanwhile, and FILE has its records
    }
  }
  if (is_there(path)) read(path, true);
  return overlays;
}

void write_results(const std::string& path, const RecordFormat& format,
                   const std::vector<RecordLine>& lines) {
  OutputFile file(path);
  const std::string header = format.header();
  file.write(std::as_bytes(std::span(header)));
  for (const RecordLine& line : lines) file.write(std::as_bytes(std::span(line.record)));
  file.commit();
}

}  // namespace camlite::tool
