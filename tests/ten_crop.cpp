// Ten crops: the resizing of their maps, where they are, what a network sees in them, and the
// features that the paper's authors published.
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>
#include <camlite/ops/softmax.hpp>
#include <camlite/ten_crop.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/authors_data.hpp"
#include "support/compare.hpp"
#include "support/cubic_oracle.hpp"
#include "support/npy.hpp"
#include "support/random.hpp"
#include "support/results.hpp"

using camlite::Box;
using camlite::Image;
using camlite::Index;
using camlite::Model;
using camlite::ModelParts;
using camlite::Network;
using camlite::Prediction;
using camlite::Preprocessing;
using camlite::Shape;
using camlite::Size2d;
using camlite::TenCropPrediction;
using camlite::TenCrops;
using camlite::Tensor;
using camlite::TensorView;
using camlite::test::authors_data;
using camlite::test::copy;
using camlite::test::cubic_value;
using camlite::test::Random;
using camlite::test::random_picture;
using camlite::test::read_npy;
using camlite::test::relative_error;
using Catch::Contains;

namespace {

Tensor<double> cubic_by_definition(TensorView<const float> map, Index height, Index width) {
  Tensor<double> out({height, width});
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x)
      out(y, x) = cubic_value(map, map.extent(0), map.extent(1), height, width, y, x);
  }
  return out;
}

// Every pixel of the frame asks every crop.
Tensor<double> merged_by_definition(TensorView<const float> maps, const TenCrops& crops) {
  const Index height = crops.crop.height, width = crops.crop.width;
  const Index right = crops.frame.width - width, bottom = crops.frame.height - height;
  const std::array<std::pair<Index, Index>, 5> corners{
      {{0, 0}, {right, 0}, {0, bottom}, {right, bottom}, {(right + 1) / 2, (bottom + 1) / 2}}};
  Tensor<double> out({crops.frame.height, crops.frame.width});
  for (Index y = 0; y < crops.frame.height; ++y) {
    for (Index x = 0; x < crops.frame.width; ++x) {
      for (Index i = 0; i < 10; ++i) {
        const auto [left, top] = corners[static_cast<std::size_t>(i % 5)];
        Index u = x - left;
        const Index v = y - top;
        if (u < 0 || u >= width || v < 0 || v >= height) continue;
        if (i >= 5) u = width - 1 - u;
        out(y, x) +=
            std::abs(cubic_value(maps[i], maps.extent(1), maps.extent(2), height, width, v, u));
      }
    }
  }
  return out;
}

Model with_preprocessing(const Model& model, const Preprocessing& how) {
  ModelParts parts;
  parts.graph = model.graph();
  parts.tensors.assign(model.tensors().begin(), model.tensors().end());
  parts.preprocessing = how;
  parts.source = model.source();
  parts.storage = std::make_shared<Model>(model);
  return Model(std::move(parts));
}

const std::string small_graph =
    "input channels=3 height=24 width=20\n"
    "conv1 conv2d input out_channels=12 kernel=3 stride=2 padding=1\n"
    "relu1 relu conv1\n"
    "conv2 conv2d relu1 out_channels=16 kernel=3 stride=2 padding=1\n"
    "relu2 relu conv2\n"
    "pool global_avg_pool relu2\n"
    "fc linear pool out_features=9\n"
    "prob softmax fc\n";

Preprocessing prepared(Size2d resize, Size2d crop, Preprocessing::Fit fit) {
  Preprocessing how;
  how.fit = fit;
  how.resize = resize;
  how.crop = crop;
  return how;
}

constexpr auto exact = Preprocessing::Fit::exact;
constexpr auto shorter_side = Preprocessing::Fit::shorter_side;

Image mirrored(const Image& in) {
  Image out(in.width(), in.height());
  for (Index y = 0; y < in.height(); ++y) {
    for (Index x = 0; x < in.width(); ++x)
      std::copy_n(in.pixel(x, y), 3, out.pixel(in.width() - 1 - x, y));
  }
  return out;
}

Tensor<float> mirrored(const Tensor<float>& in) {
  Tensor<float> out = in;
  const Index width = in.extent(in.rank() - 1);
  for (float* row = out.begin(); row != out.end(); row += width) std::reverse(row, row + width);
  return out;
}

std::vector<Index> all_classes(Index count) {
  std::vector<Index> classes;
  for (Index k = 0; k < count; ++k) classes.push_back(k);
  return classes;
}

}  // namespace

TEST_CASE("cubic resizing is the weighted mean of its definition") {
  Random random(1);
  for (int i = 0; i < 150; ++i) {
    const Tensor<float> map =
        random.tensor<float>({random.between(1, 17), random.between(1, 17)}, -3, 5);
    const Index height = random.between(1, 45), width = random.between(1, 45);
    CAPTURE(map.shape().str(), height, width);
    CHECK(relative_error(camlite::resize_cubic(map, height, width),
                         cubic_by_definition(map, height, width)) < 1e-5);
  }
}

TEST_CASE("cubic resizing keeps parabolas, and maps of their own size to the bit") {
  // Keys' kernel reproduces polynomials of the second degree, away from the edges.
  const auto parabola = [](double y, double x) {
    return 0.25 * x * x - 0.5 * x * y + 0.125 * y * y - 2 * x + y + 3;
  };
  Tensor<float> map(Shape{12, 15});
  for (Index y = 0; y < 12; ++y) {
    for (Index x = 0; x < 15; ++x)
      map(y, x) = static_cast<float>(parabola(static_cast<double>(y), static_cast<double>(x)));
  }
  const Tensor<float> large = camlite::resize_cubic(map, 84, 60);
  for (Index y = 14; y < 70; ++y) {
    for (Index x = 8; x < 52; ++x) {
      const double value = parabola((static_cast<double>(y) + 0.5) / 7 - 0.5,
                                    (static_cast<double>(x) + 0.5) / 4 - 0.5);
      REQUIRE(large(y, x) == Approx(value).margin(1e-4));
    }
  }
  Random random(2);
  const Tensor<float> any = random.tensor<float>({9, 14});
  CHECK(camlite::test::same_bits(camlite::resize_cubic(any, 9, 14), any));
  CHECK_THROWS_WITH(camlite::resize_cubic(Tensor<float>(Shape{3, 2, 1}), 4, 4),
                    "resize_cubic: a map has shape (height, width), not (3, 2, 1)");
  CHECK_THROWS_WITH(camlite::resize_cubic(Tensor<float>(Shape{3, 0}), 4, 4),
                    "resize_cubic: a map has shape (height, width), not (3, 0)");
  CHECK_THROWS_WITH(camlite::resize_cubic(any, 4, 0), "resize_cubic: to 0 x 4 pixels");
}

TEST_CASE("the crops of the paper are four corners, the centre, and their mirror images") {
  const TenCrops crops{256, 224};
  const std::vector<Box> places = {{0, 0, 224, 224},
                                   {32, 0, 224, 224},
                                   {0, 32, 224, 224},
                                   {32, 32, 224, 224},
                                   {16, 16, 224, 224}};
  for (Index i = 0; i < 10; ++i) {
    CHECK(crops.box(i) == places[static_cast<std::size_t>(i % 5)]);
    CHECK(TenCrops::is_mirrored(i) == (i >= 5));
  }
  // AlexNet's.
  CHECK(TenCrops{256, 227}.box(4) == Box{15, 15, 227, 227});
  CHECK(TenCrops{{30, 20}, {21, 15}}.box(3) == Box{5, 9, 15, 21});
}

TEST_CASE("crops are as large as a model's input, in a frame of the size that it resizes to") {
  const Model small = camlite::random_model(small_graph);
  const auto of = [&](const Preprocessing& how) {
    return camlite::ten_crops(with_preprocessing(small, how));
  };
  CHECK(of(prepared(256, 224, shorter_side)) == TenCrops{256, 224});
  CHECK(of(prepared({300, 260}, {224, 200}, exact)) == TenCrops{{300, 260}, {224, 200}});
  // Where that is no larger, as much smaller as in the paper.
  CHECK(of(prepared(256, 256, exact)) == TenCrops{256, 224});
  CHECK(of(prepared(64, 64, shorter_side)) == TenCrops{64, 56});
  CHECK(of(prepared(32, 0, shorter_side)) == TenCrops{32, 28});
  CHECK(of(prepared({300, 200}, {224, 200}, exact)) == TenCrops{{300, 200}, {263, 175}});
  CHECK(of(prepared(0, 64, shorter_side)) == TenCrops{64, 56});
  CHECK(of(prepared(0, 0, shorter_side)) == TenCrops{{24, 20}, {21, 18}});
}

TEST_CASE("the input is the resized picture's parts, the second five mirrored") {
  Random random(3);
  for (int n = 0; n < 6; ++n) {
    const TenCrops crops{{random.between(12, 30), random.between(12, 30)},
                         {random.between(3, 12), random.between(3, 12)}};
    const Image picture = random_picture(random, random.between(5, 60), random.between(5, 60));
    const Image frame = camlite::resize(picture, crops.frame.width, crops.frame.height);
    Preprocessing how = prepared(17, 8, shorter_side);
    how.channels = n % 2 == 0 ? Preprocessing::Channels::bgr : Preprocessing::Channels::rgb;
    const Tensor<float> input = camlite::ten_crop_input(picture, how, crops);
    REQUIRE(input.shape() == Shape{10, crops.crop.height, crops.crop.width, 3});
    how.resize = how.crop = 0;
    for (Index i = 0; i < 10; ++i) {
      const Image part = camlite::crop(frame, crops.box(i));
      const Tensor<float> expected = camlite::preprocess(i < 5 ? part : mirrored(part), how);
      CHECK(camlite::test::same_bits(input.view()[i], expected.view()[0]));
    }
  }
  CHECK_THROWS_WITH(camlite::ten_crop_input(Image(), {}, {256, 224}),
                    "a picture of 0 x 0 pixels shows nothing");
}

TEST_CASE("probabilities are the mean of ten passes, maps the sum of their magnitudes") {
  const Preprocessing how = GENERATE(prepared({32, 31}, {24, 20}, exact), prepared(64, 0, exact),
                                     prepared(24, {24, 20}, shorter_side));
  const Network network(with_preprocessing(camlite::random_model(small_graph, 5), how));
  const TenCrops crops = camlite::ten_crops(network.model());
  Random random(4);
  const Image picture = random_picture(random, random.between(30, 90), random.between(30, 90));
  const TenCropPrediction seen = camlite::predict_ten_crops(network, picture);
  CHECK(seen.crops() == crops);
  CHECK(seen.view() == Box{0, 0, picture.width(), picture.height()});
  REQUIRE(seen.classes() == 9);
  REQUIRE(seen.seen().size() == 10);

  Preprocessing as_it_is = how;
  as_it_is.resize = as_it_is.crop = 0;
  const Network plain(with_preprocessing(network.model(), as_it_is));
  const Image frame = camlite::resize(picture, crops.frame.width, crops.frame.height);
  Tensor<double> mean({9});
  std::vector<Prediction> singles;
  for (Index i = 0; i < 10; ++i) {
    const Image part = camlite::crop(frame, crops.box(i));
    const auto fitted = camlite::preprocess(i < 5 ? part : mirrored(part), as_it_is);
    camlite::Workspace workspace;
    singles.push_back(plain.prediction(plain.forward(fitted, workspace), 0, {}));
    for (Index k = 0; k < 9; ++k) mean(k) += double{singles.back().probabilities()(k)} / 10;
  }
  CHECK(relative_error(seen.probabilities(), mean) < 1e-5);

  const auto top = seen.top(9);
  REQUIRE(top.size() == 9);
  for (std::size_t i = 0; i + 1 < top.size(); ++i) {
    CHECK(top[i].probability >= top[i + 1].probability);
    CHECK(top[i].probability == seen.probabilities()(top[i].index));
    CHECK(std::exp(top[i].logit) == Approx(top[i].probability).epsilon(1e-5));
    CHECK(top[i].label == camlite::text("class ", top[i].index));
  }

  const std::vector<Index> classes = {3, 0, 8, 3};
  const Tensor<float> merged = camlite::class_activation_maps(seen, classes);
  REQUIRE(merged.shape() == Shape{4, crops.frame.height, crops.frame.width});
  for (Index n = 0; n < 4; ++n) {
    const Index k = classes[static_cast<std::size_t>(n)];
    std::optional<Tensor<float>> maps;
    for (Index i = 0; i < 10; ++i) {
      const Tensor<float> map =
          camlite::class_activation_map(singles[static_cast<std::size_t>(i)], k);
      if (!maps) maps.emplace(Shape{10, map.extent(0), map.extent(1)});
      std::copy(map.begin(), map.end(), maps->view()[i].begin());
    }
    CHECK(relative_error(copy(merged.view()[n]), merged_by_definition(*maps, crops)) < 1e-5);
    CHECK(camlite::test::same_bits(camlite::class_activation_map(seen, k), merged.view()[n]));
  }
  CHECK(camlite::class_activation_maps(seen, std::vector<Index>()).size() == 0);
  CHECK_THROWS_WITH(camlite::class_activation_map(seen, 9), "there is no class 9 among 9");
}

TEST_CASE("a mirrored picture has the same probabilities and mirrored maps") {
  const Network network(with_preprocessing(camlite::random_model(small_graph, 6),
                                           prepared({34, 36}, {24, 20}, exact)));
  Random random(5);
  const Image picture = random_picture(random, 36, 34);
  const TenCropPrediction one = camlite::predict_ten_crops(network, picture);
  const TenCropPrediction other = camlite::predict_ten_crops(network, mirrored(picture));
  CHECK(relative_error(one.probabilities(), other.probabilities()) < 1e-6);
  const Tensor<float> maps = camlite::class_activation_maps(one, all_classes(9));
  CHECK(relative_error(maps, mirrored(camlite::class_activation_maps(other, all_classes(9)))) <
        1e-5);
}

TEST_CASE("constant maps count the crops over each pixel") {
  Random random(6);
  for (int n = 0; n < 20; ++n) {
    const TenCrops crops{{random.between(20, 40), random.between(20, 40)},
                         {random.between(5, 20), random.between(5, 20)}};
    const float value = random.one_of({-2.0F, 1.0F, 0.5F});
    Tensor<float> maps({10, random.between(1, 6), random.between(1, 6)});
    std::fill(maps.begin(), maps.end(), value);
    const Tensor<float> merged = camlite::merge_ten_crops(maps, crops);
    for (Index y = 0; y < crops.frame.height; ++y) {
      for (Index x = 0; x < crops.frame.width; ++x) {
        int over = 0;
        for (Index i = 0; i < 10; ++i) {
          const Box b = crops.box(i);
          over += x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + b.height;
        }
        REQUIRE(merged(y, x) == Approx(std::abs(value) * static_cast<float>(over)).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("what is no ten crops is refused with the numbers") {
  CHECK_THROWS_WITH(camlite::merge_ten_crops(Tensor<float>(Shape{5, 14, 14}), {256, 224}),
                    "merge_ten_crops: maps must be (10, h, w), they are (5, 14, 14)");
  CHECK_THROWS_WITH(camlite::merge_ten_crops(Tensor<float>(Shape{10, 14, 14}), {256, 257}),
                    "ten crops of 257 are not inside of 256");
  for (const camlite::TenCrops& crops : {camlite::TenCrops{256, 257}, camlite::TenCrops{}})
    CHECK_THROWS_WITH(
        camlite::ten_crop_input(Image(300, 300), {}, crops),
        "ten crops of " + crops.crop.str() + " are not inside of " + crops.frame.str());
  CHECK_THROWS_WITH(TenCropPrediction({}, {256, 224}, {}),
                    "TenCropPrediction: there must be ten predictions of one network");
  const Network gray(
      camlite::random_model("input channels=1 height=8 width=8\n"
                            "c conv2d input out_channels=3 kernel=3\ng global_avg_pool c\n"));
  CHECK_THROWS_WITH(camlite::predict_ten_crops(gray, Image(9, 9)),
                    "random model: pictures have 3 channels, the network's input has 1");
  const Network hungry(
      with_preprocessing(camlite::random_model(small_graph), prepared(60000, 50000, exact)),
      {.memory_limit = Index{1} << 30});
  CHECK_THROWS_WITH(
      camlite::predict_ten_crops(hungry, Image(9, 9)),
      "random model: a picture resized to 60000 with ten crops of 50000 needs 327301 "
      "MB of memory, the limit is 1024 MB (raise NetworkOptions::memory_limit, or the "
      "program's --max-memory)");
}

TEST_CASE("a network without class activation maps has averaged probabilities all the same") {
  const Model model = camlite::random_model(
      "input channels=3 height=12 width=12\nf flatten input\nl linear f out_features=4\n"
      "prob softmax l\n");
  const Network network(with_preprocessing(model, prepared(14, 12, exact)));
  Random random(7);
  const Image picture = random_picture(random, 20, 30);
  const TenCropPrediction seen = camlite::predict_ten_crops(network, picture);
  double sum = 0;
  for (float p : seen.probabilities()) sum += double{p};
  CHECK(sum == Approx(1).epsilon(1e-6));
  CHECK_THROWS_AS(camlite::class_activation_map(seen, 0), camlite::Error);
  // One that takes pictures of one size, and has nothing around it to crop from.
  CHECK_THROWS_WITH(camlite::predict_ten_crops(Network(model), picture),
                    Contains("(10, 11, 11, 3)"));
}

TEST_CASE("the authors' features of ten crops make one map, in which the crops agree") {
  const std::optional<std::string> folder = authors_data();
  if (!folder) return;
  const Tensor<float> features =
      camlite::test::nhwc_from_nchw(read_npy(*folder + "img1_features.npy"));
  const Tensor<float> weight = read_npy(*folder + "fc_weight.npy");
  constexpr Index cup = 968;
  const TenCrops crops{256, 224};
  Tensor<float> maps({10, 14, 14});
  for (Index i = 0; i < 10; ++i) {
    const Tensor<float> map =
        camlite::class_activation_maps<float>(features.view()[i], weight, std::array{Index{cup}});
    std::copy(map.begin(), map.end(), maps.view()[i].begin());
  }
  const Tensor<float> merged = camlite::merge_ten_crops(maps, crops);
  CHECK(relative_error(merged, merged_by_definition(maps, crops)) < 1e-5);

  // In img1.jpg, 256 x 256, the cup is at x 123 to 173 and y 106 to 133.
  const auto peak = std::max_element(merged.begin(), merged.end()) - merged.begin();
  CHECK((peak % 256 > 123 && peak % 256 < 173));
  CHECK((peak / 256 > 106 && peak / 256 < 133));

  // One thing seen ten times: where all crops overlap, their magnitudes are alike if each is at its
  // place and turned the right way, and only then.
  const auto disagreement = [&](const std::array<Index, 10>& order) {
    std::vector<Tensor<float>> alone;
    for (std::size_t i = 0; i < 10; ++i) {
      Tensor<float> one({10, 14, 14});
      const TensorView<const float> map = maps.view()[order[i]];
      std::copy(map.begin(), map.end(), one.view()[static_cast<Index>(i)].begin());
      alone.push_back(camlite::merge_ten_crops(one, crops));
    }
    double within = 0, sum = 0, squares = 0;
    for (Index y = 32; y < 224; ++y) {
      for (Index x = 32; x < 224; ++x) {
        double mean = 0, square = 0;
        for (const Tensor<float>& one : alone) {
          mean += double{one(y, x)} / 10;
          square += double{one(y, x)} * double{one(y, x)} / 10;
        }
        within += square - mean * mean;
        sum += mean;
        squares += mean * mean;
      }
    }
    constexpr double pixels = 192 * 192;
    return within / (squares - sum * sum / pixels);
  };
  CHECK(disagreement({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) < 0.1);
  CHECK(disagreement({0, 2, 1, 3, 4, 5, 7, 6, 8, 9}) > 0.3);  // columns before rows
  CHECK(disagreement({5, 6, 7, 8, 9, 0, 1, 2, 3, 4}) > 0.3);  // mirrored where they are not
}
