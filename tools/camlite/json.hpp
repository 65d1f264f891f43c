// The JSON that the program prints, one object a line, and reads back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace camlite::tool {

// Members in the order in which they were made. Numbers with a fraction are floats, so that 0.71F
// is printed as 0.71 and not as 0.7099999785423279.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool,
                                  std::int64_t, std::uint64_t, float>;

// What a text says; discarded (is_discarded()) if it is no JSON, or nested deeper than anything
// that the program writes: nlohmann's dump() goes one call deeper for each level.
template <class Object = Json>
Object parse_json(std::string_view text) {
  constexpr int deepest = 32;
  bool deep = false;
  Object parsed = Object::parse(
      text,
      [&](int depth, typename Object::parse_event_t, Object&) {
        deep = deep || depth > deepest;
        return !deep;
      },
      false);
  return deep ? Object(Object::value_t::discarded) : parsed;
}

// One line. What is not UTF-8 (file names need not be) becomes U+FFFD.
inline std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace camlite::tool
