// read_file: the bytes of a file, in memory.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// The bytes of a file. Throws Error, naming the path and the reason, if it cannot be read, as a
// directory or a missing file cannot, or has more than `limit` bytes, which `member` would raise;
// so it ends on a file without end, such as a device.
inline std::vector<std::byte> read_file(const std::string& path, Index limit,
                                        std::string_view member = "") {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) fail(path, ": cannot open: ", std::generic_category().message(errno));
  const auto check = [&](Index size) {
    if (size <= limit) return;
    fail(path, ": more than the limit of ", limit, " bytes",
         member.empty() ? "" : text(" (raise ", member, ")"));
  };
  // What it says, of a file on a disk; a pipe says 0.
  struct ::stat status {};
  const bool told = ::fstat(::fileno(file.get()), &status) == 0 && status.st_size > 0;
  if (told) check(status.st_size);
  std::vector<std::byte> bytes(told ? static_cast<std::size_t>(status.st_size) + 1 : 1 << 16);
  std::size_t size = 0;
  while (const std::size_t got =
             std::fread(bytes.data() + size, 1, bytes.size() - size, file.get())) {
    size += got;
    check(static_cast<Index>(size));
    // Never more than the limit allows.
    if (size == bytes.size()) bytes.resize(std::min(2 * size, static_cast<std::size_t>(limit) + 1));
  }
  if (std::ferror(file.get()) != 0) {
    fail(path, ": cannot read: ", std::generic_category().message(errno));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace camlite
