// Connected regions and boxes, against a flood fill.
#include <camlite/boxes.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <camlite/upsample.hpp>
#include <catch2/catch.hpp>

#include "support/flood_fill.hpp"
#include "support/random.hpp"

using camlite::Box;
using camlite::Error;
using camlite::Index;
using camlite::Region;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::flood_fill;
using camlite::test::Random;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

bool same(const std::vector<Region>& a, const std::vector<Region>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Region& x, const Region& y) {
    return x.box == y.box && x.pixels == y.pixels;
  });
}

// The boxes of the map, from all pixels of the upsampled one.
std::vector<Box> by_definition(const Tensor<float>& map, const Box& view, float threshold) {
  const Tensor<float> large = camlite::upsample(map, view.height, view.width);
  float maximum = 0;
  for (float value : large) maximum = value > maximum ? value : maximum;
  std::vector<Box> out;
  if (maximum == 0 || maximum == infinity) return out;
  for (const Region& region : flood_fill(large, threshold * maximum)) {
    out.push_back(
        {view.x + region.box.x, view.y + region.box.y, region.box.width, region.box.height});
  }
  return out;
}

}  // namespace

TEST_CASE("regions are those of a flood fill over eight neighbours") {
  Random random(1);
  int different = 0;
  for (int i = 0; i < 5000; ++i) {
    const Tensor<float> map =
        random.tensor<float>({random.between(1, 14), random.between(1, 14)}, 0, 1);
    const float cut = random.one_of({0.1F, 0.4F, 0.6F, 0.8F, 0.95F});
    different += !same(camlite::regions(map, cut), flood_fill(map, cut));
  }
  CHECK(different == 0);
}

TEST_CASE("regions are those of a flood fill on large maps too") {
  Random random(2);
  for (float cut : {0.3F, 0.55F, 0.65F, 0.8F}) {
    const Tensor<float> map = random.tensor<float>({211, 307}, 0, 1);
    CHECK(same(camlite::regions(map, cut), flood_fill(map, cut)));
  }
}

TEST_CASE("a spiral is one region, and so are diagonal neighbours") {
  const Tensor<float> spiral({5, 7}, std::vector<float>{1, 1, 1, 1, 1, 1, 1,  //
                                                        1, 0, 0, 0, 0, 0, 1,  //
                                                        1, 0, 1, 1, 1, 0, 1,  //
                                                        1, 0, 1, 0, 0, 0, 1,  //
                                                        1, 0, 1, 1, 1, 1, 1});
  CHECK(same(camlite::regions(spiral, 0.5F), {{{0, 0, 7, 5}, 23}}));
  const Tensor<float> diagonal({2, 2}, std::vector<float>{1, 0, 0, 1});
  CHECK(same(camlite::regions(diagonal, 0.5F), {{{0, 0, 2, 2}, 2}}));
}

TEST_CASE("the largest region comes first, by its pixels and not by its box; equal ones in order") {
  // An L of five pixels has a larger box than the block of six.
  const Tensor<float> map({3, 8}, std::vector<float>{1, 0, 0, 0, 0, 1, 1, 0,  //
                                                     1, 0, 0, 0, 0, 1, 1, 0,  //
                                                     1, 1, 1, 0, 0, 1, 1, 0});
  CHECK(same(camlite::regions(map, 0), {{{5, 0, 2, 3}, 6}, {{0, 0, 3, 3}, 5}}));
  const Tensor<float> equal({3, 3}, std::vector<float>{0, 0, 1,  //
                                                       0, 0, 0,  //
                                                       1, 0, 1});
  CHECK(
      same(camlite::regions(equal, 0), {{{2, 0, 1, 1}, 1}, {{0, 2, 1, 1}, 1}, {{2, 2, 1, 1}, 1}}));
}

TEST_CASE("NaN is in no region, infinity is above every number") {
  const Tensor<float> map({1, 5},
                          std::vector<float>{infinity, not_a_number, 1, -infinity, not_a_number});
  CHECK(same(camlite::regions(map, 0), {{{0, 0, 1, 1}, 1}, {{2, 0, 1, 1}, 1}}));
  CHECK(camlite::regions(map, not_a_number).empty());
  CHECK(camlite::regions(Tensor<float>(Shape{0, 4}), 0).empty());
  CHECK(camlite::regions(Tensor<float>(Shape{4, 0}), 0).empty());
  CHECK_THROWS_AS(camlite::regions(Tensor<float>(Shape{4}), 0), Error);
}

TEST_CASE("boxes follow the paper's rule on the map upsampled to the view") {
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    const Tensor<float> map =
        random.tensor<float>({random.between(1, 9), random.between(1, 9)}, -1, 1);
    const Box view{random.between(0, 50), random.between(0, 50), random.between(1, 60),
                   random.between(1, 60)};
    const float threshold = random.one_of({0.0F, 0.2F, 0.5F, 0.9F, 1.0F});
    CHECK(camlite::boxes(map, view, {.threshold = threshold}) ==
          by_definition(map, view, threshold));
  }
}

// Most pixels are not looked at: those that are must be the ones that rounding decides.
TEST_CASE("boxes are those of the upsampled map's very values, however close to the cut they are") {
  Random random(4);
  const float up = std::nextafter(1.0F, 2.0F), upper = std::nextafter(up, 2.0F);
  const float least = std::numeric_limits<float>::denorm_min();
  const float most = std::numeric_limits<float>::max();
  const std::vector<std::vector<float>> kinds{
      {1, up, upper},
      {1, up, 0.2F, std::nextafter(0.2F, 0.0F), std::nextafter(0.2F, 1.0F)},
      {1, 0.5F, 0, -1},
      {least, 2 * least, 5 * least, 0, -least},
      {most, 0.2F * most, -most, std::nextafter(most, 0.0F)},
      {1, 0.3F, infinity, -infinity},
      {1, 0.5F, not_a_number, -infinity},
      {1, 0.2F, not_a_number, 0}};
  int different = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::vector<float>& kind = kinds[static_cast<std::size_t>(i) % kinds.size()];
    Tensor<float> map({random.between(1, 7), random.between(1, 7)});
    for (float& value : map)
      value =
          kind[static_cast<std::size_t>(random.between(0, static_cast<Index>(kind.size()) - 1))];
    const Box view{0, 0, random.between(1, 150), random.between(1, 90)};
    const float threshold = random.one_of({0.0F, 0.2F, 0.5F, std::nextafter(1.0F, 0.0F), 1.0F});
    different +=
        camlite::boxes(map, view, {.threshold = threshold}) != by_definition(map, view, threshold);
  }
  CHECK(different == 0);
}

TEST_CASE("a box is where the map is high, in the coordinates of the picture") {
  // One of 4 x 4 cells of 56 pixels each. From its centre (140, 84) the upsampled map falls to 20 %
  // of the largest value over 0.8 cells: the nearest pixels are half a pixel off, so 1 - 0.5 / 56
  // on each axis is the largest, and on the axis d pixels off (1 - d / 56) / (1 - 0.5 / 56) > 0.2,
  // which holds for d <= 44.5.
  Tensor<float> map(Shape{4, 4});
  map(1, 2) = 3;
  const std::vector<Box> boxes = camlite::boxes(map, {10, 20, 224, 224});
  REQUIRE(boxes.size() == 1);
  CHECK(boxes[0] == Box{10 + 140 - 45, 20 + 84 - 45, 90, 90});
  // The view may begin anywhere; only its size matters to the shape.
  CHECK(camlite::boxes(map, {-7, 0, 224, 224})[0] == Box{-7 + 95, 39, 90, 90});
}

TEST_CASE("the threshold is 0.2 unless said otherwise, and a value at the threshold is below") {
  const Tensor<float> map({1, 5}, std::vector<float>{10, 2, 0, 2.5F, -20});
  const Box view{0, 0, 5, 1};
  CHECK(camlite::boxes(map, view) == std::vector<Box>{{0, 0, 1, 1}, {3, 0, 1, 1}});
  CHECK(camlite::boxes(map, view, {.threshold = 0.1F}) ==
        std::vector<Box>{{0, 0, 2, 1}, {3, 0, 1, 1}});
  CHECK(camlite::boxes(map, view, {.threshold = 1}).empty());
}

TEST_CASE("a map without a positive finite maximum has no boxes") {
  const Box view{0, 0, 20, 10};
  CHECK(camlite::boxes(Tensor<float>(Shape{3, 3}), view).empty());
  CHECK(camlite::boxes(Tensor<float>({1, 2}, std::vector<float>{-1, -2}), view).empty());
  CHECK(camlite::boxes(Tensor<float>({1, 2}, std::vector<float>{not_a_number, not_a_number}), view)
            .empty());
  CHECK(camlite::boxes(Tensor<float>({1, 2}, std::vector<float>{1, infinity}), view).empty());
  // NaN elsewhere does no harm.
  CHECK(camlite::boxes(Tensor<float>({1, 2}, std::vector<float>{not_a_number, 3}), {0, 0, 2, 1}) ==
        std::vector<Box>{{1, 0, 1, 1}});
}

TEST_CASE("boxes refuse what is no map, no view or no fraction") {
  const Tensor<float> map({1, 2}, std::vector<float>{1, 2});
  CHECK_THROWS_WITH(camlite::boxes(map, {0, 0, 4, 4}, {.threshold = 1.5F}),
                    "boxes: the threshold is a fraction of the maximum, 0 to 1, not 1.5");
  CHECK_THROWS_AS(camlite::boxes(map, {0, 0, 4, 4}, {.threshold = not_a_number}), Error);
  CHECK_THROWS_AS(camlite::boxes(map, {0, 0, 0, 4}), Error);
  CHECK_THROWS_AS(camlite::boxes(Tensor<float>(Shape{1, 2, 3}), {0, 0, 4, 4}), Error);
}
