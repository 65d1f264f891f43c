// View: how an ONNX value's axes lie in a camlite value.
//
// ONNX has tensors of any rank and reshapes and transposes them as it likes; camlite has feature
// maps (N, H, W, C) and vectors (N, C). So a value of the file is a camlite value and a View of it:
// for each axis of the file's, the parts of N, C, H and W that it runs through. Reshape, Transpose,
// Flatten, Squeeze and Unsqueeze then only change the View; what an operator needs of it, a map or
// a vector, is looked at when it comes to that. A ShuffleNet's
//
//   Reshape (N, g, C / g, H, W), Transpose (N, C / g, g, H, W), Reshape (N, C, H, W)
//
// leaves a second axis that runs through C's inner part first: a channel shuffle.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <camlite/ops/operator.hpp>

#include "onnx_array.hpp"

namespace camlite::tool::onnx {

enum class Dim { pictures, channels, rows, columns };

// Positions 0, stride, ..., (extent - 1) * stride of a dimension.
struct Part {
  Dim dim;
  Index stride = 1;
  Index extent = 1;

  friend bool operator==(const Part&, const Part&) = default;
};

// The parts of an axis, outermost first; none where its extent is 1. The pictures are a part even
// if there is one of them.
using Axis = std::vector<Part>;

class View {
 public:
  // Of a camlite value, (1, H, W, C) or (1, C), in a file whose batch is `pictures`: as (N, C, H,
  // W), (N, H, W, C) or (N, C). The last one throws Error where H or W is not 1.
  static View map(Index pictures, const Shape& value);
  static View channels_last(Index pictures, const Shape& value);
  static View vector(Index pictures, const Shape& value);

  std::size_t rank() const { return axes_.size(); }
  Extents extents() const;
  Index extent(Dim dim) const { return extents_[static_cast<std::size_t>(dim)]; }
  const Axis& axis(std::size_t i) const { return axes_[i]; }

  friend bool operator==(const View&, const View&) = default;

  // Whether it is the value itself as (N, C, H, W), or as (N, C) with one row and column.
  bool is_map() const { return axes_ == map_axes(); }
  bool is_vector() const;

  // Whether an axis is the channels, all in order, and the other axes are others.
  bool is_channels(std::size_t axis) const;

  // If it is (N, C, H, W) with channels that were shuffled: of how many groups.
  std::optional<Index> shuffled() const;

  // If it is (N, C * H * W) in any order: for each position, the one in (C, H, W), which is the
  // order of camlite's flatten.
  bool is_flat() const;
  bool is_flat_in_order() const;
  std::vector<Index> flat_positions() const;

  // The views after shape operators. reshaped throws Error if an axis would be cut where it cannot
  // be; squeezed if an axis is not 1, or is the pictures.
  View reshaped(const Extents& to) const;
  View permuted(const std::vector<std::size_t>& order) const;
  View squeezed(const std::vector<bool>& axes) const;
  View unsqueezed(const std::vector<bool>& axes) const;

  // The dimensions that an axis runs through, whole. Throws Error if a part of one only.
  std::vector<Dim> whole_dims(std::size_t axis) const;
  // The view of a value in which these dimensions have another extent. An axis that runs through
  // one is that and nothing else.
  View with(Dim dim, Index extent) const;

  // A constant that ONNX would broadcast to these extents, as (C, H, W) for camlite's broadcasting:
  // an extent is 1 where the constant is the same along it. Throws Error if it cannot be broadcast
  // so, differs from picture to picture, or is larger than `most` elements.
  Tensor<float> spread(const Array& constant, Index most) const;

 private:
  View(Index pictures, const Shape& value);

  Part whole(Dim dim) const { return {dim, 1, extent(dim)}; }
  Axis axis_of(std::initializer_list<Dim> dims) const;
  std::vector<Axis> map_axes() const;

  std::array<Index, 4> extents_{};  // of the value, by Dim
  std::vector<Axis> axes_;
};

}  // namespace camlite::tool::onnx
