#include "records_file.hpp"

#include <string_view>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/evaluate/max_box_acc.hpp>
#include <camlite/model/text.hpp>

#include "../batch/differences.hpp"
#include "../json.hpp"

namespace camlite::tool {

namespace {

constexpr const char* mark = "camlite_evaluate";  // the first member of the first line

// Whether figures and reports can be made of it. Throws Error.
void check(const Record& record, Index classes) {
  const std::size_t thresholds = map_thresholds().size();
  if (record.overlaps.size() != thresholds)
    fail("overlaps at ", record.overlaps.size(), " thresholds, not ", thresholds);
  const auto check_class = [&](Index k) {
    if (k >= classes) fail("there is no class ", k, " among ", classes);
  };
  for (const RankedClass& one : record.classes) check_class(one.index);
  for (const Guess& one : record.guesses) check_class(one.class_index);
  for (const Guess& one : record.known) check_class(one.class_index);
  if (classes > 0 && (record.classes.empty() || record.guesses.empty() || record.known.empty()))
    fail("there are no classes or no guesses in it");
}

}  // namespace

RecordsFile::RecordsFile(std::string path, const nlohmann::ordered_json& asked,
                         std::size_t pictures, Index classes)
    : path_(std::move(path)), file_(path_) {
  bool begun = false;
  nlohmann::ordered_json header{{mark, 1}};
  header.update(asked);
  const std::string first =
      header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  header = nlohmann::ordered_json::parse(first);  // as it is read: what is not UTF-8 is replaced

  file_.recover([&](std::string_view all) {
    const std::size_t whole = all.rfind('\n') == all.npos ? 0 : all.rfind('\n') + 1;
    if (whole == 0 && !std::string_view(first).starts_with(all))
      fail(path_, ": not a file of records, and it is not overwritten");
    if (whole > 0) {
      std::string_view lines = all.substr(0, whole);
      check_header(std::string(detail::next_piece(lines, '\n')), header);
      read_records(lines, pictures, classes);
      begun = true;
    }
    return whole;
  });
  if (!begun) file_.append(first);
}

void RecordsFile::append(const Record& record) {
  file_.append(to_line(record));
}

void RecordsFile::check_header(const std::string& line, const nlohmann::ordered_json& asked) const {
  const auto found = parse_json<nlohmann::ordered_json>(line);
  if (!found.is_object() || !found.contains(mark))
    fail(path_, ": not a file of records, and it is not overwritten");
  std::string different = differences(found, asked);
  if (different.empty() && found.size() != asked.size())
    different = "\n  it says more, and may be of another version";
  if (!different.empty()) {
    fail(path_, ": records of another evaluation, with which this one cannot go on:", different,
         "\nName another file, or remove this one.");
  }
}

void RecordsFile::read_records(std::string_view lines, std::size_t pictures, Index classes) {
  std::vector<bool> seen(pictures, false);
  detail::for_each_line(lines, [&](std::string_view line, int number) {
    try {
      Record record = parse_record(line);
      if (record.place >= pictures)
        fail("picture ", record.place, " of ", pictures, ", which are counted from 0");
      if (seen[record.place]) fail("picture ", record.place, " is there a second time");
      seen[record.place] = true;
      check(record, classes);
      known_.push_back(std::move(record));
    } catch (const Error& error) {
      fail(path_, ": line ", number + 1, ": ", error.what());
    }
  });
}

}  // namespace camlite::tool
