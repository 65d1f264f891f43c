// A file of records to which a long run appends, so that it can go on after it was stopped.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace camlite::tool {

// Makes the file, or opens the one that is there; locked while this lives. All methods throw
// Error, naming the file.
class AppendedFile {
 public:
  // Throws also if another run is writing to it.
  explicit AppendedFile(std::string path);
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;
  ~AppendedFile();

  // read(all that is in the file) returns how much of it is to stay: what a killed run has left of
  // its last record is cut off behind that. Nothing is changed if it throws.
  void recover(const std::function<std::size_t(std::string_view)>& read);

  // Whole records. They are in the file when this returns, also if the program is killed.
  void append(std::string_view records);

 private:
  [[noreturn]] void fail_with(int reason) const;

  std::string path_;
  int file_ = -1;
};

}  // namespace camlite::tool
