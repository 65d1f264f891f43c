#include "appended_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/model/mapped_file.hpp>

#include "../words.hpp"

namespace camlite::tool {

AppendedFile::AppendedFile(std::string path) : path_(std::move(path)) {
  constexpr mode_t for_all = 0666;  // less what the umask takes
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, for_all);
  if (file_ < 0) fail_with(errno);
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(file_);
    if (reason != EWOULDBLOCK) fail_with(reason);
    fail(path_, ": another run of camlite is writing to it");
  }
}

AppendedFile::~AppendedFile() {
  ::close(file_);
}

void AppendedFile::recover(const std::function<std::size_t(std::string_view)>& read) {
  std::size_t size = 0, whole = 0;
  {
    const MappedFile file(path_);
    size = file.bytes().size();
    whole = read(as_text(file.bytes()));
  }
  if (whole < size && ::ftruncate(file_, static_cast<off_t>(whole)) != 0) fail_with(errno);
}

// In one call, as a rule, so that a kill leaves all of them or none.
void AppendedFile::append(std::string_view records) {
  while (!records.empty()) {
    const ::ssize_t written = ::write(file_, records.data(), records.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with(errno);
    records.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendedFile::fail_with(int reason) const {
  fail(path_, ": cannot write: ", std::generic_category().message(reason));
}

}  // namespace camlite::tool
