// authors_boxes: the box generator with which the authors of class activation maps made their
// published figures.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/boxes.hpp>
#include <camlite/contours.hpp>
#include <camlite/cubic.hpp>
#include <camlite/distance_transform.hpp>
#include <camlite/error.hpp>
#include <camlite/finite.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// Where `authors_boxes` cuts a heatmap; the defaults are those of the authors' generator.
struct AuthorsBoxOptions {
  std::array<float, 3> cuts{20, 100, 110};  // of the heatmap, 0 to 255
};

namespace detail {

// Drops each box that a larger one covers more than half of itself with. The box behind a dropped
// one is not compared with the same larger box: that is how the authors' loop runs, and so their
// figures.
inline void drop_overlapping(std::vector<Box>& boxes) {
  for (std::size_t kept = 0; kept < boxes.size(); ++kept) {
    for (std::size_t i = kept + 1; i < boxes.size(); ++i) {
      if (common_pixels(boxes[kept], boxes[i]) > boxes[kept].area() / 2)
        boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

}  // namespace detail

// The boxes of a heatmap, largest first, as the authors' generator makes them.
//
// heatmap (H, W), 0 to 255, in the pixels of the picture. For each of the three cuts: the pixels
// above it; of these, those whose distance to the nearest pixel that is not above is more than
// 10/255 of the largest such distance; the boxes around the outer and the inner contours of what is
// left, clamped to x <= W - 5, y <= H - 5, width <= W - x - 5, height <= H - y - 5. Of all these,
// sorted by area, one goes if its intersection with a larger one that stays is more than half of
// the larger one's area. Boxes of equal area are in the order of the cuts, and of findContours.
//
// Source: the program `bboxgenerator` that Zhou et al., "Learning Deep Features for Discriminative
// Localization", CVPR 2016, released with their networks. Throws Error unless the heatmap has two
// extents.
inline std::vector<Box> authors_boxes(TensorView<const float> heatmap,
                                      const AuthorsBoxOptions& options = {}) {
  if (heatmap.rank() != 2)
    fail("authors_boxes: a heatmap has shape (height, width), not ", heatmap.shape().str());
  const Index height = heatmap.extent(0), width = heatmap.extent(1);
  constexpr Index margin = 5;
  std::vector<Box> boxes;
  for (float cut : options.cuts) {
    const Tensor<Index> distances = squared_distances(heatmap, cut);
    const Index largest =
        distances.size() > 0 ? *std::max_element(distances.begin(), distances.end()) : 0;
    // 255 * distance / largest > 10, squared: 51 * 51 * distances > 2 * 2 * largest, of whole
    // numbers, so exact.
    const Index least = 4 * largest / (Index{51} * 51);
    const auto inside = [&](Index y, Index x) { return distances(y, x) > least; };
    ContourScan scan(width);
    for (Index y = 0; y < height; ++y) scan.row_where([&](Index x) { return inside(y, x); });
    for (const Contour& contour : scan.finish()) {
      Box box = contour.box;
      box.x = std::min(box.x, width - margin);
      box.y = std::min(box.y, height - margin);
      box.width = std::min(box.width, width - box.x - margin);
      box.height = std::min(box.height, height - box.y - margin);
      boxes.push_back(box);
    }
  }
  std::erase_if(boxes, [](const Box& box) { return box.area() == 0; });
  std::stable_sort(boxes.begin(), boxes.end(),
                   [](const Box& a, const Box& b) { return a.area() > b.area(); });
  detail::drop_overlapping(boxes);
  return boxes;
}

// The heatmap that the authors make of a (h, w) class activation map for their generator: the map
// resized to the picture (see resize_cubic), as shares of its maximum, in 256 levels:
//
//   out = round(255 * max(0, map / max of the map)),   0 everywhere if the maximum is not positive,
//   or a value infinite
//
// out (height, width), whole numbers. They keep it as a JPEG file, whose losses are not imitated.
// Source: ILSVRC_generate_heatmap.m of the same release. Throws as resize_cubic does.
inline Tensor<float> authors_heatmap(TensorView<const float> map, Index height, Index width) {
  Tensor<float> heatmap = resize_cubic(map, height, width);
  float maximum = 0;  // never NaN
  for (const float value : heatmap) maximum = std::max(maximum, value);
  const bool usable =
      maximum > 0 && std::none_of(heatmap.begin(), heatmap.end(), detail::is_infinite<float>);
  for (float& value : heatmap)
    value = usable && value > 0 ? std::floor(255 * (value / maximum) + 0.5F) : 0.0F;
  return heatmap;
}

// The boxes of a (h, w) class activation map by the authors' rule, in the coordinates of the
// picture: those of its heatmap in `view`, the part of the picture that the map covers. They hand
// in x + width and y + height as the last pixels of a box, where the challenge counts these as
// inside, so that each is a pixel wider and higher than the generator says. The first two are their
// answers for a class. Source: ILSVRC_evaluate_bbox.m of the same release. Throws Error unless the
// map has shape (h, w), neither zero, and the view has at least one pixel.
inline std::vector<Box> authors_boxes(TensorView<const float> map, const Box& view,
                                      const AuthorsBoxOptions& options = {}) {
  std::vector<Box> boxes =
      authors_boxes(authors_heatmap(map, view.height, view.width).view(), options);
  for (Box& box : boxes) box = {view.x + box.x, view.y + box.y, box.width + 1, box.height + 1};
  return boxes;
}

}  // namespace camlite
