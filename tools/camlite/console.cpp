#include "console.hpp"

#include <algorithm>
#include <cstdio>

namespace camlite::tool {

namespace {

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t characters(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

}  // namespace

void print(std::string_view lines) {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

void complain(std::string_view message) {
  std::fprintf(stderr, "camlite: %s\n", printable(message).c_str());
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto code = static_cast<unsigned char>(c);
    if ((code < 0x20 && c != '\n') || code == 0x7F) c = '?';
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
