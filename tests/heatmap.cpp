// Maps normalized, upsampled, coloured and laid over a photo.
#include <camlite/heatmap.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <camlite/upsample.hpp>
#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/random.hpp"

using camlite::Box;
using camlite::Colormap;
using camlite::Error;
using camlite::Image;
using camlite::Index;
using camlite::Rgb;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::Random;
using camlite::test::relative_error;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

Tensor<float> map_of(const Shape& shape, const std::vector<float>& values) {
  return Tensor<float>(shape, values);
}

std::vector<float> values_of(const Tensor<float>& map) {
  return {map.begin(), map.end()};
}

Rgb color_at(const Image& image, Index x, Index y) {
  const std::uint8_t* pixel = image.pixel(x, y);
  return {pixel[0], pixel[1], pixel[2]};
}

int distance(Rgb a, Rgb b) {
  return std::max({std::abs(a.r - b.r), std::abs(a.g - b.g), std::abs(a.b - b.b)});
}

}  // namespace

TEST_CASE("a normalized map goes from 0 to 1") {
  CHECK(values_of(camlite::normalized(map_of({2, 2}, {-3, 1, 5, -1}))) ==
        std::vector<float>{0, 0.5, 1, 0.25});
  const Tensor<float> stack = camlite::normalized(Random(1).tensor<float>({2, 3, 4}));
  CHECK(stack.shape() == Shape{2, 3, 4});
  CHECK(*std::min_element(stack.begin(), stack.end()) == 0);
  CHECK(*std::max_element(stack.begin(), stack.end()) == 1);
  CHECK(camlite::normalized(Tensor<float>(Shape{0, 3})).size() == 0);
}

TEST_CASE("a constant map is 0 when normalized") {
  CHECK(values_of(camlite::normalized(map_of({1, 3}, {7, 7, 7}))) == std::vector<float>{0, 0, 0});
}

TEST_CASE("NaN counts as the minimum, infinities as the ends") {
  CHECK(values_of(
            camlite::normalized(map_of({1, 6}, {2, not_a_number, infinity, 4, -infinity, 3}))) ==
        std::vector<float>{0, 0, 1, 1, 0, 0.5});
  CHECK(values_of(camlite::normalized(map_of({1, 3}, {not_a_number, infinity, -infinity}))) ==
        std::vector<float>{0, 1, 0});
  const float most = std::numeric_limits<float>::max();
  CHECK(values_of(camlite::normalized(map_of({1, 3}, {-most, 0, most}))) ==
        std::vector<float>{0, 0.5, 1});
}

TEST_CASE("upsample is torch's bilinear interpolation with align_corners=False") {
  std::ifstream file("tests/fixtures/upsample.txt");
  Index h = 0, w = 0, height = 0, width = 0;
  int cases = 0;
  while (file >> h >> w >> height >> width) {
    Tensor<float> map(Shape{h, w}), expected(Shape{height, width});
    for (float& value : map) file >> value;
    for (float& value : expected) file >> value;
    REQUIRE(file);
    INFO(h << " x " << w << " to " << height << " x " << width);
    CHECK(relative_error(camlite::upsample(map, height, width), expected) < 1e-6);
    ++cases;
  }
  CHECK(cases == 6);
}

TEST_CASE("upsample keeps a constant map and a map of the same size as they are") {
  Random random(2);
  const Tensor<float> map = random.tensor<float>({5, 7});
  CHECK(values_of(camlite::upsample(map, 5, 7)) == values_of(map));
  const Tensor<float> plain = map_of({2, 2}, {0.1F, 0.1F, 0.1F, 0.1F});
  for (float value : camlite::upsample(plain, 13, 31)) CHECK(value == 0.1F);
}

TEST_CASE("NaN and infinities stay where they are blended in") {
  const auto row = values_of(camlite::upsample(map_of({1, 3}, {1, 2, infinity}), 1, 6));
  CHECK(row == std::vector<float>{1, 1.25, 1.75, infinity, infinity, infinity});
  const auto holes = values_of(camlite::upsample(map_of({1, 3}, {not_a_number, 2, 4}), 1, 9));
  CHECK(std::isnan(holes[0]));
  CHECK(std::isnan(holes[3]));
  CHECK(holes[4] == 2);
  CHECK(holes[8] == 4);
}

TEST_CASE("upsample refuses what is no map, or no size") {
  CHECK_THROWS_WITH(camlite::upsample(Tensor<float>(Shape{1, 2, 3}), 4, 4),
                    "upsample: a map has shape (height, width), not (1, 2, 3)");
  CHECK_THROWS_AS(camlite::upsample(Tensor<float>(Shape{0, 3}), 4, 4), Error);
  CHECK_THROWS_WITH(camlite::upsample(Tensor<float>(Shape{2, 3}), 0, 4),
                    "upsample: to 4 x 0 pixels");
}

TEST_CASE("the colours are matplotlib's, within one level") {
  std::ifstream file("tests/fixtures/colormaps.txt");
  const std::vector<std::pair<std::string, Colormap>> names{{"jet", Colormap::jet},
                                                            {"turbo", Colormap::turbo},
                                                            {"viridis", Colormap::viridis},
                                                            {"gray", Colormap::gray}};
  for (const auto& [expected_name, colormap] : names) {
    const camlite::Palette palette(colormap);
    for (int i = 0; i < 256; ++i) {
      std::string name;
      int r = 0, g = 0, b = 0;
      REQUIRE(file >> name >> r >> g >> b);
      REQUIRE(name == expected_name);
      const Rgb expected{static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(g),
                         static_cast<std::uint8_t>(b)};
      INFO(name << " " << i);
      CHECK(distance(palette(static_cast<float>(i) / 255), expected) <= 1);
    }
  }
}

TEST_CASE("values outside of 0 to 1 take the first or last colour, NaN the first") {
  const camlite::Palette palette(Colormap::viridis);
  CHECK(palette(-3) == palette(0));
  CHECK(palette(not_a_number) == palette(0));
  CHECK(palette(-infinity) == palette(0));
  CHECK(palette(5) == palette(1));
  CHECK(palette(infinity) == palette(1));
}

TEST_CASE("a heatmap is the map normalized, upsampled and coloured") {
  const Tensor<float> map = map_of({1, 2}, {-8, 4});
  const Image gray = camlite::heatmap(map, {.width = 4, .height = 3, .colormap = Colormap::gray});
  CHECK(gray.width() == 4);
  CHECK(gray.height() == 3);
  for (Index y = 0; y < 3; ++y) {
    CHECK(color_at(gray, 0, y) == Rgb{0, 0, 0});
    CHECK(color_at(gray, 1, y) == Rgb{64, 64, 64});  // 0.25
    CHECK(color_at(gray, 2, y) == Rgb{191, 191, 191});
    CHECK(color_at(gray, 3, y) == Rgb{255, 255, 255});
  }
  const Image own_size = camlite::heatmap(map);
  CHECK(own_size.width() == 2);
  CHECK(own_size.height() == 1);
  CHECK(distance(color_at(own_size, 0, 0), {0, 0, 128}) <= 1);  // jet: from dark blue to dark red
  CHECK(distance(color_at(own_size, 1, 0), {128, 0, 0}) <= 1);
  CHECK_THROWS_AS(camlite::heatmap(map, {.width = -1}), Error);
  CHECK_THROWS_AS(camlite::heatmap(Tensor<float>(Shape{4})), Error);
  CHECK_THROWS_AS(camlite::heatmap(Tensor<float>(Shape{0, 0})), Error);
}

TEST_CASE("an overlay blends the heatmap over the view, and leaves the rest of the photo") {
  Random random(3);
  Image photo(9, 8);
  for (Index i = 0; i < photo.size(); ++i) {
    photo.data()[i] = static_cast<std::uint8_t>(random.between(0, 255));
  }
  const Tensor<float> map = random.tensor<float>({3, 2});
  const Box view{2, 1, 5, 6};
  const Image heat = camlite::heatmap(map, {.width = 5, .height = 6, .colormap = Colormap::turbo});
  const float alpha = random.one_of({0.0F, 0.3F, 0.5F, 1.0F});
  const Image out =
      camlite::overlay(photo, map, view, {.alpha = alpha, .colormap = Colormap::turbo});
  for (Index y = 0; y < 8; ++y) {
    for (Index x = 0; x < 9; ++x) {
      const bool seen = x >= 2 && x < 7 && y >= 1 && y < 7;
      for (int c = 0; c < 3; ++c) {
        const double from = photo.pixel(x, y)[c];
        const double to = seen ? heat.pixel(x - 2, y - 1)[c] : from;
        CHECK(std::abs(out.pixel(x, y)[c] - (from + double{alpha} * (to - from))) <= 0.501);
      }
    }
  }
  CHECK(camlite::overlay(photo, map, view, {.alpha = 0}) == photo);
  const Image whole = camlite::overlay(photo, map, {0, 0, 9, 8}, {.alpha = 1});
  CHECK(whole == camlite::heatmap(map, {.width = 9, .height = 8}));
}

TEST_CASE("every pixel of an overlay is the blend of its colour, however wide the view is") {
  Random random(5);
  for (Index width = 1; width <= 130; ++width) {
    const Box view{random.between(0, 3), random.between(0, 2), width, random.between(1, 4)};
    Image photo(view.x + width + random.between(0, 3), view.y + view.height);
    for (Index i = 0; i < photo.size(); ++i) {
      photo.data()[i] = static_cast<std::uint8_t>(random.between(0, 255));
    }
    const Tensor<float> map = random.tensor<float>({random.between(1, 5), random.between(1, 140)});
    const float alpha = static_cast<float>(random.between(0, 64)) / 64;
    const auto colormap = random.one_of({Colormap::jet, Colormap::turbo, Colormap::viridis});

    const Tensor<float> levels =
        camlite::upsample(camlite::normalized(map), view.height, view.width);
    const camlite::Palette palette(colormap);
    Image expected = photo;
    for (Index y = 0; y < view.height; ++y) {
      for (Index x = 0; x < width; ++x) {
        const Rgb color = palette(levels(y, x));
        std::uint8_t* pixel = expected.pixel(view.x + x, view.y + y);
        const std::array<std::uint8_t, 3> heat{color.r, color.g, color.b};
        for (std::size_t c = 0; c < 3; ++c) {  // exact in float: alpha has few bits
          const float blend =
              (1 - alpha) * static_cast<float>(pixel[c]) + alpha * static_cast<float>(heat[c]);
          pixel[c] = static_cast<std::uint8_t>(std::floor(blend + 0.5F));
        }
      }
    }
    INFO(width << " pixels wide, alpha " << alpha);
    CHECK(camlite::overlay(photo, map, view, {.alpha = alpha, .colormap = colormap}) == expected);
  }
}

TEST_CASE("an overlay outside of the photo is refused") {
  const Image photo(9, 8);
  const Tensor<float> map(Shape{3, 2});
  CHECK_THROWS_WITH(camlite::overlay(photo, map, {2, 1, 8, 6}),
                    "overlay: a box of 8 x 6 pixels at (2, 1) is not inside of a picture of 9 x 8");
  CHECK_THROWS_AS(camlite::overlay(photo, map, {2, 1, 0, 6}), Error);
  CHECK_THROWS_WITH(camlite::overlay(photo, map, {0, 0, 9, 8}, {.alpha = 1.5F}),
                    "overlay: alpha is a share, 0 to 1, not 1.5");
  CHECK_THROWS_AS(camlite::overlay(photo, map, {0, 0, 9, 8}, {.alpha = not_a_number}), Error);
}
