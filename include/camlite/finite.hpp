// Infinity, and whether a number is infinite or NaN, by its bits: std::isfinite and std::isnan are
// constants where a caller compiles these headers with -ffast-math, and files and networks are to
// be looked at there, too. By reference, since clang then takes a float that is passed by value, or
// converted, for one that is neither.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace camlite::detail {

// For bounds that do not bind. With -ffast-math, nothing may be decided by a comparison with it.
inline constexpr double infinity = std::bit_cast<double>(std::uint64_t{0x7FF} << 52);

// The larger the magnitude, the larger the bits: finite, infinite, NaN.
template <std::floating_point T>
constexpr auto magnitude_bits(const T& value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  using Unsigned = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Unsigned>(value) & (~Unsigned{0} >> 1);
}

template <std::floating_point T>
inline constexpr auto infinity_bits = magnitude_bits(static_cast<T>(infinity));

template <std::floating_point T>
bool is_nan(const T& value) {
  return magnitude_bits(value) > infinity_bits<T>;
}

template <std::floating_point T>
bool is_infinite(const T& value) {
  return magnitude_bits(value) == infinity_bits<T>;
}

template <std::floating_point T>
bool is_finite(const T& value) {
  return magnitude_bits(value) < infinity_bits<T>;
}

}  // namespace camlite::detail
