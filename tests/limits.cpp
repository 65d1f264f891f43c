// What a model file may ask for: each limit on both of its sides, and what is said above it.
#include <camlite/limits.hpp>

#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <camlite/model/model_file.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>

#include "support/peak_memory.hpp"
#include "support/refusal.hpp"
#include "support/scratch_folder.hpp"

using camlite::Index;
using camlite::load_model;
using camlite::LoadLimits;
using camlite::Model;
using camlite::text;
using camlite::test::peak_kilobytes;
using camlite::test::refusal;
using camlite::test::ScratchFolder;
using Catch::Contains;

namespace {

const std::string small_graph =
    "input channels=3 height=8 width=6\n"
    "conv conv2d input out_channels=4 kernel=3\n"
    "gap global_avg_pool conv\n"
    "fc linear gap out_features=2\n";

// A model file of this graph, which has no tensors.
std::vector<std::byte> file_of(const std::string& graph) {
  camlite::Safetensors file;
  file.metadata = {{"camlite.version", "1"}, {"camlite.graph", graph}};
  return camlite::write_safetensors(file);
}

}  // namespace

TEST_CASE("each limit of a model file: as much as that is read, one more is refused") {
  const ScratchFolder folder;
  const std::string path = folder.path("m.safetensors");
  const Model model = camlite::random_model(small_graph);
  save_model(path, model);
  const auto loading = [&](const LoadLimits& limits) {
    return refusal([&] { load_model(path, limits); });
  };
  const auto bytes = static_cast<Index>(std::filesystem::file_size(path));
  CHECK(loading({.file_bytes = bytes}).empty());
  CHECK(loading({.file_bytes = bytes - 1}) == text(path, ": ", bytes,
                                                   " bytes, more than the limit of ", bytes - 1,
                                                   " (raise LoadLimits::file_bytes)"));

  const Index data = 4 * (4 * 3 * 9 + 4 + 2 * 4 + 2), header = bytes - 8 - data;
  CHECK(loading({.header_bytes = header}).empty());
  CHECK(loading({.header_bytes = header - 1}) ==
        text(path, ": the header is ", header, " bytes long, more than the limit of ", header - 1,
             " (raise LoadLimits::header_bytes)"));

  CHECK(loading({.tensors = 4}).empty());
  CHECK_THAT(loading({.tensors = 3}), Contains(" behind 3 others, more than the limit of 3 (raise "
                                               "LoadLimits::tensors)"));

  CHECK(loading({.graph_lines = 3}).empty());
  CHECK(loading({.graph_lines = 2}) ==
        path +
            ": graph line 4: operator 3, more than the limit of 2 (raise "
            "LoadLimits::graph_lines)");

  CHECK(loading({.elements = 8 * 6 * 3}).empty());  // the picture has the most
  CHECK(loading({.elements = 8 * 6 * 3 - 1}) ==
        path +
            ": the picture has 144 elements, more than the limit of 143 (raise "
            "LoadLimits::elements)");
}

TEST_CASE("all values of a graph together are limited, too") {
  const Model model = camlite::random_model(small_graph);
  const auto loading = [&](Index most) {
    const auto file = camlite::write_safetensors(model_content(model));
    return refusal([&] { load_model(file, "m", {.all_elements = most}); });
  };
  const Index all = 8 * 6 * 3 + 6 * 4 * 4 + 4 + 2;
  CHECK(loading(all).empty());
  CHECK(loading(all - 1) ==
        text("m: graph line 4: fc: its result (1, 2) has 2 elements, beside the ", all - 2,
             " of the values before it, more than the limit of ", all - 1,
             " (raise LoadLimits::all_elements)"));
}

TEST_CASE("a graph of many values that would need a terabyte together says so when it is loaded") {
  std::string graph = "input channels=1 height=40000 width=40000\n";
  for (int i = 0; i < 200; ++i)
    graph += text("r", i, " relu ", i ? text("r", i - 1) : "input", '\n');
  const Index before = peak_kilobytes();
  const std::string message = refusal([&] { load_model(file_of(graph), "hostile"); });
  CHECK_THAT(
      message,
      Contains("hostile: graph line 43: r41: its result (1, 40000, 40000, 1) has 1600000000 "
               "elements, beside the 67200000000 of the values before it, more than the limit of "
               "68719476736 (raise"));
  CHECK(peak_kilobytes() - before < 10000);
}

TEST_CASE("a pass takes as much memory as the limit says, and not a byte more") {
  const Model model = camlite::random_model(
      "input channels=3 height=80 width=60\n"
      "conv conv2d input out_channels=4 kernel=3\n"
      "gap global_avg_pool conv\n");
  const camlite::MemoryInfo memory = camlite::Network(model).memory(model.input_shape());
  const Index bytes = memory.workspace;
  REQUIRE(bytes > memory.weights);
  const auto making = [&](Index most) {
    return refusal([&] { camlite::Network(model, {.memory_limit = most}); });
  };
  CHECK(making(bytes).empty());
  CHECK_THAT(making(bytes - 1), Contains("random model: an input of (1, 80, 60, 3) needs "));
}

TEST_CASE("weights are packed within the limit, and refused before there is memory for them") {
  // Of groups with one output channel of few inputs, the kernels read many zeros.
  constexpr Index groups = 100'000, channels = 2 * groups;
  const Model model = camlite::random_model(text("input channels=", channels,
                                                 " height=3 width=3\n"
                                                 "k constant - channels=",
                                                 channels,
                                                 "\n"
                                                 "s add input,k\n"
                                                 "c conv2d s out_channels=",
                                                 groups, " kernel=3 groups=", groups,
                                                 " bias=0\n"
                                                 "g global_avg_pool c\n"));
  constexpr Index in_the_file = channels * (1 + 9) * sizeof(float);
  const Index before = peak_kilobytes();
  CHECK_THROWS_AS(camlite::Network(model, {.memory_limit = in_the_file}), camlite::Error);
  CHECK(peak_kilobytes() - before < 2 * in_the_file / 1000);
  const Index bytes = camlite::Network(model).memory(model.input_shape()).weights;
  CHECK(bytes > in_the_file);
  CHECK(refusal([&] { camlite::Network(model, {.memory_limit = bytes}); }).empty());
  const std::string message =
      refusal([&] { camlite::Network(model, {.memory_limit = bytes - 1}); });
  CHECK_THAT(message,
             Contains("random model: graph line 4: c: keeping the weights so far, as the kernels "
                      "read them, needs "));
}

TEST_CASE("a tensor of too many elements is refused by its name") {
  const Model model = camlite::random_model(
      "input channels=3 height=1 width=1\n"
      "fc linear input out_features=2\n");
  const std::string message = refusal([&] {
    camlite::load_model(camlite::write_safetensors(model_content(model)), "m", {.elements = 5});
  });
  CHECK(message ==
        "m: graph line 2: fc: the tensor \"fc.weight\" (2, 3) has 6 elements, 0 MB as floats, "
        "more than the limit of 5 (raise LoadLimits::elements)");
}

TEST_CASE("a graph that would need a terabyte says so when it is loaded, and takes no memory") {
  const Index before = peak_kilobytes();
  const std::string message = refusal([] {
    load_model(file_of("input channels=3 height=64 width=64\n"
                       "p pad input bottom=8000000 right=16000\n"),
               "hostile.safetensors");
  });
  CHECK_THAT(message, Contains("hostile.safetensors: graph line 2: p: its result (1, "));
  CHECK_THAT(message, Contains(" MB as floats, more than the limit of 4294967296 (raise "
                               "LoadLimits::elements)"));
  CHECK(peak_kilobytes() - before < 10000);
}

TEST_CASE("a depthwise convolution whose positions no number holds is refused") {
  // The first read its input 2^39 rows in front of it.
  for (const char* attributes :
       {"kernel=2x1 padding=4611684918915760128x0 dilation=6917529577396895744x1 "
        "stride=9223372036854775807x1",
        "kernel=2x1 padding=4611686018427385904x0 dilation=6917529027641082856x1 "
        "stride=9223372036854775807x1",
        "kernel=1x2 padding=0x4611686018427387899 dilation=1x4611686018427387904 "
        "stride=1x4611686018427387902"}) {
    CAPTURE(attributes);
    const std::string graph = text(
        "input channels=3 height=10 width=10\n"
        "a conv2d input out_channels=3 groups=3 bias=0 ",
        attributes, "\ng global_avg_pool a\n");
    CHECK_THROWS_AS(camlite::Network(camlite::random_model(graph)), camlite::Error);
  }
}
