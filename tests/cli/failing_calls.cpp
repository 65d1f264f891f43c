// Preloaded into a program: of its calls that concern files below a folder, one fails.
//
//   CAMLITE_FAULT_FOLDER   the folder, an absolute path
//   CAMLITE_FAULT_AT       which call, counted from 0; none if it is not there
//   CAMLITE_FAULT_LOG      a file outside of it, which gets a line for each call: name and path
//   CAMLITE_FAULT_SHORT    1: read and write move a byte at a time, every other call is interrupted
//   CAMLITE_FAULT_SHORTEN  a file, an absolute path, of which nothing is left once it is mapped
//   CAMLITE_FAULT_CLOCK    how many times as fast the monotonic clock goes
//
// What writes meets a full disk, what reads a broken one, what opens too many open files.
#undef _FILE_OFFSET_BITS  // with which open() would be a name of open64(): both are here
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

std::atomic<long> calls{0};
std::atomic<std::FILE*> broken{nullptr};  // whose fread failed

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string link_target(const std::string& link) {
  char target[4096];
  const ::ssize_t size = ::readlink(link.c_str(), target, sizeof(target));
  return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

std::string path_of(int file) {
  return link_target("/proc/self/fd/" + std::to_string(file));
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  return (folder == AT_FDCWD ? link_target("/proc/self/cwd") : path_of(folder)) + "/" + path;
}

// Counts the call, if it concerns the folder; whether it is the one that fails, and then why.
bool fails(const char* call, const std::string& path, int reason) {
  static const std::string folder = variable("CAMLITE_FAULT_FOLDER");
  static const std::string at = variable("CAMLITE_FAULT_AT");
  static const std::string log = variable("CAMLITE_FAULT_LOG");
  if (folder.empty() || (path != folder && !path.starts_with(folder + "/"))) return false;
  const long number = calls++;
  const std::string line = call + (" " + path) + "\n";
  const long file = ::syscall(SYS_open, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::syscall(SYS_write, file, line.data(), line.size());
  ::syscall(SYS_close, file);
  if (at.empty() || number != std::stol(at)) return false;
  errno = reason;
  return true;
}

// With CAMLITE_FAULT_SHORT, for a file in the folder: how many bytes are moved, -1 if the call is
// interrupted.
long moved(const std::string& path, std::size_t size) {
  static const bool is_on = !variable("CAMLITE_FAULT_SHORT").empty();
  static const std::string folder = variable("CAMLITE_FAULT_FOLDER");
  static std::atomic<long> number{0};
  if (!is_on || size == 0 || !path.starts_with(folder + "/")) return static_cast<long>(size);
  if (number++ % 2 == 1) return 1;
  errno = EINTR;
  return -1;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool writes(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY;
}

}  // namespace

// NAME(parameters), which gives `failure` where it fails.
#define CAMLITE_FAILING(Result, name, parameters, arguments, path, reason, failure) \
  extern "C" Result name parameters {                                               \
    static auto* const real = next<Result parameters>(#name);                       \
    return fails(#name, path, reason) ? failure : real arguments;                   \
  }

#define CAMLITE_FAILING_OPEN(name)                                                          \
  extern "C" int name(const char* path, int flags, ...) {                                   \
    static auto* const real = next<int(const char*, int, ...)>(#name);                      \
    std::va_list rest;                                                                      \
    va_start(rest, flags);                                                                  \
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, ::mode_t) : ::mode_t{0};        \
    va_end(rest);                                                                           \
    if (fails(#name, absolute(AT_FDCWD, path), writes(flags) ? ENOSPC : EMFILE)) return -1; \
    return real(path, flags, mode);                                                         \
  }

#define CAMLITE_FAILING_OPENAT(name)                                                 \
  extern "C" int name(int folder, const char* path, int flags, ...) {                \
    static auto* const real = next<int(int, const char*, int, ...)>(#name);          \
    std::va_list rest;                                                               \
    va_start(rest, flags);                                                           \
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, ::mode_t) : ::mode_t{0}; \
    va_end(rest);                                                                    \
    if (fails(#name, absolute(folder, path), EMFILE)) return -1;                     \
    return real(folder, path, flags, mode);                                          \
  }

CAMLITE_FAILING_OPEN(open)
CAMLITE_FAILING_OPEN(open64)
CAMLITE_FAILING_OPENAT(openat)
CAMLITE_FAILING_OPENAT(openat64)
CAMLITE_FAILING(std::FILE*, fopen, (const char* path, const char* mode), (path, mode),
                absolute(AT_FDCWD, path), mode[0] == 'r' ? EMFILE : ENOSPC, nullptr)
CAMLITE_FAILING(std::FILE*, fopen64, (const char* path, const char* mode), (path, mode),
                absolute(AT_FDCWD, path), mode[0] == 'r' ? EMFILE : ENOSPC, nullptr)
CAMLITE_FAILING(::DIR*, fdopendir, (int folder), (folder), path_of(folder), ENOMEM, nullptr)
CAMLITE_FAILING(::DIR*, opendir, (const char* path), (path), absolute(AT_FDCWD, path), EMFILE,
                nullptr)
CAMLITE_FAILING(struct ::dirent*, readdir, (::DIR * folder), (folder), path_of(::dirfd(folder)),
                EIO, nullptr)
CAMLITE_FAILING(struct ::dirent64*, readdir64, (::DIR * folder), (folder), path_of(::dirfd(folder)),
                EIO, nullptr)
CAMLITE_FAILING(std::size_t, fwrite,
                (const void* from, std::size_t size, std::size_t count, std::FILE* file),
                (from, size, count, file), path_of(::fileno(file)), ENOSPC, 0)
CAMLITE_FAILING(int, ftruncate, (int file, ::off_t size), (file, size), path_of(file), EIO, -1)
CAMLITE_FAILING(int, ftruncate64, (int file, ::off64_t size), (file, size), path_of(file), EIO, -1)
CAMLITE_FAILING(int, flock, (int file, int operation), (file, operation), path_of(file), ENOLCK, -1)
CAMLITE_FAILING(int, rename, (const char* from, const char* to), (from, to), absolute(AT_FDCWD, to),
                EIO, -1)
CAMLITE_FAILING(int, mkdir, (const char* path, ::mode_t mode), (path, mode),
                absolute(AT_FDCWD, path), ENOSPC, -1)
// Maps a file; where it is the one of CAMLITE_FAULT_SHORTEN, that is empty afterwards.
#define CAMLITE_FAILING_MMAP(name, Offset)                                                   \
  extern "C" void* name(void* at, std::size_t size, int protection, int flags, int file,     \
                        Offset offset) {                                                     \
    static auto* const real = next<void*(void*, std::size_t, int, int, int, Offset)>(#name); \
    const std::string path = file < 0 ? "" : path_of(file);                                  \
    if (fails(#name, path, ENOMEM)) return MAP_FAILED;                                       \
    void* const memory = real(at, size, protection, flags, file, offset);                    \
    if (file >= 0 && path == variable("CAMLITE_FAULT_SHORTEN")) ::truncate(path.c_str(), 0); \
    return memory;                                                                           \
  }

CAMLITE_FAILING_MMAP(mmap, ::off_t)
CAMLITE_FAILING_MMAP(mmap64, ::off64_t)
CAMLITE_FAILING(int, fstat, (int file, struct ::stat* status), (file, status), path_of(file), EIO,
                -1)
CAMLITE_FAILING(int, fstat64, (int file, struct ::stat64* status), (file, status), path_of(file),
                EIO, -1)

// NAME(file, memory, size), of a file that is read or written.
#define CAMLITE_MOVING(name, Memory, reason)                                     \
  extern "C" ::ssize_t name(int file, Memory* memory, std::size_t size) {        \
    static auto* const real = next<::ssize_t(int, Memory*, std::size_t)>(#name); \
    const std::string path = path_of(file);                                      \
    if (fails(#name, path, reason)) return -1;                                   \
    const long bytes = moved(path, size);                                        \
    return bytes < 0 ? -1 : real(file, memory, static_cast<std::size_t>(bytes)); \
  }

CAMLITE_MOVING(read, void, EIO)
CAMLITE_MOVING(write, const void, ENOSPC)

extern "C" ::ssize_t writev(int file, const struct ::iovec* pieces, int count) {
  static auto* const real = next<::ssize_t(int, const struct ::iovec*, int)>("writev");
  const std::string path = path_of(file);
  if (fails("writev", path, ENOSPC)) return -1;
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) size += pieces[i].iov_len;
  const long bytes = moved(path, size);
  if (bytes < 0 || bytes == static_cast<long>(size))
    return bytes < 0 ? -1 : real(file, pieces, count);
  while (pieces->iov_len == 0) ++pieces;
  const struct ::iovec first = {pieces->iov_base, 1};
  return real(file, &first, 1);
}

extern "C" int clock_gettime(::clockid_t clock, ::timespec* time) noexcept {
  static auto* const real = next<int(::clockid_t, ::timespec*)>("clock_gettime");
  static const std::string rate = variable("CAMLITE_FAULT_CLOCK");
  const int status = real(clock, time);
  if (status != 0 || rate.empty() || clock != CLOCK_MONOTONIC) return status;
  constexpr long second = 1'000'000'000;
  const long now = time->tv_sec * second + time->tv_nsec;
  static const long first = now;
  const long shown = first + (now - first) * std::stol(rate);
  *time = {shown / second, shown % second};
  return 0;
}

extern "C" std::size_t fread(void* to, std::size_t size, std::size_t count, std::FILE* file) {
  static auto* const real = next<std::size_t(void*, std::size_t, std::size_t, std::FILE*)>("fread");
  if (!fails("fread", path_of(::fileno(file)), EIO)) return real(to, size, count, file);
  broken = file;
  return 0;
}

extern "C" int ferror(std::FILE* file) {
  static auto* const real = next<int(std::FILE*)>("ferror");
  return file == broken ? 1 : real(file);
}

extern "C" int fclose(std::FILE* file) {
  static auto* const real = next<int(std::FILE*)>("fclose");
  const bool fail = fails("fclose", path_of(::fileno(file)), ENOSPC);
  const int status = real(file);
  if (!fail) return status;
  errno = ENOSPC;
  return EOF;
}
