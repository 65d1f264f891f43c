#include "record.hpp"

#include <limits>

#include <nlohmann/json.hpp>

#include <camlite/error.hpp>

#include "../json.hpp"

namespace camlite::tool {

namespace {

// The program's Json has floats, in which an overlap would not be the same again.
using Line = nlohmann::ordered_json;

Line boxes_of(const std::vector<Guess>& guesses) {
  Line list = Line::array();
  for (const Guess& guess : guesses) {
    const Box& b = guess.box;
    list.push_back({guess.class_index, b.x, b.y, b.width, b.height});
  }
  return list;
}

const Line& member(const Line& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) fail("it has no \"", name, "\"");
  return *found;
}

// From 0; beyond most no class, pixel or place can be, and products of two cannot overflow.
Index whole_number(const Line& json, const char* what) {
  constexpr Index most = Index{1} << 31;
  const bool whole = json.is_number_integer() && json >= 0 && json <= most;
  if (!whole) fail("\"", what, "\" must be a number from 0 to ", most);
  return json.get<Index>();
}

double fraction(const Line& json, const char* what) {
  if (!json.is_number() || !(json >= 0 && json <= 1))
    fail("\"", what, "\" must be a number from 0 to 1");
  return json.get<double>();
}

const Line& list(const Line& object, const char* name) {
  const Line& found = member(object, name);
  if (!found.is_array()) fail("\"", name, "\" must be a list");
  return found;
}

std::vector<Guess> guesses_of(const Line& object, const char* name) {
  std::vector<Guess> guesses;
  for (const Line& one : list(object, name)) {
    if (!one.is_array() || one.size() != 5)
      fail("\"", name, "\" must be made of [class, x, y, width, height]");
    const auto number = [&](std::size_t i) { return whole_number(one[i], name); };
    guesses.push_back({number(0), {number(1), number(2), number(3), number(4)}});
  }
  return guesses;
}

}  // namespace

std::string to_line(const Record& record) {
  Line classes = Line::array();
  for (const RankedClass& one : record.classes) classes.push_back({one.index, one.probability});
  const Line json{{"place", record.place},           {"image", record.image},
                  {"width", record.width},           {"height", record.height},
                  {"classes", std::move(classes)},   {"guesses", boxes_of(record.guesses)},
                  {"known", boxes_of(record.known)}, {"overlaps", record.overlaps}};
  return json.dump(-1, ' ', false, Line::error_handler_t::replace) + "\n";
}

Record parse_record(std::string_view line) {
  const Line json = parse_json<Line>(line);
  if (!json.is_object()) fail("not an object of JSON");
  Record record;
  record.place = static_cast<std::size_t>(whole_number(member(json, "place"), "place"));
  const Line& image = member(json, "image");
  if (!image.is_string()) fail("\"image\" must be a string");
  record.image = image.get<std::string>();
  record.width = whole_number(member(json, "width"), "width");
  record.height = whole_number(member(json, "height"), "height");
  if (record.width < 1 || record.height < 1)
    fail("a picture of ", record.width, " x ", record.height, " pixels");
  for (const Line& one : list(json, "classes")) {
    if (!one.is_array() || one.size() != 2)
      fail("\"classes\" must be made of [class, probability]");
    // JSON has no NaN, which a network may give: null stands for it.
    const double probability =
        one[1].is_null() ? std::numeric_limits<double>::quiet_NaN() : fraction(one[1], "classes");
    record.classes.push_back({whole_number(one[0], "classes"), static_cast<float>(probability)});
  }
  record.guesses = guesses_of(json, "guesses");
  record.known = guesses_of(json, "known");
  for (const Line& one : list(json, "overlaps"))
    record.overlaps.push_back(fraction(one, "overlaps"));
  return record;
}

}  // namespace camlite::tool
