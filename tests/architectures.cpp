// Networks by name: the sizes that their papers publish, and random weights that any depth bears.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <camlite/cam.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/network.hpp>
#include <catch2/catch.hpp>

#include "support/random.hpp"

namespace {

using Catch::Contains;

using camlite::Architecture;
using camlite::architecture_graph;
using camlite::ArchitectureOptions;
using camlite::architectures;
using camlite::Graph;
using camlite::graph_text;
using camlite::Index;
using camlite::Network;
using camlite::parse_graph;
using camlite::random_architecture;
using camlite::random_model;
using camlite::Shape;
using camlite::Tensor;
using camlite::text;
using camlite::test::Random;

struct Published {
  std::string name;
  Index size;
  Index parameters;  // without those that are not trained
  Index map;         // of the features, height and width
  Index features;
};

// The paper's networks by hand from the layers' sizes; the others as torchvision's documentation
// gives them. Map sizes: the paper, section 3.1; alexnet-star-gap's as in the authors' release.
constexpr Index cam_head = (9 * 512 + 1) * 1024 + 1025 * 1000;
constexpr Index alexnet_conv1_to_4 =
    (11 * 11 * 3 + 1) * 96 + (5 * 5 * 48 + 1) * 256 + (9 * 256 + 1) * 384 + (9 * 192 + 1) * 384;
const std::vector<Published> published{
    {"vgg16-gap", 224, 14'714'688 + cam_head, 14, 1024},
    {"vgg16-bn-gap", 224, 14'714'688 + 2 * 4224 + cam_head + 2 * 1024, 14, 1024},
    {"alexnet-gap", 227,
     alexnet_conv1_to_4 + (9 * 192 + 1) * 256 + (9 * 256 + 1) * 1024 + 1025 * 1000, 13, 1024},
    {"alexnet-star-gap", 227,
     alexnet_conv1_to_4 + (9 * 192 + 1) * 384 + (9 * 384 + 1) * 512 + (9 * 512 + 1) * 512 +
         513 * 1000,
     11, 512},
    // GoogLeNet without inception_5a, 5b and its own linear layer: 6,998,552 - 1,043,456 -
    // 1,444,080 - 1,025,000.
    {"googlenet-gap", 224, 3'486'016 + (9 * 832 + 1) * 1024 + 1025 * 1000, 14, 1024},
    {"nin", 224, 7'595'176, 6, 1000},
    {"squeezenet1_1", 224, 1'235'496, 13, 1000},
    {"resnet18", 224, 11'689'512, 7, 512},
    {"resnet50", 224, 25'557'032, 7, 2048},
    {"mobilenet_v2", 224, 3'504'872, 7, 1280},
    {"densenet121", 224, 7'978'856, 7, 1024},
};

Index trained_parameters(const camlite::Model& model) {
  Index count = 0;
  for (const camlite::StoredTensor& tensor : model.tensors()) {
    if (tensor.name.find(".running_") == std::string::npos)
      count += static_cast<Index>(tensor.bytes.size() / sizeof(float));
  }
  return count;
}

double root_mean_square(camlite::TensorView<const float> values) {
  double sum = 0;
  for (float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::uint32_t bits(const camlite::Model& model, const char* tensor, Index i) {
  return std::bit_cast<std::uint32_t>(to_float(model.tensor(tensor)).data()[i]);
}

TEST_CASE("every network by name has the parameters, the map and the head that are published") {
  CHECK(published.size() == architectures.size());
  for (const Published& known : published) {
    CAPTURE(known.name);
    const Network network(random_architecture(known.name), {.threads = 1});
    CHECK(network.model().source() == known.name);
    CHECK(network.model().input_shape() == Shape{1, known.size, known.size, 3});
    CHECK(trained_parameters(network.model()) == known.parameters);
    CHECK(network.model().classes() == 1000);
    REQUIRE(network.has_cam_head());
    CHECK(network.features_shape(network.model().input_shape()) ==
          Shape{1, known.map, known.map, known.features});
  }
}

TEST_CASE("with random weights activations neither grow nor fade, however deep the network") {
  for (const Architecture& one : architectures) {
    CAPTURE(one.name);
    const Network network(random_architecture(one.name, {.classes = 50}), {.threads = 1});
    camlite::Workspace workspace;
    // Mean 0 and mean square 1, as preprocessed pictures have.
    const auto input = Random(1).tensor<float>({1, 96, 96, 3}, -1.732F, 1.732F);
    const camlite::Outputs seen = network.forward(input, workspace);
    CAPTURE(root_mean_square(seen.features), root_mean_square(seen.logits));
    CHECK(root_mean_square(seen.features) > 0.1);
    CHECK(root_mean_square(seen.features) < 10);
    CHECK(root_mean_square(seen.logits) > 0.03);
    CHECK(root_mean_square(seen.logits) < 10);
  }
}

TEST_CASE("classes, size and groups are what the options say") {
  for (const Architecture& one : architectures) {
    CAPTURE(one.name);
    const Graph graph = one.graph({.classes = 7, .size = 128});
    CHECK(graph.height == 128);
    CHECK(infer_shapes(graph, {2, 128, 128, 3}).back().size() == 2 * 7);
    CHECK(graph_text(parse_graph(graph_text(graph))) == graph_text(graph));
    if (one.grouped.empty()) {
      CHECK_THROWS_WITH(architecture_graph(one.name, {.groups = 2}), Contains("2 groups"));
    } else {
      const std::string lines = graph_text(architecture_graph(one.name, {.groups = 2}));
      const std::size_t at = lines.find(text('\n', one.grouped, " conv2d"));
      CHECK(lines.substr(at + 1, lines.find('\n', at + 1) - at).find("groups=2") !=
            std::string::npos);
    }
  }
  CHECK_THROWS_WITH(
      random_architecture("vgg99"),
      "there is no architecture \"vgg99\"; known are: " + camlite::architecture_names());
  CHECK_THROWS_WITH(random_architecture("vgg16-gap", {.groups = 3}), Contains("CAM_conv"));
}

TEST_CASE("random weights are these numbers on every machine") {
  const char* lines =
      "input channels=3 height=8 width=8\n"
      "a conv2d input out_channels=4 kernel=3 padding=1\n"
      "n batch_norm a\n"
      "r relu n\n"
      "b conv2d r out_channels=4 kernel=1\n"
      "s add r,b\n"
      "g global_avg_pool s\n"
      "fc linear g out_features=3\n";
  const camlite::Model model = random_model(lines, 5);
  // splitmix64 with this seed, in Python's integers: uniform u, then sqrt(3 / (27 * 1)) * u in a,
  // 0.05 * u in biases, 1 + 0.05 * u in scales, sqrt(3 / (4 * 0.5)) * u in b and
  // sqrt(3 / (4 * 1.5)) * u in fc.
  CHECK(bits(model, "a.weight", 0) == 0xbd9a9970);
  CHECK(bits(model, "a.weight", 107) == 0xbdcaf86b);
  CHECK(bits(model, "a.bias", 3) == 0x3d24eac8);
  CHECK(bits(model, "n.weight", 2) == 0x3f82bfc4);
  CHECK(bits(model, "n.running_var", 1) == 0x3f7e31d7);
  CHECK(bits(model, "b.weight", 15) == 0xbf992b80);
  CHECK(bits(model, "fc.weight", 11) == 0xbe36bb2e);
}

}  // namespace
