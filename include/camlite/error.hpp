// The one exception type of camlite, and the text that its messages are made of.
#pragma once

#if __cplusplus < 202002L
#error "camlite is written in C++20: compile with -std=c++20"
#elif defined(__clang__) ? __clang_major__ < 14 : defined(__GNUC__) && __GNUC__ < 12
#error "camlite needs what g++ 12 or clang++ 14 has of C++20, or newer"
#endif

#include <array>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace camlite {

// Everything that can go wrong throws this; what() names the file, layer or argument, and the
// numbers. But where there is not enough memory, it is std::bad_alloc.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

inline void append(std::string& out, std::string_view part) {
  out += part;
}
inline void append(std::string& out, char part) {
  out += part;
}

template <class Number>
requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, char> &&
         !std::is_same_v<Number, bool>) void append(std::string& out, Number number) {
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end.ptr);
}

}  // namespace detail

// text("conv1: ", 3, " channels") is "conv1: 3 channels", whatever the locale.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

// Throws Error with a message made as text() makes it.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(text(parts...));
}

}  // namespace camlite
