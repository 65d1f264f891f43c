#include "gallery.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <camlite/cam.hpp>
#include <camlite/error.hpp>
#include <camlite/evaluate/localization.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/ten_crop.hpp>
#include <camlite/thumbnail.hpp>

#include "../batch/html.hpp"
#include "../batch/page.hpp"
#include "../console.hpp"
#include "examine.hpp"
#include "score_maps.hpp"

namespace camlite::tool {

namespace {

constexpr Rgb true_box_color{255, 255, 255};

// The place of MaxBoxAcc's threshold among all.
std::size_t best_threshold(const Figures& figures) {
  const std::vector<double> thresholds = map_thresholds();
  const auto found = std::find(thresholds.begin(), thresholds.end(), figures.thresholds[1]);
  return static_cast<std::size_t>(found - thresholds.begin());
}

// The intersection over union of a guess with the box of its class that it fits best.
double overlap_of(const Guess& guess, const Truth& truth) {
  double best = 0;
  for (const TrueBox& one : truth.boxes) {
    if (one.class_index == guess.class_index)
      best = std::max(best, intersection_over_union(guess.box, one.box));
  }
  return best;
}

// Of the guesses made knowing the true classes, the one that fits best.
const Guess& best_guess(const Record& record, const Truth& truth) {
  if (record.known.empty()) fail(record.image, ": its record has no box of a true class");
  return *std::max_element(
      record.known.begin(), record.known.end(),
      [&](const Guess& a, const Guess& b) { return overlap_of(a, truth) < overlap_of(b, truth); });
}

// Throws Error also if it is not the picture that the record is of.
Image read_again(const Example& example, const Record& record, const ImageLimits& limits) {
  Image picture = read_stored(example.picture, limits);
  if (picture.width() != record.width || picture.height() != record.height) {
    fail(example.picture, ": now a picture of ", picture.width(), " x ", picture.height(),
         " pixels, it was of ", record.width, " x ", record.height);
  }
  return picture;
}

struct Case {
  double overlap = 0;
  const Record* record = nullptr;
};

class GalleryPage {
 public:
  GalleryPage(const Dataset& set, const Figures& figures, const EvaluateOptions& options,
              const Network* network, std::vector<std::string>& unread)
      : set_(set), figures_(figures), options_(options), network_(network), unread_(unread) {}

  std::string row(const std::string& title, std::span<const Case> cases) const {
    if (cases.empty()) return "";
    std::string out = text("<h3>", title, "</h3>\n<div class=\"gallery\">\n");
    for (const Case& one : cases) out += figure_of(one);
    return out + "</div>\n";
  }

 private:
  std::string figure_of(const Case& one) const {
    const Record& record = *one.record;
    const Example& example = set_.examples[record.place];
    const std::string truth = html(set_.class_name(shown(record)));
    std::string caption =
        text("<b>", fixed(one.overlap, 2), "</b> <span class=\"file\">", html(example.name),
             "</span><span class=\"label\" title=\"", truth, "\">true: ", truth, "</span>");
    if (!record.classes.empty()) {
      const RankedClass& first = record.classes[0];
      const bool right = example.truth.has(first.index);
      const std::string name = html(set_.class_name(first.index));
      caption += text("<span class=\"label ", right ? "right" : "wrong", "\" title=\"", name,
                      "\">predicted, ", fixed(100 * static_cast<double>(first.probability), 1),
                      "%: ", name, "</span>");
    }
    return figure(
        text(html(example.name), " with the map of ", truth),
        [&] { return drawn(example, record); }, [&] { return caption; },
        [&](const char* why) { unread_.emplace_back(why); });
  }

  // The class whose map is shown.
  Index shown(const Record& record) const {
    const Truth& truth = set_.examples[record.place].truth;
    return network_ == nullptr ? truth.classes[0] : best_guess(record, truth).class_index;
  }

  Image drawn(const Example& example, const Record& record) const {
    if (network_ == nullptr) return drawn_from_score_map(example, record);
    const Image picture = read_again(example, record, options_.limits);
    if (options_.crops == TenCrops::count)
      return drawn(predict_ten_crops(*network_, picture), picture, example, record);
    return drawn(network_->predict(picture, options_.predict), picture, example, record);
  }

  template <class Prediction>
  Image drawn(const Prediction& seen, const Image& picture, const Example& example,
              const Record& record) const {
    const Guess& guess = best_guess(record, example.truth);
    const Tensor<float> maps =
        class_activation_maps(seen, std::span<const Index>(&guess.class_index, 1));
    Thumbnail thumbnail(picture, page_picture_side, record.width, record.height);
    thumbnail.add_map(maps.view()[0], seen.view(), page_heat);
    thumbnail.add_box(guess.box, found_box_color, page_box_line);
    for (const TrueBox& one : example.truth.boxes) {
      if (one.class_index == guess.class_index)
        thumbnail.add_box(one.box, true_box_color, page_box_line);
    }
    return thumbnail.image();
  }

  // On black where there is no picture.
  Image drawn_from_score_map(const Example& example, const Record& record) const {
    const BoxedScoreMap saved =
        read_score_map(example.score_map, {.multi_region = options_.multi_region});
    const Box black = Thumbnail::whole(record.width, record.height, page_picture_side);
    const Image picture = example.picture.empty() ? Image(black.width, black.height)
                                                  : read_again(example, record, options_.limits);
    Thumbnail thumbnail(picture, page_picture_side, score_map_size, score_map_size);
    thumbnail.add_map(saved.map, {0, 0, score_map_size, score_map_size}, page_heat);
    for (const Box& box : saved.boxes[best_threshold(figures_)])
      thumbnail.add_box(box, found_box_color, page_box_line);
    const std::vector<Box> truth = boxes_on_score_map(example.truth, record.width, record.height);
    for (const Box& box : truth) thumbnail.add_box(box, true_box_color, page_box_line);
    return thumbnail.image();
  }

  const Dataset& set_;
  const Figures& figures_;
  const EvaluateOptions& options_;
  const Network* network_;
  std::vector<std::string>& unread_;
};

}  // namespace

double overlap_of(const Record& record, const Example& example, const Figures& figures) {
  if (!figures.errors) return record.overlaps[best_threshold(figures)];
  return overlap_of(best_guess(record, example.truth), example.truth);
}

std::string gallery(const Dataset& set, const std::vector<std::optional<Record>>& records,
                    const Figures& figures, const EvaluateOptions& options, const Network* network,
                    std::size_t each, std::vector<std::string>& unread) {
  std::vector<Case> cases;
  for (const std::optional<Record>& record : records) {
    if (record)
      cases.push_back({overlap_of(*record, set.examples[record->place], figures), &*record});
  }
  // The first of the set where overlaps are the same, in both rows.
  const auto best_count = static_cast<std::ptrdiff_t>(std::min(each, (cases.size() + 1) / 2));
  const auto worst_count = static_cast<std::ptrdiff_t>(std::min(each, cases.size() / 2));
  std::stable_sort(cases.begin(), cases.end(),
                   [](const Case& a, const Case& b) { return a.overlap > b.overlap; });
  const std::vector<Case> best(cases.begin(), cases.begin() + best_count);
  std::vector<Case> worst(cases.begin() + best_count, cases.end());
  std::stable_sort(worst.begin(), worst.end(),
                   [](const Case& a, const Case& b) { return a.overlap < b.overlap; });
  worst.resize(static_cast<std::size_t>(worst_count));
  const GalleryPage page(set, figures, options, network, unread);
  return page.row(text("Best ", best_count), best) + page.row(text("Worst ", worst_count), worst);
}

}  // namespace camlite::tool
