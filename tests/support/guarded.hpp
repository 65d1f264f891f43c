// Memory between two pages that nobody may touch: a read or write outside ends the program.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <new>
#include <span>

#include <camlite/tensor.hpp>

namespace camlite::test {

// Which of the two pages the memory lies against.
enum class Guard { before, after };

// `size` floats, NaN at first, that start right behind the page before them or end right before the
// page after them; in the latter case at the last multiple of `alignment` floats where they fit.
class Guarded {
 public:
  Guarded(Index size, Guard against, Index alignment = 1) : size_(size) {
    const Index page = sysconf(_SC_PAGESIZE), bytes = size * Index{sizeof(float)};
    const Index inside = (bytes + page - 1) / page * page;
    mapped_ = static_cast<std::size_t>(inside + 2 * page);
    memory_ = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    char* first = static_cast<char*>(memory_) + page;
    if (inside > 0 &&
        mprotect(first, static_cast<std::size_t>(inside), PROT_READ | PROT_WRITE) != 0)
      throw std::bad_alloc();
    pages_ = {reinterpret_cast<float*>(first), static_cast<std::size_t>(inside) / sizeof(float)};
    std::fill(pages_.begin(), pages_.end(), nothing);
    const Index room = std::ssize(pages_) - size;
    data_ = pages_.data() + (against == Guard::before ? 0 : room / alignment * alignment);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(memory_, mapped_); }

  float* data() const { return data_; }
  Index size() const { return size_; }

  // A page holds more than `size` floats: whether the others are what they were.
  bool rest_is_untouched() const {
    const auto untouched = [](float x) {
      return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(nothing);
    };
    return std::all_of(pages_.data(), data_, untouched) &&
           std::all_of(data_ + size_, pages_.data() + pages_.size(), untouched);
  }

 private:
  static constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

  Index size_;
  std::size_t mapped_ = 0;
  void* memory_ = nullptr;
  std::span<float> pages_;
  float* data_ = nullptr;
};

}  // namespace camlite::test
