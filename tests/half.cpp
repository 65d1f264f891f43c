// F16 and BF16 against their definition, (-1)^s * 2^e * 1.f, worked out in double.
#include <camlite/model/half.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace {

struct Format {
  int exponent_bits;
  int fraction_bits;
  float (*to_float)(std::uint16_t);
  std::uint16_t (*from_float)(float);
};

const Format f16{5, 10, camlite::float_from_half, camlite::half_from_float};
const Format bf16{8, 7, camlite::float_from_bfloat, camlite::bfloat_from_float};

// IEEE 754, 3.4, for the patterns without sign. Infinity counts as the next power of two, where
// rounding sees it.
double defined_magnitude(const Format& format, int pattern) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int exponent = pattern >> format.fraction_bits;
  const int fraction = pattern & ((1 << format.fraction_bits) - 1);
  if (exponent == 0) return std::ldexp(fraction, 1 - bias - format.fraction_bits);
  return std::ldexp(fraction + (1 << format.fraction_bits), exponent - bias - format.fraction_bits);
}

int infinity_of(const Format& format) {
  return ((1 << format.exponent_bits) - 1) << format.fraction_bits;
}

std::vector<double> magnitudes(const Format& format) {
  std::vector<double> values;
  for (int pattern = 0; pattern <= infinity_of(format); ++pattern)
    values.push_back(defined_magnitude(format, pattern));
  return values;
}

// The pattern nearest to a magnitude, the even one of two that are as near.
int nearest(const std::vector<double>& values, double magnitude) {
  const auto above =
      static_cast<int>(std::lower_bound(values.begin(), values.end(), magnitude) - values.begin());
  if (above == static_cast<int>(values.size())) return above - 1;
  if (above == 0) return 0;
  const double to_above = values[static_cast<std::size_t>(above)] - magnitude;
  const double to_below = magnitude - values[static_cast<std::size_t>(above) - 1];
  if (to_above != to_below) return to_above < to_below ? above : above - 1;
  return above % 2 == 0 ? above : above - 1;
}

// Counts instead of one assertion for each of millions of values.
int wrongly_rounded(const Format& format, const std::vector<double>& values, float value) {
  const int expected =
      nearest(values, std::fabs(static_cast<double>(value))) | (std::signbit(value) ? 0x8000 : 0);
  return format.from_float(value) == expected ? 0 : 1;
}

}  // namespace

TEST_CASE("all 65536 patterns of F16 and of BF16 have the value of their definition") {
  for (const Format& format : {f16, bf16}) {
    int wrong = 0;
    for (int pattern = 0; pattern < 65536; ++pattern) {
      const float value = format.to_float(static_cast<std::uint16_t>(pattern));
      const int magnitude = pattern & 0x7FFF;
      bool right = std::signbit(value) == (pattern >= 0x8000);
      if (magnitude > infinity_of(format)) {
        right = right && std::isnan(value);
      } else if (magnitude == infinity_of(format)) {
        right = right && std::isinf(value);
      } else {
        right =
            right && std::fabs(static_cast<double>(value)) == defined_magnitude(format, magnitude);
      }
      wrong += right ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("the way to float and back is the identity, except that a NaN becomes quiet") {
  for (const Format& format : {f16, bf16}) {
    int wrong = 0;
    for (int pattern = 0; pattern < 65536; ++pattern) {
      const bool nan = (pattern & 0x7FFF) > infinity_of(format);
      const int quiet = nan ? 1 << (format.fraction_bits - 1) : 0;
      const float value = format.to_float(static_cast<std::uint16_t>(pattern));
      wrong += format.from_float(value) == (pattern | quiet) ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE(
    "a float half way between two neighbours becomes the even one, a float beside it the nearer "
    "one") {
  for (const Format& format : {f16, bf16}) {
    const std::vector<double> values = magnitudes(format);
    int wrong = 0;
    for (std::size_t i = 0; i + 1 < values.size(); ++i) {
      const double middle = (values[i] + values[i + 1]) / 2;
      const auto tie = static_cast<float>(middle);
      REQUIRE(static_cast<double>(tie) == middle);
      for (float sign : {1.0F, -1.0F}) {
        wrong += wrongly_rounded(format, values, sign * tie);
        wrong += wrongly_rounded(format, values, sign * std::nextafter(tie, 0.0F));
        wrong += wrongly_rounded(
            format, values, sign * std::nextafter(tie, std::numeric_limits<float>::infinity()));
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("any float becomes the nearest F16 and BF16") {
  std::mt19937 random(7);
  for (const Format& format : {f16, bf16}) {
    const std::vector<double> values = magnitudes(format);
    int wrong = 0;
    for (int i = 0; i < 300'000; ++i) {
      const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (std::isfinite(value)) wrong += wrongly_rounded(format, values, value);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("the borders of F16 are where IEEE 754 has them") {
  using camlite::half_from_float;
  CHECK(half_from_float(65504.0F) == 0x7BFF);    // the largest
  CHECK(half_from_float(65519.996F) == 0x7BFF);  // just below half way to 65536
  CHECK(half_from_float(65520.0F) == 0x7C00);    // half way: infinity is the even one
  CHECK(half_from_float(-1e30F) == 0xFC00);
  CHECK(half_from_float(0x1p-14F) == 0x0400);  // the smallest normal
  CHECK(half_from_float(0x1p-24F) == 0x0001);  // the smallest of all
  CHECK(half_from_float(0x1p-25F) == 0x0000);  // half of it: zero is the even one
  CHECK(half_from_float(0x1.8p-25F) == 0x0001);
  CHECK(half_from_float(-0.0F) == 0x8000);
  CHECK(half_from_float(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(half_from_float(std::numeric_limits<float>::infinity()) == 0x7C00);
}

TEST_CASE("no NaN becomes infinity, however small its payload") {
  for (std::uint32_t payload : {0x7F800001U, 0xFF800001U, 0x7F801FFFU, 0x7FC00000U, 0xFFFFFFFFU}) {
    const auto nan = std::bit_cast<float>(payload);
    CHECK(std::isnan(camlite::float_from_half(camlite::half_from_float(nan))));
    CHECK(std::isnan(camlite::float_from_bfloat(camlite::bfloat_from_float(nan))));
    CHECK((camlite::half_from_float(nan) >> 15) == (payload >> 31));
    CHECK((camlite::bfloat_from_float(nan) >> 15) == (payload >> 31));
  }
}
