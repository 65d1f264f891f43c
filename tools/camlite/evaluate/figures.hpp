// The figures of an evaluation.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <camlite/evaluate/baselines.hpp>
#include <camlite/evaluate/bootstrap.hpp>
#include <camlite/evaluate/max_box_acc.hpp>

#include "../json.hpp"
#include "dataset.hpp"
#include "options.hpp"
#include "record.hpp"

namespace camlite::tool {

// A share of the pictures, its 95 % bootstrap interval, and what no network gets: the whole picture
// as the box of each class, and the best centred box.
struct Figure {
  double value = 0;
  Interval interval;
  std::optional<double> whole_picture;  // nothing where boxes play no part
  std::optional<double> centred_box;
};

struct Figures {
  std::size_t pictures = 0;
  CentredBox centred;  // the best for the class-known localization of these pictures

  // Errors: top-1 and top-5 classification, top-1 and top-5 localization, localization with the
  // class known. Nothing with score maps.
  struct Errors {
    Figure top1, top5, top1_loc, top5_loc, known_loc;
  };
  std::optional<Errors> errors;

  // Accuracies, with the best threshold for each of MaxBoxAcc::overlaps.
  Figure max_box_acc, max_box_acc_v2;
  std::array<double, MaxBoxAcc::overlaps.size()> thresholds{};
  // BoxAcc at each of map_thresholds(), likewise.
  std::array<std::vector<double>, MaxBoxAcc::overlaps.size()> curves;
};

// records: one for each example that was looked at, by place; at least one. Throws Error if a
// record does not belong to the set.
Figures figures_of(const Dataset& set, const std::vector<std::optional<Record>>& records,
                   const EvaluateOptions& options);

// One of the figures, by the names that --json and people have for it.
struct NamedFigure {
  const char* name = nullptr;
  const char* title = nullptr;
  const Figure* figure = nullptr;
  std::string remark;
};

// Those that there are, in the order in which they are told.
std::vector<NamedFigure> named(const Figures& figures);

// "71.25%".
std::string percent(double share);

// The table that people read, and the last line of --json without what is not in the figures.
std::string to_text(const Figures& figures);
Json to_json(const Figures& figures);

}  // namespace camlite::tool
