#include "records_file.hpp"

#include <string_view>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/model/text.hpp>

#include "../batch/differences.hpp"
#include "../json.hpp"

namespace camlite::tool {

namespace {

constexpr const char* mark = "camlite_evaluate";  // the first member of the first line

}  // namespace

RecordsFile::RecordsFile(std::string path, const nlohmann::ordered_json& asked,
                         std::size_t pictures)
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
      read_records(lines, pictures);
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

void RecordsFile::read_records(std::string_view lines, std::size_t pictures) {
  std::vector<bool> seen(pictures, false);
  detail::for_each_line(lines, [&](std::string_view line, int number) {
    try {
      Record record = parse_record(line);
      if (record.place >= pictures)
        fail("picture ", record.place, " of ", pictures, ", which are counted from 0");
      if (seen[record.place]) fail("picture ", record.place, " is there a second time");
      seen[record.place] = true;
      known_.push_back(std::move(record));
    } catch (const Error& error) {
      fail(path_, ": line ", number + 1, ": ", error.what());
    }
  });
}

}  // namespace camlite::tool
