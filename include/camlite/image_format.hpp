// ImageFormat: which format a picture is in, by its first bytes or its suffix, and whether all of
// it is there.
//
// stb_image decodes truncated and damaged files to gray or black areas without a word; the checks
// here are what makes them errors.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

enum class ImageFormat { jpeg, png, bmp };

inline std::string_view name_of(ImageFormat format) {
  constexpr std::array<std::string_view, 3> names{"JPEG", "PNG", "BMP"};
  return names[static_cast<std::size_t>(format)];
}

// By the suffix, in upper or lower case: jpg or jpeg, png, bmp. Throws Error for any other.
inline ImageFormat image_format_of_path(std::string_view path) {
  const std::size_t dot = path.find_last_of("./\\");
  std::string suffix(dot == path.npos || path[dot] != '.' ? "" : path.substr(dot + 1));
  for (char& c : suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (suffix == "jpg" || suffix == "jpeg") return ImageFormat::jpeg;
  if (suffix == "png") return ImageFormat::png;
  if (suffix == "bmp") return ImageFormat::bmp;
  fail(path, ": the name of a picture to write ends in .jpg, .jpeg, .png or .bmp");
}

namespace detail {

inline bool bytes_at(std::span<const std::byte> data, std::size_t at, std::string_view expected) {
  return data.size() >= at + expected.size() &&
         std::memcmp(data.data() + at, expected.data(), expected.size()) == 0;
}

template <int count>
std::uint32_t big_endian(std::span<const std::byte> data, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8 | std::to_integer<std::uint32_t>(data[at + i]);
  return value;
}

template <int count>
std::uint32_t little_endian(std::span<const std::byte> data, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;)
    value = value << 8 | std::to_integer<std::uint32_t>(data[at + i]);
  return value;
}

// By content. Throws Error, naming the format where it is one that people have, if it is none of
// ours.
inline ImageFormat image_format_of(std::span<const std::byte> data, std::string_view name) {
  if (bytes_at(data, 0, "\xff\xd8\xff")) return ImageFormat::jpeg;
  if (bytes_at(data, 0, "\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (bytes_at(data, 0, "BM")) return ImageFormat::bmp;
  struct Other {
    std::size_t at;
    std::string_view bytes;
    std::string_view format;
  };
  using namespace std::string_view_literals;
  constexpr std::array<Other, 9> others{{
      {0, "GIF8", "GIF"},
      {8, "WEBP", "WebP"},
      {0, "II*\0"sv, "TIFF"},
      {0, "MM\0*"sv, "TIFF"},
      {4, "ftypavif", "AVIF"},
      {4, "ftyphei", "HEIC"},
      {4, "ftypmif1", "HEIC"},
      {0, "8BPS", "Photoshop"},
      {0, "\xff\x0a", "JPEG XL"},
  }};
  for (const Other& other : others) {
    if (bytes_at(data, other.at, other.bytes)) {
      fail(name, ": a ", other.format, " picture; only JPEG, PNG and BMP are read");
    }
  }
  if (data.empty()) fail(name, ": empty: no picture in 0 bytes");
  fail(name, ": not a JPEG, PNG or BMP picture");
}

// Throws Error if a Huffman table of the segment has more than 256 codes, as none can: stb_image before 2.29 would write
// beyond its own table.
inline void check_huffman_tables(std::span<const std::byte> segment, std::string_view name) {
  constexpr std::size_t head = 17;  // which table, and how many codes of each length
  while (segment.size() >= head) {
    std::size_t codes = 0;
    for (std::byte count : segment.subspan(1, head - 1)) codes += std::to_integer<std::size_t>(count);
    if (codes > 256) fail(name, ": a damaged JPEG: a Huffman table of ", codes, " codes");
    segment = segment.subspan(std::min(head + codes, segment.size()));
  }
  if (!segment.empty()) fail(name, ": a damaged JPEG: a Huffman table of ", segment.size(), " bytes");
}

// Throws Error unless the end-of-image marker is there, after all segments, and the Huffman tables can be.
inline void check_whole_jpeg(std::span<const std::byte> data, std::string_view name) {
  constexpr std::uint32_t huffman_tables = 0xc4, end_of_image = 0xd9;
  std::size_t at = 2;
  while (at + 2 <= data.size()) {
    const std::uint32_t marker = big_endian<1>(data, at + 1);
    const bool in_data = big_endian<1>(data, at) != 0xff || marker == 0x00 || marker == 0xff;
    const bool lone = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (in_data || lone) {
      const void* next = std::memchr(data.data() + at + 1, 0xff, data.size() - at - 1);
      if (next == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const std::byte*>(next) - data.data());
      continue;
    }
    if (marker == end_of_image) return;
    if (at + 4 > data.size()) break;
    const std::size_t next = at + 2 + big_endian<2>(data, at + 2);
    if (next > data.size()) break;
    if (marker == huffman_tables) {
      check_huffman_tables(data.subspan(at + 4, std::max(next, at + 4) - (at + 4)), name);
    }
    at = next;
  }
  fail(name, ": a truncated JPEG: its ", data.size(), " bytes end before the end-of-image marker");
}

// The CRC-32 of ISO 3309, as PNG and zlib use it.
inline std::uint32_t crc32(std::span<const std::byte> data) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t row = i;
      for (int bit = 0; bit < 8; ++bit) row = row >> 1 ^ (row & 1 ? 0xedb88320U : 0U);
      rows[i] = row;
    }
    return rows;
  }();
  std::uint32_t crc = ~0U;
  for (std::byte byte : data)
    crc = crc >> 8 ^ table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  return ~crc;
}

// Throws Error unless all chunks up to IEND are there, those that matter are known and their
// checksums hold.
inline void check_whole_png(std::span<const std::byte> data, std::string_view name) {
  std::size_t at = 8;
  while (true) {
    constexpr std::size_t around = 12;  // length, type, checksum
    if (data.size() - at < around || data.size() - at - around < big_endian<4>(data, at)) {
      fail(name, ": a truncated PNG: its ", data.size(), " bytes end before its last chunk");
    }
    const std::size_t length = big_endian<4>(data, at);
    const bool critical = (big_endian<1>(data, at + 4) & 0x20) == 0;
    if (critical) {
      const std::string_view type(reinterpret_cast<const char*>(data.data()) + at + 4, 4);
      if (type != "IHDR" && type != "PLTE" && type != "IDAT" && type != "IEND") {
        fail(name, ": a PNG with an unknown critical chunk at byte ", at);
      }
      if (crc32(data.subspan(at + 4, 4 + length)) != big_endian<4>(data, at + 8 + length)) {
        fail(name, ": a damaged PNG: the checksum of the ", type, " chunk at byte ", at,
             " is wrong");
      }
      if (type == "IEND") return;
    }
    at += around + length;
  }
}

// Throws Error unless the pixels are all there. The size is the one that the header gives.
// Compressed ones are left to the decoder, which refuses them.
inline void check_whole_bmp(std::span<const std::byte> data, std::string_view name, Index width,
                            Index height) {
  constexpr std::size_t os2_header = 12;
  if (data.size() < 34) fail(name, ": a truncated BMP: ", data.size(), " bytes");
  const bool os2 = little_endian<4>(data, 14) == os2_header;
  if (!os2 && little_endian<4>(data, 30) != 0 && little_endian<4>(data, 30) != 3) return;
  const Index bits = checked_product(width, little_endian<2>(data, os2 ? 24 : 28));
  const Index stride = (bits + 31) / 32 * 4;
  const Index needed =
      Index{little_endian<4>(data, 10)} + checked_product(stride, height - 1) + (bits + 7) / 8;
  if (static_cast<Index>(data.size()) < needed) {
    fail(name, ": a truncated BMP: ", data.size(), " bytes of ", needed);
  }
}

}  // namespace detail

}  // namespace camlite
