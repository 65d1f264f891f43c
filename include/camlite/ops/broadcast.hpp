// Broadcasting: several tensors, element by element, where those that have an extent of 1 are
// repeated along it.
#pragma once

#include <algorithm>
#include <array>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite::detail {

// (N, C) as (N, 1, 1, C), and what has no channels as one row of them; feature maps stay.
inline Shape as_feature_map(const Shape& shape) {
  if (shape.rank() == 4) return shape;
  if (shape.rank() == 2) return {shape[0], 1, 1, shape[1]};
  return {1, 1, 1, shape.size()};
}

// The shape of two tensors together: along each axis their extents are equal, or one of them is 1
// and counts as the other. (N, C) counts as (N, 1, 1, C) beside a feature map; tensors of one shape
// go together whatever it is. Throws Error if these do not.
inline Shape broadcast_shape(const Shape& a, const Shape& b) {
  if (a == b) return a;
  const auto has_channels = [](const Shape& shape) {
    return shape.rank() == 2 || shape.rank() == 4;
  };
  const Shape left = as_feature_map(a), right = as_feature_map(b);
  bool fits = has_channels(a) && has_channels(b);
  std::array<Index, 4> extents{};
  for (int axis = 0; axis < 4; ++axis) {
    const Index x = left[axis], y = right[axis];
    fits = fits && (x == y || x == 1 || y == 1);
    extents[static_cast<std::size_t>(axis)] = x == 1 ? y : x;
  }
  if (!fits) {
    fail("takes tensors of one shape, or with extents of 1 where they differ, its inputs are ",
         a.str(), " and ", b.str());
  }
  if (a.rank() == 2 && b.rank() == 2) return {extents[0], extents[3]};
  return Shape(extents);
}

inline Shape broadcast_shape(std::span<const Shape> in) {
  Shape out = in[0];
  for (const Shape& shape : in.subspan(1)) out = broadcast_shape(out, shape);
  return out;
}

// From one element of a tensor to the next along each axis; 0 where it is repeated. Its pixels lie
// `next_pixel` elements apart: as many as it has channels, or more.
struct BroadcastStrides {
  Index picture, row, pixel, channel;

  BroadcastStrides(const Shape& tensor, Index next_pixel) {
    const Shape in = as_feature_map(tensor);
    channel = in[3] == 1 ? 0 : 1;
    pixel = in[2] == 1 ? 0 : next_pixel;
    row = in[1] == 1 ? 0 : in[2] * next_pixel;
    picture = in[0] == 1 ? 0 : in[1] * in[2] * next_pixel;
  }
  explicit BroadcastStrides(const Shape& tensor)
      : BroadcastStrides(tensor, as_feature_map(tensor)[3]) {}
};

// out = combine(... combine(combine(in_1, in_2), in_3) ..., in_n), element by element. The output
// has the broadcast_shape of the inputs.
template <class T, class Combine>
void for_each_broadcast(const Arguments<T>& arguments, const Combine& combine) {
  const Shape shape = as_feature_map(arguments.output.shape());
  const Index height = shape[1], width = shape[2], channels = shape[3];
  parallel_for(shape[0] * height, arguments.threads, [&](Index i, int) {
    const Index picture = i / height, y = i % height;
    bool first = true;
    for (const TensorView<const T>& tensor : arguments.inputs) {
      const BroadcastStrides strides(tensor.shape());
      const T* in = tensor.data() + picture * strides.picture + y * strides.row;
      T* out = arguments.output.data() + i * width * channels;
      for (Index x = 0; x < width; ++x, in += strides.pixel, out += channels) {
        for (Index c = 0; c < channels; ++c) {
          const T value = in[c * strides.channel];
          out[c] = first ? value : combine(out[c], value);
        }
      }
      first = false;
    }
  });
}

}  // namespace camlite::detail
