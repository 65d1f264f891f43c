// A file's bytes, read only, mapped into memory where the system can and the includer does not say
// CAMLITE_NO_MMAP.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/limits.hpp>
#include <camlite/tensor.hpp>

#if __has_include(<sys/mman.h>) && !defined(CAMLITE_NO_MMAP)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#else
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <vector>
#endif

namespace camlite {

namespace detail {

[[noreturn]] inline void too_large(const std::string& path, Index bytes, Index limit) {
  fail(path, ": ", bytes, " bytes", above_limit(limit, "LoadLimits::file_bytes"));
}

}  // namespace detail

#if __has_include(<sys/mman.h>) && !defined(CAMLITE_NO_MMAP)

// A value that owns the mapping; moved, not copied. bytes() stays where it is when the MappedFile
// moves.
//
// As with every mapping, the bytes are those of the file at the time they are read: whoever writes
// to the file in place changes them, and whoever shortens it makes reading what is gone a fatal
// signal. fetch() tells before. (save_safetensors replaces a file and so does neither.)
class MappedFile {
 public:
  MappedFile() = default;

  // Throws Error, naming the path and the reason, if it is not a regular file that can be read, or
  // has more than `limit` bytes.
  explicit MappedFile(const std::string& path, Index limit = std::numeric_limits<Index>::max()) {
    // Without O_NONBLOCK a named pipe would wait here for its writer.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number < 0) fail(path, ": ", std::generic_category().message(errno));
    if (::fstat(file.number, &opened_) != 0) {
      fail(path, ": ", std::generic_category().message(errno));
    }
    if (S_ISDIR(opened_.st_mode)) fail(path, " is a directory");
    if (!S_ISREG(opened_.st_mode)) fail(path, " is not a regular file");
    if (opened_.st_size > limit) detail::too_large(path, opened_.st_size, limit);
    path_ = path;
    const auto size = static_cast<std::size_t>(opened_.st_size);
    if (size == 0) return;  // which mmap refuses
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (memory == MAP_FAILED) fail(path, ": ", std::generic_category().message(errno));
    bytes_ = {static_cast<const std::byte*>(memory), size};
  }

  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)),
        opened_(other.opened_),
        bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(opened_, other.opened_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(address(), bytes_.size());
  }

  std::span<const std::byte> bytes() const { return bytes_; }

  // Brings these of bytes() into memory. Throws Error, naming the path, if the file was written to
  // since it was mapped (its size or its time of modification is another), or if they cannot be
  // read: gone from the file (on Linux 5.14 and newer, which looks), or a broken disk.
  void fetch(std::span<const std::byte> part) const {
    Status now{};
    // Another file of this name, or none, does not touch ours.
    if (::stat(path_.c_str(), &now) == 0 && now.st_dev == opened_.st_dev &&
        now.st_ino == opened_.st_ino) {
      if (now.st_size != opened_.st_size) {
        fail(path_, ": was changed while it was in use: ", now.st_size, " bytes instead of ",
             opened_.st_size);
      }
      if (modified(now) != modified(opened_)) fail(path_, ": was changed while it was in use");
    }
#ifdef MADV_POPULATE_READ
    if (part.empty()) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t before = static_cast<std::size_t>(part.data() - bytes_.data()) % page;
    void* const first = const_cast<std::byte*>(part.data() - before);
    // Older systems do not know the request: EINVAL.
    if (::madvise(first, part.size() + before, MADV_POPULATE_READ) != 0 && errno == EFAULT) {
      fail(path_, ": ", part.size(), " bytes of it cannot be read any more");
    }
#endif
  }

  // Gives the file's pages in resident memory back to the system. bytes() stays valid: what is read
  // again is fetched from the file again.
  void release_pages() const {
    if (!bytes_.empty()) ::madvise(address(), bytes_.size(), MADV_DONTNEED);
  }

 private:
  using Status = struct ::stat;

  struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
  };

  // Seconds and nanoseconds.
  static std::pair<Index, Index> modified(const Status& status) {
#ifdef __APPLE__
    return {status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec};
#else
    return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
#endif
  }

  void* address() const {
    return const_cast<std::byte*>(bytes_.data());
  }

  std::string path_;
  Status opened_{};
  std::span<const std::byte> bytes_;
};

#else

// The same interface over a copy in memory, which nobody can change and release_pages() cannot give
// back.
class MappedFile {
 public:
  MappedFile() = default;

  explicit MappedFile(const std::string& path, Index limit = std::numeric_limits<Index>::max()) {
    errno = 0;
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
    if (file == nullptr) fail(path, ": ", std::generic_category().message(errno));
    std::size_t size = 0;
    do {
      contents_.resize(size + (std::size_t{1} << 20));
      size += std::fread(contents_.data() + size, 1, contents_.size() - size, file.get());
      if (static_cast<Index>(size) > limit)
        detail::too_large(path, static_cast<Index>(size), limit);
    } while (size == contents_.size());
    contents_.resize(size);
    if (std::ferror(file.get()) != 0) fail(path, ": ", std::generic_category().message(errno));
  }

  MappedFile(MappedFile&&) = default;
  MappedFile& operator=(MappedFile&&) = default;

  std::span<const std::byte> bytes() const { return contents_; }
  void fetch(std::span<const std::byte>) const {}
  void release_pages() const {}

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::vector<std::byte> contents_;
};

#endif

}  // namespace camlite
