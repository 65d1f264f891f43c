// MaxBoxAcc and MaxBoxAccV2: how well maps localize, whatever the threshold that suits them.
//
// Source of everything here: Choe et al., "Evaluating Weakly Supervised Object Localization Methods
// Right", CVPR 2020, and the code that the authors released with it, step by step, so that figures
// agree to the last digit.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/contours.hpp>
#include <camlite/error.hpp>
#include <camlite/evaluate/bootstrap.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// At which thresholds of a map boxes are tried, and which box of a threshold counts.
struct MaxBoxAccOptions {
  double step = 0.01;         // of the threshold, from 0 to below 1
  bool multi_region = false;  // the best of all contours, not the one of the largest area
};

// The thresholds 0, step, 2 step, ... below 1, as numpy.arange(0, 1, step). Throws Error unless
// 0.0001 <= step <= 1.
inline std::vector<double> map_thresholds(const MaxBoxAccOptions& options = {}) {
  if (!(options.step >= 0.0001 && options.step <= 1))
    fail("the step of the thresholds is 0.0001 to 1, not ", options.step);
  std::vector<double> out(static_cast<std::size_t>(std::ceil(1 / options.step)));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(i) * options.step;
  return out;
}

namespace detail {

// The cuts that thresholds make in a map of 8 bits, floor(threshold * largest), ascending, each
// once.
struct LevelCuts {
  std::size_t count = 0;
  std::vector<std::size_t> of_threshold;  // which one a threshold makes
  std::array<std::size_t, 256> below{};   // how many are below a level

  LevelCuts(std::span<const double> thresholds, int largest) {
    std::vector<int> cuts;
    for (const double threshold : thresholds) {
      const int cut = static_cast<int>(threshold * largest);
      if (cuts.empty() || cut > cuts.back()) cuts.push_back(cut);
      of_threshold.push_back(cuts.size() - 1);
    }
    count = cuts.size();
    for (int level = 0; level < 256; ++level) {
      const auto first_not_below = std::lower_bound(cuts.begin(), cuts.end(), level);
      below[static_cast<std::size_t>(level)] =
          static_cast<std::size_t>(first_not_below - cuts.begin());
    }
  }
};

// The contours of the pixels above each cut, all in one pass over the map: from a pixel to the
// next, the cuts between their levels have an edge. Maps without noise have few edges, and the time
// is theirs.
inline std::vector<std::vector<Contour>> contours_at_cuts(const LevelCuts& cuts,
                                                          std::span<const std::uint8_t> levels,
                                                          Index width) {
  std::vector<ContourScan> scans(cuts.count, ContourScan(width));
  std::vector<std::vector<Index>> edges(cuts.count);
  for (auto row = levels; !row.empty(); row = row.subspan(static_cast<std::size_t>(width))) {
    for (auto& list : edges) list.clear();
    std::size_t left = 0;
    for (Index x = 0; x <= width; ++x) {
      const std::size_t right = x < width ? cuts.below[row[static_cast<std::size_t>(x)]] : 0;
      for (std::size_t i = std::min(left, right); i < std::max(left, right); ++i)
        edges[i].push_back(x);
      left = right;
    }
    for (std::size_t i = 0; i < scans.size(); ++i) scans[i].row(edges[i]);
  }
  std::vector<std::vector<Contour>> out;
  out.reserve(scans.size());
  for (ContourScan& scan : scans) out.push_back(scan.finish());
  return out;
}

// The boxes of the contours of one cut, as the benchmark takes them.
inline std::vector<Box> boxes_of(std::span<const Contour> contours, Index height, Index width,
                                 bool all) {
  if (contours.empty()) return {{0, 0, 1, 1}};
  if (!all) {
    const auto smaller = [](const Contour& a, const Contour& b) { return a.area < b.area; };
    const auto first = std::max_element(contours.begin(), contours.end(), smaller);
    contours = {first, 1};
  }
  std::vector<Box> out;
  out.reserve(contours.size());
  for (const Contour& contour : contours) {
    const Box& b = contour.box;
    out.push_back(box_of_corners(b.x, b.y, std::min(b.x + b.width, width - 1),
                                 std::min(b.y + b.height, height - 1)));
  }
  return out;
}

}  // namespace detail

// The boxes of a score map at each threshold.
//
// map (H, W), each value in [0, 1]; see score_map. It is taken to 8 bits and cut:
//
//   level = floor(255 * value),   inside = level > floor(threshold * largest level)
//
// in double, as the benchmark, whose loader makes float64 of float32. The boxes are those around
// the contours of what is inside (see ContourScan): around the first of largest area, or each with
// multi_region. A box is one pixel wider and higher than its contour, where the map has this pixel;
// where nothing is inside it is the top left pixel: that is how the benchmark counts. Thresholds
// with the same cut share the work. 100 of them on a map of 224 x 224 take one to two milliseconds,
// three to eight if it is upsampled noise.
//
// Throws Error unless map has two extents, neither zero, and values in [0, 1].
template <class T>
std::vector<std::vector<Box>> boxes_at_thresholds(TensorView<const T> map,
                                                  const MaxBoxAccOptions& options = {}) {
  if (map.rank() != 2 || map.size() == 0)
    fail("a score map has shape (height, width), not ", map.shape().str());
  std::vector<std::uint8_t> levels;
  levels.reserve(static_cast<std::size_t>(map.size()));
  for (const T value : map) {
    if (!(value >= 0 && value <= 1)) fail("a score map is in [0, 1] and holds ", value);
    levels.push_back(static_cast<std::uint8_t>(static_cast<double>(value) * 255));
  }
  const detail::LevelCuts cuts(map_thresholds(options),
                               *std::max_element(levels.begin(), levels.end()));
  std::vector<std::vector<Box>> boxes;
  for (const auto& contours : detail::contours_at_cuts(cuts, levels, map.extent(1)))
    boxes.push_back(detail::boxes_of(contours, map.extent(0), map.extent(1), options.multi_region));
  std::vector<std::vector<Box>> out;
  out.reserve(cuts.of_threshold.size());
  for (const std::size_t cut : cuts.of_threshold) out.push_back(boxes[cut]);
  return out;
}

// The same of a Tensor: T need not be said.
template <class T>
std::vector<std::vector<Box>> boxes_at_thresholds(const Tensor<T>& map,
                                                  const MaxBoxAccOptions& options = {}) {
  return boxes_at_thresholds(TensorView<const T>(map), options);
}

// The greatest intersection over union of the score map's boxes at each threshold with any of the
// true boxes; 0 if there is none. True boxes are in the pixels of the map: see on_score_map.
template <class T>
std::vector<double> best_overlaps(const Tensor<T>& map, std::span<const Box> true_boxes,
                                  const MaxBoxAccOptions& options = {}) {
  std::vector<double> out;
  for (const std::vector<Box>& boxes : boxes_at_thresholds(map, options)) {
    double best = 0;
    for (const Box& box : boxes) {
      for (const Box& other : true_boxes)
        best = std::max(best, intersection_over_union(box, other));
    }
    out.push_back(best);
  }
  return out;
}

// The figures of a set of score maps:
//
//   BoxAcc(threshold, overlap) = share of the pictures with best overlap at threshold >= overlap
//   MaxBoxAcc                  = max over thresholds of BoxAcc(threshold, 0.5)
//   MaxBoxAccV2                = mean over overlap in {0.3, 0.5, 0.7} of
//                                max over thresholds of BoxAcc(threshold, overlap)
//
// as fractions of 1. Without a picture everything is 0.
class MaxBoxAcc {
 public:
  static constexpr std::array<double, 3> overlaps{0.3, 0.5, 0.7};

  struct Best {
    double accuracy = 0;
    double threshold = 0;  // the first that reaches it
  };

  explicit MaxBoxAcc(const MaxBoxAccOptions& options = {})
      : thresholds_(map_thresholds(options)),
        outcomes_(static_cast<Index>(overlaps.size() * thresholds_.size())) {}

  // The next picture: what best_overlaps gives for it with the same options. Throws Error if that
  // is not one value for each threshold.
  void add(std::span<const double> best_overlaps) {
    if (best_overlaps.size() != thresholds_.size())
      fail("overlaps at ", best_overlaps.size(), " thresholds, not ", thresholds_.size());
    std::vector<bool> right;
    right.reserve(overlaps.size() * thresholds_.size());
    for (const double overlap : overlaps) {
      for (const double best : best_overlaps) right.push_back(best >= overlap);
    }
    outcomes_.add(right);
  }

  Index pictures() const { return outcomes_.pictures(); }

  std::span<const double> thresholds() const { return thresholds_; }

  // BoxAcc at each threshold, for overlaps[i].
  std::vector<double> curve(std::size_t i) const {
    std::vector<double> out(thresholds_.size());
    if (pictures() == 0) return out;
    const auto right = right_at(outcomes_.right(), i);
    std::transform(right.begin(), right.end(), out.begin(), [this](Index count) {
      return static_cast<double>(count) / static_cast<double>(pictures());
    });
    return out;
  }

  // The best threshold over the set, for overlaps[i].
  Best best(std::size_t i) const { return best(outcomes_.right(), pictures(), i); }

  double max_box_acc() const { return best(1).accuracy; }
  double max_box_acc_v2() const { return v2(outcomes_.right(), pictures()); }

  // Bootstrap intervals. The threshold is chosen anew for each resample.
  Interval max_box_acc_interval(const BootstrapOptions& options = {}) const {
    return bootstrap(
        outcomes_,
        [this](std::span<const Index> right, Index pictures) {
          return best(right, pictures, 1).accuracy;
        },
        options);
  }
  Interval max_box_acc_v2_interval(const BootstrapOptions& options = {}) const {
    return bootstrap(
        outcomes_,
        [this](std::span<const Index> right, Index pictures) { return v2(right, pictures); },
        options);
  }

 private:
  std::span<const Index> right_at(std::span<const Index> right, std::size_t i) const {
    return right.subspan(i * thresholds_.size(), thresholds_.size());
  }

  Best best(std::span<const Index> right, Index pictures, std::size_t i) const {
    if (pictures == 0) return {};
    const auto at = right_at(right, i);
    const auto most = std::max_element(at.begin(), at.end());
    return {static_cast<double>(*most) / static_cast<double>(pictures),
            thresholds_[static_cast<std::size_t>(most - at.begin())]};
  }

  double v2(std::span<const Index> right, Index pictures) const {
    double sum = 0;
    for (std::size_t i = 0; i < overlaps.size(); ++i) sum += best(right, pictures, i).accuracy;
    return sum / static_cast<double>(overlaps.size());
  }

  std::vector<double> thresholds_;
  Outcomes outcomes_;  // of overlaps[0] at each threshold, then of the next
};

}  // namespace camlite
