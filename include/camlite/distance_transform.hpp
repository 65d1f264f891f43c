// squared_distances: how deep inside a region each pixel lies.
#pragma once

#include <algorithm>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

// out(x) = min over u of (x - u)^2 + in(u), for 0 <= x < count: the lower envelope of parabolas,
// each with its lowest point (u, in(u)). Parabola i of the envelope is the lowest from start[i] on.
class LowerEnvelope {
 public:
  explicit LowerEnvelope(Index most) {
    apex_.reserve(static_cast<std::size_t>(most));
    start_.reserve(static_cast<std::size_t>(most));
  }

  // `in` at or above `none` is no parabola; `out` has count elements or more, and is not above it.
  void transform(const Index* in, Index count, Index none, std::vector<Index>& out) {
    apex_.clear();
    start_.clear();
    for (Index u = 0; u < count; ++u) {
      if (in[u] >= none) continue;
      Index start = 0;
      while (!apex_.empty()) {
        // The first x at which the parabola of u is not above the last one's: both are whole, so
        // the quotient's ceiling is exact.
        const Index v = apex_.back();
        const Index rise = (in[u] + u * u) - (in[v] + v * v), run = 2 * (u - v);
        start = rise <= 0 ? 0 : (rise + run - 1) / run;
        if (start > start_.back()) break;
        apex_.pop_back();
        start_.pop_back();
        start = 0;
      }
      if (start >= count) continue;
      apex_.push_back(u);
      start_.push_back(start);
    }
    std::size_t i = 0;
    for (Index x = 0; x < count; ++x) {
      if (apex_.empty()) {
        out[static_cast<std::size_t>(x)] = none;
        continue;
      }
      while (i + 1 < apex_.size() && start_[i + 1] <= x) ++i;
      const Index u = apex_[i];
      out[static_cast<std::size_t>(x)] = std::min(none, (x - u) * (x - u) + in[u]);
    }
  }

 private:
  std::vector<Index> apex_;
  std::vector<Index> start_;
};

}  // namespace detail

// The squared Euclidean distance of every pixel with value > cut to the nearest one without, exact:
//
//   out(y, x) = min over (v, u) with not map(v, u) > cut of (y - v)^2 + (x - u)^2
//
// map and out (h, w). 0 outside of the regions; (h + w)^2, which is more than any distance,
// everywhere if nothing is outside. Time is linear in the pixels: Felzenszwalb, Huttenlocher,
// "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012. Its root is OpenCV's
// distanceTransform with DIST_L2 and DIST_MASK_PRECISE. Throws Error unless the map has two
// extents.
inline Tensor<Index> squared_distances(TensorView<const float> map, float cut) {
  if (map.rank() != 2)
    fail("squared_distances: a map has shape (height, width), not ", map.shape().str());
  const Index height = map.extent(0), width = map.extent(1);
  const Index beyond = checked_product(height + width, height + width);
  Tensor<Index> out = Tensor<Index>::uninitialized(map.shape());
  const Index longest = std::max(height, width);
  std::vector<Index> line(static_cast<std::size_t>(longest)), result(line.size());
  detail::LowerEnvelope envelope(longest);
  for (Index x = 0; x < width; ++x) {  // within each column, then across them
    for (Index y = 0; y < height; ++y)
      line[static_cast<std::size_t>(y)] = map(y, x) > cut ? beyond : 0;
    envelope.transform(line.data(), height, beyond, result);
    for (Index y = 0; y < height; ++y) out(y, x) = result[static_cast<std::size_t>(y)];
  }
  for (Index y = 0; y < height; ++y) {
    Index* row = out.data() + y * width;
    envelope.transform(row, width, beyond, result);
    std::copy_n(result.begin(), width, row);
  }
  return out;
}

}  // namespace camlite
