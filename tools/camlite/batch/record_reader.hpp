// Records read back from a file of results.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

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

}  // namespace camlite::tool
