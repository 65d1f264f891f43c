// Score maps: class activation maps in the form in which the benchmark of weakly supervised object
// localization compares them with true boxes.
//
// Source of everything here: Choe et al., "Evaluating Weakly Supervised Object Localization Methods
// Right", CVPR 2020, and the code that the authors released with it, step by step, so that figures
// agree to the last digit.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
#include <camlite/finite.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// All pictures, and the boxes in them, are brought to so many pixels in width and height.
inline constexpr Index score_map_size = 224;

// A box of a picture of width x height pixels on a score map: both corners, as pixels that belong
// to the box, are scaled by size / width and size / height and rounded down.
//
// Throws Error if the picture has no pixel, or the box has none or begins left of the picture or
// above it.
inline Box on_score_map(const Box& box, Index width, Index height, Index size = score_map_size) {
  if (width < 1 || height < 1) fail("a box of a picture of ", width, " x ", height, " pixels");
  if (box.x < 0 || box.y < 0 || box.width < 1 || box.height < 1) {
    fail("a box of ", box.width, " x ", box.height, " pixels at (", box.x, ", ", box.y,
         ") is not inside of a picture");
  }
  const auto scaled = [size](Index position, Index extent) {
    return static_cast<Index>(static_cast<double>(position) * static_cast<double>(size) /
                              static_cast<double>(extent));
  };
  return box_of_corners(scaled(box.x, width), scaled(box.y, height),
                        scaled(box.x + box.width - 1, width),
                        scaled(box.y + box.height - 1, height));
}

namespace detail {

// Which four values an output of cubic interpolation is made of, along one axis. Positions beyond
// the edge take the edge's value. The weights are float, and computed in this order, since that is
// what OpenCV does for maps of any type.
struct CubicTap {
  std::array<Index, 4> at;
  std::array<float, 4> weight;
};

inline std::vector<CubicTap> cubic_taps(Index in, Index out) {
  const double scale = 1 / (static_cast<double>(out) / static_cast<double>(in));
  std::vector<CubicTap> taps;
  for (Index i = 0; i < out; ++i) {
    const auto position = static_cast<float>((static_cast<double>(i) + 0.5) * scale - 0.5);
    const float floor = std::floor(position), x = position - floor;
    constexpr float a = -0.75F;
    CubicTap tap{};
    tap.weight[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
    tap.weight[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
    tap.weight[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
    tap.weight[3] = 1 - tap.weight[0] - tap.weight[1] - tap.weight[2];
    for (Index j = 0; j < 4; ++j) {
      tap.at[static_cast<std::size_t>(j)] =
          std::clamp<Index>(static_cast<Index>(floor) + j - 1, 0, in - 1);
    }
    taps.push_back(tap);
  }
  return taps;
}

// Four values `stride` apart in their array.
inline double blend(const CubicTap& tap, const double* values, Index stride = 1) {
  const auto part = [&](std::size_t i) {
    return values[tap.at[i] * stride] * double{tap.weight[i]};
  };
  return part(0) + part(1) + part(2) + part(3);
}

// As OpenCV's resize with INTER_CUBIC: along the rows, then along the columns.
inline Tensor<double> opencv_cubic(TensorView<const double> map, Index height, Index width) {
  const std::vector<CubicTap> columns = cubic_taps(map.extent(1), width);
  const std::vector<CubicTap> rows = cubic_taps(map.extent(0), height);
  auto wide = Tensor<double>::uninitialized({map.extent(0), width});
  for (Index y = 0; y < map.extent(0); ++y) {
    for (Index x = 0; x < width; ++x)
      wide(y, x) = blend(columns[static_cast<std::size_t>(x)], map.data() + y * map.extent(1));
  }
  auto out = Tensor<double>::uninitialized({height, width});
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x)
      out(y, x) = blend(rows[static_cast<std::size_t>(y)], wide.data() + x, width);
  }
  return out;
}

}  // namespace detail

// The score map of a class activation map: bicubically at (height, width), then from its least to
// its greatest value,
//
//   out = (cubic(map) - min) / max of that difference
//
// so in [0, 1]. The interpolation is OpenCV's INTER_CUBIC: half-pixel centres, the edge repeated,
// a = -0.75, in double with weights in float: on x86-64 without fused multiply-add its very bits. A
// map that holds NaN, or is constant once interpolated, gives 0. (Interpolated, a constant that is
// not 0 may differ from pixel to pixel by rounding, which is then taken for a map: in the benchmark
// too.) Throws Error unless map has shape (h, w), neither zero, with no infinite value.
template <class T>
Tensor<double> score_map(TensorView<const T> map, Index height = score_map_size,
                         Index width = score_map_size) {
  if (map.rank() != 2 || map.size() == 0)
    fail("score_map: a map has shape (height, width), not ", map.shape().str());
  if (height < 1 || width < 1) fail("score_map: to ", width, " x ", height, " pixels");
  if (std::any_of(map.begin(), map.end(), detail::is_infinite<T>))
    fail("score_map: the map holds infinite values");
  if (std::any_of(map.begin(), map.end(), detail::is_nan<T>))
    return Tensor<double>({height, width});

  Tensor<double> values(map.shape());
  std::copy(map.begin(), map.end(), values.begin());
  Tensor<double> out = detail::opencv_cubic(values, height, width);
  const double least = *std::min_element(out.begin(), out.end());
  for (double& value : out) value -= least;
  const double greatest = *std::max_element(out.begin(), out.end());
  if (greatest == 0) return Tensor<double>({height, width});
  for (double& value : out) value /= greatest;
  return out;
}

// The same of a Tensor: T need not be said.
template <class T>
Tensor<double> score_map(const Tensor<T>& map, Index height = score_map_size,
                         Index width = score_map_size) {
  return score_map(TensorView<const T>(map), height, width);
}

}  // namespace camlite
