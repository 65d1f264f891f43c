// What the commands on pictures have in common: their options, the loop, and how results look.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <camlite/box.hpp>
#include <camlite/image.hpp>
#include <camlite/limits.hpp>
#include <camlite/network.hpp>
#include <camlite/ten_crop.hpp>

#include "model_choice.hpp"

namespace camlite::tool {

struct PictureOptions {
  std::vector<std::string> paths;
  ModelChoice model;
  Index top = 5;
  PredictOptions predict;
  Index crops = 1;  // or 10
  ImageLimits limits;
  bool json = false;
};

// Adds --size, --whole and --crops, which is 1 or 10.
void add_view_options(CLI::App& command, PredictOptions& predict, Index& crops);

// Adds --max-pixels.
void add_limit_options(CLI::App& command, ImageLimits& limits);

void add_picture_options(CLI::App& command, PictureOptions& options);

// use(what the network sees in the picture): a Prediction, or a TenCropPrediction if the options
// ask for it.
template <class Use>
auto see(const Network& network, const Image& picture, const PictureOptions& options,
         const Use& use) {
  if (options.crops == TenCrops::count) return use(predict_ten_crops(network, picture));
  return use(network.predict(picture, options.predict));
}

// What was found in a picture.
struct Finding {
  ClassScore score;
  std::optional<Box> box;
};

struct Report {
  std::string path;
  Index width = 0;
  Index height = 0;
  std::vector<Finding> findings;
  bool located =
      false;            // boxes were looked for: there is something to say of each, or that none is
  std::string overlay;  // the file that was written, if any
  Index overlay_class = 0;  // whose map it shows, one of the findings
};

// As JSON, one line; or as text:
//   cat.jpg (451x300)
//     71.2%  n02123045 tabby, tabby cat  box 10,20 200x180
std::string to_string(const Report& report, bool json);

// Reads each picture, calls work with its place among the paths and prints what that returns. What
// goes wrong with a picture is said on standard error, the others still done. Returns the exit
// status.
int for_each_picture(const PictureOptions& options,
                     const std::function<Report(std::size_t, const Image&)>& work);

}  // namespace camlite::tool
