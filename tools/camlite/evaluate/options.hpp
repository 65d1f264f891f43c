// What camlite evaluate is asked to do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <camlite/network.hpp>

#include <camlite/limits.hpp>

#include "../model_choice.hpp"

namespace camlite::tool {

struct EvaluateOptions {
  std::string images;  // a folder
  std::string truth;
  ModelChoice model;
  PredictOptions predict;
  ImageLimits limits;
  std::string rule = "paper";      // or authors, authors-largest
  std::optional<float> threshold;  // the model's without it
  Index crops = 1;                 // or 10
  bool known_classes = false;      // leave out pictures of classes that the model does not know
  bool multi_region = false;
  std::string score_maps;            // a folder to read from, instead of a network
  std::string save_maps;             // a folder to write to
  std::string records;               // a file
  std::string report;                // a folder to write a page to
  std::size_t report_pictures = 24;  // of the best, and of the worst
  bool json = false;
  bool quiet = false;

  // The one rule with a threshold.
  bool is_papers_rule() const { return rule == "paper"; }
};

}  // namespace camlite::tool
