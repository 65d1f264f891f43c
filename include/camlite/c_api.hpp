// The functions of camlite.h. Exactly one C++ file of a program, or of a shared library, includes
// this.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/camlite.h>
#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/limits.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/network.hpp>
#include <camlite/prediction.hpp>
#include <camlite/version.hpp>

namespace camlite::detail {

// The names of the classes, where C can point at them.
using Labels = std::shared_ptr<const std::vector<std::string>>;

}  // namespace camlite::detail

struct camlite_network {
  explicit camlite_network(camlite::Model model, int threads)
      : labels(std::make_shared<const std::vector<std::string>>(model.class_names())),
        network(std::move(model), {.threads = threads}) {}

  camlite::detail::Labels labels;
  camlite::Network network;
};

struct camlite_prediction {
  camlite::detail::Labels labels;
  camlite::Prediction seen;
};

namespace camlite::detail {

// This thread's last failure. An array, since there may be no memory left to say so.
inline thread_local std::array<char, 1024> last_error{};

inline void keep_error(std::string_view why) noexcept {
  std::size_t length = std::min(why.size(), last_error.size() - 1);
  // A character that does not fit (UTF-8) is left out whole.
  const auto is_inside = [&](std::size_t i) {
    return (static_cast<unsigned>(why[i]) & 0xC0) == 0x80;
  };
  while (length < why.size() && length > 0 && is_inside(length)) --length;
  std::copy_n(why.begin(), length, last_error.begin());
  last_error[length] = '\0';
}

// What work() returns; if it throws, `failure`, and the reason is kept.
template <class Result, class Work>
Result without_exceptions(Result failure, const Work& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    keep_error("there is not enough memory");
  } catch (const std::exception& error) {
    keep_error(error.what());
  } catch (...) {
    keep_error("an exception of an unknown type");
  }
  return failure;
}

template <class T>
T& given(T* pointer, std::string_view function, std::string_view name) {
  if (!pointer) fail(function, ": ", name, " is null");
  return *pointer;
}

inline void check_room(std::int64_t room, const void* out, std::string_view function) {
  if (room < 0) fail(function, ": room for ", room, " cannot be");
  if (room > 0 && !out) fail(function, ": out is null");
}

inline camlite_box c_box(const Box& box) {
  return {box.x, box.y, box.width, box.height};
}

// The model in bytes that it owns.
inline Model model_of_copy(std::span<const std::byte> bytes) {
  auto copy = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  constexpr std::string_view name = "model in memory";
  constexpr LoadLimits limits;
  ModelParts parts = model_parts(parse_safetensors(*copy, name, limits), name, limits);
  parts.storage = std::move(copy);
  return Model(std::move(parts), limits);
}

// The picture without gaps between its rows.
inline Image image_of(const std::uint8_t* pixels, std::int64_t width, std::int64_t height,
                      std::int64_t stride) {
  if (width < 1 || height < 1)
    fail("camlite_predict: a picture of ", width, " x ", height, " pixels cannot be");
  if (stride / Image::channels < width) {
    fail("camlite_predict: a stride of ", stride, " bytes is less than a row of ", width,
         " pixels of 3 bytes");
  }
  Image image(width, height);
  for (Index y = 0; y < height; ++y) {
    std::copy_n(pixels + y * stride, Image::channels * width,
                image.data() + y * Image::channels * width);
  }
  return image;
}

}  // namespace camlite::detail

// NOLINTBEGIN(misc-definitions-in-headers): once in a program, where C can find them
extern "C" {

const char* camlite_version() {
  return CAMLITE_VERSION;
}

const char* camlite_last_error() {
  return camlite::detail::last_error.data();
}

camlite_network* camlite_load(const char* path, int threads) {
  using namespace camlite::detail;
  return without_exceptions<camlite_network*>(nullptr, [&] {
    const std::string name = &given(path, "camlite_load", "path");
    return new camlite_network(camlite::load_model(name), threads);
  });
}

camlite_network* camlite_load_memory(const void* data, size_t size, int threads) {
  using namespace camlite::detail;
  return without_exceptions<camlite_network*>(nullptr, [&] {
    const auto* bytes = &given(static_cast<const std::byte*>(data), "camlite_load_memory", "data");
    return new camlite_network(model_of_copy({bytes, size}), threads);
  });
}

void camlite_free_network(camlite_network* network) {
  delete network;
}

int64_t camlite_classes(const camlite_network* network) {
  using namespace camlite::detail;
  return without_exceptions<int64_t>(
      -1, [&] { return given(network, "camlite_classes", "network").network.model().classes(); });
}

camlite_prediction* camlite_predict(const camlite_network* network, const uint8_t* pixels,
                                    int64_t width, int64_t height, int64_t stride) {
  using namespace camlite::detail;
  return without_exceptions<camlite_prediction*>(nullptr, [&] {
    const camlite_network& with = given(network, "camlite_predict", "network");
    const uint8_t* first = &given(pixels, "camlite_predict", "pixels");
    return new camlite_prediction{with.labels,
                                  with.network.predict(image_of(first, width, height, stride))};
  });
}

void camlite_free_prediction(camlite_prediction* prediction) {
  delete prediction;
}

int64_t camlite_top(const camlite_prediction* prediction, camlite_class* out, int64_t room) {
  using namespace camlite::detail;
  return without_exceptions<int64_t>(-1, [&] {
    const camlite_prediction& from = given(prediction, "camlite_top", "prediction");
    check_room(room, out, "camlite_top");
    int64_t count = 0;
    for (const camlite::ClassScore& score : from.seen.top(room)) {
      const std::string& label = (*from.labels)[static_cast<std::size_t>(score.index)];
      out[count++] = {score.index, score.probability, score.logit, label.c_str()};
    }
    return count;
  });
}

int camlite_view(const camlite_prediction* prediction, camlite_box* out) {
  using namespace camlite::detail;
  return without_exceptions(-1, [&] {
    const camlite_prediction& from = given(prediction, "camlite_view", "prediction");
    given(out, "camlite_view", "out") = c_box(from.seen.view());
    return 0;
  });
}

int camlite_map_size(const camlite_prediction* prediction, int64_t* width, int64_t* height) {
  using namespace camlite::detail;
  return without_exceptions(-1, [&] {
    const camlite_prediction& from = given(prediction, "camlite_map_size", "prediction");
    int64_t& columns = given(width, "camlite_map_size", "width");
    int64_t& rows = given(height, "camlite_map_size", "height");
    const camlite::Shape& shape = from.seen.features().shape();
    columns = shape[1];
    rows = shape[0];
    return 0;
  });
}

int camlite_map(const camlite_prediction* prediction, int64_t index, float* out, int64_t room) {
  using namespace camlite::detail;
  return without_exceptions(-1, [&] {
    const camlite_prediction& from = given(prediction, "camlite_map", "prediction");
    check_room(room, out, "camlite_map");
    const camlite::Tensor<float> map = camlite::class_activation_map(from.seen, index);
    if (map.size() > room) {
      camlite::fail("camlite_map: a map of ", map.shape().str(), " does not fit into room for ",
                    room, " floats");
    }
    std::copy(map.begin(), map.end(), out);
    return 0;
  });
}

float camlite_box_threshold(const camlite_prediction* prediction) {
  using namespace camlite::detail;
  return without_exceptions(-1.0F, [&] {
    return given(prediction, "camlite_box_threshold", "prediction").seen.box_options().threshold;
  });
}

int64_t camlite_boxes(const camlite_prediction* prediction, int64_t index, float threshold,
                      camlite_box* out, int64_t room) {
  using namespace camlite::detail;
  return without_exceptions<int64_t>(-1, [&] {
    const camlite_prediction& from = given(prediction, "camlite_boxes", "prediction");
    check_room(room, out, "camlite_boxes");
    const std::vector<camlite::Box> found =
        camlite::boxes(camlite::class_activation_map(from.seen, index), from.seen.view(),
                       {.threshold = threshold});
    const int64_t count = std::ssize(found);
    std::transform(found.begin(), found.begin() + std::min(count, room), out, c_box);
    return count;
  });
}

}  // extern "C"
// NOLINTEND(misc-definitions-in-headers)
