// Where a network's features, logits and classifier are, and what a prediction says of them.
#include <camlite/cam.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/random.hpp"
#include "support/random_graph.hpp"
#include "support/refusal.hpp"
#include "support/results.hpp"

using camlite::Box;
using camlite::class_activation_maps;
using camlite::Error;
using camlite::Head;
using camlite::Index;
using camlite::load_model;
using camlite::Model;
using camlite::Network;
using camlite::Outputs;
using camlite::Prediction;
using camlite::random_model;
using camlite::Shape;
using camlite::Tensor;
using camlite::text;
using camlite::Workspace;
using camlite::test::Random;
using camlite::test::random_picture;
using camlite::test::refusal;
using camlite::test::relative_error;
using camlite::test::same_bits;
using Catch::Contains;

namespace {

const std::string fixtures = "tests/fixtures/networks/";

const std::string small_graph =
    "input channels=3 height=16 width=16\n"
    "conv conv2d input out_channels=10 kernel=3 padding=1\n"
    "relu relu conv\n"
    "gap global_avg_pool relu\n"
    "fc linear gap out_features=5\n"
    "prob softmax fc\n";

}  // namespace

TEST_CASE("a network without a CAM head predicts, and says that it has no maps") {
  const Network network(load_model(fixtures + "every_operator.safetensors"));
  CHECK_FALSE(network.has_cam_head());
  Random random(27);
  const Prediction seen = network.predict(random_picture(random, 30, 40));
  const auto top = seen.top(3);
  REQUIRE(top.size() == 3);
  CHECK(top[0].probability >= top[1].probability);
  float sum = 0;
  for (float p : seen.probabilities()) sum += p;
  CHECK(sum == Approx(1));
  for (const std::string& message :
       {refusal([&] { class_activation_map(seen, 0); }), refusal([&] { seen.features(); }),
        refusal([&] { seen.head(); })}) {
    CHECK_THAT(message, Contains(".safetensors: no class activation maps: "));
    CHECK_THAT(message, Contains(network.head().missing));
  }
}

TEST_CASE("where a CAM head is") {
  // "features pool classifier"
  const auto head = [](const std::string& lines) {
    const Network network(random_model("input channels=3 height=8 width=8\n" + lines));
    const Head& found = network.head();
    CHECK(found.missing.empty());
    CHECK(network.has_cam_head());
    CHECK_NOTHROW(network.require_maps());
    CHECK(found.classes == network.model().classes());
    return text(found.features, ' ', found.pool, ' ', found.classifier);
  };
  CHECK(head("g global_avg_pool input\n") == "input g ");
  CHECK(head("g global_avg_pool input\np softmax g\n") == "input g ");
  CHECK(head("g global_avg_pool input\nd dropout g\nf flatten d\np softmax f\n") == "input g ");
  CHECK(head("g global_avg_pool input\np softmax g\nf flatten p\nd dropout f\n") == "input g ");
  CHECK(head("g global_avg_pool input\nf flatten g\nd dropout f\nl linear d out_features=2\n"
             "p softmax l\n") == "input g l");
  const std::string conv = "c conv2d input out_channels=4 kernel=3\nr relu c\n";
  CHECK(head(conv + "g global_avg_pool r\nl linear g out_features=2\n") == "r g l");
  CHECK(head(conv + "d dropout r\ng global_avg_pool d\n") == "r g ");
  CHECK(head(conv + "n batch_norm r\nk concat n,r\ng global_avg_pool k\n") == "k g ");
  // Fully convolutional: the classes are a convolution's channels.
  CHECK(head(conv + "k conv2d r out_channels=5 kernel=1\nq relu k\ng global_avg_pool q\n"
                    "f flatten g\np softmax f\n") == "q g ");
  // A linear layer that is written as a convolution.
  CHECK(head(conv + "g global_avg_pool r\nk conv2d g out_channels=5 kernel=1\n") == "r g k");
  CHECK(head(conv + "g global_avg_pool r\nd dropout g\nk conv2d d out_channels=5 kernel=1 bias=0\n"
                    "f flatten k\np softmax f\n") == "r g k");
  CHECK(head(conv + "g global_avg_pool r\nk conv2d g out_channels=5 kernel=1\np softmax k\n"
                    "f flatten p\n") == "r g k");
}

TEST_CASE("a network without a CAM head says which layers are in its place, and what to do") {
  const auto missing = [](const std::string& lines) {
    const Network network(random_model("input channels=3 height=8 width=8\n" + lines));
    const std::string& reason = network.head().missing;
    CHECK_FALSE(network.has_cam_head());
    CHECK(refusal([&] { network.require_maps(); }) ==
          "random model: no class activation maps: " + reason);
    CHECK(refusal([&] {
            network.features_shape({1, 8, 8, 3});
          }) == "random model: no class activation maps: " + reason);
    CHECK(network.head().pool.empty());
    return reason;
  };
  // As VGG16, as MobileNetV3, and others.
  CHECK(missing("c conv2d input out_channels=4 kernel=3\nr relu c\np max_pool2d r kernel=2\n"
                "f flatten p\nfc6 linear f out_features=5\nr6 relu fc6\nd6 dropout r6\n"
                "fc7 linear d6 out_features=2\n") ==
        "fc6 (linear), r6 (relu) and fc7 (linear) lead from the last feature map, that of p "
        "(max_pool2d), to the logits without global_avg_pool; replace them by global average "
        "pooling and one linear layer, as the paper's VGGnet-GAP does, and retrain");
  CHECK_THAT(missing("f flatten input\nl linear f out_features=2\n"),
             Contains("l (linear) leads from the last feature map, that of the input, to"));
  CHECK(missing("g global_avg_pool input\nl linear g out_features=2\nr relu l\n"
                "m linear r out_features=2\np softmax m\n") ==
        "l (linear), r (relu) and m (linear) stand between g (global_avg_pool) and the logits, "
        "where maps need one linear layer at most; replace them by one linear layer and retrain");
  CHECK_THAT(missing("g global_avg_pool input\nl linear g out_features=2\nr relu l\n"),
             Contains("l (linear) and r (relu) stand between g"));
  CHECK_THAT(missing("g global_avg_pool input\nr relu g\n"), Contains("r (relu) stands between"));
  CHECK_THAT(missing("g global_avg_pool input\nh global_avg_pool input\nc add g,h\n"
                     "l linear c out_features=2\n"),
             Contains("c (add) and l (linear) stand between g"));
  CHECK_THAT(missing("g global_avg_pool input\nc conv2d g out_channels=3 kernel=1 groups=3\n"),
             Contains("c (conv2d) stands between g"));
  CHECK_THAT(missing("g global_avg_pool input\nc conv2d g out_channels=3 kernel=3 padding=1\n"),
             Contains("c (conv2d) stands between g"));
  CHECK(missing("r relu input\n") ==
        "the result is the feature map of r (relu); put global_avg_pool behind it");
  CHECK(missing("c conv2d input out_channels=4 kernel=1\na avg_pool2d c kernel=8\nf flatten a\n"
                "l linear f out_features=2\n") ==
        "a (avg_pool2d) averages the whole map for pictures of one size only; make it "
        "global_avg_pool");
  std::string many = "f flatten input\nl0 linear f out_features=3\n";
  for (int i = 1; i < 10; ++i) many += text("l", i, " linear l", i - 1, " out_features=3\n");
  CHECK_THAT(missing(many), Catch::StartsWith("l0 (linear), l1 (linear), l2 (linear), ..., l7 "
                                              "(linear), l8 (linear) and l9 (linear) lead "));
}

TEST_CASE("a 1x1 convolution of pooled maps is the linear layer that it is") {
  Random random(35);
  const std::string start =
      "input channels=3 height=9 width=7\nc conv2d input out_channels=20 kernel=3\n"
      "g global_avg_pool c\n";
  const bool bias = GENERATE(true, false);
  const Model as_conv =
      random_model(start + text("k conv2d g out_channels=11 kernel=1 bias=", int{bias}, "\n"), 3);
  const Model as_linear =
      random_model(start + text("k linear g out_features=11 bias=", int{bias}, "\n"), 3);
  const Network conv(as_conv), linear(as_linear);
  const Tensor<float> input = random.tensor<float>({2, 12, 9, 3});
  Workspace one, other;
  CHECK(same_bits(conv.forward(input, one).logits, linear.forward(input, other).logits));
  CHECK(conv.head().weight.shape() == Shape{11, 20});
  CHECK(same_bits(conv.head().weight, linear.head().weight));
  CHECK(conv.memory(input.shape()).weights == linear.memory(input.shape()).weights);
  CHECK(conv.layers(input.shape()).back().type == "conv2d");
  CHECK(conv.layers(input.shape()).back().output == Shape{2, 1, 1, 11});
  CHECK(conv.layers(input.shape()).back().multiply_adds == 2 * 11 * 20);
  CHECK(conv.features_shape(input.shape()) == Shape{2, 10, 7, 20});
}

TEST_CASE("what is folded into a classifier is folded into the maps' weights") {
  const Model model = random_model(
      "input channels=3 height=9 width=7\ng global_avg_pool input\n"
      "l linear g out_features=11 bias=0\ns scale l\n");
  const Network network(model);
  CHECK(network.head().classifier == "l");
  const Tensor<float> weight = to_float(model.tensor("l.weight"));
  const Tensor<float> scale = to_float(model.tensor("s.weight"));
  REQUIRE(network.head().weight.shape() == weight.shape());
  for (Index k = 0; k < 11; ++k) {
    CHECK(network.head().bias(k) == to_float(model.tensor("s.bias"))(k));
    for (Index c = 0; c < 3; ++c)
      CHECK(network.head().weight(k, c) == Approx(double{weight(k, c)} * scale(k)));
  }
}

TEST_CASE("without a linear layer, the maps are the feature map's channels") {
  const Network network(load_model(fixtures + "identity_head.safetensors"));
  Random random(28);
  const Prediction seen = network.predict(random_picture(random, 33, 21));
  CHECK(network.model().classes() == 9);
  const Tensor<float>& features = seen.features();
  const std::array<Index, 3> classes{8, 0, 8};
  const Tensor<float> maps = class_activation_maps(seen, classes);
  REQUIRE(maps.shape() == Shape{3, features.extent(0), features.extent(1)});
  for (Index i = 0; i < 3; ++i) {
    double mean = 0;
    for (Index y = 0; y < maps.extent(1); ++y) {
      for (Index x = 0; x < maps.extent(2); ++x) {
        const Index k = classes[static_cast<std::size_t>(i)];
        CHECK(maps(i, y, x) == features(y, x, k));
        mean += double{maps(i, y, x)} / static_cast<double>(maps.extent(1) * maps.extent(2));
      }
    }
    CHECK(mean == Approx(seen.logits()(classes[static_cast<std::size_t>(i)])).margin(1e-5));
  }
  CHECK_THROWS_WITH(class_activation_map(seen, 9), "there is no class 9 among 9");
  CHECK_THROWS_AS(class_activation_map(seen, -1), Error);
}

TEST_CASE("the best classes come first, equal ones by their index, those that are no number last") {
  camlite::ModelParts parts;
  parts.graph = camlite::parse_graph(
      "input channels=6 height=1 width=1\ng global_avg_pool input\np softmax g\n");
  parts.labels = {"a", "b", "c", "d", "e", "f"};
  const Network network{Model(parts)};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto order = [&](std::array<float, 6> logits, Index k) {
    const Tensor<float> input({1, 1, 1, 6}, logits);
    Workspace workspace;
    std::string labels;
    for (const auto& score : network.prediction(network.forward(input, workspace), 0, {}).top(k))
      labels += score.label;
    return labels;
  };
  CHECK(order({1, 3, 2, 3, -5, 0}, 6) == "bdcafe");
  CHECK(order({1, 3, 2, 3, -5, 0}, 2) == "bd");
  CHECK(order({1, 3, 2, 3, -5, 0}, 100) == "bdcafe");
  CHECK(order({1, 3, 2, 3, -5, 0}, 0).empty());
  CHECK(order({1, 3, 2, 3, -5, 0}, -4).empty());
  CHECK(order({0, -900, -800, -1000, -700, 1}, 6) == "faecbd");  // probabilities of zero
  CHECK(order({nan, 3, nan, 4, -5, 0}, 6) == "dbfeac");
}

TEST_CASE("pictures of a batch are predicted as they are alone, and there are no others") {
  Random random(29);
  const Network network(random_model(small_graph));
  const Tensor<float> batch = random.tensor<float>({3, 16, 16, 3});
  Workspace workspace, other;
  const Outputs together = network.forward(batch, workspace);
  for (Index n = 0; n < 3; ++n) {
    Tensor<float> one({1, 16, 16, 3});
    std::copy_n(batch.view()[n].data(), one.size(), one.data());
    const Prediction alone = network.prediction(network.forward(one, other), 0, {1, 2, 3, 4});
    const Prediction among = network.prediction(together, n, {1, 2, 3, 4});
    CHECK(relative_error(among.logits(), alone.logits()) < 1e-5);
    CHECK(relative_error(among.features(), alone.features()) < 1e-5);
    CHECK(among.view() == Box{1, 2, 3, 4});
  }
  CHECK_THROWS_WITH(network.prediction(together, 3, {}),
                    "random model: there is no picture 3 in a batch of 3");
  CHECK_THROWS_AS(network.prediction(together, -1, {}), Error);
  CHECK_THROWS_AS(network.prediction(Outputs(), 0, {}), Error);
}

TEST_CASE("a result that is a map and not one number a class is no prediction") {
  const Network network(random_model(
      "input channels=3 height=8 width=8\np avg_pool2d input kernel=8\ns softmax p\n"));
  Workspace workspace;
  CHECK_NOTHROW(network.prediction(network.forward(Tensor<float>({1, 8, 8, 3}), workspace), 0, {}));
  const Outputs larger = network.forward(Tensor<float>({1, 16, 8, 3}), workspace);
  CHECK_THROWS_WITH(network.prediction(larger, 0, {}),
                    "random model: for an input of this size, the result is 6 numbers a picture "
                    "and not one for each of the 3 classes");
}
