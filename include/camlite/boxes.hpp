// boxes: where in the picture a map is high. Regions: the connected parts of a map above a value.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
#include <camlite/finite.hpp>
#include <camlite/model/box_options.hpp>
#include <camlite/tensor.hpp>
#include <camlite/union_find.hpp>
#include <camlite/upsample.hpp>

namespace camlite {

// A connected part of a map.
struct Region {
  Box box;           // the tightest around it
  Index pixels = 0;  // that belong to it; at most box.area()
};

// Finds the connected regions of a map that comes row by row from the top, in one pass: each row
// becomes runs of neighbouring pixels, runs that touch one of the row above join its region
// (union-find). Time is linear in the pixels; memory is one row of runs, and an entry for every run
// that touched nothing above it.
//
// Pixels are connected to their eight neighbours, as in OpenCV's findContours.
class RegionScan {
 public:
  // The next row: its pixels with value > cut belong to a region; NaN never does.
  void row(const float* values, Index width, float cut) {
    row(width, [&](Index x) { return values[x] > cut; });
  }

  // The next row: its pixels 0 <= x < width with belongs(x) belong to a region.
  template <class Belongs>
  void row(Index width, const Belongs& belongs) {
    next_row();
    for (Index x = 0; x < width; ++x) {
      if (!belongs(x)) continue;
      const Index begin = x;
      while (x < width && belongs(x)) ++x;
      add_run(begin, x);
    }
  }

  // The next row, of which nothing belongs to a region yet.
  void next_row() {
    above_.swap(runs_);
    runs_.clear();
    up_ = 0;
    ++y_;
  }

  // The pixels begin <= x < end of this row belong to a region; begin is right of the last run of
  // the row, with a pixel between them.
  void add_run(Index begin, Index end) { runs_.push_back({begin, end, join(begin, end)}); }

  // The regions of the rows so far, largest (in pixels) first; equal ones in the order of their
  // first pixels, row by row.
  std::vector<Region> regions() const {
    std::vector<Region> out;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      if (part.parent != i) continue;
      out.push_back(
          {{part.left, part.top, part.right - part.left, part.bottom - part.top}, part.pixels});
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Region& a, const Region& b) { return a.pixels > b.pixels; });
    return out;
  }

 private:
  struct Run {
    Index begin;
    Index end;
    std::size_t part;
  };

  // A part of a region. A root (its own parent) stands for all parts below it.
  struct Part {
    Index left, right, top, bottom;  // right and bottom are one beyond
    Index pixels;
    std::size_t parent;
  };

  // Adds the run begin ... end of this row to the region that it touches, or to a new one, and
  // returns the root.
  std::size_t join(Index begin, Index end) {
    const std::size_t none = parts_.size();
    std::size_t root = none;
    while (up_ < above_.size() && above_[up_].end < begin) ++up_;
    for (; up_ < above_.size() && above_[up_].begin <= end; ++up_) {
      const Run& up = above_[up_];
      root = root == none ? detail::root_of(parts_, up.part) : unite(root, up.part);
      if (up.end > end) break;
    }
    if (root == none) parts_.push_back({begin, end, y_, y_, 0, root});
    Part& part = parts_[root];
    part.left = std::min(part.left, begin);
    part.right = std::max(part.right, end);
    part.bottom = y_ + 1;
    part.pixels += end - begin;
    return root;
  }

  // The older root stays: it holds the first pixel of the region.
  std::size_t unite(std::size_t a, std::size_t b) {
    a = detail::root_of(parts_, a);
    b = detail::root_of(parts_, b);
    if (a == b) return a;
    if (b < a) std::swap(a, b);
    Part& keep = parts_[a];
    const Part& join = parts_[b];
    keep.left = std::min(keep.left, join.left);
    keep.right = std::max(keep.right, join.right);
    keep.top = std::min(keep.top, join.top);
    keep.bottom = std::max(keep.bottom, join.bottom);
    keep.pixels += join.pixels;
    parts_[b].parent = a;
    return a;
  }

  std::vector<Run> above_;
  std::vector<Run> runs_;
  std::size_t up_ = 0;  // the first run above that the next one may touch
  std::vector<Part> parts_;
  Index y_ = -1;
};

// The connected regions of the pixels of a (h, w) map with value > cut, largest (in pixels) first;
// equal ones in the order of their first pixels, row by row. NaN is never above. Throws Error
// unless the map has two extents.
inline std::vector<Region> regions(TensorView<const float> map, float cut) {
  if (map.rank() != 2) fail("regions: a map has shape (height, width), not ", map.shape().str());
  RegionScan scan;
  for (Index y = 0; y < map.extent(0); ++y) {
    scan.row(map.data() + y * map.extent(1), map.extent(1), cut);
  }
  return scan.regions();
}

namespace detail {

// How far a pixel of the upsampled map may be from the straight line between two values of the map,
// by rounding: four times to 24 bits, and some to spare. No bound if the map is not finite.
inline double rounding_of(TensorView<const float> map) {
  constexpr double no_bound = 0x1p200;
  double largest = 0;
  for (const float& value : map) {
    if (!is_finite(value)) return no_bound;
    largest = std::max(largest, std::abs(double{value}));
  }
  return 0x1p-21 * largest + 0x1p-140;
}

// The greatest value of the upsampled map, or 0 if that is greater; never NaN.
inline float greatest(TensorView<const float> map, UpsampledRows& rows, Index height,
                      double rounding) {
  float best = 0;
  const auto look = [&](Index y) {
    for (const UpsampledLine& line : rows.lines(y)) {
      if (double{std::max(line.left, line.right)} + rounding <= double{best}) continue;
      const Index end = line.is_constant() ? line.begin + 1 : line.end;
      for (Index x = line.begin; x < end; ++x) best = std::max(best, line.value(x));
    }
  };
  // With the row closest to the map's maximum known, hardly a pixel of the others is looked at.
  const Index peak = std::max_element(map.begin(), map.end()) - map.begin();
  look((2 * (peak / map.extent(1)) + 1) * height / (2 * map.extent(0)));
  for (Index y = 0; y < height; ++y) look(y);
  return best;
}

// Calls add(begin, end) for the runs of pixels with value > cut, which is finite, from left to
// right. Where the straight line crosses the cut is computed; only pixels so close to it that
// rounding decides are looked at.
template <class Add>
void for_each_run_above(const UpsampledLine& line, float cut, double rounding, const Add& add) {
  const double left = double{line.left} - double{cut}, right = double{line.right} - double{cut};
  if (left < -rounding && right < -rounding) return;
  if (line.is_constant() || (left > rounding && right > rounding)) {
    if (left > 0) add(line.begin, line.end);
    return;
  }
  const double cross = left / (left - right), near = rounding / std::abs(left - right);
  const float* const end = line.shares + (line.end - line.begin);
  const Index first = line.begin + (std::lower_bound(line.shares, end, cross - near) - line.shares);
  const Index last = line.begin + (std::upper_bound(line.shares, end, cross + near) - line.shares);
  if (first > line.begin && left > right) add(line.begin, first);
  for (Index x = first; x < last; ++x) {
    if (line.value(x) > cut) add(x, x + 1);
  }
  if (last < line.end && right > left) add(last, line.end);
}

}  // namespace detail

// The boxes of a class activation map by the paper's rule, in the coordinates of the picture: the
// (h, w) map is upsampled bilinearly to the size of `view`, the part of the picture that it covers
// (see upsample), its connected regions with
//
//   value > threshold * max over the upsampled map
//
// are found (see RegionScan), and the tightest box around each is given, largest region (in pixels,
// not box area) first. The map's values are used as they are: it is not normalized to [0, 1], so
// negative values are merely below. NaN is never above and never the maximum. A map whose maximum
// is zero, negative or infinite has no boxes. Source: Zhou et al., "Learning Deep Features for
// Discriminative Localization", CVPR 2016, section 3.2. Time grows with w * view.height and the
// regions' edges, not with the view's pixels: those that are plainly above or below are not
// computed (4000 x 3000 of them in 0.8 ms, all in 16). Throws Error unless the map has shape (h,
// w), neither zero, the view has at least one pixel, and 0 <= threshold <= 1.
inline std::vector<Box> boxes(TensorView<const float> map, const Box& view,
                              const BoxOptions& options = {}) {
  detail::check(options, "boxes");
  UpsampledRows rows(map, view.height, view.width);
  const double rounding = detail::rounding_of(map);
  const float maximum = detail::greatest(map, rows, view.height, rounding);
  std::vector<Box> out;
  if (maximum == 0 || detail::is_infinite(maximum)) return out;

  const float cut = options.threshold * maximum;
  RegionScan scan;
  for (Index y = 0; y < view.height; ++y) {
    scan.next_row();
    Index begin = 0, end = 0;  // a run that may go on in the next line
    for (const UpsampledLine& line : rows.lines(y)) {
      detail::for_each_run_above(line, cut, rounding, [&](Index from, Index to) {
        if (from > end || end == 0) {
          if (end > begin) scan.add_run(begin, end);
          begin = from;
        }
        end = to;
      });
    }
    if (end > begin) scan.add_run(begin, end);
  }
  for (const Region& region : scan.regions()) {
    const Box& box = region.box;
    out.push_back({view.x + box.x, view.y + box.y, box.width, box.height});
  }
  return out;
}

}  // namespace camlite
