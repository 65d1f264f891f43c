// The file in which an evaluation keeps what is done, so that it can go on after it was stopped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "../batch/appended_file.hpp"
#include "record.hpp"

namespace camlite::tool {

// A line of JSON that says what was asked, then a line for each picture that is done, in whichever
// order that was. All methods throw Error, naming the file.
class RecordsFile {
 public:
  // Makes the file, or goes on with it: what was cut off in its last line is removed. `asked` is an
  // object of strings and numbers: a file in which it differs is refused, as is one that is
  // something else, or that another evaluation is writing to. Records are of `pictures` pictures,
  // seen by a network of `classes` classes, or with score maps: 0.
  RecordsFile(std::string path, const nlohmann::ordered_json& asked, std::size_t pictures,
              Index classes);

  // What was in it when it was opened; once.
  std::vector<Record> take_known() { return std::move(known_); }

  // It is in the file when this returns, also if the program is killed.
  void append(const Record& record);

 private:
  void check_header(const std::string& line, const nlohmann::ordered_json& asked) const;
  void read_records(std::string_view lines, std::size_t pictures, Index classes);

  std::string path_;
  AppendedFile file_;
  std::vector<Record> known_;
};

}  // namespace camlite::tool
