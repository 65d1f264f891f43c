// Box: a rectangle of whole pixels.
#pragma once

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

}  // namespace camlite
