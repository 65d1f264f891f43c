// How far a figure of a set of pictures may be off, the pictures being a sample: the bootstrap.
#pragma once

#include <algorithm>
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
    blocks_.resize(static_cast<std::size_t>((questions + block - 1) / block));
    right_.resize(static_cast<std::size_t>(questions));
  }

  // The next picture: whether it is right by each question. Throws Error if that is not one answer
  // for each.
  template <class Answers>
  void add(const Answers& answers) {
    if (static_cast<Index>(std::size(answers)) != questions_)
      fail(std::size(answers), " outcomes of a picture, not ", questions_);
    for (auto& rows : blocks_) rows.resize(rows.size() + block);
    Index question = 0;
    for (const bool answer : answers) {
      blocks_[static_cast<std::size_t>(question / block)]
             [static_cast<std::size_t>(pictures_ * block + question % block)] = answer ? 1 : 0;
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
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const Index begin = static_cast<Index>(i) * block;
      count_block(blocks_[i].data(), drawn, std::min(block, questions_ - begin),
                  right.data() + begin);
    }
  }

 private:
  // Questions side by side, in bytes: a sum over pictures is then a few vector additions for each,
  // a hundred times as fast as one question after the other. A constant, since g++ -O2 vectorizes
  // nothing else.
  static constexpr Index block = 64;

  static void count_block(const std::uint8_t* rows, std::span<const std::uint32_t> drawn,
                          Index questions, Index* right) {
    constexpr std::size_t most = 255;  // that a byte can count
    for (std::size_t begin = 0; begin < drawn.size(); begin += most) {
      std::uint8_t sums[block] = {};
      for (const std::uint32_t picture :
           drawn.subspan(begin, std::min(most, drawn.size() - begin))) {
        const std::uint8_t* row = rows + static_cast<std::size_t>(picture) * block;
        for (Index i = 0; i < block; ++i) sums[i] = static_cast<std::uint8_t>(sums[i] + row[i]);
      }
      for (Index i = 0; i < questions; ++i) right[i] += sums[i];
    }
  }

  Index questions_;
  Index pictures_ = 0;
  std::vector<std::vector<std::uint8_t>> blocks_;  // of questions; (pictures, block) each
  std::vector<Index> right_;
};

struct Interval {
  double low = 0;
  double high = 0;
};

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
