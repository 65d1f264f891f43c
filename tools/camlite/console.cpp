#include "console.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <camlite/model/json_text.hpp>
#include <camlite/text.hpp>

namespace camlite::tool {

namespace {

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t characters(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

bool turns_direction(char32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
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
  constexpr char32_t no_utf8 = 0xFFFD;
  std::string out;
  for (char32_t code : detail::decode_utf8(text)) {
    const bool shown =
        code != no_utf8 && !turns_direction(code) && (!is_control(code) || code == '\n');
    detail::append_utf8(out, shown ? code : U'?');
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
