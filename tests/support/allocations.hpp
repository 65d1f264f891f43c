// Counts what the program allocates. Replaces the global operator new: one file of a program
// includes it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace camlite::test {

// Calls of any operator new so far, by all threads.
inline std::atomic<long> allocations{0};

// Null if there is no memory.
inline void* count_allocation(std::size_t bytes,
                              std::size_t alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__) noexcept {
  ++allocations;
  bytes = std::max<std::size_t>(bytes, 1);
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  return whole < bytes ? nullptr : std::aligned_alloc(alignment, whole);
}

inline void* or_throw(void* memory) {
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace camlite::test

// Never inlined: g++ would see free() meet operator new, and warn.
#define CAMLITE_REPLACED [[gnu::noinline]]

CAMLITE_REPLACED void* operator new(std::size_t bytes) {
  return camlite::test::or_throw(camlite::test::count_allocation(bytes));
}
CAMLITE_REPLACED void* operator new[](std::size_t bytes) {
  return camlite::test::or_throw(camlite::test::count_allocation(bytes));
}
CAMLITE_REPLACED void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return camlite::test::count_allocation(bytes);
}
CAMLITE_REPLACED void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return camlite::test::count_allocation(bytes);
}
CAMLITE_REPLACED void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return camlite::test::or_throw(
      camlite::test::count_allocation(bytes, static_cast<std::size_t>(alignment)));
}
CAMLITE_REPLACED void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return camlite::test::or_throw(
      camlite::test::count_allocation(bytes, static_cast<std::size_t>(alignment)));
}

CAMLITE_REPLACED void operator delete(void* memory) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#undef CAMLITE_REPLACED
