// Which instruction set a network uses, and which algorithm each of its convolutions.
#include <camlite/kernels/isa.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/network.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "support/isas.hpp"

using camlite::all_isas;
using camlite::Conv2d;
using camlite::ConvAlgorithm;
using camlite::default_isa;
using camlite::Graph;
using camlite::Index;
using camlite::Isa;
using camlite::LayerInfo;
using camlite::Network;
using camlite::random_model;
using camlite::Shape;
using camlite::supported_isa;
using camlite::text;
using camlite::kernels::fastest_algorithm;
using camlite::kernels::kernels_for;
using camlite::kernels::winograd_index;
using camlite::test::tested_isas;

namespace {

// CAMLITE_ISA is `value`, or is not there, as long as this lives.
class Environment {
 public:
  explicit Environment(const std::optional<std::string>& value) {
    if (const char* now = std::getenv(name)) before_ = now;
    set(value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { set(before_); }

 private:
  static constexpr const char* name = "CAMLITE_ISA";

  static void set(const std::optional<std::string>& value) {
    if (value) {
      setenv(name, value->c_str(), 1);
    } else {
      unsetenv(name);
    }
  }

  std::optional<std::string> before_;
};

const std::string small_graph =
    "input channels=3 height=32 width=32\n"
    "first conv2d input out_channels=32 kernel=3 padding=1\n"
    "relu1 relu first\n"
    "square conv2d relu1 out_channels=64 kernel=3 padding=1\n"
    "pool max_pool2d square kernel=2\n"
    "point conv2d pool out_channels=48 kernel=1\n"
    "own conv2d point out_channels=48 kernel=3 padding=1 groups=48\n"
    "far conv2d own out_channels=20 kernel=3 padding=2 dilation=2\n"
    "half conv2d far out_channels=20 kernel=5 stride=2\n"
    "gap global_avg_pool half\n";

Network network_with(const camlite::NetworkOptions& options) {
  return Network(random_model(small_graph), options);
}

std::string algorithms(const Network& network, const Shape& input) {
  std::string list;
  for (const LayerInfo& layer : network.layers(input))
    list += text(layer.name, ": ", layer.algorithm, "\n");
  return list;
}

}  // namespace

TEST_CASE("a network uses the most that the processor has, or less where CAMLITE_ISA names it") {
  const auto used = [] { return network_with({}).isa(); };
  {
    const Environment environment(std::nullopt);
    CHECK(used() == supported_isa());
  }
  {
    const Environment environment("");
    CHECK(used() == supported_isa());
  }
  for (Isa isa : all_isas) {
    const Environment environment{std::string(isa_name(isa))};
    CAPTURE(isa_name(isa));
    if (isa <= supported_isa()) {
      CHECK(used() == isa);
    } else {
      CHECK_THROWS_WITH(
          used(), text("CAMLITE_ISA=", isa_name(isa), ": this processor supports no more than ",
                       isa_name(supported_isa())));
    }
  }
  for (const char* name : {"AVX2", "sse", "avx2 ", " portable", "avx", "avx5120", "0"}) {
    const Environment environment{name};
    CHECK_THROWS_WITH(used(), text("CAMLITE_ISA=", name, " is none of portable, avx2, avx512"));
  }
}

TEST_CASE("a network uses the instruction set that its options name, whatever CAMLITE_ISA says") {
  for (const char* name : {"", "portable", "avx1024"}) {
    const Environment environment{name};
    for (Isa isa : all_isas) {
      CAPTURE(name, isa_name(isa));
      if (isa <= supported_isa()) {
        CHECK(network_with({.isa = isa}).isa() == isa);
      } else {
        CHECK_THROWS_WITH(network_with({.isa = isa}),
                          text("this processor has no ", isa_name(isa), ", it supports ",
                               isa_name(supported_isa()), " at most"));
      }
    }
  }
}

TEST_CASE("each instruction set has kernels of its own") {
  for (Isa isa : tested_isas()) CHECK(kernels_for(isa).isa == isa);
}

TEST_CASE("which algorithm computes a layer does not depend on the number of threads") {
  for (Isa isa : tested_isas()) {
    const Network one = network_with({.threads = 1, .isa = isa});
    for (int threads : {2, 7, 64}) {
      const Network many = network_with({.threads = threads, .isa = isa});
      for (const Shape& input : {Shape{1, 32, 32, 3}, {1, 19, 200, 3}, {8, 300, 64, 3}})
        CHECK(algorithms(many, input) == algorithms(one, input));
    }
  }
}

TEST_CASE("VGG16-GAP is Winograd, but for the first layer with its three channels") {
  const Graph graph = camlite::vgg16_gap_graph();
  const std::vector<Shape> shapes = infer_shapes(graph, {1, 224, 224, 3});
  for (Isa isa : tested_isas()) {
    int others = 0;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const auto* conv = std::get_if<Conv2d>(&graph.nodes[i].op);
      if (!conv) continue;
      const Shape& in = shapes[static_cast<std::size_t>(graph.nodes[i].inputs[0])];
      const ConvAlgorithm algorithm = fastest_algorithm(*conv, in, shapes[i + 1], kernels_for(isa));
      CAPTURE(isa_name(isa), graph.nodes[i].name, name_of(algorithm));
      if (graph.nodes[i].name != "conv1_1") {
        CHECK(winograd_index(algorithm));
        ++others;
      } else if (isa == Isa::avx512) {  // narrower vectors waste less on three channels
        CHECK(algorithm == ConvAlgorithm::implicit_gemm);
      }
    }
    CHECK(others == 13);
  }
}

TEST_CASE("a forced algorithm computes what it can, and other layers are computed as before") {
  const Shape input{1, 32, 32, 3};
  for (Isa isa : tested_isas()) {
    const std::vector<LayerInfo> free = network_with({.isa = isa}).layers(input);
    for (ConvAlgorithm algorithm :
         {ConvAlgorithm::implicit_gemm, ConvAlgorithm::winograd2, ConvAlgorithm::winograd4,
          ConvAlgorithm::winograd6, ConvAlgorithm::depthwise}) {
      const Network forced = network_with({.isa = isa, .convolution = algorithm});
      const bool winograd = winograd_index(algorithm).has_value();
      for (const LayerInfo& layer : forced.layers(input)) {
        if (!layer.type.starts_with("conv2d")) continue;
        CAPTURE(isa_name(isa), name_of(algorithm), layer.name);
        const bool square = layer.name == "first" || layer.name == "square" || layer.name == "own";
        const bool can_be = winograd                                ? square
                            : algorithm == ConvAlgorithm::depthwise ? layer.name == "own"
                                                                    : true;
        const auto same = [&](const LayerInfo& other) { return other.name == layer.name; };
        const auto before = std::find_if(free.begin(), free.end(), same);
        REQUIRE(before != free.end());
        CHECK(layer.algorithm == (can_be ? name_of(algorithm) : before->algorithm));
      }
    }
  }
}

TEST_CASE("weights packed for Winograd are computed by Winograd, a channel a group or not") {
  // Whoever packs for an algorithm need not name it again.
  const Conv2d own{.out_channels = 8, .kernel = 3, .padding = 1, .groups = 8};
  const Shape in{1, 12, 12, 8}, out{1, 12, 12, 8};
  for (Isa isa : tested_isas()) {
    const ConvAlgorithm algorithm =
        fastest_algorithm(own, in, out, kernels_for(isa), ConvAlgorithm::winograd4);
    CHECK(winograd_index(algorithm).has_value());
    CHECK(fastest_algorithm(own, in, out, kernels_for(isa)) == ConvAlgorithm::depthwise);
  }
}
