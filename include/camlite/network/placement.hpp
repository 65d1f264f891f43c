// Which values lie in the memory of others, so that nobody copies them: the inputs of a concat are
// written where it would put them, and an operator that computes each number from the same one of
// its input writes over that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <camlite/kernels/operators.hpp>
#include <camlite/network/program.hpp>

namespace camlite::detail {

// A value is the channels from `channel` on of the value `home`, pixel by pixel; of itself, where
// it has memory of its own.
struct Place {
  Index home = 0;
  Index channel = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

class Placement {
 public:
  // shapes: by value; convolutions: by step.
  Placement(const Program& program, std::span<const Shape> shapes,
            std::span<const kernels::ConvPlan> convolutions)
      : program_(program), shapes_(shapes), convolutions_(convolutions) {}

  // Of every value. Homes have memory of their own, and come behind all that lies in them.
  std::vector<Place> places() {
    values_.resize(shapes_.size());
    for (std::size_t v = 0; v < values_.size(); ++v) values_[v].place.home = static_cast<Index>(v);
    look_at_uses();
    for (std::size_t s = 0; s < program_.steps.size(); ++s) {
      const Step& step = program_.steps[s];
      if (std::holds_alternative<Concat>(step.op)) {
        place_parts(step);
      } else {
        place_over_input(step, static_cast<Index>(s));
      }
    }
    std::vector<Place> places(values_.size());
    for (std::size_t v = values_.size(); v-- > 0;) {
      Place place = values_[v].place;
      if (at(place.home) != v) {
        const Place& home = places[at(place.home)];
        place = {home.home, place.channel + home.channel};
      }
      places[v] = place;
    }
    return places;
  }

 private:
  struct Value {
    Place place;
    bool kept = false;  // the picture or a result: where it is, nothing else may be
    // All that write and read it, and what lies in it, can do so in a wider map.
    bool strided = true;
    Index last = -1;         // step that reads it
    Index last_inside = -1;  // that reads what lies in it
  };

  static std::size_t at(Index value) { return static_cast<std::size_t>(value); }
  Value& value(Index v) { return values_[at(v)]; }
  Index channels(Index v) const { return channels_of(shapes_[at(v)]); }

  void look_at_uses() {
    for (std::size_t s = 0; s < program_.steps.size(); ++s) {
      const Step& step = program_.steps[s];
      if (!writes_strided(step)) value(step.output).strided = false;
      for (Index input : step.inputs) {
        value(input).last = static_cast<Index>(s);
        if (!reads_strided(s)) value(input).strided = false;
      }
    }
    const auto keep = [&](Index v) {
      value(v).kept = true;
      value(v).last = std::ssize(program_.steps);
    };
    for (const Step& step : program_.steps) {
      if (std::holds_alternative<Constant>(step.op)) keep(step.output);
    }
    keep(0);
    keep(program_.logits);
    if (program_.features) keep(*program_.features);
    if (program_.probabilities) keep(*program_.probabilities);
  }

  static bool writes_strided(const Step& step) {
    const auto strided = []<class Op>(const Op&) { return kernels::writes_strided<Op>; };
    return step.conv || std::visit(strided, step.op);
  }

  bool reads_strided(std::size_t s) const {
    const auto strided = []<class Op>(const Op&) { return kernels::reads_strided<Op>; };
    const Step& step = program_.steps[s];
    if (step.conv) return step.conv->reads_strided(convolutions_[s]);
    return std::visit(strided, step.op);
  }

  bool has_place(const Value& v) { return v.kept || &value(v.place.home) != &v; }

  void place_in(Index part, Index whole, Index channel) {
    Value &inner = value(part), &outer = value(whole);
    inner.place = {whole, channel};
    outer.last_inside = std::max({outer.last_inside, inner.last, inner.last_inside});
    if (channels(part) == channels(whole)) outer.strided = outer.strided && inner.strided;
  }

  // The inputs of a concat; those that cannot be part of it, or would keep all of it in memory for
  // longer, are copied.
  void place_parts(const Step& concat) {
    const Index last = value(concat.output).last;
    Index channel = 0;
    for (Index part : concat.inputs) {
      const Value& inner = value(part);
      const bool alone = channels(part) == channels(concat.output);
      const bool read_later = std::max(inner.last, inner.last_inside) > last;
      if (!has_place(inner) && (inner.strided || alone) && !read_later)
        place_in(part, concat.output, channel);
      channel += channels(part);
    }
  }

  // An operator's output in the place of an input that nobody reads any more.
  void place_over_input(const Step& step, Index s) {
    const auto overwritable = []<class Op>(const Op&) { return kernels::overwritable_inputs<Op>; };
    const std::size_t inputs = std::min(std::visit(overwritable, step.op), step.inputs.size());
    for (Index input : std::span(step.inputs).first(inputs)) {
      const Value& in = value(input);
      if (has_place(in) || in.last > s || in.last_inside >= s ||
          shapes_[at(input)] != shapes_[at(step.output)] ||
          std::count(step.inputs.begin(), step.inputs.end(), input) > 1)
        continue;
      place_in(input, step.output, 0);
      return;
    }
  }

  const Program& program_;
  std::span<const Shape> shapes_;
  std::span<const kernels::ConvPlan> convolutions_;
  std::vector<Value> values_;
};

// How many of a step's inputs lie where its output has them, or is written over them.
inline Index inputs_in_place(const Step& step, std::span<const Shape> shapes,
                             std::span<const Place> places) {
  const auto at = [](Index value) { return static_cast<std::size_t>(value); };
  Place expected = places[at(step.output)];
  Index count = 0;
  for (Index input : step.inputs) {
    count += places[at(input)] == expected;
    if (std::holds_alternative<Concat>(step.op)) expected.channel += channels_of(shapes[at(input)]);
  }
  return count;
}

}  // namespace camlite::detail
