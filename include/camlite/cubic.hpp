// resize_cubic: a map brought to another size as MATLAB's imresize does it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

// Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, with a = -1/2.
inline double cubic_kernel(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// Along one axis, output i is the sum over t of weights[i * taps + t] * in(inputs[i * taps + t]).
struct CubicAxis {
  Index taps = 0;
  std::vector<Index> inputs;
  std::vector<float> weights;
};

inline CubicAxis cubic_axis(Index in, Index out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double reach = std::max(scale, 1.0);  // the kernel widens where the result is smaller
  CubicAxis axis;
  axis.taps = static_cast<Index>(std::ceil(4 * reach)) + 1;
  std::vector<double> weights(static_cast<std::size_t>(axis.taps));
  for (Index i = 0; i < out; ++i) {
    const double at = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const auto first = static_cast<Index>(std::ceil(at - 2 * reach));
    double sum = 0;
    for (Index t = 0; t < axis.taps; ++t) {
      const double weight = cubic_kernel((static_cast<double>(first + t) - at) / reach);
      weights[static_cast<std::size_t>(t)] = weight;
      sum += weight;
      // Mirrored at the edges, the outermost value twice: 1 0 | 0 1 2 | 2 1.
      const Index position = ((first + t) % (2 * in) + 2 * in) % (2 * in);
      axis.inputs.push_back(std::min(position, 2 * in - 1 - position));
    }
    for (double weight : weights) axis.weights.push_back(static_cast<float>(weight / sum));
  }
  return axis;
}

}  // namespace detail

// The (h, w) map at (height, width), by cubic convolution with half-pixel centres, antialiased
// where the result is smaller:
//
//   out(x) = sum_i k(i) in(i) / sum_i k(i),   k(i) = cubic((i + 0.5 - (x + 0.5) scale) / max(scale,
//   1))
//
// along the rows and the columns, with scale = in / out of that axis, and in(i) mirrored beyond the
// edges. The convention of MATLAB's imresize(map, [height width]), which the paper's authors use;
// Pillow's BICUBIC differs at the edges, OpenCV's INTER_CUBIC in the kernel too. May leave the
// range of the values by some percent; NaN and infinities reach as far as the kernel. Throws Error
// unless map has shape (h, w), neither zero, and height and width are positive.
inline Tensor<float> resize_cubic(TensorView<const float> map, Index height, Index width) {
  if (map.rank() != 2 || map.size() == 0)
    fail("resize_cubic: a map has shape (height, width), not ", map.shape().str());
  if (height < 1 || width < 1) fail("resize_cubic: to ", width, " x ", height, " pixels");
  const detail::CubicAxis across = detail::cubic_axis(map.extent(1), width);
  const detail::CubicAxis down = detail::cubic_axis(map.extent(0), height);
  auto rows = Tensor<float>::uninitialized({map.extent(0), width});
  for (Index y = 0; y < map.extent(0); ++y) {
    const float* in = map.data() + y * map.extent(1);
    const Index* input = across.inputs.data();
    const float* weight = across.weights.data();
    for (Index x = 0; x < width; ++x) {
      float sum = 0;
      for (Index t = 0; t < across.taps; ++t) sum += *weight++ * in[*input++];
      rows(y, x) = sum;
    }
  }
  Tensor<float> out({height, width});
  for (Index y = 0; y < height; ++y) {
    float* sums = out.data() + y * width;
    for (Index t = y * down.taps; t < (y + 1) * down.taps; ++t) {
      const float weight = down.weights[static_cast<std::size_t>(t)];
      const float* row = rows.data() + down.inputs[static_cast<std::size_t>(t)] * width;
      for (Index x = 0; x < width; ++x) sums[x] += weight * row[x];
    }
  }
  return out;
}

}  // namespace camlite
