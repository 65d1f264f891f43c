// Maps of any floats: NaN, infinities, denormals, constant ones, empty ones.
#include <cmath>
#include <cstring>

#include <camlite/authors_boxes.hpp>
#include <camlite/boxes.hpp>
#include <camlite/evaluate/score_map.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/normalize.hpp>
#include <camlite/upsample.hpp>

#include "target.hpp"

namespace camlite::fuzz {

namespace {

void require_inside(const std::vector<Box>& boxes, const Box& view) {
  for (const Box& box : boxes) {
    require(box.width >= 1 && box.height >= 1 && box.x >= view.x && box.y >= view.y &&
                box.x + box.width <= view.x + view.width &&
                box.y + box.height <= view.y + view.height,
            "a box lies in the view");
  }
}

}  // namespace

// A byte each for height, width, the view's height and width, and the threshold; then the values.
void fuzz_map(Bytes input) {
  constexpr std::size_t head = 5;
  if (input.size() < head) return;
  const auto byte = [&](std::size_t i) { return std::to_integer<Index>(input[i]); };
  const Index height = byte(0) % 20, width = byte(1) % 20;
  Tensor<float> map({height, width});
  const Bytes values = input.subspan(head);
  const auto wanted = static_cast<std::size_t>(map.size()) * sizeof(float);
  // A short input is repeated.
  for (std::size_t at = 0; at < wanted && !values.empty(); at += values.size()) {
    std::memcpy(reinterpret_cast<std::byte*>(map.data()) + at, values.data(),
                std::min(values.size(), wanted - at));
  }
  const Box view{3, 2, 1 + byte(3) % 40, 1 + byte(2) % 40};
  const auto attempt = [](const auto& work) {
    try {
      work();
    } catch (const Error&) {  // an empty map, say: each function has its own words for that
    }
  };
  attempt([&] {
    const Tensor<float> levels = normalized(map);
    for (float level : levels) require(level >= 0 && level <= 1, "normalized to 0 ... 1");
  });
  attempt([&] { upsample(map, view.height, view.width); });
  attempt([&] {
    const float threshold = static_cast<float>(byte(4)) / 255;
    require_inside(boxes(map, view, {.threshold = threshold}), view);
  });
  attempt([&] { heatmap(map, {.width = view.width, .height = view.height}); });
  attempt([&] { overlay(Image(45, 45), map, view); });
  attempt([&] { require_inside(authors_boxes(map, view), view); });
  // 224 x 224 whatever the map: too slow for each input.
  if (is_chosen(input, 64)) attempt([&] { score_map(map); });
}

}  // namespace camlite::fuzz
