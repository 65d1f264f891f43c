// What an evaluation keeps of a picture: all that figures and reports are made of, besides the
// truth.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/evaluate/truth.hpp>
#include <camlite/tensor.hpp>

namespace camlite::tool {

struct RankedClass {
  Index index = 0;
  float probability = 0;
};

struct Record {
  std::size_t place = 0;  // of the picture in the truth
  std::string image;      // its name there
  Index width = 0;        // in pixels
  Index height = 0;
  std::vector<RankedClass> classes;  // the likeliest first; none without a network
  std::vector<Guess> guesses;        // in the order of their submission
  std::vector<Guess> known;          // made knowing the true classes: one for each
  // With the map of the first true class: the best intersection over union of a box at each
  // threshold with a true one of that class. Empty where there is no map.
  std::vector<double> overlaps;
};

// As one line of JSON, with its line feed, and back: every number is the same again. The latter
// throws Error that says what does not fit.
std::string to_line(const Record& record);
Record parse_record(std::string_view line);

}  // namespace camlite::tool
