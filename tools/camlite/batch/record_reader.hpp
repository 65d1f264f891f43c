// Records read back from a file of results.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "picture_report.hpp"

namespace camlite::tool {

// What a run that goes on has to know of a picture.
struct KnownRecord {
  std::string picture;
  bool failed = false;
  std::string overlay;
};

// Calls use(what it says, the record itself) for each whole record in the text, which is JSON lines
// or CSV without its header. Returns how many characters they have: what is behind them is one that
// was cut off. Throws Error, naming `name` and the record, if one is something else.
std::size_t for_each_record(std::string_view records, const RecordFormat& format,
                            const std::string& name,
                            const std::function<void(const KnownRecord&, std::string_view)>& use);

// A file of results, taken apart.
struct ResultsText {
  RecordFormat format;
  std::string_view records;
};

// `kind` is "json" or "csv". Throws Error, naming `name`, if it does not begin as such a file does.
ResultsText results_text(std::string_view content, std::string_view kind, const std::string& name);

// A record, and whose it is.
struct RecordLine {
  std::string picture;
  std::string overlay;      // "" if there is none
  std::string_view record;  // in the text from which it was read
};

// Appends all records of the text. Throws Error as for_each_record does, and if the last one is cut
// off.
void add_lines(std::string_view records, const RecordFormat& format, const std::string& name,
               std::vector<RecordLine>& lines);

}  // namespace camlite::tool
