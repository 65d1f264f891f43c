// heatmap, overlay, draw_box: class activation maps and boxes made visible.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

// Calls paint(pixel, color) for each pixel of the view on the image, which the (h, w) map covers:
// normalized, upsampled and coloured.
template <class Paint>
void paint_map(Image& image, const Box& view, TensorView<const float> map, Colormap colormap,
               const Paint& paint) {
  const Tensor<float> levels = normalized(map);
  const Palette palette(colormap);
  UpsampledRows rows(levels, view.height, view.width);
  std::vector<float> row(static_cast<std::size_t>(view.width));
  for (Index y = 0; y < view.height; ++y) {
    rows.row(y, row.data());
    std::uint8_t* pixel = image.pixel(view.x, view.y + y);
    for (float level : row) {
      paint(pixel, palette(level));
      pixel += Image::channels;
    }
  }
}

inline void set_pixel(std::uint8_t* pixel, Rgb color) {
  pixel[0] = color.r;
  pixel[1] = color.g;
  pixel[2] = color.b;
}

}  // namespace detail

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
  detail::paint_map(out, whole, map, options.colormap, detail::set_pixel);
  return out;
}

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
  const auto blend = [alpha](std::uint8_t& level, std::uint8_t heat) {
    const auto from = static_cast<float>(level);
    const auto to = static_cast<float>(heat);
    level = static_cast<std::uint8_t>((1 - alpha) * from + alpha * to + 0.5F);
  };
  detail::paint_map(out, view, map, options.colormap, [&](std::uint8_t* pixel, Rgb color) {
    blend(pixel[0], color.r);
    blend(pixel[1], color.g);
    blend(pixel[2], color.b);
  });
  return out;
}

// Outlines the box on the picture: the outermost `thickness` pixels of the box take the colour.
// What lies outside of the picture is left out. Throws Error if the thickness is not positive.
inline void draw_box(Image& image, const Box& box, Rgb color, Index thickness = 1) {
  if (thickness < 1) fail("draw_box: a line ", thickness, " pixels thick");
  const Index bottom = std::min(box.y + box.height, image.height());
  const Index right = std::min(box.x + box.width, image.width());
  for (Index y = std::max(box.y, Index{0}); y < bottom; ++y) {
    const bool in_line = y - box.y < thickness || box.y + box.height - y <= thickness;
    for (Index x = std::max(box.x, Index{0}); x < right; ++x) {
      if (!in_line && x - box.x >= thickness && box.x + box.width - x > thickness) continue;
      detail::set_pixel(image.pixel(x, y), color);
    }
  }
}

}  // namespace camlite
