// The authors' box generator: against its definition on random heatmaps, and on their own heatmap.
#include <camlite/authors_boxes.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <camlite/image_io.hpp>
#include <catch2/catch.hpp>

#include "support/authors_data.hpp"
#include "support/cubic_oracle.hpp"
#include "support/follow_borders.hpp"
#include "support/random.hpp"

using camlite::Box;
using camlite::Contour;
using camlite::Error;
using camlite::Index;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::authors_data;
using camlite::test::cubic_value;
using camlite::test::follow_borders;
using camlite::test::Random;

namespace {

// Every pixel against every other.
Tensor<Index> distances_by_definition(const Tensor<float>& map, float cut) {
  const Index height = map.extent(0), width = map.extent(1);
  Tensor<Index> out(map.shape());
  for (Index at = 0; at < map.size(); ++at) {
    const Index y = at / width, x = at % width;
    Index least = (height + width) * (height + width);
    for (Index other = 0; other < map.size(); ++other) {
      if (map.data()[other] > cut) continue;
      const Index v = other / width, u = other % width;
      least = std::min(least, (y - v) * (y - v) + (x - u) * (x - u));
    }
    out(y, x) = least;
  }
  return out;
}

// The rule in the words of its description.
std::vector<Box> boxes_by_definition(const Tensor<float>& heatmap) {
  const Index height = heatmap.extent(0), width = heatmap.extent(1);
  std::vector<Box> boxes;
  for (float cut : {20.0F, 100.0F, 110.0F}) {
    const Tensor<Index> squares = distances_by_definition(heatmap, cut);
    const double largest =
        std::sqrt(static_cast<double>(*std::max_element(squares.begin(), squares.end())));
    Tensor<float> inside(heatmap.shape());
    for (Index i = 0; i < heatmap.size(); ++i) {
      const double scaled =
          largest > 0 ? 255 * std::sqrt(static_cast<double>(squares.data()[i])) / largest : 0;
      inside.data()[i] = scaled > 10 ? 1.0F : 0.0F;
    }
    for (const Contour& contour : follow_borders(inside)) {
      Box b = contour.box;
      b.x = std::min(b.x, width - 5);
      b.y = std::min(b.y, height - 5);
      b.width = std::min(b.width, width - b.x - 5);
      b.height = std::min(b.height, height - b.y - 5);
      if (b.width > 0 && b.height > 0) boxes.push_back(b);
    }
  }
  std::stable_sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    return a.width * a.height > b.width * b.height;
  });
  std::vector<bool> gone(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (gone[i]) continue;
    bool skip = false;  // the one behind a dropped one, for this larger box
    for (std::size_t j = i + 1; j < boxes.size(); ++j) {
      if (gone[j]) continue;
      if (skip) {
        skip = false;
        continue;
      }
      Index common = 0;
      for (Index y = 0; y < height; ++y) {
        for (Index x = 0; x < width; ++x) {
          const auto in = [&](const Box& b) {
            return x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + b.height;
          };
          common += in(boxes[i]) && in(boxes[j]);
        }
      }
      gone[j] = skip = common > boxes[i].width * boxes[i].height / 2;
    }
  }
  std::vector<Box> kept;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (!gone[i]) kept.push_back(boxes[i]);
  }
  return kept;
}

// Hills of random places and sizes, so that there are regions, holes and boxes in boxes.
Tensor<float> hills(Random& random, const Shape& shape) {
  Tensor<float> map(shape);
  for (int hill = 0; hill < random.between(1, 6); ++hill) {
    const auto y0 = static_cast<double>(random.between(0, shape[0] - 1));
    const auto x0 = static_cast<double>(random.between(0, shape[1] - 1));
    const auto radius = static_cast<double>(random.between(2, 12));
    const double height = random.one_of({-150.0, 60.0, 130.0, 255.0});
    for (Index y = 0; y < shape[0]; ++y) {
      for (Index x = 0; x < shape[1]; ++x) {
        const double d = std::hypot(static_cast<double>(y) - y0, static_cast<double>(x) - x0);
        const double value = map(y, x) + height * std::exp(-d * d / (radius * radius));
        map(y, x) = static_cast<float>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  for (float& value : map) value = std::floor(value);
  return map;
}

}  // namespace

TEST_CASE("squared distances are the least over all pixels outside") {
  Random random(1);
  int different = 0;
  for (int i = 0; i < 3000; ++i) {
    const Tensor<float> map =
        random.tensor<float>({random.between(1, 12), random.between(1, 12)}, 0, 1);
    const float cut = random.one_of({-1.0F, 0.05F, 0.2F, 0.5F, 0.9F, 2.0F});
    const Tensor<Index> is = camlite::squared_distances(map, cut);
    const Tensor<Index> should = distances_by_definition(map, cut);
    different += !std::equal(is.begin(), is.end(), should.begin(), should.end());
  }
  CHECK(different == 0);
  CHECK(camlite::squared_distances(Tensor<float>(Shape{0, 3}), 0).size() == 0);
  CHECK_THROWS_AS(camlite::squared_distances(Tensor<float>(Shape{3}), 0), Error);
}

TEST_CASE("the authors' boxes follow the description of their rule") {
  Random random(2);
  std::size_t several = 0;
  for (int i = 0; i < 400; ++i) {
    const Tensor<float> map = hills(random, {random.between(6, 40), random.between(6, 40)});
    const std::vector<Box> boxes = camlite::authors_boxes(map);
    CHECK(boxes == boxes_by_definition(map));
    several += boxes.size() > 1;
  }
  CHECK(several > 50);
}

TEST_CASE("the authors' boxes of nothing, of everything, of a few pixels") {
  CHECK(camlite::authors_boxes(Tensor<float>(Shape{20, 30})).empty());
  Tensor<float> white(Shape{20, 30});
  std::fill(white.begin(), white.end(), 255.0F);
  // Three times the same: the second goes, and the third, being behind it, stays.
  CHECK(camlite::authors_boxes(white) == std::vector<Box>{{0, 0, 25, 15}, {0, 0, 25, 15}});
  CHECK(camlite::authors_boxes(Tensor<float>(Shape{0, 0})).empty());
  CHECK(camlite::authors_boxes(Tensor<float>(Shape{1, 1}, std::vector<float>{255})).empty());
  CHECK_THROWS_AS(camlite::authors_boxes(Tensor<float>(Shape{4})), Error);
}

TEST_CASE("the authors' boxes of their own heatmap are the ones that their generator made") {
  const std::optional<std::string> folder = authors_data();
  if (!folder) return;
  const camlite::Image picture = camlite::read_image(*folder + "heatmap_6.jpg");
  Tensor<float> heatmap(Shape{picture.height(), picture.width()});
  for (Index y = 0; y < picture.height(); ++y) {
    for (Index x = 0; x < picture.width(); ++x) heatmap(y, x) = picture.pixel(x, y)[0];
  }
  std::vector<Box> expected;
  std::ifstream file(*folder + "heatmap_6.txt");
  for (Box b; file >> b.x >> b.y >> b.width >> b.height;) expected.push_back(b);
  REQUIRE(expected.size() == 2);
  CHECK(camlite::authors_boxes(heatmap) == expected);
  // As a map; this is what they hand in: 41 145 403 347, and 102 188 344 314.
  CHECK(camlite::authors_boxes(heatmap, {0, 0, picture.width(), picture.height()}) ==
        std::vector<Box>{camlite::box_of_corners(41, 145, 403, 347),
                         camlite::box_of_corners(102, 188, 344, 314)});
}

TEST_CASE("the authors' heatmap is the resized map in shares of its maximum, in 256 levels") {
  Random random(3);
  for (int i = 0; i < 40; ++i) {
    const Tensor<float> map =
        random.tensor<float>({random.between(2, 16), random.between(2, 16)}, -2, 9);
    const Index height = random.between(3, 40), width = random.between(3, 40);
    Tensor<double> resized({height, width});
    for (Index y = 0; y < height; ++y) {
      for (Index x = 0; x < width; ++x)
        resized(y, x) = cubic_value(map, map.extent(0), map.extent(1), height, width, y, x);
    }
    const double maximum = *std::max_element(resized.begin(), resized.end());
    const Tensor<float> heatmap = camlite::authors_heatmap(map, height, width);
    REQUIRE(heatmap.shape() == Shape{height, width});
    CHECK(*std::max_element(heatmap.begin(), heatmap.end()) == 255);
    for (Index at = 0; at < heatmap.size(); ++at) {
      const double share = std::max(255 * resized.data()[at] / maximum, 0.0);
      REQUIRE(std::abs(double{heatmap.data()[at]} - share) < 0.501);
      REQUIRE(heatmap.data()[at] == std::floor(heatmap.data()[at]));
    }
  }
}

TEST_CASE("maps without a positive finite maximum have a black heatmap") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& values : {std::vector<float>{0, 0, 0, 0},
                                           {-1, -2, -3, -4},
                                           {infinity, 1, 1, 1},
                                           {nan, nan, nan, nan}}) {
    const Tensor<float> heatmap =
        camlite::authors_heatmap(Tensor<float>(Shape{2, 2}, values), 30, 40);
    CHECK(std::all_of(heatmap.begin(), heatmap.end(), [](float value) { return value == 0; }));
    CHECK(camlite::authors_boxes(Tensor<float>(Shape{2, 2}, values), {3, 4, 40, 30}).empty());
  }
}

TEST_CASE("the authors' boxes of a map are those of its heatmap, where the map is") {
  Random random(4);
  std::size_t found = 0;
  for (int i = 0; i < 40; ++i) {
    const Tensor<float> map =
        random.tensor<float>({random.between(2, 8), random.between(2, 8)}, -1, 1);
    const Box view{random.between(0, 50), random.between(0, 50), random.between(6, 60),
                   random.between(6, 60)};
    const std::vector<Box> expected =
        boxes_by_definition(camlite::authors_heatmap(map, view.height, view.width));
    const std::vector<Box> boxes = camlite::authors_boxes(map, view);
    REQUIRE(boxes.size() == expected.size());
    for (std::size_t n = 0; n < boxes.size(); ++n) {
      const Box& b = expected[n];
      const Index left = view.x + b.x, top = view.y + b.y;
      // The corners that they write down belong to the box.
      CHECK(boxes[n] == camlite::box_of_corners(left, top, left + b.width, top + b.height));
    }
    found += expected.size();
  }
  CHECK(found > 40);
  CHECK_THROWS_AS(camlite::authors_boxes(Tensor<float>(Shape{2, 2}), {0, 0, 0, 5}), Error);
}
