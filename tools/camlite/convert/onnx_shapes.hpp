// What ONNX's shape operators do, as far as only extents are concerned: the same for a constant,
// whose elements are then moved, and a variable, whose View changes.
#pragma once

#include <vector>

#include "onnx_call.hpp"

namespace camlite::tool::onnx {

// An axis as it is given, from -rank to rank - 1. Throws Error outside of that.
std::size_t axis_of(Index given, std::size_t rank);
// True for each of the axes given. Throws Error if one is given twice.
std::vector<bool> axes_of(const Extents& given, std::size_t rank);

// The shape that Reshape or Flatten gives to input 0. Throws Error if it has another size.
Extents reshaped_extents(const Call& call);
// Transpose's order of axes.
std::vector<std::size_t> transposed_axes(const Call& call);
// Which axes of input 0 Squeeze takes out if it says so; those of extent 1 are meant if not.
std::optional<std::vector<bool>> squeezed_axes(const Call& call);
// Which axes of Unsqueeze's output are new.
std::vector<bool> unsqueezed_axes(const Call& call);

// What Slice takes along each axis of input 0: elements start, start + step, ... , `count` of them.
struct Range {
  Index start = 0;
  Index step = 1;
  Index count = 0;
};
std::vector<Range> sliced_ranges(const Call& call);

}  // namespace camlite::tool::onnx
