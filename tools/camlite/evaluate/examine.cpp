#include "examine.hpp"

#include <algorithm>
#include <utility>

#include <camlite/authors_boxes.hpp>
#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/evaluate/max_box_acc.hpp>
#include <camlite/image_io.hpp>
#include <camlite/ten_crop.hpp>

#include "../console.hpp"
#include "score_maps.hpp"

namespace camlite::tool {

namespace {

constexpr Index most_guesses = 5;

// Of each class, the likeliest first, how many boxes are submitted.
std::vector<std::size_t> boxes_submitted(const std::string& rule) {
  // Section 3.2 of the paper, "heuristics": two of the first and the second class, one of the
  // third.
  if (rule == "authors") return {2, 2, 1};
  return std::vector<std::size_t>(most_guesses, 1);
}

// Throws Error if the truth says another size.
void check_size(const Example& example, const Image& picture) {
  if (example.width == 0) return;
  if (picture.width() != example.width || picture.height() != example.height) {
    fail(example.picture, ": a picture of ", picture.width(), " x ", picture.height(),
         " pixels, the truth says ", example.width, " x ", example.height);
  }
}

// Throws Error if a box is of another picture: some pixels of each must be in this one.
void check_boxes(const Truth& truth, const Record& record) {
  for (const TrueBox& one : truth.boxes) {
    if (one.box.x < record.width && one.box.y < record.height) continue;
    fail("a picture of ", record.width, " x ", record.height, " pixels; the truth has a box at (",
         one.box.x, ", ", one.box.y, ')');
  }
}

// A class has a box, even where its map has none: it keeps its place.
Guess guess(Index class_index, const std::vector<Box>& boxes) {
  return {class_index, boxes.empty() ? Box() : boxes.front()};
}

}  // namespace

Image read_stored(const std::string& path, const ImageLimits& limits) {
  return read_image(path, {.limits = limits, .upright = false});
}

Examiner::Examiner(const EvaluateOptions& options) : options_(options) {
  if (!options.score_maps.empty()) return;
  network_.emplace(load(options.model),
                   NetworkOptions{.threads = 1, .memory_limit = memory_limit(options.model)});
  network_->require_maps();
}

Examined Examiner::examine(const Example& example, Workspace& workspace) const {
  Record record;
  record.image = example.name;
  record.width = example.width;
  record.height = example.height;
  if (!network_) {
    if (record.width == 0) {
      const Image picture = read_stored(example.picture, options_.limits);
      record.width = picture.width();
      record.height = picture.height();
    }
    check_boxes(example.truth, record);
    record.overlaps = best_overlaps_of_file(
        example.score_map, boxes_on_score_map(example.truth, record.width, record.height),
        {.multi_region = options_.multi_region});
    return {std::move(record), {}};
  }
  const Image picture = read_stored(example.picture, options_.limits);
  check_size(example, picture);
  record.width = picture.width();
  record.height = picture.height();
  check_boxes(example.truth, record);
  if (options_.crops == TenCrops::count) {
    const TenCropPrediction seen = predict_ten_crops(*network_, picture, workspace);
    return see(seen, example, std::move(record));
  }
  return see(network_->predict(picture, workspace, options_.predict), example, std::move(record));
}

template <class Prediction>
Examined Examiner::see(const Prediction& seen, const Example& example, Record record) const {
  const std::vector<Index>& true_classes = example.truth.classes;
  std::vector<Index> wanted = true_classes;
  for (const ClassScore& score : seen.top(most_guesses)) {
    record.classes.push_back({score.index, score.probability});
    wanted.push_back(score.index);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  const Tensor<float> maps = class_activation_maps(seen, wanted);
  const auto map_of = [&](Index k) {
    return maps.view()[std::lower_bound(wanted.begin(), wanted.end(), k) - wanted.begin()];
  };

  const std::vector<std::size_t> submitted = boxes_submitted(options_.rule);
  for (std::size_t rank = 0; rank < std::min(submitted.size(), record.classes.size()); ++rank) {
    const Index k = record.classes[rank].index;
    const std::vector<Box> boxes = boxes_of(map_of(k), seen.view());
    record.guesses.push_back(guess(k, boxes));
    for (std::size_t i = 1; i < std::min(submitted[rank], boxes.size()); ++i)
      record.guesses.push_back({k, boxes[i]});
  }
  for (Index k : true_classes) record.known.push_back(guess(k, boxes_of(map_of(k), seen.view())));

  Tensor<float> map =
      picture_score_map(map_of(true_classes[0]), seen.view(), record.width, record.height);
  const std::vector<Box> true_boxes =
      boxes_on_score_map(example.truth, record.width, record.height);
  record.overlaps = best_overlaps(map, true_boxes, {.multi_region = options_.multi_region});
  return {std::move(record), std::move(map)};
}

std::vector<Box> Examiner::boxes_of(TensorView<const float> map, const Box& view) const {
  if (options_.is_papers_rule())
    return boxes(map, view, box_options(options_.threshold, network_->model()));
  return authors_boxes(map, view);
}

}  // namespace camlite::tool
