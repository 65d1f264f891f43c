// Box: a rectangle of whole pixels, and how much two of them overlap.
#pragma once

#include <algorithm>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// The pixels x, x + 1, ..., x + width - 1 of the rows y, ..., y + height - 1; (0, 0) is the top
// left pixel.
struct Box {
  Index x = 0;
  Index y = 0;
  Index width = 0;
  Index height = 0;

  Index area() const { return width * height; }
  friend bool operator==(const Box&, const Box&) = default;
};

// The box from the pixel (x0, y0) to the pixel (x1, y1), both of which belong to it, as data sets
// write them. Throws Error if the second is left of the first or above it.
inline Box box_of_corners(Index x0, Index y0, Index x1, Index y1) {
  if (x1 < x0 || y1 < y0)
    fail("a box from (", x0, ", ", y0, ") to (", x1, ", ", y1, ") ends before it begins");
  return {x0, y0, x1 - x0 + 1, y1 - y0 + 1};
}

// How many pixels belong to both boxes.
inline Index common_pixels(const Box& a, const Box& b) {
  const Index width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const Index height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  return std::max<Index>(width, 0) * std::max<Index>(height, 0);
}

// The pixels that belong to both boxes as a share of those that belong to either, 0 to 1:
//
//   |A and B| / |A or B|;  0 if neither has a pixel
//
// Pixels are counted, so that a box from pixel x0 to pixel x1 is x1 - x0 + 1 wide, as ILSVRC and
// the WSOL benchmark count.
inline double intersection_over_union(const Box& a, const Box& b) {
  const Index both = common_pixels(a, b);
  return both == 0 ? 0
                   : static_cast<double>(both) / static_cast<double>(a.area() + b.area() - both);
}

}  // namespace camlite
