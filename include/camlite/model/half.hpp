// The two 16-bit floating point formats of weight files, to and from float.
//
//   F16   IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits
//   BF16  the upper half of a float: 1 sign bit, 8 exponent bits (bias 127), 7 fraction bits
//
// To float is exact. From float rounds to nearest, ties to even; what is too large becomes
// infinity. A NaN stays a NaN of its sign. No branch in the way to float, so that a loop over it is
// vectorised; no denormal float on the way either, so that it holds where they are flushed to zero.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace camlite {

static_assert(std::numeric_limits<float>::is_iec559 && sizeof(float) == sizeof(std::uint32_t));

// The value of an F16. Exact.
inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  // Exponent and fraction, where a float has them.
  const std::uint32_t magnitude = (half & 0x7FFFU) << 13;
  const std::uint32_t is_denormal = magnitude < 1U << 23 ? 1 : 0;
  const std::uint32_t is_special = magnitude >= 31U << 23 ? 1 : 0;
  // Exponents differ by the biases, 127 - 15, those of infinity and NaN, 31 and 255, by twice that.
  // A denormal counts as if its exponent were 1, not 0, and without a leading 1: as a normal number
  // of that exponent it is 2^-14 too much.
  const std::uint32_t rebias = (112 + 112 * is_special + is_denormal) << 23;
  const auto excess = std::bit_cast<float>(is_denormal * std::bit_cast<std::uint32_t>(0x1p-14F));
  const float value = std::bit_cast<float>(magnitude + rebias) - excess;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
}

// The F16 nearest to the value; of two, the one whose last bit is 0. From 65520 on: infinity.
inline std::uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  std::uint32_t half = 0;
  if (magnitude > 0x7F800000) {
    // NaN, made quiet: the payload bits that are left might all be zero.
    half = 0x7E00U | (magnitude >> 13 & 0x03FFU);
  } else if (magnitude >= 0x47800000) {
    // 2^16 and more, and infinity.
    half = 0x7C00;
  } else if (magnitude < 0x38800000) {
    // Below 2^-14: the addition rounds to multiples of 2^-24, in which floats from 0.5 to 1 and
    // denormals of F16 both count.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) -
           std::bit_cast<std::uint32_t>(0.5F);
  } else {
    // 13 bits go. Before, add just less than half of the last one that stays; just half if it is 1.
    const std::uint32_t odd = magnitude >> 13 & 1U;
    half = (magnitude - (112U << 23) + 0x0FFFU + odd) >> 13;
  }
  return static_cast<std::uint16_t>(sign | half);
}

// The value of a BF16. Exact.
inline float float_from_bfloat(std::uint16_t bfloat) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat) << 16);
}

// The BF16 nearest to the value; of two, the one whose last bit is 0.
inline std::uint16_t bfloat_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000;
  const std::uint32_t odd = bits >> 16 & 1U;
  return static_cast<std::uint16_t>(nan ? bits >> 16 | 0x0040U : (bits + 0x7FFFU + odd) >> 16);
}

}  // namespace camlite
