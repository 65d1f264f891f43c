// resize: a picture brought to another size as Pillow does it, so that a network sees the pixels it
// was trained on.
//
// The source is Pillow's src/libImaging/Resample.c: a triangle filter that widens with the
// reduction (antialiasing), a horizontal and then a vertical pass, weights in fixed point, 8 bits
// between the passes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

// Along one axis, every output is a weighted sum of `count` inputs from `first` on; the weights are
// weights[offset ...] / 2^resize_precision.
struct ResizeAxis {
  struct Window {
    Index first;
    Index count;
    Index offset;
  };
  std::vector<Window> windows;
  std::vector<std::int32_t> weights;
  Index widest = 0;  // the largest count
};

// 8 bits of pixel and a carry bit each for sum and sign leave 22 of 32.
inline constexpr int resize_precision = 32 - 8 - 2;
inline constexpr std::int32_t resize_half = std::int32_t{1} << (resize_precision - 1);

inline ResizeAxis resize_axis(Index in, Index out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double support = std::max(scale, 1.0);  // in input pixels, to either side
  ResizeAxis axis;
  axis.windows.reserve(static_cast<std::size_t>(out));
  std::vector<double> window;
  for (Index i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const Index first = std::max(static_cast<Index>(center - support + 0.5), Index{0});
    const Index last = std::min(static_cast<Index>(center + support + 0.5), in);
    double sum = 0;
    window.clear();
    for (Index x = first; x < last; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * (1 / support));
      window.push_back(distance < 1 ? 1 - distance : 0);
      sum += window.back();
    }
    axis.windows.push_back({first, last - first, static_cast<Index>(axis.weights.size())});
    axis.widest = std::max(axis.widest, last - first);
    for (double weight : window) {
      const double fixed = weight / sum * (1 << resize_precision);
      axis.weights.push_back(static_cast<std::int32_t>(fixed + 0.5));
    }
  }
  return axis;
}

inline std::uint8_t resize_round(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> resize_precision, 0, 255));
}

// One row of pixels to axis.windows.size() pixels.
inline void resize_row(const std::uint8_t* in, const ResizeAxis& axis, std::uint8_t* out) {
  for (const ResizeAxis::Window& window : axis.windows) {
    const std::uint8_t* pixel = in + Image::channels * window.first;
    const std::int32_t* weight = axis.weights.data() + window.offset;
    std::int32_t r = resize_half, g = resize_half, b = resize_half;
    for (Index i = 0; i < window.count; ++i, pixel += Image::channels) {
      r += weight[i] * pixel[0];
      g += weight[i] * pixel[1];
      b += weight[i] * pixel[2];
    }
    *out++ = resize_round(r);
    *out++ = resize_round(g);
    *out++ = resize_round(b);
  }
}

}  // namespace detail

// The picture at width x height pixels, as Pillow's Image.resize((width, height), Image.BILINEAR).
//
//   out(x) = sum_i k(i) in(i) / sum_i k(i),   k(i) = max(0, 1 - |i + 0.5 - (x + 0.5) scale| /
//   max(scale, 1))
//
// along the rows and then along the columns, with scale = in / out of that axis, rounded to 8 bits
// after each. Takes memory for the result and for as many rows as one window of the filter is high.
// Throws Error if either size is not positive or the picture is empty.
inline Image resize(const Image& image, Index width, Index height) {
  if (image.size() == 0) fail("resize: the picture is empty");
  if (width < 1 || height < 1) fail("resize: to ", width, " x ", height, " pixels");
  if (image.width() == width && image.height() == height) return image;

  Image out(width, height);
  const detail::ResizeAxis horizontal = detail::resize_axis(image.width(), width);
  const detail::ResizeAxis vertical = detail::resize_axis(image.height(), height);
  const Index row = Image::channels * width;

  // Rows that are through the horizontal pass: y is kept at y % vertical.widest until the vertical
  // pass is beyond it.
  std::vector<std::uint8_t> rows(static_cast<std::size_t>(checked_product(row, vertical.widest)));
  Index done = 0;
  std::vector<std::int32_t> sums(static_cast<std::size_t>(row));
  std::uint8_t* to = out.data();
  for (const detail::ResizeAxis::Window& window : vertical.windows) {
    for (; done < window.first + window.count; ++done) {
      detail::resize_row(image.pixel(0, done), horizontal,
                         rows.data() + row * (done % vertical.widest));
    }
    std::fill(sums.begin(), sums.end(), detail::resize_half);
    for (Index i = 0; i < window.count; ++i) {
      const std::int32_t weight = vertical.weights.data()[window.offset + i];
      const std::uint8_t* from = rows.data() + row * ((window.first + i) % vertical.widest);
      for (Index x = 0; x < row; ++x) sums.data()[x] += weight * from[x];
    }
    to = std::transform(sums.begin(), sums.end(), to, detail::resize_round);
  }
  return out;
}

}  // namespace camlite
