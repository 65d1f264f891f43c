// Bootstrap intervals, against the distributions that are known and against drawing by hand.
#include <camlite/evaluate/bootstrap.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"

using camlite::bootstrap_share;
using camlite::Error;
using camlite::Index;
using camlite::Interval;
using camlite::Outcomes;
using camlite::test::Random;

namespace {

Outcomes random_outcomes(Random& random, Index pictures, Index questions) {
  Outcomes outcomes(questions);
  for (Index i = 0; i < pictures; ++i) {
    std::vector<bool> answers;
    for (Index j = 0; j < questions; ++j) answers.push_back(random.coin());
    outcomes.add(answers);
  }
  return outcomes;
}

}  // namespace

TEST_CASE("right answers are counted by question, of all pictures and of those drawn") {
  Random random(1);
  for (const Index questions : {1, 5, 63, 64, 65, 300}) {
    std::vector<std::vector<bool>> answers;
    Outcomes outcomes(questions);
    for (Index i = 0; i < 40; ++i) {
      answers.emplace_back();
      for (Index j = 0; j < questions; ++j) answers.back().push_back(random.coin());
      outcomes.add(answers.back());
    }
    CHECK(outcomes.pictures() == 40);
    // More than a byte can count, and some pictures more often than others.
    std::vector<std::uint32_t> drawn(2000);
    for (std::uint32_t& picture : drawn)
      picture = static_cast<std::uint32_t>(std::min<Index>(random.between(0, 60), 39));
    std::vector<Index> should(static_cast<std::size_t>(questions)), all(should), is;
    for (std::size_t j = 0; j < all.size(); ++j) {
      for (const std::uint32_t picture : drawn) should[j] += answers[picture][j];
      for (const auto& row : answers) all[j] += row[j];
    }
    outcomes.count(drawn, is);
    CHECK(is == should);
    CHECK(std::equal(all.begin(), all.end(), outcomes.right().begin(), outcomes.right().end()));
  }
}

TEST_CASE("the interval of a share is that of the binomial distribution") {
  // Of n pictures a share p is right: the share of a draw is binomial, and for this many pictures
  // normal, p +- 1.96 sqrt(p (1 - p) / n).
  Outcomes outcomes(1);
  constexpr Index pictures = 5000, right = 3500;
  for (Index i = 0; i < pictures; ++i) outcomes.add(std::vector<bool>{i % 10 < 7});
  REQUIRE(outcomes.right()[0] == right);
  const double half = 1.96 * std::sqrt(0.7 * 0.3 / pictures);
  const Interval interval = bootstrap_share(outcomes, 0);
  CHECK(interval.low == Approx(0.7 - half).margin(0.1 * half));
  CHECK(interval.high == Approx(0.7 + half).margin(0.1 * half));
  // 80 %: 1.2816 standard deviations.
  const Interval narrow = bootstrap_share(outcomes, 0, {.coverage = 0.8});
  CHECK(narrow.high - narrow.low == Approx(2 * half * 1.2816 / 1.96).margin(0.15 * half));
}

TEST_CASE("the interval covers the truth about as often as it says") {
  // 200 samples of 100 pictures each from a world in which 60 % are right: 95 % of the intervals
  // should hold 0.6, so of 200 about 190, with a standard deviation of 3.
  std::mt19937 world(7);
  int covered = 0;
  for (int sample = 0; sample < 200; ++sample) {
    Outcomes outcomes(1);
    for (int i = 0; i < 100; ++i) outcomes.add(std::vector<bool>{world() % 10 < 6});
    const Interval interval = bootstrap_share(outcomes, 0, {.resamples = 200});
    covered += interval.low <= 0.6 && 0.6 <= interval.high;
  }
  CHECK(covered > 190 - 15);
  CHECK(covered < 200);
}

TEST_CASE("any figure of the counts has an interval: the quantiles of what is drawn") {
  Random random(5);
  const Outcomes outcomes = random_outcomes(random, 30, 80);
  const auto figure = [](std::span<const Index> right, Index pictures) {
    return static_cast<double>(*std::max_element(right.begin(), right.end())) /
           static_cast<double>(pictures);
  };
  // The same draws by hand: pictures one by one, the next 32 random bits as a fraction of 1 each.
  std::mt19937 engine(9);
  std::vector<double> figures;
  for (int i = 0; i < 101; ++i) {
    std::vector<Index> right(80), one;
    for (int draw = 0; draw < 30; ++draw) {
      const auto picture =
          static_cast<std::uint32_t>(std::floor(static_cast<double>(engine()) / 0x1p32 * 30));
      outcomes.count(std::vector<std::uint32_t>{picture}, one);
      for (std::size_t j = 0; j < right.size(); ++j) right[j] += one[j];
    }
    figures.push_back(figure(right, 30));
  }
  std::sort(figures.begin(), figures.end());
  const Interval interval =
      camlite::bootstrap(outcomes, figure, {.resamples = 101, .coverage = 0.9, .seed = 9});
  CHECK(interval.low == Approx(figures[5]).epsilon(1e-12));
  CHECK(interval.high == Approx(figures[95]).epsilon(1e-12));
}

TEST_CASE("the same seed gives the same interval, another one another") {
  Random random(6);
  const Outcomes outcomes = random_outcomes(random, 501, 3);
  const Interval a = bootstrap_share(outcomes, 2), b = bootstrap_share(outcomes, 2);
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
  const Interval c = bootstrap_share(outcomes, 2, {.seed = 2});
  CHECK((c.low != a.low || c.high != a.high));
}

TEST_CASE("sets in which all pictures are alike have an interval of no width") {
  Outcomes outcomes(2);
  for (int i = 0; i < 9; ++i) outcomes.add(std::vector<bool>{true, false});
  CHECK(bootstrap_share(outcomes, 0).low == 1);
  CHECK(bootstrap_share(outcomes, 1).high == 0);
}

TEST_CASE("what cannot be resampled is refused") {
  CHECK_THROWS_WITH(Outcomes(0), "outcomes of 0 questions: at least one is asked");
  Outcomes outcomes(2);
  CHECK_THROWS_WITH(bootstrap_share(outcomes, 0), "bootstrap: of no picture");
  CHECK_THROWS_WITH(outcomes.add(std::vector<bool>{true}), "1 outcomes of a picture, not 2");
  outcomes.add(std::vector<bool>{true, false});
  CHECK_THROWS_WITH(bootstrap_share(outcomes, 2), "bootstrap: question 2 of 2");
  CHECK_THROWS_AS(bootstrap_share(outcomes, 0, {.resamples = 0}), Error);
  CHECK_THROWS_AS(bootstrap_share(outcomes, 0, {.coverage = 1}), Error);
}
