// Contours: against OpenCV's, and against borders followed pixel by pixel.
#include <camlite/contours.hpp>

#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/follow_borders.hpp"
#include "support/random.hpp"

using camlite::Contour;
using camlite::ContourScan;
using camlite::Index;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::follow_borders;
using camlite::test::Random;

namespace {

std::vector<Contour> contours(const Tensor<float>& map) {
  ContourScan scan(map.extent(1));
  for (Index y = 0; y < map.extent(0); ++y) scan.row_where([&](Index x) { return map(y, x) != 0; });
  return scan.finish();
}

Tensor<float> mask(const std::vector<std::string>& rows) {
  Tensor<float> out({static_cast<Index>(rows.size()), static_cast<Index>(rows[0].size())});
  for (Index i = 0; i < out.size(); ++i) {
    const Index y = i / out.extent(1), x = i % out.extent(1);
    out(y, x) = rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#' ? 1.0F : 0.0F;
  }
  return out;
}

// Noise, or rectangles drawn and wiped out, filled or one pixel thin.
Tensor<float> random_mask(Random& random, Index most) {
  Tensor<float> out({random.between(1, most), random.between(1, most)});
  if (random.coin()) {
    const Index share = random.between(1, 19);
    for (float& value : out) value = random.between(0, 19) < share ? 1.0F : 0.0F;
    return out;
  }
  for (Index i = random.between(1, 12); i > 0; --i) {
    const Index x0 = random.between(-2, out.extent(1)), x1 = x0 + random.between(0, most / 2);
    const Index y0 = random.between(-2, out.extent(0)), y1 = y0 + random.between(0, most / 2);
    const bool filled = random.coin();
    const float value = random.between(0, 2) > 0 ? 1.0F : 0.0F;
    for (Index y = 0; y < out.extent(0); ++y) {
      for (Index x = 0; x < out.extent(1); ++x) {
        if (x < x0 || x > x1 || y < y0 || y > y1) continue;
        if (filled || x == x0 || x == x1 || y == y0 || y == y1) out(y, x) = value;
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("contours are OpenCV's, in its order") {
  std::ifstream file("tests/fixtures/contours.txt");
  REQUIRE(file);
  int masks = 0;
  Index height = 0, width = 0, count = 0;
  for (std::string word; file >> word >> height >> width >> count; ++masks) {
    REQUIRE(word == "mask");
    std::vector<std::string> rows(static_cast<std::size_t>(height));
    for (std::string& row : rows) file >> row;
    std::vector<Contour> should(static_cast<std::size_t>(count));
    for (Contour& c : should)
      file >> c.box.x >> c.box.y >> c.box.width >> c.box.height >> c.area >> c.hole;
    REQUIRE(file);
    CHECK(contours(mask(rows)) == should);
    CHECK(follow_borders(mask(rows)) == should);  // so is what the other cases are held against
  }
  CHECK(masks == 210);
}

TEST_CASE("contours are the borders that are followed pixel by pixel") {
  Random random(1);
  int different = 0, nested = 0, thin = 0;
  for (int i = 0; i < 6000; ++i) {
    const Tensor<float> map = random_mask(random, i % 20 == 0 ? 60 : 16);
    const std::vector<Contour> is = contours(map);
    different += is != follow_borders(map);
    for (std::size_t j = 0; j < is.size(); ++j) {
      nested += j > 0 && is[j - 1].hole && !is[j].hole;
      thin += is[j].area == 0;
    }
  }
  CHECK(different == 0);
  CHECK(nested > 100);
  CHECK(thin > 1000);
}

TEST_CASE("a ring with a dot in it has three contours, one in the other") {
  const Tensor<float> ring = mask({".......",  //
                                   ".#####.",  //
                                   ".#...#.",  //
                                   ".#.#.#.",  //
                                   ".#...#.",  //
                                   ".#####.",  //
                                   "......."});
  // From centre to centre the ring is 4 pixels wide, its hole 4 without the corners.
  CHECK(contours(ring) == std::vector<Contour>{{{1, 1, 5, 5}, 16, false},
                                               {{1, 1, 5, 5}, 14, true},
                                               {{3, 3, 1, 1}, 0, false}});
}

TEST_CASE("a scan that has finished begins anew") {
  ContourScan scan(3);
  const std::vector<Index> edges{1, 3};
  scan.row(edges);
  scan.row(edges);
  const std::vector<Contour> once = scan.finish();
  CHECK(once == std::vector<Contour>{{{1, 0, 2, 2}, 1, false}});
  CHECK(scan.finish().empty());
  scan.row(edges);
  scan.row(edges);
  CHECK(scan.finish() == once);
}

TEST_CASE("a map without pixels, or without any that belong, has no contours") {
  CHECK(ContourScan(0).finish().empty());
  CHECK(ContourScan(5).finish().empty());
  CHECK(contours(Tensor<float>(Shape{3, 0})).empty());
  CHECK(contours(Tensor<float>(Shape{3, 4})).empty());
}
