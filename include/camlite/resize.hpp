// resize: a picture brought to another size as Pillow does it, so that a network sees the pixels it
// was trained on.
//
// The source is Pillow's src/libImaging/Resample.c: a triangle filter that widens with the
// reduction (antialiasing), a horizontal and then a vertical pass, weights in fixed point, 8 bits
// between the passes.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/parallel.hpp>
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
  std::vector<std::uint32_t> weights;
  Index widest = 0;  // the largest count

  // The inputs that any output needs.
  Index first() const { return windows.front().first; }
  Index last() const { return windows.back().first + windows.back().count; }
};

// 8 bits of pixel and a carry bit each for sum and sign leave 22 of 32.
inline constexpr int resize_precision = 32 - 8 - 2;
inline constexpr std::uint32_t resize_half = std::uint32_t{1} << (resize_precision - 1);

// For the outputs from `first` on of `in` pixels brought to `out`.
inline ResizeAxis resize_axis(Index in, Index out, Index first, Index count) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double support = std::max(scale, 1.0);  // in input pixels, to either side
  ResizeAxis axis;
  axis.windows.reserve(static_cast<std::size_t>(count));
  std::vector<double> window;
  for (Index i = first; i < first + count; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const Index begin = std::max(static_cast<Index>(center - support + 0.5), Index{0});
    const Index end = std::min(static_cast<Index>(center + support + 0.5), in);
    double sum = 0;
    window.clear();
    for (Index x = begin; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * (1 / support));
      window.push_back(distance < 1 ? 1 - distance : 0);
      sum += window.back();
    }
    axis.windows.push_back({begin, end - begin, static_cast<Index>(axis.weights.size())});
    axis.widest = std::max(axis.widest, end - begin);
    for (double weight : window) {
      const double fixed = weight / sum * (1 << resize_precision);
      axis.weights.push_back(static_cast<std::uint32_t>(fixed + 0.5));
    }
  }
  return axis;
}

inline std::uint8_t resize_round(std::uint32_t sum) {
  return static_cast<std::uint8_t>(std::min(sum >> resize_precision, std::uint32_t{255}));
}

// Two rows of pixels as one of pairs, for resize_row_pair.
inline void pair_rows(const std::uint8_t* a, const std::uint8_t* b, Index size,
                      std::uint32_t* pairs) {
  // Constant lengths and two steps: what both g++ -O2 and clang++ -O2 vectorize.
  constexpr Index block = 32;
  Index i = 0;
  for (; i + block <= size; i += block) {
    std::uint8_t bytes[2 * block];
    for (Index j = 0; j < block; ++j) {
      bytes[2 * j] = a[i + j];
      bytes[2 * j + 1] = b[i + j];
    }
    for (Index j = 0; j < 2 * block; ++j) pairs[2 * i + j] = bytes[j];
  }
  for (; i < size; ++i) {
    pairs[2 * i] = a[i];
    pairs[2 * i + 1] = b[i];
  }
}

// Two rows of pixels, paired from the pixel axis.first() on, to axis.windows.size() pixels each.
//
// The sums of both are the halves of one 64-bit number, which multiplies as fast as one of 32 bits,
// and neither half overflows: twice the speed of one row after the other.
inline void resize_row_pair(const std::uint32_t* pairs, const ResizeAxis& axis, std::uint8_t* a,
                            std::uint8_t* b) {
  struct Halves {
    std::uint32_t a, b;
  };
  const auto load = [](const std::uint32_t* pair) {
    std::uint64_t both;
    std::memcpy(&both, pair, sizeof(both));
    return both;
  };
  const auto round = [&a, &b](std::uint64_t both) {
    const auto halves = std::bit_cast<Halves>(both);
    *a++ = resize_round(halves.a);
    *b++ = resize_round(halves.b);
  };
  const Index first = axis.first();
  for (const ResizeAxis::Window& window : axis.windows) {
    const std::uint32_t* pixel = pairs + 2 * Image::channels * (window.first - first);
    const std::uint32_t* weights = axis.weights.data() + window.offset;
    std::uint64_t red = std::bit_cast<std::uint64_t>(Halves{resize_half, resize_half});
    std::uint64_t green = red, blue = red;
    for (Index i = 0; i < window.count; ++i, pixel += 2 * Image::channels) {
      const std::uint64_t weight = weights[i];
      red += weight * load(pixel);
      green += weight * load(pixel + 2);
      blue += weight * load(pixel + 4);
    }
    round(red);
    round(green);
    round(blue);
  }
}

// Calls use(y, row) for the rows of `part` of the picture resized to width x height, y from 0 to
// part.height in any order, each of 3 * part.width bytes.
template <class Use>
void resize_rows(const Image& image, Index width, Index height, const Box& part, int threads,
                 const Use& use) {
  if (image.width() == width && image.height() == height) {
    for (Index y = 0; y < part.height; ++y) use(y, image.pixel(part.x, part.y + y));
    return;
  }
  const ResizeAxis horizontal = resize_axis(image.width(), width, part.x, part.width);
  const ResizeAxis vertical = resize_axis(image.height(), height, part.y, part.height);
  const Index columns = horizontal.last() - horizontal.first();
  constexpr Index block = 32;  // bytes
  const Index row = (Image::channels * part.width + block - 1) / block * block;

  // Less than a quarter of a million pixels, about a millisecond, is not worth a thread.
  const Index most = columns * (vertical.last() - vertical.first()) >> 18;
  const Index bands = std::clamp<Index>(std::min(most, part.height), 1, std::max(threads, 1));
  parallel_for(bands, threads, [&](Index band, int) {
    // Rows that are through the horizontal pass: y is kept at y % slots until the vertical pass is
    // beyond it.
    const Index slots = vertical.widest + 1;
    std::vector<std::uint8_t> rows(static_cast<std::size_t>(checked_product(row, slots)));
    std::vector<std::uint32_t> pairs(static_cast<std::size_t>(2 * Image::channels * columns));
    std::vector<std::uint8_t> out(static_cast<std::size_t>(row));
    const auto row_at = [&](Index y) { return rows.data() + row * (y % slots); };
    Index done = 0;
    for (Index y = band * part.height / bands; y < (band + 1) * part.height / bands; ++y) {
      const ResizeAxis::Window& window = vertical.windows[static_cast<std::size_t>(y)];
      for (done = std::max(done, window.first); done < window.first + window.count; done += 2) {
        const Index next = std::min(done + 1, image.height() - 1);
        pair_rows(image.pixel(horizontal.first(), done), image.pixel(horizontal.first(), next),
                  Image::channels * columns, pairs.data());
        resize_row_pair(pairs.data(), horizontal, row_at(done), row_at(done + 1));
      }
      for (Index x = 0; x < row; x += block) {
        std::uint32_t sums[block];
        std::fill_n(sums, block, resize_half);
        for (Index i = 0; i < window.count; ++i) {
          const std::uint32_t weight = vertical.weights.data()[window.offset + i];
          const std::uint8_t* from = row_at(window.first + i) + x;
          for (Index j = 0; j < block; ++j) sums[j] += weight * from[j];
        }
        for (Index j = 0; j < block; ++j) out.data()[x + j] = resize_round(sums[j]);
      }
      use(y, out.data());
    }
  });
}

}  // namespace detail

// The picture at width x height pixels, as Pillow's Image.resize((width, height), Image.BILINEAR).
//
//   out(x) = sum_i k(i) in(i) / sum_i k(i),   k(i) = max(0, 1 - |i + 0.5 - (x + 0.5) scale| /
//   max(scale, 1))
//
// along the rows and then along the columns, with scale = in / out of that axis, rounded to 8 bits
// after each. Takes memory for the result and, on each thread, for as many rows as one window of
// the filter is high; more than one thread work on pictures of megapixels only, and give the same
// bits. Throws Error if either size is not positive or the picture is empty.
inline Image resize(const Image& image, Index width, Index height, int threads = 1) {
  if (image.size() == 0) fail("resize: the picture is empty");
  if (width < 1 || height < 1) fail("resize: to ", width, " x ", height, " pixels");
  Image out(width, height);
  const Index row = Image::channels * width;
  detail::resize_rows(
      image, width, height, {0, 0, width, height}, threads,
      [&](Index y, const std::uint8_t* from) { std::copy_n(from, row, out.data() + y * row); });
  return out;
}

}  // namespace camlite
