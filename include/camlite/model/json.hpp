// A strict reader of JSON (RFC 8259), for the header of a safetensors file.
//
// The reader pulls: its caller says which value it wants next. Nothing is stored but what the
// caller keeps, so that a hostile text costs its own length in time (times a logarithm, for the
// keys of an object).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/model/json_text.hpp>

namespace camlite::detail {

class JsonReader {
 public:
  // The nesting that serde_json, the reference implementation's reader, accepts.
  static constexpr int max_depth = 127;

  // `json` must outlive the reader. Throws Error if it is not UTF-8. Every method throws Error if
  // what comes next is not what it reads: "header byte 17: expected ...", counted from the first
  // byte of `json`.
  explicit JsonReader(std::string_view json) : json_(json) {
    const std::size_t valid = valid_utf8_prefix(json);
    if (valid < json.size()) fail_at(valid, "not UTF-8");
  }

  // The first character of the next value or sign; NUL at the end.
  char peek() {
    while (at_ < json_.size() && is_space(json_[at_])) ++at_;
    return at_ < json_.size() ? json_[at_] : '\0';
  }

  // Calls member(key) for each member in order; it must read exactly one value. A key that comes
  // twice is found once all members are read.
  template <class Member>
  void object(Member member) {
    enter('{');
    std::vector<Key> keys;
    if (peek() != '}') {
      do {
        if (peek() != '"') fail_at(at_, "expected a key in quotes, not ", found());
        const std::size_t start = at_;
        keys.push_back({string(), start});
        expect(':');
        member(static_cast<const std::string&>(keys.back().name));
      } while (accept(','));
    }
    leave('}');
    refuse_duplicates(keys);
  }

  // Calls element() for each element in order; it must read exactly one value.
  template <class Element>
  void array(Element element) {
    enter('[');
    if (peek() != ']') {
      do {
        element();
      } while (accept(','));
    }
    leave(']');
  }

  std::string string() {
    if (peek() != '"') fail_at(at_, "expected a string, not ", found());
    ++at_;
    std::string out;
    while (true) {
      const std::size_t start = at_;
      while (at_ < json_.size() && is_plain(json_[at_])) ++at_;
      out += json_.substr(start, at_ - start);
      if (at_ == json_.size()) fail_at(at_, "a string without an end");
      if (is_control(json_[at_])) fail_at(at_, "a control character in a string");
      if (json_[at_++] == '"') return out;
      escape(out);
    }
  }

  // A number written as digits only, up to 2^64 - 1; not -0, 1.0 or 1e3, which serde_json takes for
  // fractions.
  std::uint64_t non_negative_integer() {
    const char first = peek();
    const std::size_t start = at_;
    if (first != '-' && !is_digit(first)) {
      fail_at(start, "expected a non-negative integer, not ", found());
    }
    const Number number = this->number();
    if (!number.exact) fail_at(start, "not a non-negative integer below 2^64");
    return number.value;
  }

  void null() { literal("null"); }

  // Any one value.
  void skip() {
    switch (peek()) {
      case '{':
        return object([this](const std::string&) { skip(); });
      case '[':
        return array([this] { skip(); });
      case '"':
        return static_cast<void>(string());
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return static_cast<void>(number());
    }
  }

  // Nothing but white space is left.
  void end() {
    peek();
    if (at_ < json_.size()) fail_at(at_, "expected the end, not ", found());
  }

 private:
  struct Key {
    std::string name;
    std::size_t at;
  };
  struct Number {
    bool exact;  // a non-negative integer below 2^64
    std::uint64_t value;
  };

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }
  static bool is_plain(char c) { return c != '"' && c != '\\' && !is_control(c); }

  template <class... Parts>
  [[noreturn]] static void fail_at(std::size_t offset, const Parts&... parts) {
    fail("header byte ", offset, ": ", parts...);
  }

  std::string found() const {
    if (at_ >= json_.size()) return "the end";
    const auto code = static_cast<unsigned char>(json_[at_]);
    return code > 0x20 && code < 0x7F ? text('\'', json_[at_], '\'')
                                      : text("byte value ", int{code});
  }

  bool accept(char sign) {
    if (peek() != sign) return false;
    ++at_;
    return true;
  }

  void expect(char sign) {
    if (!accept(sign)) fail_at(at_, "expected '", sign, "', not ", found());
  }

  void enter(char bracket) {
    expect(bracket);
    if (++depth_ > max_depth) fail_at(at_ - 1, "nested more than ", max_depth, " deep");
  }

  void leave(char bracket) {
    if (!accept(bracket)) fail_at(at_, "expected ',' or '", bracket, "', not ", found());
    --depth_;
  }

  void literal(std::string_view word) {
    peek();
    if (json_.substr(at_, word.size()) != word) fail_at(at_, "expected ", word);
    at_ += word.size();
  }

  // Sorted, not hashed: nobody can choose keys that make sorting slow.
  static void refuse_duplicates(std::vector<Key>& keys) {
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
      const int order = a.name.compare(b.name);
      return order != 0 ? order < 0 : a.at < b.at;
    });
    const auto twice = std::adjacent_find(
        keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.name == b.name; });
    if (twice != keys.end()) {
      fail_at((twice + 1)->at, "duplicate key ", detail::in_quotes(twice->name));
    }
  }

  // What follows a backslash.
  void escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t start = at_ - 1;
    const char letter = at_ < json_.size() ? json_[at_++] : '\0';
    const std::size_t known = letters.find(letter);
    if (known != letters.npos) {
      out += meanings[known];
    } else if (letter == 'u') {
      std::uint32_t code = hex4(start);
      if (code >= 0xD800 && code <= 0xDBFF && json_.substr(at_, 2) == "\\u") {
        at_ += 2;
        const std::uint32_t low = hex4(start);
        if (low < 0xDC00 || low > 0xDFFF) fail_at(start, "a surrogate without its pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      }
      if (code >= 0xD800 && code <= 0xDFFF) fail_at(start, "a surrogate without its pair");
      append_utf8(out, code);
    } else {
      fail_at(start, "not an escape sequence");
    }
  }

  std::uint32_t hex4(std::size_t start) {
    std::uint32_t code = 0;
    for (int k = 0; k < 4; ++k) {
      const char c = at_ < json_.size() ? json_[at_++] : '\0';
      const bool lower = c >= 'a' && c <= 'f', upper = c >= 'A' && c <= 'F';
      if (!is_digit(c) && !lower && !upper) fail_at(start, "not four hexadecimal digits after \\u");
      const int digit = lower ? c - 'a' + 10 : upper ? c - 'A' + 10 : c - '0';
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    return code;
  }

  bool next_is(std::string_view any_of) const {
    return at_ < json_.size() && any_of.find(json_[at_]) != any_of.npos;
  }

  // One or more digits.
  std::string_view digits() {
    const std::size_t start = at_;
    while (at_ < json_.size() && is_digit(json_[at_])) ++at_;
    if (at_ == start) fail_at(at_, "expected a digit, not ", found());
    return json_.substr(start, at_ - start);
  }

  Number number() {
    const std::size_t start = at_;
    const bool negative = next_is("-");
    if (negative) ++at_;
    if (!next_is("0123456789")) fail_at(start, "expected a value, not ", found());
    const std::string_view whole = digits();
    if (whole.size() > 1 && whole[0] == '0') fail_at(start, "a number with a leading zero");

    Number result{!negative, 0};
    for (char c : whole) {
      const auto digit = static_cast<std::uint64_t>(c - '0');
      if (result.value > (~std::uint64_t{0} - digit) / 10) result.exact = false;
      result.value = result.value * 10 + digit;
    }
    if (next_is(".")) {
      ++at_;
      digits();
      result.exact = false;
    }
    auto magnitude = static_cast<std::int64_t>(whole.size());  // the number is below 10^magnitude
    if (next_is("eE")) {
      ++at_;
      const bool smaller = next_is("-");
      if (next_is("+-")) ++at_;
      std::int64_t exponent = 0;
      for (char c : digits()) {
        exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 1'000'000'000);
      }
      magnitude += smaller ? -exponent : exponent;
      result.exact = false;
    }
    // serde_json reads every number that is not an integer into a double, and refuses those that do
    // not fit. This refuses a few more, such as 1e308, where there is nothing to be read anyway.
    if (magnitude > 308) fail_at(start, "a number too large for a double");
    return result;
  }

  std::string_view json_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace camlite::detail
