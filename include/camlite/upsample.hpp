// upsample: a map brought to the size of a picture, by bilinear interpolation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

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
    columns_ = taps(map.extent(1), width);
    blend_.resize(static_cast<std::size_t>(map.extent(1)));
  }

  Index height() const { return static_cast<Index>(rows_.size()); }
  Index width() const { return static_cast<Index>(columns_.size()); }

  // Writes the width() values of row y, 0 <= y < height().
  void row(Index y, float* out) {
    const Tap& tap = rows_[static_cast<std::size_t>(y)];
    const Index w = map_.extent(1);
    const float* low = map_.data() + tap.low * w;
    const float* high = map_.data() + tap.high * w;
    float* blend = blend_.data();
    for (Index x = 0; x < w; ++x) blend[x] = mix(low[x], high[x], tap.share);
    for (const Tap& column : columns_)
      *out++ = mix(blend[column.low], blend[column.high], column.share);
  }

 private:
  // An output is (1 - share) * in(low) + share * in(high).
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
      taps.data()[i] = {low, std::min(low + 1, in - 1),
                        static_cast<float>(at - static_cast<double>(low))};
    }
    return taps;
  }

  // A neighbour without a share takes no part, even if it is infinite or NaN; equal neighbours stay
  // exactly what they are, even if both are infinite.
  static float mix(float a, float b, float share) {
    return share == 0 || a == b ? a : (1 - share) * a + share * b;
  }

  TensorView<const float> map_;
  std::vector<Tap> rows_;
  std::vector<Tap> columns_;
  std::vector<float> blend_;  // the row of the map at the height of the output row
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
