// exif_orientation, turned: which way up a camera held a picture, and the picture that way up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/image_format.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

// The value of the tag Orientation in the first directory of a TIFF file, which is what EXIF data
// is; 1 if there is none, or it is broken.
inline int tiff_orientation(std::span<const std::byte> tiff) {
  using namespace std::string_view_literals;
  const bool little = bytes_at(tiff, 0, "II*\0"sv);
  if (!little && !bytes_at(tiff, 0, "MM\0*"sv)) return 1;
  const auto two = [&](std::size_t at) {
    return little ? little_endian<2>(tiff, at) : big_endian<2>(tiff, at);
  };
  const auto four = [&](std::size_t at) {
    return little ? little_endian<4>(tiff, at) : big_endian<4>(tiff, at);
  };
  if (tiff.size() < 8) return 1;
  const std::size_t directory = four(4);
  if (tiff.size() < directory + 2) return 1;
  constexpr std::size_t entry_size = 12;  // tag, type, count, value
  constexpr std::uint32_t orientation = 0x0112, type_short = 3;
  const std::size_t entries =
      std::min<std::size_t>(two(directory), (tiff.size() - directory - 2) / entry_size);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + i * entry_size;
    if (two(at) != orientation) continue;
    const std::uint32_t value = two(at + 8);
    const bool sound = two(at + 2) == type_short && four(at + 4) == 1 && value >= 1 && value <= 8;
    return sound ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace detail

// The orientation, 1 to 8, that the EXIF data in the bytes of a JPEG file names; 1, the picture as
// it is, if there is none or it is broken: bytes that only say how a picture was held must not
// make it unreadable. Source: CIPA DC-008 (Exif 2.32), section 4.6.4; ITU-T T.81, annex B.
inline int exif_orientation(std::span<const std::byte> jpeg) {
  using namespace std::string_view_literals;
  constexpr std::string_view exif = "Exif\0\0"sv;
  constexpr std::uint32_t app1 = 0xe1, start_of_scan = 0xda;
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && detail::big_endian<1>(jpeg, at) == 0xff) {
    const std::uint32_t marker = detail::big_endian<1>(jpeg, at + 1);
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    const std::size_t length = detail::big_endian<2>(jpeg, at + 2);
    if (marker == start_of_scan || length < 2 || length > jpeg.size() - at - 2) return 1;
    const auto segment = jpeg.subspan(at + 4, length - 2);
    if (marker == app1 && detail::bytes_at(segment, 0, exif))
      return detail::tiff_orientation(segment.subspan(exif.size()));
    at += 2 + length;
  }
  return 1;
}

// The picture as a viewer shows it that stores it with this orientation: turned and mirrored, no
// pixel changed. Of the stored picture, the first row is at the top (1, 2), the bottom (3, 4), the
// left (5, 8) or the right (6, 7) of the result, the first column at the left (1, 4), the right
// (2, 3), the top (5, 6) or the bottom (7, 8). Throws Error unless the orientation is 1 to 8.
inline Image turned(const Image& stored, int orientation) {
  if (orientation < 1 || orientation > 8) fail("turned: orientation is 1 to 8, not ", orientation);
  const bool sideways = orientation >= 5;
  const bool first_row_last =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool first_column_last =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  // From one pixel of the result to the next, in pixels of the stored picture.
  Index across = first_column_last ? -1 : 1;
  Index down = first_row_last ? -stored.width() : stored.width();
  const Index start = (first_column_last ? stored.width() - 1 : 0) +
                      (first_row_last ? (stored.height() - 1) * stored.width() : 0);
  if (sideways) std::swap(across, down);
  Image out(sideways ? stored.height() : stored.width(),
            sideways ? stored.width() : stored.height());
  // In squares, so that what is read sideways stays in the cache.
  constexpr Index side = 32;
  for (Index top = 0; top < out.height(); top += side) {
    for (Index left = 0; left < out.width(); left += side) {
      const Index right = std::min(left + side, out.width());
      for (Index y = top; y < std::min(top + side, out.height()); ++y) {
        const std::uint8_t* from =
            stored.data() + Image::channels * (start + y * down + left * across);
        std::uint8_t* to = out.data() + Image::channels * (y * out.width() + left);
        for (Index x = left; x < right; ++x, to += Image::channels) {
          std::copy_n(from, Image::channels, to);
          from += Image::channels * across;
        }
      }
    }
  }
  return out;
}

}  // namespace camlite
