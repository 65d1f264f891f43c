// Lets one call of the operating system fail, or reads give less than they were asked for. The
// program is linked with --wrap for each of the functions at the end (tests/meson.build), so that
// what camlite's headers call is what stands here. One file of a program includes this.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace camlite::test {

struct FileFaults {
  long calls = 0;               // so far
  long fail_at = -1;            // which of them fails, counted from 0; negative: none
  std::size_t most_read = 0;    // bytes that one fread gives; 0: as many as it is asked for
  std::FILE* broken = nullptr;  // whose fread failed

  // Whether this call is to fail.
  bool fails(int reason) {
    if (calls++ != fail_at) return false;
    errno = reason;
    return true;
  }
};

inline FileFaults file_faults;

}  // namespace camlite::test

extern "C" {
// Both spellings of each: with 64-bit file offsets, glibc's headers name the second.
int __real_open(const char* path, int flags, ...);
int __real_open64(const char* path, int flags, ...);
int __real_fstat(int file, struct stat* status);
int __real_fstat64(int file, struct stat* status);
void* __real_mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset);
void* __real_mmap64(void* at, std::size_t size, int protection, int flags, int file, off_t offset);
std::FILE* __real_fopen(const char* path, const char* mode);
std::FILE* __real_fopen64(const char* path, const char* mode);
std::size_t __real_fread(void* to, std::size_t size, std::size_t count, std::FILE* file);
std::size_t __real_fwrite(const void* from, std::size_t size, std::size_t count, std::FILE* file);
int __real_fclose(std::FILE* file);
int __real_ferror(std::FILE* file);
int __real_rename(const char* from, const char* to);

#define CAMLITE_WRAP(Result, name, failure, reason, parameters, ...) \
  [[gnu::used]] Result __wrap_##name parameters {                    \
    if (camlite::test::file_faults.fails(reason)) return failure;    \
    return __real_##name(__VA_ARGS__);                               \
  }

// None of camlite's makes a file, so none has a third argument.
CAMLITE_WRAP(int, open, -1, EMFILE, (const char* path, int flags, ...), path, flags)
CAMLITE_WRAP(int, open64, -1, EMFILE, (const char* path, int flags, ...), path, flags)
CAMLITE_WRAP(int, fstat, -1, EIO, (int file, struct stat* status), file, status)
CAMLITE_WRAP(int, fstat64, -1, EIO, (int file, struct stat* status), file, status)
CAMLITE_WRAP(void*, mmap, MAP_FAILED, ENOMEM,
             (void* at, std::size_t size, int protection, int flags, int file, off_t offset), at,
             size, protection, flags, file, offset)
CAMLITE_WRAP(void*, mmap64, MAP_FAILED, ENOMEM,
             (void* at, std::size_t size, int protection, int flags, int file, off_t offset), at,
             size, protection, flags, file, offset)
CAMLITE_WRAP(std::FILE*, fopen, nullptr, EACCES, (const char* path, const char* mode), path, mode)
CAMLITE_WRAP(std::FILE*, fopen64, nullptr, EACCES, (const char* path, const char* mode), path, mode)
CAMLITE_WRAP(int, rename, -1, EROFS, (const char* from, const char* to), from, to)

#undef CAMLITE_WRAP

[[gnu::used]] std::size_t __wrap_fread(void* to, std::size_t size, std::size_t count,
                                       std::FILE* file) {
  auto& faults = camlite::test::file_faults;
  if (faults.fails(EIO)) {
    faults.broken = file;
    return 0;
  }
  if (faults.most_read > 0 && size == 1) count = std::min(count, faults.most_read);
  return __real_fread(to, size, count, file);
}

// A disk that fills up halfway.
[[gnu::used]] std::size_t __wrap_fwrite(const void* from, std::size_t size, std::size_t count,
                                        std::FILE* file) {
  const bool fails = camlite::test::file_faults.fails(ENOSPC);
  const std::size_t done = __real_fwrite(from, size, fails ? count / 2 : count, file);
  if (fails) errno = ENOSPC;
  return done;
}

// Where what was written before turns out not to be on the disk.
[[gnu::used]] int __wrap_fclose(std::FILE* file) {
  const int status = __real_fclose(file);
  return camlite::test::file_faults.fails(ENOSPC) ? EOF : status;
}

[[gnu::used]] int __wrap_ferror(std::FILE* file) {
  return file == camlite::test::file_faults.broken ? 1 : __real_ferror(file);
}
}
