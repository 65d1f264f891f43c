// BoxOptions: how high a class's map must be inside of its boxes.
#pragma once

#include <string>
#include <string_view>

#include <camlite/error.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/text.hpp>

namespace camlite {

// How a map is cut into boxes, see boxes(). The default is the paper's. What suits a network best
// differs, so a model file may say what suits its own: Prediction::box_options().
struct BoxOptions {
  float threshold = 0.2F;  // a fraction of the map's maximum, 0 to 1

  friend bool operator==(const BoxOptions&, const BoxOptions&) = default;
};

namespace detail {

inline void check(const BoxOptions& options, std::string_view where) {
  if (!(options.threshold >= 0 && options.threshold <= 1)) {
    fail(where, ": the threshold is a fraction of the maximum, 0 to 1, not ", options.threshold);
  }
}

}  // namespace detail

// From its text: `threshold=0.4`. What is not said has its default. Throws Error naming `source`
// and the line.
inline BoxOptions parse_box_options(std::string_view lines, std::string_view source = "boxes") {
  BoxOptions options;
  detail::for_each_line(lines, [&](std::string_view line, int number) {
    if (line.empty()) return;
    try {
      const std::string_view key = detail::next_piece(line, '=');
      if (key != "threshold") fail("there is no setting ", detail::in_quotes(key));
      options.threshold = detail::parse_number<float>(line, key);
    } catch (const Error& error) {
      fail(source, ": boxes line ", number, ": ", error.what());
    }
  });
  detail::check(options, text(source, ": boxes"));
  return options;
}

// The text from which parse_box_options makes the same.
inline std::string box_options_text(const BoxOptions& options) {
  return text("threshold=", options.threshold, "\n");
}

}  // namespace camlite
