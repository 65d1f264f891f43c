#include "console.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace camlite::tool {

namespace {

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t characters(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

// Of the character (UTF-8) that the text begins with, in bytes; 0 if that is none.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xC2 ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (size > text.size()) return 0;
  const std::string_view rest = text.substr(1, size == 0 ? 0 : size - 1);
  return std::all_of(rest.begin(), rest.end(), continues_character) ? size : 0;
}

}  // namespace

void print(std::string_view lines) {
  errno = 0;
  if (std::fwrite(lines.data(), 1, lines.size(), stdout) == lines.size() &&
      std::fflush(stdout) == 0)
    return;
  const int error = errno;
  std::clearerr(stdout);  // it is told once
  throw CannotWrite(text("standard output: cannot write: ", std::strerror(error)));
}

void complain(std::string_view message) {
  std::fprintf(stderr, "camlite: %s\n", printable(message).c_str());
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(size, 1));
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    const bool control = size == 1   ? (byte(0) < 0x20 && byte(0) != '\n') || byte(0) == 0x7F
                         : size == 2 ? byte(0) == 0xC2 && byte(1) < 0xA0
                                     : false;
    // U+202A to U+202E, U+2066 to U+2069.
    const bool turns = size == 3 && byte(0) == 0xE2 &&
                       ((byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE) ||
                        (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9));
    out += size == 0 || control || turns ? "?" : character;
    text.remove_prefix(character.size());
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (characters(text) <= most) return std::string(text);
  constexpr std::string_view dots = "...";
  std::size_t end = 0, kept = 0;
  while (kept < most - dots.size() || continues_character(text[end])) {
    kept += !continues_character(text[end]);
    ++end;
  }
  return std::string(text.substr(0, end)) + std::string(dots);
}

std::string fixed(double value, int decimals) {
  char digits[400];  // the largest double has 309 before the point
  std::snprintf(digits, sizeof(digits), "%.*f", decimals, value);
  return digits;
}

std::string Table::str() const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& cells : rows_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], characters(cells[i]));
    }
  }
  std::string out;
  for (const auto& cells : rows_) {
    std::string line = indent_;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(widths[i] - characters(cells[i]), ' ');
      line += i > 0 ? "  " : "";
      line += columns_[i] == Align::right ? blanks + cells[i] : cells[i] + blanks;
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace camlite::tool
