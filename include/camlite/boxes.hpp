// boxes: where in the picture a map is high. Regions: the connected parts of a map above a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
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
    above_.swap(runs_);
    runs_.clear();
    auto up = above_.begin();
    for (Index x = 0; x < width; ++x) {
      if (!belongs(x)) continue;
      const Index begin = x;
      while (x < width && belongs(x)) ++x;
      runs_.push_back({begin, x, join(up, begin, x)});
    }
    ++y_;
  }

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
  // returns the root. `up` is the first run above that may touch it, and is left at the first that
  // may touch the next.
  std::size_t join(std::vector<Run>::iterator& up, Index begin, Index end) {
    const std::size_t none = parts_.size();
    std::size_t root = none;
    while (up != above_.end() && up->end < begin) ++up;
    for (; up != above_.end() && up->begin <= end; ++up) {
      root = root == none ? detail::root_of(parts_, up->part) : unite(root, up->part);
      if (up->end > end) break;
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
  std::vector<Part> parts_;
  Index y_ = 0;
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

// The greatest of the values and `least`; never NaN.
inline float greatest(const float* values, Index count, float least) {
  // Several maxima side by side: each waits for the last one of its own only.
  constexpr Index lanes = 16;
  float best[lanes];
  std::fill_n(best, lanes, least);
  Index x = 0;
  for (; x + lanes <= count; x += lanes) {
    for (Index i = 0; i < lanes; ++i) best[i] = values[x + i] > best[i] ? values[x + i] : best[i];
  }
  for (; x < count; ++x) best[0] = values[x] > best[0] ? values[x] : best[0];
  return *std::max_element(best, best + lanes);
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
// Discriminative Localization", CVPR 2016, section 3.2. Throws Error unless the map has shape (h,
// w), neither zero, the view has at least one pixel, and 0 <= threshold <= 1.
inline std::vector<Box> boxes(TensorView<const float> map, const Box& view,
                              const BoxOptions& options = {}) {
  detail::check(options, "boxes");
  UpsampledRows rows(map, view.height, view.width);
  std::vector<float> row(static_cast<std::size_t>(view.width));

  // Interpolating twice is cheaper than keeping the whole upsampled map.
  float maximum = 0;
  for (Index y = 0; y < view.height; ++y) {
    rows.row(y, row.data());
    maximum = detail::greatest(row.data(), view.width, maximum);
  }
  std::vector<Box> out;
  if (maximum == 0) return out;

  RegionScan scan;
  for (Index y = 0; y < view.height; ++y) {
    rows.row(y, row.data());
    scan.row(row.data(), view.width, options.threshold * maximum);
  }
  for (const Region& region : scan.regions()) {
    const Box& box = region.box;
    out.push_back({view.x + box.x, view.y + box.y, box.width, box.height});
  }
  return out;
}

}  // namespace camlite
