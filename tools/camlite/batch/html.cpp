#include "html.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include <camlite/image_io.hpp>

#include "../console.hpp"

namespace camlite::tool {

namespace {

// RFC 4648, section 4.
std::string base64(std::span<const std::byte> bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t j) {
      return i + j < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0;
    };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t j = 0; j < 4; ++j) {
      const bool padding = i + j > bytes.size();
      out += padding ? '=' : digits[three >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

}  // namespace

std::string html(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string data_address(const Image& picture) {
  const auto bytes = encode_image(picture, ImageFormat::jpeg, {.jpeg_quality = 80});
  return "data:image/jpeg;base64," + base64(bytes);
}

}  // namespace camlite::tool
