// A file that lies in memory, for code that wants a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "target.hpp"

namespace camlite::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(Bytes content) : file_(::memfd_create("fuzz", 0)) {
    if (file_ < 0 || ::write(file_, content.data(), content.size()) != std::ssize(content)) {
      std::perror("a file in memory");
      std::abort();
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(file_); }

  std::string path() const { return text("/proc/self/fd/", file_); }

 private:
  int file_;
};

}  // namespace camlite::fuzz
