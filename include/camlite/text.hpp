// draw_text: text on a picture, in a bitmap face of fixed width.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <camlite/bitmap_face.hpp>
#include <camlite/box.hpp>
#include <camlite/draw.hpp>
#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

namespace detail {

// The code points of UTF-8 text; U+FFFD for each byte that belongs to none.
inline std::u32string decode_utf8(std::string_view bytes) {
  std::u32string out;
  std::size_t valid = valid_utf8_prefix(bytes);
  for (std::size_t i = 0; i < bytes.size();) {
    if (i == valid) {
      out += char32_t{0xFFFD};
      ++i;
      valid = i + valid_utf8_prefix(bytes.substr(i));
      continue;
    }
    const auto lead = static_cast<unsigned char>(bytes[i++]);
    char32_t code = lead;
    if (lead >= 0xC0) code = lead & (lead < 0xE0 ? 0x1FU : lead < 0xF0 ? 0x0FU : 0x07U);
    for (; i < valid && (static_cast<unsigned char>(bytes[i]) & 0xC0U) == 0x80U; ++i) {
      code = code << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3FU);
    }
    out += code;
  }
  return out;
}

// Draws the glyph, `scale` times as large, its top left corner at (x, y).
//
// Where two pixels of the small glyph touch at a corner only, the corner is filled on both sides by
// triangles with legs of half a pixel, which makes straight lines of the stairs. (The character
// rounding of teletext decoders: Mullard SAA5050.)
inline void draw_glyph(Image& image, Index x, Index y, const Glyph& glyph, Rgb color, Index scale) {
  const auto bit = [&](Index column, Index row) {
    return column >= 0 && column < glyph_width && row >= 0 && row < glyph_height &&
           (glyph[static_cast<std::size_t>(row)] >> (glyph_width - 1 - column) & 1) != 0;
  };
  for (Index row = 0; row < glyph_height; ++row) {
    for (Index column = 0; column < glyph_width; ++column) {
      const Box cell{x + column * scale, y + row * scale, scale, scale};
      if (bit(column, row)) {
        fill_box(image, cell, color);
        continue;
      }
      for (const auto& [right, down] :
           {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
        const Index beside = column + (right ? 1 : -1), beyond = row + (down ? 1 : -1);
        if (!bit(beside, row) || !bit(column, beyond) || bit(beside, beyond)) continue;
        for (Index length = scale / 2, i = 0; length > 0; --length, ++i) {
          fill_box(image,
                   {right ? cell.x + scale - length : cell.x,
                    down ? cell.y + scale - 1 - i : cell.y + i, length, 1},
                   color);
        }
      }
    }
  }
}

inline Index checked_scale(Index scale) {
  constexpr Index most = 4096;
  if (scale < 1 || scale > most) fail("text: the scale is 1 to ", most, ", not ", scale);
  return scale;
}

}  // namespace detail

// How many pixels text takes. A character is 6 * scale wide and 13 * scale high, of which 2 * scale
// are below the base line; all stand on one line. Throws Error unless 1 <= scale <= 4096.
inline Index text_width(std::string_view utf8, Index scale = 1) {
  return static_cast<Index>(detail::decode_utf8(utf8).size()) * detail::glyph_width *
         detail::checked_scale(scale);
}
inline Index text_height(Index scale = 1) {
  return detail::glyph_height * detail::checked_scale(scale);
}

// How large text should be to be read on a picture of this size: about 6 % of the shorter side, at
// least 1.
inline Index text_scale(Index width, Index height) {
  constexpr Index pixels = 220;  // of the shorter side for each step
  return std::clamp<Index>((std::min(width, height) + pixels / 2) / pixels, 1, 4096);
}

// Writes UTF-8 text on the picture, the top left corner of its first character at (x, y). Only the
// characters' own pixels change; what lies outside of the picture is left out. The face has ASCII
// and Latin-1; other characters, control characters and bytes that are not UTF-8 are shown as an
// empty frame. Throws Error unless 1 <= scale <= 4096.
inline void draw_text(Image& image, Index x, Index y, std::string_view utf8, Rgb color,
                      Index scale = 1) {
  const Index width = detail::glyph_width * detail::checked_scale(scale);
  for (char32_t code : detail::decode_utf8(utf8)) {
    if (x >= image.width()) return;
    if (x > -width) detail::draw_glyph(image, x, y, detail::glyph_of(code), color, scale);
    x += width;
  }
}

}  // namespace camlite
