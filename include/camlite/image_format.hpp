// ImageFormat: which format an encoded picture is in, by its first bytes or its suffix; of how many
// pixels it is, and whether all of it is there.
//
// stb_image decodes truncated and damaged files to gray or black areas without a word, and trusts
// the sizes in their headers; the checks here come first.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <camlite/error.hpp>
#include <camlite/limits.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// The formats of picture files that are read and written.
enum class ImageFormat { jpeg, png, bmp };

// "JPEG", "PNG" or "BMP".
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

// What is known of a picture before it is decoded.
struct EncodedSize {
  Index width = 0;
  Index height = 0;
};

inline EncodedSize checked_size(Index width, Index height, Index most_pixels,
                                std::string_view name) {
  if (width < 1 || height < 1) fail(name, ": a picture of ", width, " x ", height, " pixels");
  if (width > most_pixels / height) {
    fail(name, ": ", width, " x ", height, " pixels",
         above_limit(most_pixels, "ImageLimits::pixels, or the program's --max-pixels"));
  }
  return {width, height};
}

// Throws Error if a Huffman table of the segment has more than 256 codes, as none can:
// stb_image 2.27 would write beyond its own table.
inline void check_huffman_tables(std::span<const std::byte> segment, std::string_view name) {
  constexpr std::size_t head = 17;  // which table, and how many codes of each length
  while (segment.size() >= head) {
    std::size_t codes = 0;
    for (std::byte count : segment.subspan(1, head - 1))
      codes += std::to_integer<std::size_t>(count);
    if (codes > 256) fail(name, ": a damaged JPEG: a Huffman table of ", codes, " codes");
    segment = segment.subspan(std::min(head + codes, segment.size()));
  }
  if (!segment.empty())
    fail(name, ": a damaged JPEG: a Huffman table of ", segment.size(), " bytes");
}

// Follows the segments (ITU-T T.81, annex B) to the end-of-image marker. Throws Error if it is not
// there, or the size or a Huffman table cannot be.
inline EncodedSize inspect_jpeg(std::span<const std::byte> data, Index most_pixels,
                                std::string_view name) {
  // A scan of a few bytes can go over all pixels. Encoders of progressive pictures write some ten.
  constexpr int most_scans = 100;
  int scans = 0;
  EncodedSize size;
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
    constexpr std::uint32_t end_of_image = 0xd9, huffman_tables = 0xc4, start_of_scan = 0xda;
    if (marker == end_of_image) {
      if (size.width == 0) fail(name, ": a damaged JPEG: it ends without a frame");
      return size;
    }
    if (at + 4 > data.size() || big_endian<2>(data, at + 2) > data.size() - at - 2) break;
    const std::size_t length = big_endian<2>(data, at + 2);
    if (length < 2) fail(name, ": a damaged JPEG: a segment of ", length, " bytes at byte ", at);
    const auto segment = data.subspan(at + 4, length - 2);
    if (marker == huffman_tables) check_huffman_tables(segment, name);
    if (marker == start_of_scan && ++scans > most_scans)
      fail(name, ": a JPEG of more than ", most_scans, " scans, which would take long to decode");
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != huffman_tables &&
                       marker != 0xc8 && marker != 0xcc;
    if (frame && size.width == 0) {
      if (segment.size() < 6) fail(name, ": a damaged JPEG: a frame of ", segment.size(), " bytes");
      size = checked_size(big_endian<2>(segment, 3), big_endian<2>(segment, 1), most_pixels, name);
    }
    at += 2 + length;
  }
  fail(name, ": a truncated JPEG: its ", data.size(), " bytes end before the end-of-image marker");
}

// The CRC-32 of ISO 3309, as PNG and zlib use it.
inline std::uint32_t crc32(std::span<const std::byte> data) {
  // tables[k][byte]: of the byte and k zeros behind it. Four bytes at a time look theirs up side by
  // side, in a third of the time.
  static constexpr auto tables = [] {
    std::array<std::array<std::uint32_t, 256>, 4> rows{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t crc = byte;
      for (auto& row : rows) {
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
        row[byte] = crc;
      }
    }
    return rows;
  }();
  std::uint32_t crc = ~0U;
  std::size_t at = 0;
  for (; at + 4 <= data.size(); at += 4) {
    crc ^= little_endian<4>(data, at);
    crc = tables[3][crc & 0xff] ^ tables[2][crc >> 8 & 0xff] ^ tables[1][crc >> 16 & 0xff] ^
          tables[0][crc >> 24];
  }
  for (; at < data.size(); ++at)
    crc = crc >> 8 ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(data[at])) & 0xff];
  return ~crc;
}

// Follows the chunks (ISO/IEC 15948, section 5) to IEND. Throws Error if it is not there, the size
// cannot be, a chunk that matters is unknown or its checksum does not hold.
inline EncodedSize inspect_png(std::span<const std::byte> data, Index most_pixels,
                               std::string_view name) {
  EncodedSize size;
  std::size_t at = 8;
  while (true) {
    constexpr std::size_t around = 12;  // length, type, checksum
    if (data.size() - at < around || data.size() - at - around < big_endian<4>(data, at)) {
      fail(name, ": a truncated PNG: its ", data.size(), " bytes end before its last chunk");
    }
    const std::size_t length = big_endian<4>(data, at);
    const std::string_view type(reinterpret_cast<const char*>(data.data()) + at + 4, 4);
    const bool critical = (big_endian<1>(data, at + 4) & 0x20) == 0;
    if (critical && type != "IHDR" && type != "PLTE" && type != "IDAT" && type != "IEND") {
      fail(name, ": a PNG with an unknown critical chunk at byte ", at);
    }
    if (critical &&
        crc32(data.subspan(at + 4, 4 + length)) != big_endian<4>(data, at + 8 + length)) {
      fail(name, ": a damaged PNG: the checksum of the ", type, " chunk at byte ", at, " is wrong");
    }
    if (at == 8) {
      if (type != "IHDR" || length != 13)
        fail(name, ": a damaged PNG: it does not start with a header");
      size = checked_size(big_endian<4>(data, at + 8), big_endian<4>(data, at + 12), most_pixels,
                          name);
    }
    if (type == "IEND") return size;
    at += around + length;
  }
}

// Reads the header. Throws Error if the size cannot be, or the pixels are not all there; compressed
// ones are left to the decoder, which refuses them.
inline EncodedSize inspect_bmp(std::span<const std::byte> data, Index most_pixels,
                               std::string_view name) {
  const bool os2 =
      data.size() >= 26 && little_endian<4>(data, 14) == 12;  // 16-bit sizes, no compression
  if (!os2 && data.size() < 34) fail(name, ": a truncated BMP: ", data.size(), " bytes");
  const auto signed_size = [data](std::size_t at) {
    return Index{static_cast<std::int32_t>(little_endian<4>(data, at))};
  };
  const Index width = os2 ? Index{little_endian<2>(data, 18)} : signed_size(18);
  // Negative where the topmost row is the first.
  const Index height = os2 ? Index{little_endian<2>(data, 20)} : std::abs(signed_size(22));
  const EncodedSize size = checked_size(width, height, most_pixels, name);

  const std::uint32_t compression = os2 ? 0 : little_endian<4>(data, 30);
  constexpr std::uint32_t channel_masks = 3;
  if (compression != 0 && compression != channel_masks) return size;
  const Index bits = width * Index{little_endian<2>(data, os2 ? 24 : 28)};
  const Index before_last_row = checked_product((bits + 31) / 32 * 4, height - 1);
  const Index needed = Index{little_endian<4>(data, 10)} + (bits + 7) / 8;
  if (static_cast<Index>(data.size()) - needed < before_last_row) {
    fail(name, ": a truncated BMP: its ", data.size(), " bytes end before the last of its ", height,
         " rows");
  }
  return size;
}

// Throws Error, whose message starts with `name`, unless the picture has at least one and at most
// `most_pixels` pixels and is there as a whole.
inline EncodedSize inspect(ImageFormat format, std::span<const std::byte> data, Index most_pixels,
                           std::string_view name) {
  switch (format) {
    case ImageFormat::jpeg:
      return inspect_jpeg(data, most_pixels, name);
    case ImageFormat::png:
      return inspect_png(data, most_pixels, name);
    case ImageFormat::bmp:
      break;
  }
  return inspect_bmp(data, most_pixels, name);
}

}  // namespace detail

}  // namespace camlite
