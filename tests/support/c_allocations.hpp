// Lets malloc, calloc and realloc fail as allocations.hpp lets operator new, for C code that
// camlite's headers include. The program is linked with --wrap for each of them
// (tests/meson.build). What they gave is not counted as living: the address sanitizer finds leaks.
// One file of a program includes this.
#pragma once

#include <cstddef>

#include "allocations.hpp"

extern "C" {
void* __real_malloc(std::size_t bytes);
void* __real_calloc(std::size_t count, std::size_t bytes);
void* __real_realloc(void* memory, std::size_t bytes);

[[gnu::used]] void* __wrap_malloc(std::size_t bytes) {
  return camlite::test::allocation_fails() ? nullptr : __real_malloc(bytes);
}
[[gnu::used]] void* __wrap_calloc(std::size_t count, std::size_t bytes) {
  return camlite::test::allocation_fails() ? nullptr : __real_calloc(count, bytes);
}
[[gnu::used]] void* __wrap_realloc(void* memory, std::size_t bytes) {
  return camlite::test::allocation_fails() ? nullptr : __real_realloc(memory, bytes);
}
}
