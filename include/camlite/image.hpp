// Image: a picture of 8-bit RGB pixels, and the part of one inside a Box.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// Red, green and blue, 0 to 255 each, as the file stores them (sRGB, not linear light).
struct Rgb {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;

  friend bool operator==(const Rgb&, const Rgb&) = default;
};

// A picture, row by row from the top, each row from the left, each pixel red, green, blue: (height,
// width, 3) bytes without gaps. A value: copied whole.
class Image {
 public:
  static constexpr Index channels = 3;

  Image() = default;  // 0 x 0

  // Black. Throws Error if an extent is negative or the size overflows, std::bad_alloc if the
  // memory is not there.
  Image(Index width, Index height) {
    if (width < 0 || height < 0) fail("a picture of ", width, " x ", height, " pixels cannot be");
    pixels_ = Tensor<std::uint8_t>(Shape{height, width, channels});
  }

  Index width() const { return pixels_.extent(1); }
  Index height() const { return pixels_.extent(0); }
  Index size() const { return pixels_.size(); }  // bytes: 3 * width * height
  std::uint8_t* data() { return pixels_.data(); }
  const std::uint8_t* data() const { return pixels_.data(); }

  // The three bytes of the pixel in column x of row y; those of the pixels to its right follow.
  // Debug builds (no NDEBUG) throw Error outside of the picture.
  std::uint8_t* pixel(Index x, Index y) { return &pixels_(y, x, 0); }
  const std::uint8_t* pixel(Index x, Index y) const { return &pixels_(y, x, 0); }

  // The picture as a tensor of shape (height, width, 3).
  TensorView<const std::uint8_t> view() const { return pixels_.view(); }

  friend bool operator==(const Image& a, const Image& b) {
    return a.width() == b.width() && a.height() == b.height() &&
           std::equal(a.data(), a.data() + a.size(), b.data());
  }

 private:
  Tensor<std::uint8_t> pixels_ = Tensor<std::uint8_t>::uninitialized({0, 0, channels});
};

namespace detail {

// Throws Error, in the name of `who`, unless the box is made of pixels of a width x height picture.
inline void check_inside(std::string_view who, const Box& box, Index width, Index height) {
  const bool inside = box.x >= 0 && box.y >= 0 && box.width >= 0 && box.height >= 0 &&
                      box.width <= width && box.height <= height && box.x <= width - box.width &&
                      box.y <= height - box.height;
  if (!inside) {
    fail(who, ": a box of ", box.width, " x ", box.height, " pixels at (", box.x, ", ", box.y,
         ") is not inside of a picture of ", width, " x ", height);
  }
}

}  // namespace detail

// The pixels of the picture inside of the box: out(x, y) = image(box.x + x, box.y + y).
// Throws Error if the box leaves the picture.
inline Image crop(const Image& image, const Box& box) {
  detail::check_inside("crop", box, image.width(), image.height());
  Image out(box.width, box.height);
  const Index row = Image::channels * box.width;
  for (Index y = 0; y < box.height; ++y) {
    const Index first = Image::channels * ((box.y + y) * image.width() + box.x);
    std::copy_n(image.data() + first, row, out.data() + y * row);
  }
  return out;
}

}  // namespace camlite
