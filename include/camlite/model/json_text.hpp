// What the text of a JSON string is made of: well-formed UTF-8, and the escapes of its writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <camlite/error.hpp>

namespace camlite::detail {

// The length of the longest prefix that is well-formed UTF-8 (Unicode 15, table 3-7): no overlong
// forms, no surrogates, nothing above U+10FFFF.
inline std::size_t valid_utf8_prefix(std::string_view bytes) {
  const auto at = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  std::size_t i = 0;
  while (i < bytes.size()) {
    const unsigned lead = at(i);
    unsigned low = 0x80, high = 0xBF;  // of the second byte
    std::size_t length = 1;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else if (lead >= 0x80) {
      return i;
    }
    if (length > 1 && (at(i + 1) < low || at(i + 1) > high)) return i;
    for (std::size_t k = 2; k < length; ++k) {
      if ((at(i + k) & 0xC0U) != 0x80U) return i;
    }
    i += length;
  }
  return i;
}

// Appends a code point, not a surrogate and at most U+10FFFF, as UTF-8.
inline void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) {
    out += static_cast<char>(static_cast<unsigned char>(bits));
  };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
  }
  byte(0x80 | (code & 0x3F));
}

// The inside of a JSON string: quotes, backslashes and control characters escaped, all else as it
// is.
inline std::string json_escaped(std::string_view plain) {
  constexpr std::string_view short_forms = "btn?fr";  // of U+0008 to U+000D; U+000B has none
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  std::size_t copied = 0;  // of `plain`: all that needs no escape goes over in one piece
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && c != '"' && c != '\\') continue;
    out += plain.substr(copied, i - copied);
    copied = i + 1;
    if (code >= 0x20) {
      out += {'\\', c};
    } else if (code >= 0x08 && code <= 0x0D && code != 0x0B) {
      out += {'\\', short_forms[code - 0x08U]};
    } else {
      out += {'\\', 'u', '0', '0', hex[code / 16U], hex[code % 16U]};
    }
  }
  out += plain.substr(copied);
  return out;
}

// A name in quotes, for a message: escaped, and cut where it is too long to read.
inline std::string in_quotes(std::string_view name) {
  constexpr std::size_t longest = 120;
  if (name.size() <= longest) return text('"', json_escaped(name), '"');
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
  return text('"', json_escaped(name.substr(0, end)), "...\" (", name.size(), " bytes)");
}

}  // namespace camlite::detail
