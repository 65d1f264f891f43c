// Whether a number is infinite or NaN, by its bits: std::isfinite and std::isnan are constants
// where a caller compiles these headers with -ffast-math, and files and networks are to be looked
// at there, too.
#pragma once

#include <bit>
#include <cstdint>

namespace camlite::detail {

inline std::uint64_t magnitude_bits(double value) {
  return std::bit_cast<std::uint64_t>(value) & ~(std::uint64_t{1} << 63);
}

inline constexpr std::uint64_t infinity_bits = std::uint64_t{0x7FF} << 52;

// A float is widened to double, which changes none of the answers.
inline bool is_nan(double value) {
  return magnitude_bits(value) > infinity_bits;
}

inline bool is_infinite(double value) {
  return magnitude_bits(value) == infinity_bits;
}

inline bool is_finite(double value) {
  return magnitude_bits(value) < infinity_bits;
}

}  // namespace camlite::detail
