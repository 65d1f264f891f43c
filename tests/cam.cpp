// Class activation maps: the data of the paper's authors, the formula, and what holds for every
// network.
#include <camlite/cam.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/text.hpp>
#include <camlite/network.hpp>
#include <camlite/ops/global_avg_pool.hpp>
#include <camlite/ops/linear.hpp>
#include <camlite/ops/softmax.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/authors_data.hpp"
#include "support/compare.hpp"
#include "support/npy.hpp"
#include "support/random.hpp"
#include "support/results.hpp"

using camlite::class_activation_map;
using camlite::class_activation_maps;
using camlite::Error;
using camlite::Image;
using camlite::Index;
using camlite::Network;
using camlite::Prediction;
using camlite::Shape;
using camlite::Tensor;
using camlite::TensorView;
using camlite::test::authors_data;
using camlite::test::copy;
using camlite::test::Random;
using camlite::test::random_picture;
using camlite::test::read_npy;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

// "n02123045 tabby, tabby cat" -> "tabby", for each line.
std::vector<std::string> read_labels(const std::string& path) {
  const camlite::MappedFile file(path);
  const std::string_view lines(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  std::vector<std::string> labels;
  camlite::detail::for_each_line(lines, [&](std::string_view line, int) {
    line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
    labels.emplace_back(camlite::detail::next_piece(line, ','));
  });
  return labels;
}

std::vector<Index> all_classes(Index count) {
  std::vector<Index> classes(static_cast<std::size_t>(count));
  std::iota(classes.begin(), classes.end(), Index{0});
  return classes;
}

double mean(TensorView<const float> map) {
  return std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
}

}  // namespace

TEST_CASE("the paper's authors' features and weights give their probabilities and classes") {
  const std::optional<std::string> folder = authors_data();
  if (!folder) return;
  const Tensor<float> features =
      camlite::test::nhwc_from_nchw(read_npy(*folder + "img1_features.npy"));
  const Tensor<float> weight = read_npy(*folder + "fc_weight.npy");
  const Tensor<float> expected = read_npy(*folder + "img1_probabilities.npy");
  REQUIRE(features.shape() == Shape{10, 14, 14, 1024});
  REQUIRE(weight.shape() == Shape{1000, 1024});
  REQUIRE(expected.shape() == Shape{10, 1000});

  // Their file has no bias.
  const Tensor<float> logits =
      camlite::linear<float>(camlite::global_avg_pool<float>(features), weight);
  const Tensor<float> probabilities = camlite::softmax<float>(logits);
  std::vector<double> ten_crops(1000, 0.0);
  for (Index crop = 0; crop < 10; ++crop) {
    double largest = 0;
    for (Index k = 0; k < 1000; ++k) {
      largest = std::max(largest, std::abs(double{probabilities(crop, k)} - expected(crop, k)));
      ten_crops[static_cast<std::size_t>(k)] += probabilities(crop, k) / 10;
    }
    CAPTURE(crop);
    CHECK(largest < 1e-3);
  }

  const std::vector<std::string> labels = read_labels(*folder + "labels.txt");
  REQUIRE(labels.size() == 1000);
  std::vector<Index> order = all_classes(1000);
  std::partial_sort(order.begin(), order.begin() + 5, order.end(), [&](Index a, Index b) {
    return ten_crops[static_cast<std::size_t>(a)] > ten_crops[static_cast<std::size_t>(b)];
  });
  const std::vector<std::string> top = {"cup", "espresso", "eggnog", "espresso maker", "soup bowl"};
  for (std::size_t i = 0; i < top.size(); ++i)
    CHECK(labels[static_cast<std::size_t>(order[i])] == top[i]);

  // The mean of every map is its class's logit.
  const std::vector<Index> classes = all_classes(1000);
  for (Index crop = 0; crop < 10; ++crop) {
    const Tensor<float> maps = class_activation_maps<float>(features.view()[crop], weight, classes);
    Tensor<float> means({1000});
    for (Index k = 0; k < 1000; ++k) means(k) = static_cast<float>(mean(maps.view()[k]));
    CHECK(relative_error(means, copy(logits.view()[crop])) < 1e-5);
  }
}

TEMPLATE_TEST_CASE("a map is the weighted sum of the feature maps", "", float, double) {
  using T = TestType;
  Random random(41);
  for (int i = 0; i < 200; ++i) {
    const Shape shape{random.between(1, 9), random.between(1, 9), random.between(1, 70)};
    const Index count = random.between(1, 12);
    const Tensor<T> features = random.tensor<T>(shape);
    const Tensor<T> weight = random.tensor<T>({count, shape[2]});
    std::vector<Index> classes(static_cast<std::size_t>(random.between(1, 15)));  // some twice
    for (Index& k : classes) k = random.between(0, count - 1);
    Tensor<double> expected({std::ssize(classes), shape[0], shape[1]});
    for (Index m = 0; m < expected.extent(0); ++m) {
      const Index k = classes[static_cast<std::size_t>(m)];
      for (Index y = 0; y < shape[0]; ++y) {
        for (Index x = 0; x < shape[1]; ++x) {
          for (Index c = 0; c < shape[2]; ++c)
            expected(m, y, x) += double{weight(k, c)} * double{features(y, x, c)};
        }
      }
    }
    const Tensor<T> maps = class_activation_maps<T>(features, weight, classes);
    CAPTURE(shape.str());
    CHECK(relative_error(maps, expected) < tolerance<T>);
  }
}

TEST_CASE("no classes have no maps, and classes that are not there are refused") {
  const Tensor<float> features({2, 3, 4}), weight({5, 4});
  const auto maps = [&](std::vector<Index> classes) {
    return class_activation_maps<float>(features, weight, classes);
  };
  CHECK(maps({}).shape() == Shape{0, 2, 3});
  CHECK(maps({4, 0}).shape() == Shape{2, 2, 3});
  CHECK_THROWS_WITH(maps({0, 5}), "there is no class 5 among 5");
  CHECK_THROWS_WITH(maps({-1}), "there is no class -1 among 5");
}

TEST_CASE("features and weights that do not fit together are refused with their shapes") {
  const std::vector<Index> first{0};
  const auto refused = [&](const Shape& features, const Shape& weight) {
    try {
      class_activation_maps<float>(Tensor<float>(features), Tensor<float>(weight), first);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const std::string message =
      "class_activation_maps: features must be (h, w, C) and weight (K, C), they are ";
  CHECK(refused({2, 3, 4}, {5, 4}).empty());
  CHECK(refused({2, 3, 4}, {5, 3}) == message + "(2, 3, 4) and (5, 3)");
  CHECK(refused({1, 2, 3, 4}, {5, 4}) == message + "(1, 2, 3, 4) and (5, 4)");
  CHECK(refused({2, 3, 4}, {5, 4, 1}) == message + "(2, 3, 4) and (5, 4, 1)");
}

TEST_CASE("the mean of a network's map and the class's bias make its logit") {
  std::string graph =
      "input channels=3 height=32 width=32\n"
      "conv1 conv2d input out_channels=16 kernel=3 padding=1\n"
      "relu1 relu conv1\n"
      "pool1 max_pool2d relu1 kernel=2 stride=2\n"
      "conv2 conv2d pool1 out_channels=24 kernel=3 padding=1\n"
      "relu2 relu conv2\n"
      "CAM_conv conv2d relu2 out_channels=32 kernel=3 padding=1 groups=2\n"
      "CAM_relu relu CAM_conv\n"
      "CAM_pool global_avg_pool CAM_relu\n"
      "CAM_fc linear CAM_pool out_features=20 bias=";
  const bool has_bias = GENERATE(true, false);
  graph += has_bias ? "1\n" : "0\nprob softmax CAM_fc\n";
  const Network network(camlite::random_model(graph));
  Random random(42);
  for (const Index size : {0, 32, 48, 65}) {
    const Image picture = random_picture(random, random.between(20, 90), random.between(20, 90));
    const Prediction seen = network.predict(picture, {.size = size, .whole_picture = true});
    CHECK(seen.head().classes == 20);
    CHECK((seen.head().bias.size() > 0) == has_bias);
    const Tensor<float> maps = class_activation_maps(seen, all_classes(20));
    REQUIRE(maps.shape() == Shape{20, seen.features().extent(0), seen.features().extent(1)});
    Tensor<float> sums({20});
    for (Index k = 0; k < 20; ++k) {
      const float bias = has_bias ? seen.head().bias(k) : 0;
      sums(k) = static_cast<float>(mean(maps.view()[k])) + bias;
    }
    CHECK(relative_error(sums, seen.logits()) < 1e-5);
    const Tensor<float> one = class_activation_map(seen, 7);
    CHECK(one.shape() == Shape{maps.extent(1), maps.extent(2)});
    CHECK(relative_error(one, copy(maps.view()[7])) < 1e-6);
    CHECK_THROWS_WITH(class_activation_map(seen, 20), "there is no class 20 among 20");
    CHECK_THROWS_WITH(class_activation_map(seen, -1), "there is no class -1 among 20");
  }
}

TEST_CASE("the mean of the map and the bias make the logit, whatever kind of head it is") {
  const std::string start =
      "input channels=3 height=24 width=20\n"
      "a conv2d input out_channels=8 kernel=3 padding=1\n"
      "b relu a\n"
      "c max_pool2d b kernel=2\n";
  const std::string features =
      "e1 conv2d c out_channels=10 kernel=1\nf1 relu e1\n"
      "e3 conv2d c out_channels=14 kernel=3 padding=1\nf3 relu e3\n"
      "x concat f1,f3\n";
  const std::string lines = GENERATE_COPY(values<std::string>({
      // ResNet, GoogLeNet, DenseNet: linear
      features + "g global_avg_pool x\nd dropout g\nl linear d out_features=20\n",
      features + "n batch_norm x\nr relu n\ng global_avg_pool r\nf flatten g\n"
                 "l linear f out_features=20 bias=0\np softmax l\n",
      "s conv2d c out_channels=8 kernel=3 padding=1\nt add s,c\nu relu t\ng global_avg_pool u\n"
      "l linear g out_features=20\np softmax l\n",
      // the same as a convolution
      features + "g global_avg_pool x\nd dropout g\nl conv2d d out_channels=20 kernel=1\n"
                 "f flatten l\np softmax f\n",
      features +
          "g global_avg_pool x\nl conv2d g out_channels=20 kernel=1 bias=0\nn batch_norm l\n",
      // SqueezeNet, NIN: nothing
      features + "d dropout x\nk conv2d d out_channels=20 kernel=1\nr relu k\n"
                 "g global_avg_pool r\nf flatten g\np softmax f\n",
      features +
          "k conv2d x out_channels=20 kernel=1 padding=1\ng global_avg_pool k\np softmax g\n",
  }));
  CAPTURE(lines);
  const Network network(camlite::random_model(start + lines));
  Random random(43);
  for (int i = 0; i < 3; ++i) {
    const Image picture = random_picture(random, random.between(20, 90), random.between(20, 90));
    const Prediction seen = network.predict(picture, {.whole_picture = true});
    REQUIRE(seen.classes() == 20);
    const Tensor<float> maps = class_activation_maps(seen, all_classes(20));
    Tensor<float> sums({20});
    for (Index k = 0; k < 20; ++k) {
      const float bias = seen.head().bias.size() > 0 ? seen.head().bias(k) : 0;
      sums(k) = static_cast<float>(mean(maps.view()[k])) + bias;
    }
    CHECK(relative_error(sums, seen.logits()) < 1e-5);
  }
}
