// Changes that keep an input's form, so that what is behind the first check is reached.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "target.hpp"

namespace camlite::fuzz {

namespace {

std::size_t below(std::minstd_rand& random, std::size_t count) {
  return count == 0 ? 0 : random() % count;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A number of the text becomes another one, from those at which arithmetic breaks.
void change_number(std::string& text, std::minstd_rand& random) {
  constexpr std::array<std::string_view, 18> numbers{"0",
                                                     "1",
                                                     "2",
                                                     "3",
                                                     "7",
                                                     "8",
                                                     "16",
                                                     "64",
                                                     "255",
                                                     "65536",
                                                     "1000000",
                                                     "2147483647",
                                                     "2147483648",
                                                     "4294967296",
                                                     "9223372036854775807",
                                                     "9223372036854775808",
                                                     "18446744073709551615",
                                                     "-1"};
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end > i) found.emplace_back(i, end - i);
    i = end + 1;
  }
  if (found.empty()) return;
  const auto [at, size] = found[below(random, found.size())];
  text.replace(at, size, numbers[below(random, numbers.size())]);
}

// Words and the signs between them.
std::vector<std::string_view> tokens_of(std::string_view text) {
  constexpr std::string_view signs = " \t\n=,\"{}[]:";
  std::vector<std::string_view> tokens;
  while (!text.empty()) {
    const std::size_t end =
        std::max<std::size_t>(std::min(text.find_first_of(signs), text.size()), 1);
    tokens.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return tokens;
}

// A token goes, comes twice, or changes places with, or becomes, another one of the text.
void change_token(std::string& text, std::minstd_rand& random) {
  std::vector<std::string_view> tokens = tokens_of(text);
  if (tokens.empty()) return;
  const std::size_t a = below(random, tokens.size()), b = below(random, tokens.size());
  const auto at = tokens.begin() + static_cast<std::ptrdiff_t>(a);
  switch (random() % 4) {
    case 0:
      tokens.erase(at);
      break;
    case 1:
      tokens.insert(at, tokens[b]);
      break;
    case 2:
      std::swap(tokens[a], tokens[b]);
      break;
    default:
      tokens[a] = tokens[b];
  }
  std::string out;
  for (std::string_view token : tokens) out += token;
  text = std::move(out);
}

// The same with whole lines.
void change_line(std::string& text, std::minstd_rand& random) {
  std::vector<std::string> lines(1);
  for (char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  const std::size_t a = below(random, lines.size()), b = below(random, lines.size());
  const auto at = lines.begin() + static_cast<std::ptrdiff_t>(a);
  const std::string other = lines[b];
  switch (random() % 3) {
    case 0:
      lines.erase(at);
      break;
    case 1:
      lines.insert(at, other);
      break;
    default:
      std::swap(lines[a], lines[b]);
  }
  text.clear();
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\n" : "") + lines[i];
}

}  // namespace

std::string mutate_text(std::string input, std::size_t most, std::minstd_rand& random,
                        std::string (*any)(std::string, std::size_t)) {
  for (auto times = random() % 3 + 1; times > 0; --times) {
    switch (random() % 5) {
      case 0:
        change_number(input, random);
        break;
      case 1:
      case 2:
        change_token(input, random);
        break;
      case 3:
        change_line(input, random);
        break;
      default:
        input = any(std::move(input), most);
    }
  }
  input.resize(std::min(input.size(), most));
  return input;
}

// The header is changed as a text, and its length is then true, mostly.
std::string mutate_safetensors(std::string input, std::size_t most, std::minstd_rand& random,
                               std::string (*any)(std::string, std::size_t)) {
  constexpr std::size_t before = sizeof(std::uint64_t);
  std::uint64_t length = 0;
  if (input.size() < before || random() % 20 == 0 || most < 64) return any(std::move(input), most);
  std::memcpy(&length, input.data(), before);
  length = std::min<std::uint64_t>(length, input.size() - before);
  std::string header = input.substr(before, length), data = input.substr(before + length);
  switch (random() % 10) {
    case 0:
      data = any(std::move(data), most / 2);
      break;
    case 1:
      data.resize(below(random, 2 * data.size() + 2));
      break;
    default:
      header = mutate_text(std::move(header), most / 2, random, any);
  }
  length = header.size() + (random() % 50 == 0 ? random() % 9 : 0);
  std::string out(reinterpret_cast<const char*>(&length), before);
  out += header + data;
  out.resize(std::min(out.size(), most));
  return out;
}

std::vector<Bytes> parts_of(Bytes input) {
  std::vector<Bytes> parts;
  std::string_view rest = as_text(input);
  while (true) {
    const std::size_t end = rest.find(between_parts);
    parts.push_back(std::as_bytes(std::span<const char>(rest.substr(0, end))));
    if (end == rest.npos) return parts;
    rest.remove_prefix(end + between_parts.size());
  }
}

}  // namespace camlite::fuzz
