#include "score_maps.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <camlite/error.hpp>
#include <camlite/upsample.hpp>

#include "../npy.hpp"

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
Tensor<T> read_map(const NpyReader& file, const std::string& path) {
  const Shape& shape = file.shape();
  Tensor<T> map = Tensor<T>::uninitialized(shape);
  file.read(0, {map.begin(), map.end()});
  const auto wrong =
      std::find_if(map.begin(), map.end(), [](T value) { return !(value >= 0 && value <= 1); });
  if (wrong != map.end()) {
    const Index at = wrong - map.begin();
    fail(path, ": a score map is from 0 to 1, this one is ", *wrong, " in row ", at / shape[1],
         ", column ", at % shape[1]);
  }
  return map;
}

template <class T>
Tensor<float> in_float32(const Tensor<T>& map) {
  Tensor<float> out = Tensor<float>::uninitialized(map.shape());
  std::transform(map.begin(), map.end(), out.begin(),
                 [](T value) { return static_cast<float>(value); });
  return out;
}

// use(the score map in the file, at score_map_size), in the type that it is computed in.
template <class Use>
auto with_score_map(const std::string& path, const Use& use) {
  const NpyReader file(path, NpyReader::Elements::float32_or_float64);
  const Shape& shape = file.shape();
  if (shape.rank() != 2 || shape.size() == 0)
    fail(path, ": a score map has shape (height, width), not ", shape.str());
  const bool as_it_is = shape[0] == score_map_size && shape[1] == score_map_size;
  if (!file.is_float64()) {
    const Tensor<float> map = read_map<float>(file, path);
    return use(as_it_is ? map : upsample(map, score_map_size, score_map_size));
  }
  const Tensor<double> map = read_map<double>(file, path);
  if (as_it_is) return use(map);
  return use(upsample(in_float32(map), score_map_size, score_map_size));
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
  return with_score_map(path,
                        [&](const auto& map) { return best_overlaps(map, true_boxes, options); });
}

BoxedScoreMap read_score_map(const std::string& path, const MaxBoxAccOptions& options) {
  return with_score_map(path, [&](const auto& map) {
    return BoxedScoreMap{in_float32(map), boxes_at_thresholds(map, options)};
  });
}

void write_score_map(const std::string& path, const Tensor<float>& map) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(folder.string(), ": cannot make the directory: ", error.message());
  NpyWriter file(path, map.shape());
  file.append(map);
  file.commit();
}

}  // namespace camlite::tool
