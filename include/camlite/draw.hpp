// fill_box, draw_box, outline_box, draw_image: rectangles and pictures drawn on a picture.
#pragma once

#include <algorithm>
#include <cstdint>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

inline void set_pixel(std::uint8_t* pixel, Rgb color) {
  pixel[0] = color.r;
  pixel[1] = color.g;
  pixel[2] = color.b;
}

// The pixels of the box that the picture has; of no width or height if there are none.
inline Box clipped(const Box& box, const Image& image) {
  const Index left = std::max<Index>(box.x, 0), top = std::max<Index>(box.y, 0);
  return {left, top, std::max<Index>(0, std::min(box.x + box.width, image.width()) - left),
          std::max<Index>(0, std::min(box.y + box.height, image.height()) - top)};
}

}  // namespace detail

// Gives the pixels of the box the colour. What lies outside of the picture is left out.
inline void fill_box(Image& image, const Box& box, Rgb color) {
  const Box part = detail::clipped(box, image);
  if (part.area() == 0) return;
  for (Index y = part.y; y < part.y + part.height; ++y) {
    std::uint8_t* pixel = image.pixel(part.x, y);
    for (Index x = 0; x < part.width; ++x) detail::set_pixel(pixel + Image::channels * x, color);
  }
}

// Outlines the box on the picture: the outermost `thickness` pixels of the box take the colour.
// What lies outside of the picture is left out. Throws Error if the thickness is not positive.
inline void draw_box(Image& image, const Box& box, Rgb color, Index thickness = 1) {
  if (thickness < 1) fail("draw_box: a line ", thickness, " pixels thick");
  const Index across = std::min(thickness, box.width), down = std::min(thickness, box.height);
  fill_box(image, {box.x, box.y, box.width, down}, color);
  fill_box(image, {box.x, box.y + box.height - down, box.width, down}, color);
  fill_box(image, {box.x, box.y, across, box.height}, color);
  fill_box(image, {box.x + box.width - across, box.y, across, box.height}, color);
}

// How many pixels thick a line should be to be seen on a picture of this size and to hide little of
// it: one for each 150 pixels of the shorter side, at least one.
inline Index line_width(Index width, Index height) {
  return std::max<Index>(1, std::min(width, height) / 150);
}

// Outlines the box so that it is seen on every colour: a line of the colour, `thickness` pixels
// thick, between two black ones of a quarter of that, at least one pixel. The outer one is made of
// the box's outermost pixels. Throws Error if the thickness is not positive.
inline void outline_box(Image& image, const Box& box, Rgb color, Index thickness) {
  if (thickness < 1) fail("outline_box: a line ", thickness, " pixels thick");
  const Index edge = std::max<Index>(1, thickness / 4);
  draw_box(image, box, {0, 0, 0}, thickness + 2 * edge);
  const Box inner{box.x + edge, box.y + edge, box.width - 2 * edge, box.height - 2 * edge};
  if (inner.width > 0 && inner.height > 0) draw_box(image, inner, color, thickness);
}

// In white, as thick as suits the picture (see line_width).
inline void outline_box(Image& image, const Box& box) {
  outline_box(image, box, {255, 255, 255}, line_width(image.width(), image.height()));
}

// Copies the other picture onto this one, its top left pixel to (x, y). What lies outside is left
// out.
inline void draw_image(Image& image, Index x, Index y, const Image& other) {
  const Box part = detail::clipped({x, y, other.width(), other.height()}, image);
  if (part.area() == 0) return;
  for (Index row = part.y; row < part.y + part.height; ++row) {
    std::copy_n(other.pixel(part.x - x, row - y), Image::channels * part.width,
                image.pixel(part.x, row));
  }
}

}  // namespace camlite
