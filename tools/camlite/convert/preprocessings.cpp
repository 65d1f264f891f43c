#include "preprocessings.hpp"

#include <algorithm>
#include <array>

namespace camlite::tool {

std::vector<std::string> preprocessing_names() {
  return {"torchvision", "caffe", "tensorflow", "unit", "bytes"};
}

Index with_margin(Index crop) {
  return std::max(crop, std::min(crop * 8 / 7, Preprocessing::most_extent));
}

std::optional<Preprocessing> known_preprocessing(std::string_view name, const Size2d& input) {
  using enum Preprocessing::Fit;
  using enum Preprocessing::Channels;
  // A picture of any shape then holds the crop.
  const Index resize = with_margin(std::max(input.height, input.width));
  const std::array<double, 3> none{0, 0, 0}, one{1, 1, 1}, half{127.5, 127.5, 127.5};
  if (name == "torchvision") return Preprocessing{.resize = resize, .crop = input};
  if (name == "caffe") {
    const Size2d whole{with_margin(input.height), with_margin(input.width)};
    return Preprocessing{exact, whole, input, bgr, 1, {104, 117, 123}, one};
  }
  if (name == "tensorflow") return Preprocessing{shorter_side, resize, input, rgb, 1, half, half};
  if (name == "unit") return Preprocessing{shorter_side, resize, input, rgb, 1.0 / 255, none, one};
  if (name == "bytes") return Preprocessing{shorter_side, resize, input, rgb, 1, none, one};
  return {};
}

}  // namespace camlite::tool
