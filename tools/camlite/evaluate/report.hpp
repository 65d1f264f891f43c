// An evaluation as a page to look at.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <camlite/network.hpp>

#include "dataset.hpp"
#include "figures.hpp"
#include "options.hpp"
#include "record.hpp"

namespace camlite::tool {

// What a page shows.
struct ReportContent {
  const Dataset& set;
  const std::vector<std::optional<Record>>& records;  // those that the figures are of, by place
  const Figures& figures;
  const EvaluateOptions& options;
  const Network* network;  // null with score maps
  std::string method;      // how boxes come about
  std::string pictures;    // how many, and which could not be used
};

// Writes index.html to the folder of the options, and returns its path: one file that needs no
// other, and nothing from elsewhere. Figures with intervals and what no network gets, accuracy
// against threshold, the classes, the best and the worst pictures. It grows with the classes and
// pictures shown, not with those evaluated. Why pictures could not be shown is added to `unread`.
// Throws Error.
std::string write_report(const ReportContent& content, std::vector<std::string>& unread);

}  // namespace camlite::tool
