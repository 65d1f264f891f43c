// read_file: the bytes of a file, in memory.
#pragma once

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
  std::vector<std::byte> bytes;
  std::size_t size = 0;
  while (true) {
    if (size == bytes.size()) bytes.resize(size == 0 ? std::size_t{1} << 16 : 2 * size);
    const std::size_t got = std::fread(bytes.data() + size, 1, bytes.size() - size, file.get());
    if (got == 0) break;
    size += got;
    if (static_cast<Index>(size) > limit) {
      fail(path, ": more than the limit of ", limit, " bytes",
           member.empty() ? "" : text(" (raise ", member, ")"));
    }
  }
  if (std::ferror(file.get()) != 0) {
    fail(path, ": cannot read: ", std::generic_category().message(errno));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace camlite
