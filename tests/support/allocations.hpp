// Counts what the program allocates, and lets one allocation fail. Replaces the global operator
// new: one file of a program includes it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace camlite::test {

// Calls of any operator new so far, by all threads.
inline std::atomic<long> allocations{0};

// Of them, those that were not deleted yet.
inline std::atomic<long> living{0};

// How many more succeed before one fails; negative: none fails.
inline std::atomic<long> until_failure{-1};

// Counts one; whether it is the one that is to fail.
inline bool allocation_fails() noexcept {
  ++allocations;
  return until_failure >= 0 && until_failure-- == 0;
}

// Null if there is no memory, or this is the one that is to fail.
inline void* count_allocation(std::size_t bytes,
                              std::size_t alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__) noexcept {
  if (allocation_fails()) return nullptr;
  bytes = std::max<std::size_t>(bytes, 1);
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* memory = whole < bytes ? nullptr : std::aligned_alloc(alignment, whole);
  if (memory != nullptr) ++living;
  return memory;
}

inline void release(void* memory) noexcept {
  if (memory == nullptr) return;
  --living;
  std::free(memory);
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
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory) noexcept {
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete(void* memory, std::size_t) noexcept {
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory, std::size_t) noexcept {
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete(void* memory, std::align_val_t) noexcept {
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory, std::align_val_t) noexcept {
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  camlite::test::release(memory);
}
CAMLITE_REPLACED void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  camlite::test::release(memory);
}

#undef CAMLITE_REPLACED
