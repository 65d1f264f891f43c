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

// Calls paint(x, y, color) for each pixel of the (h, w) map, normalized and upsampled to width x
// height.
template <class Paint>
void paint_map(TensorView<const float> map, Index width, Index height, Colormap colormap,
               const Paint& paint) {
  const Tensor<float> levels = normalized(map);
  const Palette palette(colormap);
  UpsampledRows rows(levels, height, width);
  std::vector<float> row(static_cast<std::size_t>(width));
  for (Index y = 0; y < height; ++y) {
    rows.row(y, row.data());
    for (Index x = 0; x < width; ++x) paint(x, y, palette(row.data()[x]));
  }
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
  detail::paint_map(map, out.width(), out.height(), options.colormap,
                    [&out](Index x, Index y, Rgb color) {
                      std::uint8_t* pixel = out.pixel(x, y);
                      pixel[0] = color.r;
                      pixel[1] = color.g;
                      pixel[2] = color.b;
                    });
  return out;
}

struct OverlayOptions {
  float alpha = 0.5F;  // 0: the photo alone, 1: the heatmap alone
  Colormap colormap = Colormap::jet;
};

// The photo with the heatmap of the (h, w) map over `view`, the part of it that the map covers:
//
//   out = (1 - alpha) * photo + alpha * heatmap inside of the view, rounded;   out = photo
//   elsewhere
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
  detail::paint_map(map, view.width, view.height, options.colormap,
                    [&](Index x, Index y, Rgb color) {
                      std::uint8_t* pixel = out.pixel(view.x + x, view.y + y);
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
      std::uint8_t* pixel = image.pixel(x, y);
      pixel[0] = color.r;
      pixel[1] = color.g;
      pixel[2] = color.b;
    }
  }
}

}  // namespace camlite
