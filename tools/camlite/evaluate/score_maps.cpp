#include "score_maps.hpp"

#include <algorithm>
#include <filesystem>

#include <camlite/error.hpp>
#include <camlite/upsample.hpp>

#include "../npy.hpp"
#include "../paths.hpp"

namespace camlite::tool {

namespace {

// [first, first + count) of `from` pixels, as the same part of the score map's side: the edges
// rounded to nearest, at least one pixel.
struct Part {
  Index first;
  Index count;

  Part(Index begin, Index length, Index from) {
    const auto edge = [&](Index position) {
      return (position * score_map_size * 2 + from) / (from * 2);
    };
    first = std::min(edge(begin), score_map_size - 1);
    count = std::max<Index>(edge(begin + length) - first, 1);
  }
};

template <class T>
Tensor<T> read_values(const NpyReader& file) {
  Tensor<T> values = Tensor<T>::uninitialized(file.shape());
  file.read(0, {values.begin(), values.end()});
  return values;
}

template <class To, class From>
Tensor<To> converted(const Tensor<From>& map) {
  Tensor<To> out = Tensor<To>::uninitialized(map.shape());
  std::transform(map.begin(), map.end(), out.begin(),
                 [](From value) { return static_cast<To>(value); });
  return out;
}

// The score map in the file, at score_map_size.
Tensor<double> load_score_map(const std::string& path) {
  const NpyReader file(path, NpyReader::Elements::float32_or_float64);
  const Shape& shape = file.shape();
  if (shape.rank() != 2 || shape.size() == 0)
    fail(path, ": a score map has shape (height, width), not ", shape.str());
  Tensor<double> map =
      file.is_float64() ? read_values<double>(file) : converted<double>(read_values<float>(file));
  const auto wrong = std::find_if(map.begin(), map.end(),
                                  [](double value) { return !(value >= 0 && value <= 1); });
  if (wrong != map.end()) {
    const Index at = wrong - map.begin();
    fail(path, ": a score map is from 0 to 1, this one is ", *wrong, " in row ", at / shape[1],
         ", column ", at % shape[1]);
  }
  if (shape[0] == score_map_size && shape[1] == score_map_size) return map;
  return converted<double>(upsample(converted<float>(map), score_map_size, score_map_size));
}

}  // namespace

Tensor<float> picture_score_map(TensorView<const float> map, const Box& view, Index width,
                                Index height) {
  const Part across(view.x, view.width, width), down(view.y, view.height, height);
  const Tensor<double> part = score_map(map, down.count, across.count);
  Tensor<float> out({score_map_size, score_map_size});
  for (Index y = 0; y < down.count; ++y) {
    for (Index x = 0; x < across.count; ++x)
      out(down.first + y, across.first + x) = static_cast<float>(part(y, x));
  }
  return out;
}

std::vector<Box> boxes_on_score_map(const Truth& truth, Index width, Index height) {
  std::vector<Box> out;
  for (const TrueBox& one : truth.boxes) {
    if (one.class_index == truth.classes[0]) out.push_back(on_score_map(one.box, width, height));
  }
  return out;
}

std::vector<double> best_overlaps_of_file(const std::string& path,
                                          const std::vector<Box>& true_boxes,
                                          const MaxBoxAccOptions& options) {
  return best_overlaps(load_score_map(path), true_boxes, options);
}

BoxedScoreMap read_score_map(const std::string& path, const MaxBoxAccOptions& options) {
  const Tensor<double> map = load_score_map(path);
  return {converted<float>(map), boxes_at_thresholds(map, options)};
}

void write_score_map(const std::string& path, const Tensor<float>& map) {
  make_folder(std::filesystem::path(path).parent_path());
  NpyWriter file(path, map.shape());
  file.append(map);
  file.commit();
}

}  // namespace camlite::tool
