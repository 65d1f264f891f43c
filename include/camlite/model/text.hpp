// Lines, fields and numbers: how the texts in a model file are read.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <type_traits>

#include <camlite/error.hpp>
#include <camlite/finite.hpp>
#include <camlite/model/json_text.hpp>

namespace camlite::detail {

// Cuts the next piece off the front of `rest`, up to `separator` or the end; the separator goes
// too.
inline std::string_view next_piece(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

// Calls body(line, number) for each line, numbered from 1, without its line feed or carriage
// return.
template <class Body>
void for_each_line(std::string_view text, const Body& body) {
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = next_piece(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    body(line, number);
  }
}

// The next word of a line, blanks skipped; empty at its end.
inline std::string_view next_word(std::string_view& line) {
  const std::size_t start = line.find_first_not_of(" \t");
  line.remove_prefix(start == std::string_view::npos ? line.size() : start);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

// Whether a word is a WordNet id, as ImageNet's labels begin with: "n02123045".
inline bool is_wordnet_id(std::string_view word) {
  return word.size() == 9 && word[0] == 'n' &&
         std::all_of(word.begin() + 1, word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A number that fills the whole text and its type; floating point must be finite. `what` names it
// in the error.
template <class Number>
Number parse_number(std::string_view digits, std::string_view what) {
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool good = error == std::errc() && end == digits.data() + digits.size();
  if constexpr (std::is_floating_point_v<Number>) good = good && is_finite(number);
  if (!good) fail(what, " must be a number, not ", in_quotes(digits));
  return number;
}

}  // namespace camlite::detail
