#include "records_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/file.hpp>
#include <camlite/model/text.hpp>

namespace camlite::tool {

namespace {

constexpr Index most_bytes = Index{1} << 36;
constexpr const char* mark = "camlite_evaluate";  // the first member of the first line

}  // namespace

RecordsFile::RecordsFile(std::string path, const nlohmann::ordered_json& asked,
                         std::size_t pictures)
    : path_(std::move(path)) {
  nlohmann::ordered_json header{{mark, 1}};
  header.update(asked);
  const std::string first =
      header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  header = nlohmann::ordered_json::parse(first);  // as it is read: what is not UTF-8 is replaced

  constexpr mode_t for_all = 0666;  // less what the umask takes
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, for_all);
  if (file_ < 0) fail_with(errno);
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail_with(errno);
      fail(path_, ": another evaluation is writing to it");
    }
    const std::vector<std::byte> bytes = read_file(path_, most_bytes);
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t whole = all.rfind('\n') == all.npos ? 0 : all.rfind('\n') + 1;
    if (whole == 0 && !std::string_view(first).starts_with(all))
      fail(path_, ": not a file of records, and it is not overwritten");
    if (whole > 0) {
      std::string_view lines = all.substr(0, whole);
      check_header(std::string(detail::next_piece(lines, '\n')), header);
      read_records(lines, pictures);
    }
    if (whole < all.size() && ::ftruncate(file_, static_cast<off_t>(whole)) != 0) fail_with(errno);
    if (whole == 0) write(first);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

RecordsFile::~RecordsFile() {
  ::close(file_);
}

void RecordsFile::append(const Record& record) {
  write(to_line(record));
}

void RecordsFile::check_header(const std::string& line, const nlohmann::ordered_json& asked) const {
  const auto found = nlohmann::ordered_json::parse(line, nullptr, false);
  if (!found.is_object() || !found.contains(mark))
    fail(path_, ": not a file of records, and it is not overwritten");
  std::string differences;
  for (const auto& [key, value] : asked.items()) {
    const auto then = found.find(key);
    if (then != found.end() && *then == value) continue;
    differences += text("\n  ", key, ": ", then == found.end() ? "not said" : then->dump(),
                        " there, ", value.dump(), " now");
  }
  if (differences.empty() && found.size() != asked.size())
    differences = "\n  it says more, and may be of another version";
  if (!differences.empty()) {
    fail(path_, ": records of another evaluation, with which this one cannot go on:", differences,
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

// Whole lines in one call each, so that no other ends between them.
void RecordsFile::write(std::string_view line) {
  while (!line.empty()) {
    const ::ssize_t written = ::write(file_, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with(errno);
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

void RecordsFile::fail_with(int reason) const {
  fail(path_, ": cannot write: ", std::generic_category().message(reason));
}

}  // namespace camlite::tool
