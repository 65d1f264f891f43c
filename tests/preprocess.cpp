// From a picture to the network's input, against Pillow and numpy (fixtures/
// make_network_fixtures.py), and back from the input to the part of the picture that it shows.
#include <camlite/model/architectures.hpp>
#include <camlite/network.hpp>
#include <camlite/preprocess.hpp>
#include <camlite/resize.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/results.hpp"
#include "support/tensor_file.hpp"

using camlite::Box;
using camlite::Error;
using camlite::Image;
using camlite::Index;
using camlite::Model;
using camlite::ModelParts;
using camlite::Network;
using camlite::parse_preprocessing;
using camlite::Prediction;
using camlite::prepared_view;
using camlite::PreparedView;
using camlite::preprocess;
using camlite::Preprocessing;
using camlite::Shape;
using camlite::Size2d;
using camlite::Tensor;
using camlite::text;
using camlite::Workspace;
using camlite::test::copy;
using camlite::test::Random;
using camlite::test::random_picture;
using camlite::test::same_bits;
using camlite::test::TensorFile;
using Fit = Preprocessing::Fit;

namespace {

Image picture_of(const Tensor<float>& pixels) {
  Image picture(pixels.extent(1), pixels.extent(0));
  std::transform(pixels.begin(), pixels.end(), picture.data(),
                 [](float value) { return static_cast<std::uint8_t>(value); });
  return picture;
}

// A network with this preprocessing; its input is 16 x 24.
Network network_with(const std::string& settings) {
  ModelParts parts;
  parts.graph = camlite::parse_graph(
      "input channels=3 height=16 width=24\n"
      "pool avg_pool2d input kernel=2\n"
      "gap global_avg_pool pool\n");
  parts.preprocessing = parse_preprocessing(settings);
  return Network(Model(std::move(parts)));
}

// Height and width of the input that the network saw: twice those of its feature map.
Size2d input_size(const Prediction& seen) {
  return {seen.features().extent(0) * 2, seen.features().extent(1) * 2};
}

}  // namespace

TEST_CASE("pictures become the input that torchvision and Caffe make of them") {
  const TensorFile file("tests/fixtures/preprocess.safetensors");
  int compared = 0;
  for (const std::string name : {"wide", "high", "small"}) {
    const Image picture = picture_of(file[name + ".pixels"]);
    for (const auto& [setting, settings] : file.metadata) {
      const Preprocessing p = parse_preprocessing(settings);
      CAPTURE(name, settings);
      const Tensor<float>& expected = file[name + "." + setting];
      const Tensor<float> got = preprocess(picture, p);
      REQUIRE(got.shape() == Shape{1, expected.extent(0), expected.extent(1), 3});
      double largest = 0;
      for (Index i = 0; i < got.size(); ++i)
        largest = std::max(largest, std::abs(double{got.data()[i]} - expected.data()[i]));
      // Of a byte's step: the pixels are the same, only the arithmetic is float.
      CHECK(largest < 1e-3 * p.scale / *std::max_element(p.std.begin(), p.std.end()));
      ++compared;
    }
  }
  CHECK(compared == 24);
}

TEST_CASE("the input is what the crop of the resized picture gives, value by value") {
  Random random(55);
  for (int i = 0; i < 60; ++i) {
    const Image picture = random_picture(random, random.between(1, 140), random.between(1, 140));
    Preprocessing p;
    p.fit = Fit::exact;
    p.resize = {random.between(1, 90), random.between(1, 90)};
    if (random.between(0, 4) == 0) p.resize = {picture.height(), picture.width()};
    p.crop = {random.between(1, p.resize.height), random.between(1, p.resize.width)};
    p.channels = random.one_of({Preprocessing::Channels::rgb, Preprocessing::Channels::bgr});
    const PreparedView prepared = prepared_view(picture.width(), picture.height(), p);
    const Image seen =
        camlite::crop(camlite::resize(picture, p.resize.width, p.resize.height), prepared.crop);
    const Tensor<float> input = preprocess(picture, p);
    REQUIRE(input.shape() == Shape{1, p.crop.height, p.crop.width, 3});
    double largest = 0;
    for (Index y = 0; y < p.crop.height; ++y) {
      for (Index x = 0; x < p.crop.width; ++x) {
        for (Index c = 0; c < 3; ++c) {
          const auto at = static_cast<std::size_t>(c);
          const int level =
              seen.pixel(x, y)[p.channels == Preprocessing::Channels::rgb ? c : 2 - c];
          const double expected = (p.scale * level - p.mean[at]) / p.std[at];
          largest = std::max(largest, std::abs(input(0, y, x, c) - expected));
        }
      }
    }
    CAPTURE(picture.width(), picture.height(), p.resize.str(), p.crop.str());
    CHECK(largest < 1e-5);
  }
}

TEST_CASE("large pictures give the same bits on any number of threads") {
  Random random(56);
  const Image picture = random_picture(random, 1801, 1203);
  const Preprocessing p;
  const Tensor<float> input = preprocess(picture, p);
  const Image smaller = camlite::resize(picture, 333, 77);
  const Image larger = camlite::resize(picture, 190, 1300);
  for (const int threads : {-1, 0, 2, 3, 7}) {
    CHECK(same_bits(preprocess(picture, p, threads), input));
    CHECK(camlite::resize(picture, 333, 77, threads) == smaller);
    CHECK(camlite::resize(picture, 190, 1300, threads) == larger);
  }
}

TEST_CASE("the shorter side becomes the size, the longer one is rounded down") {
  const auto resized = [](Index width, Index height, Index side) {
    Preprocessing p;
    p.resize = side;
    p.crop = 0;
    return prepared_view(width, height, p).resized.str();
  };
  CHECK(resized(640, 480, 256) == "256x341");
  CHECK(resized(480, 640, 256) == "341x256");
  CHECK(resized(500, 500, 256) == "256");
  CHECK(resized(3, 2, 255) == "255x382");
  CHECK(resized(1, 1000, 8) == "8000x8");
  CHECK(resized(640, 480, 0) == "480x640");
}

TEST_CASE("the centre of an odd margin is rounded to even, as Python rounds") {
  const auto left = [](Index width, Index crop) {
    Preprocessing p;
    p.resize = 0;
    p.crop = {1, crop};
    return prepared_view(width, 1, p).crop.x;
  };
  CHECK(left(10, 4) == 3);
  CHECK(left(11, 10) == 0);  // 0.5
  CHECK(left(13, 10) == 2);  // 1.5
  CHECK(left(15, 10) == 2);  // 2.5
  CHECK(left(17, 10) == 4);  // 3.5
}

TEST_CASE("the view undoes resizing and cropping to within a pixel") {
  Random random(51);
  for (int i = 0; i < 20000; ++i) {
    const Index width = random.between(1, random.one_of<Index>({3, 60, 3000}));
    const Index height = random.between(1, random.one_of<Index>({3, 60, 3000}));
    Preprocessing p;
    p.fit = random.one_of({Fit::exact, Fit::shorter_side});
    p.resize = random.between(1, 300);
    if (p.fit == Fit::exact) p.resize.width = random.between(1, 300);
    if (random.between(0, 4) == 0) p.resize = 0;
    const Size2d room = p.resize == Size2d(0) ? Size2d{height, width} : p.resize;
    p.crop = {random.between(1, room.height), random.between(1, room.width)};
    if (random.between(0, 4) == 0) p.crop = 0;

    const PreparedView seen = prepared_view(width, height, p);
    CAPTURE(width, height, p.resize.str(), p.crop.str());
    const auto undone = [](Index position, Index from, Index to) {
      return static_cast<double>(position) * static_cast<double>(to) / static_cast<double>(from);
    };
    const Box &view = seen.view, &crop = seen.crop;
    const auto edge = [&](Index got, Index position, Index from, Index to) {
      return std::abs(static_cast<double>(got) - undone(position, from, to)) <= 1;
    };
    const Size2d whole = seen.resized;
    const bool right = edge(view.x, crop.x, whole.width, width) &&
                       edge(view.x + view.width, crop.x + crop.width, whole.width, width) &&
                       edge(view.y, crop.y, whole.height, height) &&
                       edge(view.y + view.height, crop.y + crop.height, whole.height, height);
    CHECK(right);
    const bool inside = view.x >= 0 && view.y >= 0 && view.width >= 1 && view.height >= 1 &&
                        view.x + view.width <= width && view.y + view.height <= height;
    CHECK(inside);
    if (p.crop == Size2d(0)) CHECK(view == Box{0, 0, width, height});
    if (p.resize == Size2d(0)) CHECK(view == crop);
  }
}

TEST_CASE("pictures that cannot be prepared are refused") {
  Preprocessing p;
  CHECK_THROWS_WITH(prepared_view(0, 5, p), "a picture of 0 x 5 pixels shows nothing");
  CHECK_THROWS_WITH(preprocess(Image(), p), "a picture of 0 x 0 pixels shows nothing");
  CHECK_THROWS_WITH(prepared_view(1, 1 << 20, p),
                    "a picture of 1 x 1048576 pixels is too long and thin to be resized to 256");
  CHECK_THROWS_AS(prepared_view(1, Index{1} << 62, p), Error);
  p.resize = 0;
  CHECK_THROWS_WITH(prepared_view(300, 223, p),
                    "a crop of 224 does not fit into a picture of 223x300 (height x width)");
}

TEST_CASE("an input of another size than the crop's is not written to") {
  const Image picture(300, 300);
  const Preprocessing p;
  const camlite::PreparedView prepared = prepared_view(300, 300, p);
  Tensor<float> small({1, 224, 223, 3});
  CHECK_THROWS_WITH(
      camlite::preprocess_into(picture, p, prepared, small.view()),
      "preprocess_into: a crop of 224 x 224 pixels does not make an input of (1, 224, "
      "223, 3)");
  camlite::PreparedView outside = prepared;
  outside.crop.x = 100;
  Tensor<float> right({1, 224, 224, 3});
  CHECK_THROWS_AS(camlite::preprocess_into(picture, p, outside, right.view()), Error);
}

TEST_CASE("a prediction is that of the preprocessed picture") {
  const std::string settings = "resize=20\ncrop=16x18\nchannels=bgr\n";
  const Network network = network_with(settings);
  Random random(52);
  const Image picture = random_picture(random, 37, 29);
  const Prediction seen = network.predict(picture);
  Workspace workspace;
  const Tensor<float> input = preprocess(picture, parse_preprocessing(settings));
  CHECK(same_bits(network.forward(input, workspace).features.reshaped(seen.features().shape()),
                  seen.features()));
  CHECK(input_size(seen) == Size2d{16, 18});
  CHECK(seen.view() == prepared_view(37, 29, parse_preprocessing(settings)).view);
}

TEST_CASE("a larger size shows the same part of the picture, finer") {
  Random random(53);
  const Image picture = random_picture(random, 97, 64);
  const auto seen = [&](const std::string& settings, Index size) {
    return network_with(settings).predict(picture, {.size = size});
  };
  const auto near = [](const Box& a, const Box& b) {
    return std::max({std::abs(a.x - b.x), std::abs(a.y - b.y), std::abs(a.width - b.width),
                     std::abs(a.height - b.height)}) <= 2;
  };
  const Box all{0, 0, 97, 64};
  SECTION("shorter side and crop") {
    const std::string settings = "resize=20\ncrop=16x18\n";
    CHECK(input_size(seen(settings, 0)) == Size2d{16, 18});
    CHECK(input_size(seen(settings, 16)) == Size2d{16, 18});
    CHECK(input_size(seen(settings, 32)) == Size2d{32, 36});
    CHECK(near(seen(settings, 32).view(), seen(settings, 0).view()));
    CHECK(near(seen(settings, 64).view(), seen(settings, 0).view()));
  }
  SECTION("exact fit") {
    const std::string settings = "resize=16x24\ncrop=16x24\n";
    CHECK(input_size(seen(settings, 32)) == Size2d{32, 48});
    CHECK(seen(settings, 32).view() == all);
  }
  SECTION("no crop: the whole picture stays whole") {
    const std::string settings = "resize=20\ncrop=0\n";
    CHECK(input_size(seen(settings, 0)) == Size2d{20, 30});
    CHECK(input_size(seen(settings, 40)) == Size2d{40, 60});
    CHECK(seen(settings, 40).view() == all);
    CHECK(input_size(seen("resize=20x22\ncrop=0\n", 40)) == Size2d{40, 44});
  }
  SECTION("a crop of the picture as it is: of no other size") {
    const std::string settings = "resize=0\ncrop=20\n";
    CHECK(input_size(seen(settings, 0)) == Size2d{20, 20});
    CHECK_THROWS_WITH(seen(settings, 40),
                      Catch::Contains("a size of 40 cannot be had: the model cuts its input out of "
                                      "pictures as they are"));
  }
  SECTION("neither: the picture as it is, or of this size") {
    const std::string settings = "resize=0\ncrop=0\n";
    CHECK(input_size(seen(settings, 0)) == Size2d{64, 96});  // 97 cut by the pooling
    CHECK(input_size(seen(settings, 32)) == Size2d{32, 48});
    CHECK(seen(settings, 32).view() == all);
  }
}

TEST_CASE("the whole picture is seen in its own proportions") {
  Random random(54);
  const Image wide = random_picture(random, 97, 64), high = random_picture(random, 31, 62);
  for (const char* settings : {"resize=20\ncrop=16x18\n", "resize=16x24\ncrop=16x24\n",
                               "resize=16\ncrop=0\n", "resize=0\ncrop=0\n"}) {
    CAPTURE(settings);
    const Network network = network_with(settings);
    const Prediction seen = network.predict(wide, {.whole_picture = true});
    CHECK(seen.view() == Box{0, 0, 97, 64});
    CHECK(input_size(seen) == Size2d{16, 24});
    CHECK(input_size(network.predict(high, {.whole_picture = true})) == Size2d{32, 16});
    const Prediction finer = network.predict(wide, {.size = 32, .whole_picture = true});
    CHECK(finer.view() == Box{0, 0, 97, 64});
    CHECK(input_size(finer) == Size2d{32, 48});
  }
}

TEST_CASE("sizes that cannot be are refused") {
  const Network network = network_with("resize=20\ncrop=16\n");
  CHECK_THROWS_WITH(network.predict(Image(9, 9), {.size = -1}), "a picture size of -1 cannot be");
  CHECK_THROWS_WITH(network.predict(Image(9, 9), {.size = 65537}),
                    "model: preprocessing: resize and crop must be between 0 and 65536, not 81921");
  CHECK_THROWS_AS(network.predict(Image(9, 9), {.size = Index{1} << 62}), Error);
  CHECK_THROWS_AS(network.predict(Image(), {}), Error);
}
