// Writing a file so that it is either there whole or not there at all.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <camlite/error.hpp>

namespace camlite {

namespace detail {

inline std::string temporary_name(const std::string& path, int attempt) {
  return text(path, ".part", attempt);
}

// Where a link that leads to a file leads; any other path as it is.
inline std::string behind_links(const std::string& path) {
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) != 0 || (status.st_mode & S_IFMT) != S_IFLNK) return path;
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  return real ? std::string(real.get()) : path;
}

}  // namespace detail

// Writes to a temporary name beside `path`, which commit() renames. Until then the file of that
// name, if there is one, is as it was: also for those who have it mapped. Destroyed without
// commit(), it leaves nothing behind. Who may read and write a file stays when it is replaced, and
// a link to one still leads there.
//
// A path that is there and is no regular file, such as /dev/stdout, is written to as it is.
// Every method throws Error, naming the path and the reason.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(detail::behind_links(path)), name_(path_) {
    struct ::stat status {};
    const bool is_there = ::stat(path_.c_str(), &status) == 0;
    if (is_there && (status.st_mode & S_IFMT) != S_IFREG) {
      file_ = std::fopen(path_.c_str(), "wb");
    } else {
      // "x": only if nothing has that name yet.
      for (int attempt = 0; file_ == nullptr && attempt < 1000; ++attempt) {
        name_ = detail::temporary_name(path_, attempt);
        file_ = std::fopen(name_.c_str(), "wbx");
        if (file_ == nullptr && errno != EEXIST) break;
      }
      // Where the system does not let us, it is as a new file would be.
      if (file_ != nullptr && is_there) ::fchmod(::fileno(file_), status.st_mode & 0777);
    }
    if (file_ == nullptr) fail_with(errno);
  }

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  ~OutputFile() {
    if (file_ != nullptr) std::fclose(file_);
    if (!committed_ && name_ != path_) std::remove(name_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail_with(errno);
  }

  // Nothing may be written after it.
  void commit() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) fail_with(errno);
    if (name_ != path_ && std::rename(name_.c_str(), path_.c_str()) != 0) fail_with(errno);
    committed_ = true;
  }

 private:
  [[noreturn]] void fail_with(int reason) const {
    fail(path_, ": cannot write: ", std::generic_category().message(reason));
  }

  std::string path_;
  std::string name_;  // being written; path_ itself where that is no regular file
  std::FILE* file_ = nullptr;
  bool committed_ = false;
};

// Removes the temporary files of processes that were killed while they wrote to `path`. Only for
// those who know that nobody is writing to it.
inline void remove_leftovers(const std::string& path) {
  const std::string file = detail::behind_links(path);
  // Processes that wrote side by side, some of which ended, have left gaps.
  constexpr int most_gap = 8;
  for (int attempt = 0, end = most_gap; attempt < end; ++attempt) {
    if (std::remove(detail::temporary_name(file, attempt).c_str()) == 0) end = attempt + most_gap;
  }
}

}  // namespace camlite
