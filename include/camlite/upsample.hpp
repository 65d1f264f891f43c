// upsample: a map brought to the size of a picture, by bilinear interpolation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// A row of an upsampled map between two columns of the map. Its pixels begin <= x < end are
//
//   (1 - s) * left + s * right,  s = shares[x - begin],  0 <= s <= 1, growing with x,
//
// or exactly `left`, where both are equal.
struct UpsampledLine {
  Index begin;
  Index end;
  float left;
  float right;
  const float* shares;

  bool is_constant() const { return left == right; }
  float value(Index x) const { return is_constant() ? left : mix(left, right, shares[x - begin]); }

  // The values, as many as end - begin.
  void write(float* __restrict out) const {
    const Index count = end - begin;
    if (is_constant()) {
      std::fill_n(out, count, left);
      return;
    }
    // Four at a time: g++ -O2 vectorizes only what has a constant length and no aliases.
    constexpr Index block = 4;
    const float* __restrict share = shares;
    Index x = 0;
    for (; x + block <= count; x += block) {
      for (Index i = 0; i < block; ++i) out[x + i] = mix(left, right, share[x + i]);
    }
    for (; x < count; ++x) out[x] = mix(left, right, share[x]);
  }

  static float mix(float a, float b, float share) { return (1 - share) * a + share * b; }
};

// The rows of upsample(map, height, width), one at a time: a 4000 x 3000 map costs two rows of
// memory. The map must outlive it.
class UpsampledRows {
 public:
  // Throws Error unless the map has shape (h, w), neither zero, and height and width are positive.
  UpsampledRows(TensorView<const float> map, Index height, Index width) : map_(map) {
    if (map.rank() != 2 || map.size() == 0) {
      fail("upsample: a map has shape (height, width), not ", map.shape().str());
    }
    if (height < 1 || width < 1) fail("upsample: to ", width, " x ", height, " pixels");
    rows_ = taps(map.extent(0), height);
    const std::vector<Tap> columns = taps(map.extent(1), width);
    shares_.reserve(columns.size());
    for (const Tap& tap : columns) shares_.push_back(tap.share);
    for (Index x = 0; x < width; ++x) {
      const Tap& tap = columns[static_cast<std::size_t>(x)];
      if (between_.empty() || between_.back().low != tap.low || between_.back().high != tap.high) {
        between_.push_back(tap);
        lines_.push_back({x, x, 0, 0, shares_.data() + x});
      }
      ++lines_.back().end;
    }
    blend_.resize(static_cast<std::size_t>(map.extent(1)));
  }

  UpsampledRows(const UpsampledRows&) = delete;  // lines point to the shares
  UpsampledRows& operator=(const UpsampledRows&) = delete;

  // Row y, 0 <= y < height, from left to right. They stay until the next call.
  std::span<const UpsampledLine> lines(Index y) {
    const Tap& tap = rows_[static_cast<std::size_t>(y)];
    const Index w = map_.extent(1);
    const float* above = map_.data() + tap.low * w;
    const float* below = map_.data() + tap.high * w;
    float* blend = blend_.data();
    for (Index x = 0; x < w; ++x) {
      blend[x] =
          above[x] == below[x] ? above[x] : UpsampledLine::mix(above[x], below[x], tap.share);
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      lines_[i].left = blend[between_[i].low];
      lines_[i].right = blend[between_[i].high];
    }
    return lines_;
  }

  // Writes the values of row y, 0 <= y < height, as many as `width`.
  void row(Index y, float* out) {
    for (const UpsampledLine& line : lines(y)) line.write(out + line.begin);
  }

 private:
  // An output is (1 - share) * in(low) + share * in(high). A neighbour without a share takes no
  // part, even if it is infinite or NaN: low is then high. Equal neighbours stay exactly what they
  // are, even if both are infinite.
  struct Tap {
    Index low;
    Index high;
    float share;
  };

  static std::vector<Tap> taps(Index in, Index out) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    std::vector<Tap> taps(static_cast<std::size_t>(out));
    for (Index i = 0; i < out; ++i) {
      const double at = std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
      const Index low = std::min(static_cast<Index>(at), in - 1);
      const auto share = static_cast<float>(at - static_cast<double>(low));
      taps.data()[i] = {low, share == 0 ? low : std::min(low + 1, in - 1), share};
    }
    return taps;
  }

  TensorView<const float> map_;
  std::vector<Tap> rows_;
  std::vector<float> shares_;
  std::vector<Tap> between_;          // of each line: its columns of the map
  std::vector<UpsampledLine> lines_;  // of the last row that was asked for
  std::vector<float> blend_;          // the row of the map at the height of the output row
};

// The (h, w) map at (height, width), bilinearly, with half-pixel centres and clamped edges:
//
//   out(y, x) = map((y + 0.5) h / height - 0.5, (x + 0.5) w / width - 0.5)
//
// between the four values around that position; positions beyond the outermost centres take the
// edge's value. The convention of torch.nn.functional.interpolate(mode="bilinear",
// align_corners=False) and OpenCV's INTER_LINEAR. No antialiasing where the result is smaller. NaN
// and infinities stay within the values that they are blended into. Throws Error unless map has
// shape (h, w), neither zero, and height and width are positive.
inline Tensor<float> upsample(TensorView<const float> map, Index height, Index width) {
  UpsampledRows rows(map, height, width);
  auto out = Tensor<float>::uninitialized({height, width});
  for (Index y = 0; y < height; ++y) rows.row(y, out.data() + y * width);
  return out;
}

}  // namespace camlite
