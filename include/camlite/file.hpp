// Whole files: read into memory, written so that nobody ever finds half of one.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// "PATH: cannot WHAT: No such file or directory"
[[noreturn]] inline void fail_with_errno(const std::string& path, const char* what) {
  const int reason = errno;
  fail(path, ": cannot ", what, ": ", std::generic_category().message(reason));
}

}  // namespace detail

// The bytes of a file. Throws Error if it cannot be read, as a directory or a missing file cannot,
// or has more than `limit` bytes; so it ends on a file without end, such as a device.
inline std::vector<std::byte> read_file(const std::string& path, Index limit) {
  const detail::File file(std::fopen(path.c_str(), "rb"));
  if (!file) detail::fail_with_errno(path, "open");
  std::vector<std::byte> bytes;
  std::size_t size = 0;
  while (true) {
    if (size == bytes.size()) bytes.resize(size == 0 ? std::size_t{1} << 16 : 2 * size);
    const std::size_t got = std::fread(bytes.data() + size, 1, bytes.size() - size, file.get());
    if (got == 0) break;
    size += got;
    if (static_cast<Index>(size) > limit) fail(path, ": more than ", limit, " bytes");
  }
  if (std::ferror(file.get()) != 0) detail::fail_with_errno(path, "read");
  bytes.resize(size);
  return bytes;
}

// Writes the bytes to a new file beside `path` and then renames it to `path`, which until then
// stays as it was. Throws Error if that fails, and leaves nothing behind.
inline void write_file(const std::string& path, std::span<const std::byte> bytes) {
  // "x": only if nobody has a file of that name.
  std::string part;
  detail::File file;
  for (int i = 0; !file && i < 100; ++i) {
    part = text(path, ".part", i);
    file.reset(std::fopen(part.c_str(), "wbx"));
    if (!file && errno != EEXIST) break;
  }
  if (!file) detail::fail_with_errno(path, "create");

  const bool whole = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  // Closing writes what is still buffered: a full disk may show only there.
  if (std::fclose(file.release()) != 0 || !whole || std::rename(part.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    std::remove(part.c_str());
    errno = reason;
    detail::fail_with_errno(path, "write");
  }
}

}  // namespace camlite
