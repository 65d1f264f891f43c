// Results of a run over many pictures in a file, with what it takes to go on after a stop.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "appended_file.hpp"
#include "manifest.hpp"
#include "picture_report.hpp"
#include "record_reader.hpp"

namespace camlite::tool {

// What becomes of a FILE that is there already, or was begun.
enum class IfThere { refuse, resume, replace };

//   FILE                 the header, then the records of all pictures, by path, bytewise: whole or
//                        not there; while a run lasts that replaces it, as it was
//   FILE.part            while a run lasts: the records so far, as they came
//   FILE.manifest.json   version, what was asked, how many pictures are done and have failed, and
//                        whether that is all
//
// However often a run is stopped or killed and gone on with, FILE is in the end the same. One run
// at a time. All methods throw Error, naming the file.
class ResultsFile {
 public:
  // Throws UsageError if there is something and it may not be; Error if what it is to go on with
  // was asked something else.
  ResultsFile(std::string path, const RecordFormat& format, const Asked& asked,
              const Listed& listed, IfThere if_there);

  // Of earlier runs.
  bool has(const std::string& picture) const { return known_.contains(picture); }
  bool has_failed(const std::string& picture) const { return failed_.contains(picture); }
  const std::unordered_map<std::string, std::string>& overlays() const { return overlays_; }

  // In FILE.part when this returns, also if the program is killed.
  void append(std::string_view record, bool failed);

  const std::string& path() const { return path_; }
  std::size_t done() const { return manifest_.done; }      // with those of earlier runs
  std::size_t failed() const { return manifest_.failed; }  // of them

  // Says in the manifest how far it is; the records wait for a run that goes on.
  void stop() const { write_manifest(path_, manifest_); }

  // There are no more records: writes FILE.
  void finish();

 private:
  void begin(IfThere if_there);
  void agree_with(const Manifest& found) const;
  void learn(const KnownRecord& record);

  std::string path_;
  RecordFormat format_;
  Manifest manifest_;
  AppendedFile part_;
  std::unordered_set<std::string> known_;
  std::unordered_set<std::string> failed_;                 // of them
  std::unordered_map<std::string, std::string> overlays_;  // by picture
};

// FILE.part, and whether a run has left records in it.
std::string part_of(const std::string& path);
bool has_records(const std::string& part);

// The overlays of the records in FILE and FILE.part, by picture; of none where neither is there.
// Another run may be writing them. Throws Error, naming the file.
std::unordered_map<std::string, std::string> overlays_in(const std::string& path,
                                                         const RecordFormat& format);

// The header of the format, then the records, by picture. Whole, or as it was. Throws Error.
void write_results(const std::string& path, const RecordFormat& format,
                   const std::vector<RecordLine>& lines);

}  // namespace camlite::tool
