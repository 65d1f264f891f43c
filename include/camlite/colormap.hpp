// Colormap: the colours that stand for the values of a heatmap.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <camlite/image.hpp>

namespace camlite {

// From low to high:
//   jet      blue, cyan, yellow, red: what the papers of the field show
//   turbo    the same order, without jet's false edges (Mikhailov, Google AI Blog, 2019)
//   viridis  dark violet, green, yellow: even in lightness (van der Walt and Smith, 2015)
//   gray     black to white
enum class Colormap { jet, turbo, viridis, gray };

namespace detail {

// A colormap's value at position 0 ... 255; straight lines lead from one to the next.
struct ColorKnot {
  int position;
  Rgb color;
};

// Least squares fits to the 256 colours of matplotlib, by tests/fixtures/make_image_fixtures.py;
// off by one level at most.
inline constexpr std::array<ColorKnot, 14> viridis_knots{{
    {0, {68, 1, 84}},
    {1, {69, 3, 86}},
    {25, {73, 36, 118}},
    {47, {67, 63, 134}},
    {76, {52, 95, 142}},
    {126, {32, 143, 142}},
    {146, {30, 161, 135}},
    {160, {39, 174, 128}},
    {176, {62, 189, 116}},
    {197, {104, 205, 92}},
    {225, {175, 221, 47}},
    {239, {213, 226, 25}},
    {246, {231, 228, 24}},
    {255, {253, 231, 36}},
}};
inline constexpr std::array<ColorKnot, 24> turbo_knots{{
    {0, {49, 18, 60}},     {9, {59, 45, 122}},    {18, {66, 70, 173}},   {27, {70, 94, 212}},
    {36, {71, 118, 239}},  {44, {70, 138, 253}},  {51, {63, 155, 255}},  {59, {49, 176, 246}},
    {70, {30, 202, 221}},  {79, {23, 219, 197}},  {86, {27, 230, 180}},  {94, {43, 240, 159}},
    {105, {81, 251, 121}}, {119, {137, 255, 77}}, {128, {164, 253, 59}}, {138, {191, 245, 51}},
    {154, {228, 219, 56}}, {167, {248, 193, 59}}, {179, {255, 165, 49}}, {193, {251, 122, 31}},
    {209, {234, 77, 12}},  {225, {207, 45, 4}},   {240, {170, 21, 1}},   {255, {123, 4, 2}},
}};

// 0 ... 1 to the nearest of 0 ... 255.
inline std::uint8_t color_level(double share) {
  return static_cast<std::uint8_t>(255 * std::clamp(share, 0.0, 1.0) + 0.5);
}

inline Rgb between_knots(std::span<const ColorKnot> knots, int position) {
  std::size_t next = 1;
  while (knots[next].position < position) ++next;
  const ColorKnot& low = knots[next - 1];
  const ColorKnot& high = knots[next];
  const double share =
      static_cast<double>(position - low.position) / (high.position - low.position);
  const auto mix = [share](int a, int b) { return color_level((a + share * (b - a)) / 255); };
  return {mix(low.color.r, high.color.r), mix(low.color.g, high.color.g),
          mix(low.color.b, high.color.b)};
}

// matplotlib's "jet": each channel is a trapezoid.
inline Rgb jet_color(double v) {
  return {color_level(std::min((v - 0.35) / 0.31, 1 - 0.5 * (v - 0.89) / 0.11)),
          color_level(std::min((v - 0.125) / 0.25, (0.91 - v) / 0.27)),
          color_level(std::min(0.5 + 0.5 * v / 0.11, (0.65 - v) / 0.31))};
}

inline Rgb color_at(Colormap colormap, int position) {
  switch (colormap) {
    case Colormap::jet:
      return jet_color(position / 255.0);
    case Colormap::turbo:
      return between_knots(turbo_knots, position);
    case Colormap::viridis:
      return between_knots(viridis_knots, position);
    case Colormap::gray:
      break;
  }
  const auto level = static_cast<std::uint8_t>(position);
  return {level, level, level};
}

}  // namespace detail

// The 256 colours of a colormap, lowest first, each channel within one level of matplotlib's
// colormap of that name.
class Palette {
 public:
  explicit Palette(Colormap colormap) {
    for (int i = 0; i < 256; ++i)
      colors_[static_cast<std::size_t>(i)] = detail::color_at(colormap, i);
  }

  static constexpr int size = 256;

  // The number of the colour for a value from 0 to 1: (size - 1) * value, rounded to the nearest.
  static int number(float value) { return static_cast<int>((size - 1) * value + 0.5F); }
  Rgb operator[](int number) const { return colors_[static_cast<std::size_t>(number)]; }

  // The colour of any value: below 0 and NaN the lowest, above 1 the highest.
  Rgb operator()(float value) const {
    return (*this)[number(value > 0 ? std::min(value, 1.0F) : 0.0F)];
  }

 private:
  std::array<Rgb, size> colors_;
};

}  // namespace camlite
