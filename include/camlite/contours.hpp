// Contours: the curves around the regions of a picture and around the holes in them, as OpenCV's
// findContours gives them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/tensor.hpp>
#include <camlite/union_find.hpp>

namespace camlite {

// A closed curve from centre to centre of the outermost pixels of a region (eight neighbours), or
// of its pixels around a hole (four neighbours).
struct Contour {
  Box box;          // the tightest around the pixels on the curve
  double area = 0;  // that the curve encloses: 0 for a line one pixel wide
  bool hole = false;

  friend bool operator==(const Contour&, const Contour&) = default;
};

// Finds the contours of the regions of a map that comes row by row from the top, in one pass. They
// are those of OpenCV's findContours(RETR_TREE), `box` is its boundingRect, `area` its contourArea,
// and their order is the same, so that the first of the largest is too.
//
// No curve is followed. Each row falls into runs of pixels that belong to regions and runs that do
// not, and runs that touch one of their kind in the row above join its part of the picture
// (union-find). The square between four pixel centres is divided by how many of its corners belong
// to regions:
//
//   four        all of it lies within the region's outer contour and outside of its holes
//   three       the triangle of the three does, the other one lies in the gap
//   two, diagonally opposite: they are connected, and a triangle lies in the gap on each side
//   fewer       all of it lies in the gap
//
// and an area is the sum of these over a part and everything inside it. Time is linear in the runs;
// memory is an entry for every run that touches nothing of its kind above.
class ContourScan {
 public:
  explicit ContourScan(Index width) : width_(width) { begin(); }

  // The next row: pixels belong to a region from edges[0] to edges[1] - 1, from edges[2] to
  // edges[3] - 1, ... (an even number, ascending without repetition, 0 to width).
  void row(std::span<const Index> edges) {
    ++y_;
    if (edges.empty() && runs_.size() == 1) return;  // gap below gap
    above_.swap(runs_);
    runs_.clear();
    for (const Index edge : edges) runs_.push_back({edge});
    runs_.push_back({width_ + 1});
    join_rows();
  }

  // The next row: pixels 0 <= x < width with belongs(x) belong to a region.
  template <class Belongs>
  void row_where(const Belongs& belongs) {
    edges_.clear();
    bool inside = false;
    for (Index x = 0; x < width_; ++x) {
      if (belongs(x) == inside) continue;
      inside = !inside;
      edges_.push_back(x);
    }
    if (inside) edges_.push_back(width_);
    row(edges_);
  }

  // The contours of the rows so far. A contour is followed by those inside it, and of contours side
  // by side the one whose first pixel, row by row, is last comes first. The scan then begins anew.
  std::vector<Contour> finish() {
    row(std::span<const Index>());
    for (const Run& run : runs_) parts_[run.part].area += run.area;
    nest();
    std::vector<Contour> out;
    std::vector<std::size_t> open{parts_.front().inner};
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      if (at == none) continue;
      const Part& part = parts_[at];
      out.push_back(contour(part));
      open.push_back(part.next);
      open.push_back(part.inner);
    }
    begin();
    return out;
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // Runs of a row in turn do not belong and belong to a region. The picture has a frame of pixels
  // that do not: a run begins where the one before ends, the first at -1, and the last ends at
  // width + 1.
  struct Run {
    Index end;
    Index area = 0;  // doubled; not yet that of its part
    std::size_t part = none;
  };

  // A part of a region, or of a gap. Parts are in the order of their first pixels.
  struct Part {
    Index left, right, top, bottom;  // right and bottom are one beyond
    Index area;                      // doubled
    bool region;
    std::size_t parent;        // of the same kind; itself if it stands for all below it
    std::size_t around;        // the part of the other kind left of its first pixel
    std::size_t inner = none;  // the last of the parts in it
    std::size_t next = none;   // the one before, in the same part
  };

  void begin() {
    parts_.assign(1, {-1, width_ + 1, -1, 0, 0, false, 0, none});
    runs_.assign(1, {width_ + 1, 0, 0});
    y_ = -1;
  }

  // Goes through the row above and this one together, from edge to edge of either.
  void join_rows() {
    std::size_t i = 0, j = 0;
    Index at = -1;
    for (;;) {
      Run& up = above_[i];
      Run& low = runs_[j];
      const bool up_in = i % 2 == 1, low_in = j % 2 == 1;
      const Index end = std::min(up.end, low.end);
      if (up_in == low_in) join(low, up.part);
      (low_in ? up : low).area += 2 * (end - at - 1);
      if (end > width_) break;

      // The square with corners on both sides of the edge.
      const std::size_t next_i = up.end == end ? i + 1 : i, next_j = low.end == end ? j + 1 : j;
      Run& up_right = above_[next_i];
      Run& low_right = runs_[next_j];
      const bool up_right_in = next_i % 2 == 1, low_right_in = next_j % 2 == 1;
      if (up_in == low_right_in && low_in == up_right_in) {
        if (up_in) {
          join(low_right, up.part);
        } else {
          join(low, up_right.part);
        }
        (up_in ? up_right : up).area += 1;
        (low_in ? low_right : low).area += 1;
      } else {
        Run& outside = !up_in ? up : !up_right_in ? up_right : !low_in ? low : low_right;
        const bool three = up_in + up_right_in + low_in + low_right_in == 3;
        outside.area += three ? 1 : 2;
        if (three) (up_in ? up : up_right).area += 1;
      }
      at = end;
      i = next_i;
      j = next_j;
    }
    for (const Run& run : above_) parts_[run.part].area += run.area;
    settle();
  }

  // What touches nothing of its kind above begins a part; all parts grow by their runs.
  void settle() {
    Index begin = -1;
    for (std::size_t j = 0; j < runs_.size(); ++j) {
      Run& run = runs_[j];
      if (run.part == none) {
        run.part = parts_.size();
        parts_.push_back({begin, run.end, y_, y_, 0, j % 2 == 1, run.part, runs_[j - 1].part});
      }
      Part& part = parts_[run.part];
      part.left = std::min(part.left, begin);
      part.right = std::max(part.right, run.end);
      part.bottom = y_ + 1;
      begin = run.end;
    }
  }

  void join(Run& run, std::size_t part) {
    run.part = run.part == none ? detail::root_of(parts_, part) : unite(run.part, part);
  }

  // The older root stays: it holds the first pixel.
  std::size_t unite(std::size_t a, std::size_t b) {
    a = detail::root_of(parts_, a);
    b = detail::root_of(parts_, b);
    parts_[std::max(a, b)].parent = std::min(a, b);
    return std::min(a, b);
  }

  // Brings parts together in the one that stands for them, and areas to what is around. Both come
  // earlier, so that from the last to the first each is complete when its turn comes.
  void nest() {
    for (std::size_t i = parts_.size() - 1; i > 0; --i) {
      Part& part = parts_[i];
      if (part.parent != i) {
        Part& whole = parts_[part.parent];
        whole.left = std::min(whole.left, part.left);
        whole.right = std::max(whole.right, part.right);
        whole.bottom = std::max(whole.bottom, part.bottom);
        whole.area += part.area;
      } else {
        part.around = detail::root_of(parts_, part.around);
        parts_[part.around].area += part.area;
      }
    }
    for (std::size_t i = 1; i < parts_.size(); ++i) {
      Part& part = parts_[i];
      if (part.parent != i) continue;
      part.next = parts_[part.around].inner;
      parts_[part.around].inner = i;
    }
  }

  // The pixels on the curve around a hole lie one beyond it on every side.
  static Contour contour(const Part& part) {
    const Index beyond = part.region ? 0 : 1;
    return {{part.left - beyond, part.top - beyond, part.right - part.left + 2 * beyond,
             part.bottom - part.top + 2 * beyond},
            static_cast<double>(part.area) / 2,
            !part.region};
  }

  Index width_;
  Index y_ = -1;  // the row that came last
  std::vector<Index> edges_;
  std::vector<Run> above_;
  std::vector<Run> runs_;
  std::vector<Part> parts_;  // the first is the gap that the frame belongs to
};

}  // namespace camlite
