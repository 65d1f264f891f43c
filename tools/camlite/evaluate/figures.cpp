#include "figures.hpp"

#include <algorithm>
#include <utility>

#include <camlite/evaluate/localization.hpp>

#include "../console.hpp"
#include "score_maps.hpp"

namespace camlite::tool {

namespace {

constexpr std::size_t overlaps = MaxBoxAcc::overlaps.size();

// All boxes of a picture, whatever their classes: what an answer that knows the classes may fit.
BoxedPicture boxed(const Example& example, const Record& record) {
  BoxedPicture out{record.width, record.height, {}};
  for (const TrueBox& one : example.truth.boxes) out.boxes.push_back(one.box);
  return out;
}

// The same box for each class that the network submits.
std::vector<Guess> with_box(const std::vector<RankedClass>& classes, const Box& box) {
  std::vector<Guess> guesses;
  guesses.reserve(classes.size());
  for (const RankedClass& one : classes) guesses.push_back({one.index, box});
  return guesses;
}

// Shares of pictures, question by question: first of classes, then of boxes, by source.
class Shares {
 public:
  enum class OfClasses : Index { top1, top5 };
  enum class OfBoxes : Index { top1, top5, known };

  explicit Shares(const CentredBox& centred)
      : centred_(centred), outcomes_(class_questions + 3 * box_questions) {}

  void add(const Example& example, const Record& record) {
    const Truth& truth = example.truth;
    std::vector<Index> classes;
    for (const RankedClass& one : record.classes) classes.push_back(one.index);
    std::vector<bool> right{classified(classes, truth, 1), classified(classes, truth, 5)};
    const auto add_boxes = [&](const std::vector<Guess>& guesses, const std::vector<Guess>& known) {
      right.push_back(localized(guesses, truth, 1));
      right.push_back(localized(guesses, truth, 5));
      right.push_back(localized_known(known, truth));
    };
    add_boxes(record.guesses, record.known);
    for (const CentredBox& shares : {CentredBox(), centred_}) {
      const Box box = shares.in(record.width, record.height);
      std::vector<Guess> known;
      for (Index k : truth.classes) known.push_back({k, box});
      add_boxes(with_box(record.classes, box), known);
    }
    outcomes_.add(right);
  }

  Figure of_classes(OfClasses of) const {
    const auto question = static_cast<Index>(of);
    return {error(question), interval(question), {}, {}};
  }

  Figure of_boxes(OfBoxes of) const {
    const Index network = class_questions + static_cast<Index>(of);
    const Index whole_picture = network + box_questions;
    const Index centred_box = whole_picture + box_questions;
    return {error(network), interval(network), error(whole_picture), error(centred_box)};
  }

 private:
  static constexpr Index class_questions = 2, box_questions = 3;

  double error(Index question) const {
    const Index right = outcomes_.right()[static_cast<std::size_t>(question)];
    return static_cast<double>(outcomes_.pictures() - right) /
           static_cast<double>(outcomes_.pictures());
  }

  Interval interval(Index question) const {
    const Interval right = bootstrap_share(outcomes_, question);
    return {1 - right.high, 1 - right.low};
  }

  CentredBox centred_;
  Outcomes outcomes_;
};

// MaxBoxAcc of one box for all pictures, at each overlap.
class FixedBox {
 public:
  explicit FixedBox(const CentredBox& shares) : box_(shares.in(score_map_size, score_map_size)) {}

  void add(const BoxedPicture& picture) {
    ++pictures_;
    for (std::size_t i = 0; i < overlaps; ++i)
      right_[i] += fits(box_, picture, MaxBoxAcc::overlaps[i]) ? 1 : 0;
  }

  double at(std::size_t i) const {
    return static_cast<double>(right_[i]) / static_cast<double>(pictures_);
  }
  double mean() const {
    double sum = 0;
    for (std::size_t i = 0; i < overlaps; ++i) sum += at(i);
    return sum / static_cast<double>(overlaps);
  }

 private:
  Box box_;
  Index pictures_ = 0;
  std::array<Index, overlaps> right_{};
};

void count_maps(const Dataset& set, const std::vector<const Record*>& records,
                const EvaluateOptions& options, Figures& figures) {
  MaxBoxAcc maps({.multi_region = options.multi_region});
  FixedBox whole{CentredBox()}, centred{figures.centred};
  for (const Record* record : records) {
    maps.add(record->overlaps);
    const Truth& truth = set.examples[record->place].truth;
    const BoxedPicture picture{score_map_size, score_map_size,
                               boxes_on_score_map(truth, record->width, record->height)};
    whole.add(picture);
    centred.add(picture);
  }
  constexpr std::size_t half = 1;  // the place of 0.5
  static_assert(MaxBoxAcc::overlaps[half] == 0.5);
  figures.max_box_acc = {maps.max_box_acc(), maps.max_box_acc_interval(), whole.at(half),
                         centred.at(half)};
  figures.max_box_acc_v2 = {maps.max_box_acc_v2(), maps.max_box_acc_v2_interval(), whole.mean(),
                            centred.mean()};
  for (std::size_t i = 0; i < overlaps; ++i) {
    figures.thresholds[i] = maps.best(i).threshold;
    figures.curves[i] = maps.curve(i);
  }
}

Json rounded(double share) {
  return static_cast<float>(share);
}

Json to_json(const Interval& interval) {
  return {rounded(interval.low), rounded(interval.high)};
}

}  // namespace

Figures figures_of(const Dataset& set, const std::vector<std::optional<Record>>& by_place,
                   const EvaluateOptions& options) {
  std::vector<const Record*> records;
  std::vector<BoxedPicture> pictures;
  for (const std::optional<Record>& record : by_place) {
    if (!record) continue;
    records.push_back(&*record);
    pictures.push_back(boxed(set.examples[record->place], *record));
  }
  Figures figures;
  figures.pictures = records.size();
  figures.centred = best_centred_box(pictures);
  if (options.score_maps.empty()) {
    Shares shares(figures.centred);
    for (const Record* record : records) shares.add(set.examples[record->place], *record);
    figures.errors = {
        shares.of_classes(Shares::OfClasses::top1), shares.of_classes(Shares::OfClasses::top5),
        shares.of_boxes(Shares::OfBoxes::top1), shares.of_boxes(Shares::OfBoxes::top5),
        shares.of_boxes(Shares::OfBoxes::known)};
  }
  count_maps(set, records, options, figures);
  return figures;
}

std::vector<NamedFigure> named(const Figures& figures) {
  std::vector<NamedFigure> list;
  if (figures.errors) {
    list = {
        {"top1_error", "top-1 classification error", &figures.errors->top1, ""},
        {"top5_error", "top-5 classification error", &figures.errors->top5, ""},
        {"top1_loc_error", "top-1 localization error", &figures.errors->top1_loc, ""},
        {"top5_loc_error", "top-5 localization error", &figures.errors->top5_loc, ""},
        {"gt_known_loc_error", "localization error, class known", &figures.errors->known_loc, ""}};
  }
  std::string thresholds;
  for (double threshold : figures.thresholds)
    thresholds += text(thresholds.empty() ? "" : ", ", fixed(threshold, 2));
  list.push_back({"max_box_acc", "MaxBoxAcc", &figures.max_box_acc,
                  text("at threshold ", fixed(figures.thresholds[1], 2))});
  list.push_back({"max_box_acc_v2", "MaxBoxAccV2", &figures.max_box_acc_v2,
                  text("at thresholds ", thresholds)});
  return list;
}

std::string percent(double share) {
  return fixed(100 * share, 2) + "%";
}

std::string to_text(const Figures& figures) {
  using enum Table::Align;
  Table table("  ", {left, right, right, right, right, left});
  table.row({"", "", "95% interval", "whole picture", "centred box", ""});
  const auto baseline = [](const std::optional<double>& share) {
    return share ? percent(*share) : "";
  };
  for (const NamedFigure& one : named(figures)) {
    const Figure& figure = *one.figure;
    table.row({one.title, percent(figure.value),
               text(fixed(100 * figure.interval.low, 2), " to ", percent(figure.interval.high)),
               baseline(figure.whole_picture), baseline(figure.centred_box), one.remark});
  }
  return text(table.str(),
              "  The last two columns need no network: the picture's whole as every box, and the "
              "best box of one\n  size in the middle of every picture, here ",
              percent(figures.centred.width), " of its width and ", percent(figures.centred.height),
              " of its height.\n");
}

Json to_json(const Figures& figures) {
  Json json, intervals, whole, centred;
  for (const NamedFigure& one : named(figures)) {
    const Figure& figure = *one.figure;
    json[one.name] = rounded(figure.value);
    intervals[one.name] = to_json(figure.interval);
    if (figure.whole_picture) whole[one.name] = rounded(*figure.whole_picture);
    if (figure.centred_box) centred[one.name] = rounded(*figure.centred_box);
  }
  centred["width"] = rounded(figures.centred.width);
  centred["height"] = rounded(figures.centred.height);
  json["max_box_acc_threshold"] = rounded(figures.thresholds[1]);
  json["max_box_acc_v2_thresholds"] = Json::array();
  for (double threshold : figures.thresholds)
    json["max_box_acc_v2_thresholds"].push_back(rounded(threshold));
  json["intervals"] = std::move(intervals);
  json["whole_picture"] = std::move(whole);
  json["centred_box"] = std::move(centred);
  json["images"] = figures.pictures;
  return json;
}

}  // namespace camlite::tool
