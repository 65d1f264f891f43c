// MaxBoxAcc and MaxBoxAccV2: against OpenCV and numpy, and against the definition.
#include <camlite/evaluate/max_box_acc.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <camlite/evaluate/score_map.hpp>
#include <catch2/catch.hpp>

#include "support/follow_borders.hpp"
#include "support/random.hpp"

using camlite::best_overlaps;
using camlite::Box;
using camlite::boxes_at_thresholds;
using camlite::Contour;
using camlite::Error;
using camlite::Index;
using camlite::map_thresholds;
using camlite::MaxBoxAcc;
using camlite::on_score_map;
using camlite::score_map;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::follow_borders;
using camlite::test::Random;

namespace {

// Score maps have the same bits as OpenCV's, unless this is compiled for processors with a fused
// multiply-add and compilers use it: weights are float.
#if defined(__FMA__) || !defined(__x86_64__)
constexpr double rounding = 1e-6;
#else
constexpr double rounding = 0;
#endif

template <class Container>
void read(std::ifstream& file, Container& values) {
  for (auto& value : values) {
    double number = 0;
    file >> number;
    value = static_cast<std::remove_reference_t<decltype(value)>>(number);
  }
}

Tensor<float> read_map(std::ifstream& file, Index height, Index width) {
  Tensor<float> map({height, width});
  read(file, map);
  return map;
}

// The steps in the words of the benchmark, one threshold after the other.
std::vector<std::vector<Box>> boxes_by_definition(const Tensor<double>& map, Index count,
                                                  bool multi_region) {
  const Index height = map.extent(0), width = map.extent(1);
  Tensor<float> levels(map.shape());
  for (Index i = 0; i < map.size(); ++i)
    levels.data()[i] = static_cast<float>(std::floor(map.data()[i] * 255));
  const double greatest = *std::max_element(levels.begin(), levels.end());
  std::vector<std::vector<Box>> out;
  for (Index i = 0; i < count; ++i) {
    const double threshold = static_cast<double>(i) * (1.0 / static_cast<double>(count));
    Tensor<float> inside(map.shape());
    for (Index j = 0; j < map.size(); ++j)
      inside.data()[j] = levels.data()[j] > std::floor(threshold * greatest) ? 1.0F : 0.0F;
    std::vector<Contour> contours = follow_borders(inside);
    if (!multi_region && !contours.empty()) {
      Contour largest = contours[0];
      for (const Contour& contour : contours)
        if (contour.area > largest.area) largest = contour;
      contours = {largest};
    }
    out.emplace_back();
    for (const Contour& contour : contours) {
      const Index x0 = contour.box.x, x1 = std::min(x0 + contour.box.width, width - 1);
      const Index y0 = contour.box.y, y1 = std::min(y0 + contour.box.height, height - 1);
      out.back().push_back({x0, y0, x1 - x0 + 1, y1 - y0 + 1});
    }
    if (contours.empty()) out.back().push_back({0, 0, 1, 1});
  }
  return out;
}

// In few levels, in many, or noise that one pixel of 1 stands out from; sometimes not up to 1.
Tensor<double> random_map(Random& random) {
  const Index height = random.between(1, 24), width = random.between(1, 24);
  Tensor<double> map({height, width});
  const Index levels = random.one_of({2, 5, 255, 1000});
  const double scale = random.one_of({1.0, 1.0, 0.6, 0.03, 0.001});
  for (double& value : map) {
    value = scale * static_cast<double>(random.between(0, levels)) / static_cast<double>(levels);
  }
  return map;
}

}  // namespace

TEST_CASE("score maps, overlaps and figures are those of the benchmark's steps with OpenCV") {
  std::ifstream file("tests/fixtures/max_box_acc.txt");
  REQUIRE(file);
  MaxBoxAcc single, multi({.step = 0.05, .multi_region = true});
  int resized = 0;
  std::vector<double> figures(3);
  for (std::string word; file >> word;) {
    if (word == "figures") {
      read(file, figures);
      continue;
    }
    Index height = 0, width = 0;
    file >> height >> width;
    if (word == "resized") {
      ++resized;
      Index size = 0;
      file >> size;
      const Tensor<double> is = score_map(read_map(file, height, width), size, size);
      std::vector<double> should(static_cast<std::size_t>(size * size));
      read(file, should);
      double difference = 0;
      for (Index i = 0; i < is.size(); ++i)
        difference = std::max(difference, std::abs(is.data()[i] - should.data()[i]));
      CHECK(difference <= rounding);
      continue;
    }
    REQUIRE(word == "picture");
    Index picture_width = 0, picture_height = 0, count = 0;
    file >> picture_width >> picture_height >> count;
    const Tensor<double> map = score_map(read_map(file, height, width));
    std::vector<Box> truth;
    for (Index i = 0; i < count; ++i) {
      Index x0 = 0, y0 = 0, x1 = 0, y1 = 0;
      file >> x0 >> y0 >> x1 >> y1;
      truth.push_back(
          on_score_map(camlite::box_of_corners(x0, y0, x1, y1), picture_width, picture_height));
    }
    std::vector<double> should_single(100), should_multi(20);
    read(file, should_single);
    read(file, should_multi);
    const auto is_single = best_overlaps(map, truth);
    const auto is_multi = best_overlaps(map, truth, {.step = 0.05, .multi_region = true});
    CHECK(is_single == should_single);
    CHECK(is_multi == should_multi);
    single.add(is_single);
    multi.add(is_multi);
  }
  CHECK(resized == 5);
  REQUIRE(single.pictures() == 24);
  CHECK(single.max_box_acc() == Approx(figures[0]).epsilon(1e-14));
  CHECK(single.max_box_acc_v2() == Approx(figures[1]).epsilon(1e-14));
  CHECK(multi.max_box_acc_v2() == Approx(figures[2]).epsilon(1e-14));
}

TEST_CASE("boxes at all thresholds are those of one threshold after the other") {
  Random random(1);
  int different = 0;
  for (int i = 0; i < 600; ++i) {
    const Tensor<double> map = random_map(random);
    const Index count = random.one_of({1, 10, 100});
    const bool multi_region = random.coin();
    different += boxes_at_thresholds(map, {.step = 1.0 / static_cast<double>(count),
                                           .multi_region = multi_region}) !=
                 boxes_by_definition(map, count, multi_region);
  }
  CHECK(different == 0);
}

TEST_CASE("the best overlap is with any of the true boxes") {
  // The left third of a map: the box is a pixel wider, but not higher, since the map ends there.
  Tensor<double> map({12, 12});
  for (Index y = 0; y < 12; ++y) {
    for (Index x = 0; x < 4; ++x) map(y, x) = 1;
  }
  const std::vector<Box> truth{{8, 0, 4, 12}, {0, 0, 10, 12}};
  CHECK(best_overlaps(map, truth, {.step = 0.5}) == std::vector<double>{0.5, 0.5});
  CHECK(best_overlaps(map, {}, {.step = 0.5}) == std::vector<double>{0, 0});
}

TEST_CASE("levels that became float32 are the same again, and what is just below is not") {
  for (int level = 2; level < 255; ++level) {
    const float value = static_cast<float>(level) / 255;
    const Tensor<float> map({1, 3}, std::vector<float>{std::nextafter(value, 0.0F), value, 1});
    // The second threshold is between the first two levels.
    const auto boxes = boxes_at_thresholds(map, {.step = (level - 0.5) / 255});
    CHECK(boxes.at(1) == std::vector<Box>{{1, 0, 2, 1}});
  }
}

TEST_CASE("a map of zeros has the top left pixel as its box") {
  const auto boxes = boxes_at_thresholds(Tensor<double>({5, 4}), {.step = 0.25});
  CHECK(boxes == std::vector<std::vector<Box>>(4, {{0, 0, 1, 1}}));
}

TEST_CASE("thresholds begin at 0 and end before 1") {
  CHECK(map_thresholds({.step = 0.25}) == std::vector<double>{0, 0.25, 0.5, 0.75});
  CHECK(map_thresholds({.step = 0.3}).size() == 4);
  CHECK(map_thresholds({.step = 1}) == std::vector<double>{0});
  CHECK(map_thresholds().size() == 100);
  CHECK(map_thresholds({.step = 0.001}).size() == 1000);
  CHECK(map_thresholds()[29] == 29 * 0.01);
  CHECK_THROWS_WITH(map_thresholds({.step = 0}),
                    "the step of the thresholds is 0.0001 to 1, not 0");
  CHECK_THROWS_AS(map_thresholds({.step = std::nan("")}), Error);
}

TEST_CASE("MaxBoxAccV2 is the mean over overlaps of the best share over thresholds") {
  Random random(2);
  for (int set = 0; set < 50; ++set) {
    std::vector<std::vector<double>> pictures;
    MaxBoxAcc figures({.step = 0.1});
    for (Index i = random.between(1, 30); i > 0; --i) {
      pictures.emplace_back();
      for (int t = 0; t < 10; ++t) {
        const auto tenths = static_cast<double>(random.between(0, 10));
        pictures.back().push_back(tenths / 10);  // 0.3, 0.5 and 0.7 themselves among them
      }
      figures.add(pictures.back());
    }
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const double least = std::vector{0.3, 0.5, 0.7}[i];
      const std::vector<double> curve = figures.curve(i);
      REQUIRE(curve.size() == figures.thresholds().size());
      double best = -1, at = 0;
      for (std::size_t t = 0; t < 10; ++t) {
        double right = 0;
        for (const auto& picture : pictures) right += picture[t] >= least ? 1 : 0;
        CHECK(curve[t] == Approx(right / static_cast<double>(pictures.size())).epsilon(1e-14));
        if (right > best) {
          best = right;
          at = static_cast<double>(t) * 0.1;
        }
      }
      best /= static_cast<double>(pictures.size());
      CHECK(figures.best(i).accuracy == Approx(best).epsilon(1e-14));
      CHECK(figures.best(i).threshold == at);
      if (i == 1) CHECK(figures.max_box_acc() == Approx(best).epsilon(1e-14));
      sum += best;
    }
    CHECK(figures.max_box_acc_v2() == Approx(sum / 3).epsilon(1e-14));
  }
}

TEST_CASE("the interval of MaxBoxAcc lets every resample choose its threshold") {
  // Half of the pictures are right at the first threshold only, half at the second only: whichever
  // half a resample has more of is its figure, never less than 0.5; at one fixed threshold the
  // interval of 400 pictures would begin at 0.451.
  MaxBoxAcc figures({.step = 0.5});
  for (int i = 0; i < 400; ++i)
    figures.add(i % 2 == 0 ? std::vector<double>{0.6, 0} : std::vector<double>{0, 0.6});
  CHECK(figures.max_box_acc() == 0.5);
  const camlite::Interval interval = figures.max_box_acc_interval();
  CHECK(interval.low >= 0.5);
  CHECK(interval.low < 0.505);
  CHECK(interval.high == Approx(0.556).margin(0.008));  // 2.24 standard deviations of 0.025
  // At overlap 0.3 it is the same, at 0.7 nothing is right.
  const camlite::Interval v2 = figures.max_box_acc_v2_interval();
  CHECK(v2.low == Approx(2 * interval.low / 3));
  CHECK(v2.high == Approx(2 * interval.high / 3));
}

TEST_CASE("corners are scaled to the score map and rounded down, both belonging to the box") {
  CHECK(on_score_map({0, 0, 64, 64}, 64, 64) == Box{0, 0, 221, 221});
  CHECK(on_score_map({10, 20, 30, 40}, 224, 224) == Box{10, 20, 30, 40});
  CHECK(on_score_map({100, 3, 1, 1}, 500, 4) == Box{44, 168, 1, 1});
  CHECK_THROWS_WITH(on_score_map({-1, 2, 3, 4}, 64, 64),
                    "a box of 3 x 4 pixels at (-1, 2) is not inside of a picture");
  CHECK_THROWS_AS(on_score_map({0, 0, 0, 4}, 64, 64), Error);
  CHECK_THROWS_AS(on_score_map({0, 0, 3, 4}, 0, 64), Error);
}

TEST_CASE("a map of zeros, or with NaN in it, is a score map of zeros") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& values : {std::vector<float>(4), std::vector<float>{1, 2, nan, 4}}) {
    const Tensor<double> map = score_map(Tensor<float>({2, 2}, values), 5, 5);
    CHECK(map.shape() == Shape{5, 5});
    CHECK(std::count(map.begin(), map.end(), 0.0) == 25);
  }
}

TEST_CASE("what is no map, no score map or no picture's overlaps is refused") {
  CHECK_THROWS_WITH(boxes_at_thresholds(Tensor<double>({1, 2}, std::vector<double>{0, 1.5})),
                    "a score map is in [0, 1] and holds 1.5");
  CHECK_THROWS_AS(boxes_at_thresholds(Tensor<double>({1, 2}, std::vector<double>{0, std::nan("")})),
                  Error);
  CHECK_THROWS_AS(boxes_at_thresholds(Tensor<double>({1, 2}, std::vector<double>{-0.1, 1})), Error);
  CHECK_THROWS_AS(boxes_at_thresholds(Tensor<double>(Shape{4})), Error);
  CHECK_THROWS_AS(boxes_at_thresholds(Tensor<double>(Shape{0, 4})), Error);
  CHECK_THROWS_AS(score_map(Tensor<float>(Shape{4})), Error);
  CHECK_THROWS_WITH(score_map(Tensor<float>({1, 2}, std::vector<float>{1, HUGE_VALF})),
                    "score_map: the map holds infinite values");
  MaxBoxAcc figures;
  CHECK(figures.max_box_acc_v2() == 0);
  CHECK(figures.curve(0) == std::vector<double>(100));
  CHECK_THROWS_WITH(figures.add(std::vector<double>(99)), "overlaps at 99 thresholds, not 100");
}
