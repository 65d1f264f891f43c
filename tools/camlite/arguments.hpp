// What the values of options may be.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include <camlite/error.hpp>
#include <camlite/model/text.hpp>

namespace camlite::tool {

// A number from least to most. As CLI::Range, but it refuses NaN, and leaves the help short.
template <class Number>
CLI::Validator in_range(Number least, Number most) {
  return CLI::Validator(
      [least, most](const std::string& given) -> std::string {
        try {
          const auto value = detail::parse_number<Number>(given, "it");
          return value >= least && value <= most
                     ? ""
                     : text("it must be ", least, " to ", most, ", not ", given);
        } catch (const Error& error) {
          return error.what();
        }
      },
      "");
}

}  // namespace camlite::tool
