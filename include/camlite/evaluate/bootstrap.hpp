// How far a figure of a set of pictures may be off, the pictures being a sample: the bootstrap.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// What came of each picture: a row of yes or no, one for each question asked of all.
class Outcomes {
 public:
  // Throws Error if there is less than one question.
  explicit Outcomes(Index questions) : questions_(questions) {
    if (questions < 1) fail("outcomes of ", questions, " questions: at least one is asked");
    blocks_.resize(static_cast<std::size_t>((questions + lanes - 1) / lanes));
    right_.resize(static_cast<std::size_t>(questions));
  }

  // The next picture: whether it is right by each question. Throws Error if that is not one answer
  // for each.
  template <class Answers>
  void add(const Answers& answers) {
    if (static_cast<Index>(std::size(answers)) != questions_)
      fail(std::size(answers), " outcomes of a picture, not ", questions_);
    for (auto& rows : blocks_) rows.emplace_back();
    Index question = 0;
    for (const bool answer : answers) {
      const auto [block, word, shift] = place(question);
      blocks_[block].back()[word] |= std::uint64_t{answer} << shift;
      right_[static_cast<std::size_t>(question++)] += answer ? 1 : 0;
    }
    ++pictures_;
  }

  Index questions() const { return questions_; }
  Index pictures() const { return pictures_; }

  // How many pictures are right by each question.
  std::span<const Index> right() const { return right_; }

  // The same of the pictures drawn, each as often as it is drawn.
  void count(std::span<const std::uint32_t> drawn, std::vector<Index>& right) const {
    right.assign(static_cast<std::size_t>(questions_), 0);
    constexpr std::size_t most = 255;  // that a byte can count
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
      const Index begin = static_cast<Index>(block) * lanes;
      const Index end = std::min(begin + lanes, questions_);
      for (auto rest = drawn; !rest.empty(); rest = rest.subspan(std::min(most, rest.size()))) {
        const Row sums = sum(blocks_[block], rest.first(std::min(most, rest.size())));
        for (Index question = begin; question < end; ++question) {
          const Place at = place(question);
          right[static_cast<std::size_t>(question)] +=
              static_cast<Index>(sums[at.word] >> at.shift & 0xFF);
        }
      }
    }
  }

 private:
  // The answers of a picture to 64 questions side by side, a byte each in 8 words: a sum over up to
  // 255 pictures is then 8 additions for each, whatever the compiler makes of loops: a thousand
  // draws of 10,000 pictures with 300 questions take about a second.
  using Row = std::array<std::uint64_t, 8>;
  static constexpr Index lanes = 64;

  struct Place {
    std::size_t block, word;
    int shift;
  };

  static Place place(Index question) {
    return {static_cast<std::size_t>(question / lanes),
            static_cast<std::size_t>(question % lanes / 8), static_cast<int>(question % 8 * 8)};
  }

  static Row sum(const std::vector<Row>& rows, std::span<const std::uint32_t> drawn) {
    Row sums{};
    for (const std::uint32_t picture : drawn) {
      const Row& row = rows[picture];
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += row[i];
    }
    return sums;
  }

  Index questions_;
  Index pictures_ = 0;
  std::vector<std::vector<Row>> blocks_;  // of 64 questions: a row a picture
  std::vector<Index> right_;
};

// Where a figure lies, in the unit of the figure: low <= high.
struct Interval {
  double low = 0;
  double high = 0;
};

// How often `bootstrap` draws, and the probability that its interval covers: between 0 and 1.
struct BootstrapOptions {
  Index resamples = 1000;
  double coverage = 0.95;
  std::uint32_t seed = 1;
};

// The interval in which a figure lies with the probability `coverage`, by the percentile bootstrap:
// as many pictures as there are get drawn from them at random, with replacement, `resamples` times;
// the figure is computed of each draw, and of these values the interval runs from the quantile
// (1 - coverage) / 2 to the quantile (1 + coverage) / 2, interpolated linearly between neighbours
// as numpy.percentile does.
//
//   figure(right, pictures) -> double, of how many of the pictures are right by each question
//
// The same seed gives the same interval on every machine. Source: Efron, Tibshirani, "An
// Introduction to the Bootstrap", 1993, section 13.3. Throws Error if there is no picture, no
// resample, or coverage is not between 0 and 1.
template <class Figure>
Interval bootstrap(const Outcomes& outcomes, const Figure& figure,
                   const BootstrapOptions& options = {}) {
  if (outcomes.pictures() == 0) fail("bootstrap: of no picture");
  if (options.resamples < 1) fail("bootstrap: ", options.resamples, " resamples");
  if (!(options.coverage > 0 && options.coverage < 1))
    fail("bootstrap: the coverage is between 0 and 1, not ", options.coverage);

  std::mt19937 random(options.seed);
  const auto pictures = static_cast<std::uint64_t>(outcomes.pictures());
  std::vector<std::uint32_t> drawn(pictures);
  std::vector<Index> right;
  std::vector<double> figures;
  for (Index i = 0; i < options.resamples; ++i) {
    for (std::uint32_t& picture : drawn)
      picture = static_cast<std::uint32_t>(random() * pictures >> 32);
    outcomes.count(drawn, right);
    figures.push_back(figure(std::span<const Index>(right), outcomes.pictures()));
  }
  std::sort(figures.begin(), figures.end());
  const auto quantile = [&](double share) {
    const double at = share * static_cast<double>(figures.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const auto above = std::min(below + 1, figures.size() - 1);
    return figures[below] + (at - std::floor(at)) * (figures[above] - figures[below]);
  };
  return {quantile((1 - options.coverage) / 2), quantile((1 + options.coverage) / 2)};
}

// The same for the share of the pictures that are right by one question.
inline Interval bootstrap_share(const Outcomes& outcomes, Index question,
                                const BootstrapOptions& options = {}) {
  if (question < 0 || question >= outcomes.questions())
    fail("bootstrap: question ", question, " of ", outcomes.questions());
  return bootstrap(
      outcomes,
      [&](std::span<const Index> right, Index pictures) {
        return static_cast<double>(right[static_cast<std::size_t>(question)]) /
               static_cast<double>(pictures);
      },
      options);
}

}  // namespace camlite
