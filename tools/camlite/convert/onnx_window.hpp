// The windows of convolutions and poolings, and the padding around a map.
#pragma once

#include <string>

#include "onnx_builder.hpp"

namespace camlite::tool::onnx {

struct Border {
  Index top = 0, left = 0, bottom = 0, right = 0;

  bool is_symmetric() const { return top == bottom && left == right; }
  friend bool operator==(const Border&, const Border&) = default;
};

struct Window {
  Size2d kernel = 1, stride = 1, dilation = 1;
  Border pads;
};

// The strides, dilations, pads and auto_pad of a node on a map of this size. Throws Error if they
// are not those of two dimensions, or negative.
Window read_window(const Call& call, const Size2d& kernel, const Size2d& map);

// The name of a map with numbers around it.
std::string padded(Builder& builder, const std::string& name, const std::string& map,
                   const Border& by, double value);

}  // namespace camlite::tool::onnx
