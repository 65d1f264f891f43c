// A model through everything that is done with one.
#pragma once

#include <algorithm>
#include <cstring>

#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/network.hpp>

#include "budget.hpp"
#include "target.hpp"

namespace camlite::fuzz {

inline bool same_bits(TensorView<const float> a, TensorView<const float> b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0);
}

// What the network says of a picture, twice: the second time in memory that holds the first.
inline void run_network(const Model& model) {
  const Network network(model, {.threads = 1, .memory_limit = Index{64} << 20});
  network.layers(model.input_shape());
  network.memory(model.input_shape());
  if (model.graph().channels != 3) {
    const Tensor<float> input(model.input_shape());
    Workspace workspace;
    network.forward(input, workspace);
    return;
  }
  Image picture(17, 23);
  for (Index i = 0; i < picture.size(); ++i)
    picture.data()[i] = static_cast<std::uint8_t>((i * 37) & 255);
  const PreparedView prepared =
      prepared_view(picture.width(), picture.height(), model.preprocessing());
  if (prepared.resized.height * prepared.resized.width > most_work) return;
  const Shape input{1, prepared.crop.height, prepared.crop.width, 3};
  if (work_of(model.graph(), input) > most_work) return;
  const Prediction first = network.predict(picture), second = network.predict(picture);
  require(same_bits(first.logits(), second.logits()), "the same picture gives the same bits");
  require(std::ssize(first.top(5)) == std::min<Index>(5, model.classes()),
          "as many classes as were asked for");
  if (!network.has_cam_head()) return;
  const Tensor<float> map = class_activation_map(first, first.top(1).at(0).index);
  for (const Box& box : boxes(map, first.view(), first.box_options())) {
    require(box.x >= 0 && box.y >= 0 && box.x + box.width <= picture.width() &&
                box.y + box.height <= picture.height(),
            "boxes are inside of the picture");
  }
}

}  // namespace camlite::fuzz
