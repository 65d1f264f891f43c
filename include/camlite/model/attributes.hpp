// An operator's attributes as text, `key=value` by `key=value`, and back.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/finite.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/text.hpp>
#include <camlite/ops/operator.hpp>
#include <camlite/ops/pool2d.hpp>

namespace camlite::detail {

inline void read_value(Index& value, std::string_view word, std::string_view key) {
  value = parse_number<Index>(word, key);
}
// Some may be infinite, as bounds are; the operators say which must not.
inline void read_value(double& value, std::string_view word, std::string_view key) {
  if (word == "inf") {
    value = infinity;
  } else if (word == "-inf") {
    value = -infinity;
  } else {
    value = parse_number<double>(word, key);
  }
}
inline void read_value(bool& value, std::string_view word, std::string_view key) {
  if (word != "0" && word != "1") fail(key, " must be 0 or 1, not ", in_quotes(word));
  value = word == "1";
}
inline void read_value(Size2d& value, std::string_view word, std::string_view key) {
  const std::string_view height = next_piece(word, 'x');
  value = parse_number<Index>(height, key);
  if (word.data() != height.data() + height.size()) value.width = parse_number<Index>(word, key);
}
inline void read_value(Rounding& value, std::string_view word, std::string_view key) {
  for (Rounding rounding : {Rounding::floor, Rounding::ceil, Rounding::caffe}) {
    if (word == rounding_name(rounding)) {
      value = rounding;
      return;
    }
  }
  fail(key, " must be floor, ceil or caffe, not ", in_quotes(word));
}

inline std::string value_text(Index value) {
  return text(value);
}
inline std::string value_text(double value) {
  return text(value);
}
inline std::string value_text(bool value) {
  return value ? "1" : "0";
}
inline std::string value_text(const Size2d& value) {
  return value.str();
}
inline std::string value_text(Rounding value) {
  return std::string(rounding_name(value));
}

// Calls visit(key, member, need) for each attribute of an operator; some have none.
template <class Operator, class Visit>
void for_each_attribute(Operator& op, const Visit& visit) {
  if constexpr (requires { std::decay_t<Operator>::attributes(op, visit); }) {
    std::decay_t<Operator>::attributes(op, visit);
  }
}

// Sets an operator's attributes from (key, value) pairs. Throws Error for an unknown key, one that
// is given twice, a required one that is missing, a value that is none.
template <class Operator>
void read_attributes(Operator& op,
                     std::vector<std::pair<std::string_view, std::string_view>> given) {
  for_each_attribute(op, [&](std::string_view key, auto& member, Need need) {
    bool found = false;
    std::erase_if(given, [&](const auto& pair) {
      if (pair.first != key) return false;
      if (found) fail(key, " is given twice");
      read_value(member, pair.second, key);
      return found = true;
    });
    if (!found && need == Need::required) fail(Operator::type, " needs ", key, "=");
  });
  if (!given.empty()) fail(Operator::type, " has no attribute ", in_quotes(given.front().first));
}

// " out_channels=64 kernel=3": the attributes that are required or differ from their default.
template <class Operator>
std::string attributes_text(const Operator& op) {
  std::vector<std::string> defaults;
  const Operator fresh;
  for_each_attribute(fresh, [&](std::string_view, const auto& member, Need) {
    defaults.push_back(value_text(member));
  });
  std::string out;
  auto usual = defaults.begin();
  for_each_attribute(op, [&](std::string_view key, const auto& member, Need need) {
    const std::string value = value_text(member);
    if (need == Need::required || value != *usual) out += text(' ', key, '=', value);
    ++usual;
  });
  return out;
}

}  // namespace camlite::detail
