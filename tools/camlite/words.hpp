// Text: bytes as text, letters in lower case.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace camlite::tool {

// What a file holds.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A to Z as a to z, everything else as it is.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace camlite::tool
