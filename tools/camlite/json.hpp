// The JSON that the program prints: one object a line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace camlite::tool {

// Members in the order in which they were made. Numbers with a fraction are floats, so that 0.71F
// is printed as 0.71 and not as 0.7099999785423279.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool,
                                  std::int64_t, std::uint64_t, float>;

// One line. What is not UTF-8 (file names need not be) becomes U+FFFD.
inline std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace camlite::tool
