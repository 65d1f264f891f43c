// heatmap, overlay: class activation maps made visible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/colormap.hpp>
#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/normalize.hpp>
#include <camlite/tensor.hpp>
#include <camlite/upsample.hpp>

namespace camlite {

namespace detail {

// Lays a heatmap over a picture: out = (1 - alpha) * picture + alpha * color of the level, rounded.
class HeatBlend {
 public:
  HeatBlend(Colormap colormap, float alpha) : keep_(1 - alpha) {
    const Palette palette(colormap);
    for (int i = 0; i < Palette::size; ++i) {
      const Rgb color = palette[i];
      float* heat = heat_[static_cast<std::size_t>(i)];
      heat[0] = alpha * static_cast<float>(color.r);
      heat[1] = alpha * static_cast<float>(color.g);
      heat[2] = alpha * static_cast<float>(color.b);
    }
  }

  // Levels are from 0 to 1; there must be some behind the last, up to a multiple of `block`.
  static constexpr Index block = 32;
  void row(const float* levels, Index width, std::uint8_t* pixels) const {
    for (; width >= block; width -= block, levels += block, pixels += channels * block) {
      blend(levels, block, pixels);
    }
    if (width > 0) blend(levels, width, pixels);
  }

 private:
  static constexpr Index channels = Image::channels;

  // Always computes a whole block, of which `count` pixels are used: g++ -O2 vectorizes loops of
  // constant length over arrays that nothing else refers to. 100 us against 340 for 224 x 224
  // pixels one by one.
  void blend(const float* levels, Index count, std::uint8_t* pixels) const {
    int numbers[block];
    for (Index i = 0; i < block; ++i) numbers[i] = Palette::number(levels[i]);
    float heat[channels * block + 1];
    // Four floats are one move; the fourth is overwritten by the next pixel.
    for (Index i = 0; i < block; ++i)
      std::memcpy(heat + channels * i, heat_[numbers[i]], sizeof(heat_[0]));
    std::uint8_t bytes[channels * block] = {};
    std::memcpy(bytes, pixels, static_cast<std::size_t>(channels * count));
    for (Index i = 0; i < channels * block; ++i) {
      bytes[i] = static_cast<std::uint8_t>(keep_ * static_cast<float>(bytes[i]) + heat[i] + 0.5F);
    }
    std::memcpy(pixels, bytes, static_cast<std::size_t>(channels * count));
  }

  alignas(16) float heat_[Palette::size][4] = {};  // alpha * red, green and blue
  float keep_;
};

// Lays the (h, w) map, normalized, upsampled and coloured, over the part of the image that it
// covers.
inline void paint_map(Image& image, const Box& view, TensorView<const float> map,
                      const HeatBlend& blend) {
  const Tensor<float> levels = normalized(map);
  UpsampledRows rows(levels, view.height, view.width);
  std::vector<float> row(static_cast<std::size_t>(view.width + HeatBlend::block));
  for (Index y = 0; y < view.height; ++y) {
    rows.row(y, row.data());
    blend.row(row.data(), view.width, image.pixel(view.x, view.y + y));
  }
}

}  // namespace detail

// The size and the colours of a `heatmap`.
struct HeatmapOptions {
  Index width = 0;  // of the picture, in pixels; 0: as wide as the map
  Index height = 0;
  Colormap colormap = Colormap::jet;
};

// The (h, w) map as a picture: normalized to [0, 1], upsampled to width x height, coloured. See
// normalized for NaN, infinities and constant maps, upsample for the interpolation. Throws Error
// unless the map has shape (h, w), neither zero, and no size is negative.
inline Image heatmap(TensorView<const float> map, const HeatmapOptions& options = {}) {
  if (map.rank() != 2) fail("heatmap: a map has shape (height, width), not ", map.shape().str());
  Image out(options.width != 0 ? options.width : map.extent(1),
            options.height != 0 ? options.height : map.extent(0));
  const Box whole{0, 0, out.width(), out.height()};
  detail::paint_map(out, whole, map, detail::HeatBlend(options.colormap, 1));
  return out;
}

// How strongly, and in which colours, an `overlay` shows the map.
struct OverlayOptions {
  float alpha = 0.5F;  // 0: the photo alone, 1: the heatmap alone
  Colormap colormap = Colormap::jet;
};

// The photo with the heatmap of the (h, w) map over `view`, the part of it that the map covers:
//
//   out = (1 - alpha) * photo + alpha * heatmap, rounded, inside of the view;   photo elsewhere
//
// Throws Error unless the map has shape (h, w), neither zero, the view has at least one pixel and
// lies inside of the photo, and 0 <= alpha <= 1.
inline Image overlay(const Image& photo, TensorView<const float> map, const Box& view,
                     const OverlayOptions& options = {}) {
  detail::check_inside("overlay", view, photo.width(), photo.height());
  const float alpha = options.alpha;
  if (!(alpha >= 0 && alpha <= 1)) fail("overlay: alpha is a share, 0 to 1, not ", alpha);
  Image out = photo;
  detail::paint_map(out, view, map, detail::HeatBlend(options.colormap, alpha));
  return out;
}

}  // namespace camlite
