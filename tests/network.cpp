// Whole networks: against PyTorch (fixtures/make_network_fixtures.py), against the operators in
// double one by one, and what is promised of memory and bits.
#include <camlite/cam.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/allocations.hpp"
#include "support/compare.hpp"
#include "support/graph_oracle.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "support/random_graph.hpp"
#include "support/refusal.hpp"
#include "support/results.hpp"
#include "support/tensor_file.hpp"

using camlite::Box;
using camlite::ConvAlgorithm;
using camlite::Error;
using camlite::Image;
using camlite::Index;
using camlite::Isa;
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
using camlite::test::allocations;
using camlite::test::copy;
using camlite::test::graph_values;
using camlite::test::Random;
using camlite::test::random_graph;
using camlite::test::random_picture;
using camlite::test::refusal;
using camlite::test::relative_error;
using camlite::test::same_bits;
using camlite::test::TensorFile;
using camlite::test::tested_isas;
using Catch::Contains;

namespace {

const std::string fixtures = "tests/fixtures/networks/";
const std::string default_model = "weights/tiny_vgg_gap.safetensors";

// What may compute the convolutions: the fastest, or one algorithm where it can.
const std::vector<std::optional<ConvAlgorithm>> any_algorithm{{},
                                                              ConvAlgorithm::implicit_gemm,
                                                              ConvAlgorithm::winograd2,
                                                              ConvAlgorithm::winograd4,
                                                              ConvAlgorithm::winograd6};

const std::string small_gap_graph =
    "input channels=3 height=16 width=16\n"
    "conv1 conv2d input out_channels=6 kernel=3 padding=1\n"
    "relu1 relu conv1\n"
    "pool1 max_pool2d relu1 kernel=2\n"
    "conv2 conv2d pool1 out_channels=10 kernel=3 padding=1\n"
    "relu2 relu conv2\n"
    "gap global_avg_pool relu2\n"
    "fc linear gap out_features=5\n"
    "prob softmax fc\n";

const std::string flat_graph =
    "input channels=3 height=8 width=8\n"
    "conv conv2d input out_channels=4 kernel=3\n"
    "flat flatten conv\n"
    "fc linear flat out_features=5\n";

}  // namespace

TEST_CASE(
    "whole networks compute what PyTorch does, on other sizes, in batches, by any algorithm") {
  const auto [name, has_features] = GENERATE(table<std::string, bool>({{"vgg_gap", true},
                                                                       {"every_operator", false},
                                                                       {"every_operator_gap", true},
                                                                       {"identity_head", true}}));
  const Isa isa = GENERATE(from_range(tested_isas()));
  const std::optional<ConvAlgorithm> forced = GENERATE(from_range(any_algorithm));
  CAPTURE(isa_name(isa), forced ? name_of(*forced) : "the fastest");
  const Network network(load_model(fixtures + name + ".safetensors"),
                        {.isa = isa, .convolution = forced});
  const TensorFile file(fixtures + name + ".cases.safetensors");
  Workspace workspace;
  int cases = 0;
  CHECK(network.has_cam_head() == has_features);
  for (const auto& [tensor_name, input] : file.tensors) {
    if (!tensor_name.ends_with(".input")) continue;
    ++cases;
    const std::string at = tensor_name.substr(0, tensor_name.find('.') + 1);
    const Outputs got = network.forward(input, workspace);
    CAPTURE(name, at);
    CHECK(relative_error(copy(got.logits), file[at + "logits"]) < 1e-4);
    if (has_features) CHECK(relative_error(copy(got.features), file[at + "features"]) < 1e-4);
    for (Index n = 0; n < input.extent(0); ++n) {
      const Prediction seen = network.prediction(got, n, Box{});
      const Tensor<float> expected = copy(file[at + "probabilities"].view()[n]);
      CHECK(relative_error(seen.probabilities(), expected) < 1e-4);
    }
  }
  CHECK(cases > 0);
}

TEST_CASE("the default model says of a photo what PyTorch says") {
  const std::string cases = fixtures + "default_model.cases.safetensors";
  if (!std::filesystem::exists(default_model) || !std::filesystem::exists(cases)) {
    WARN("NOT TESTED: " << default_model << " or " << cases << " is missing");
    return;
  }
  const TensorFile file(cases);
  const Tensor<float>& pixels = file["pixels"];
  Image photo(pixels.extent(1), pixels.extent(0));
  std::transform(pixels.begin(), pixels.end(), photo.data(),
                 [](float value) { return static_cast<std::uint8_t>(value); });
  const Isa isa = GENERATE(from_range(tested_isas()));
  CAPTURE(isa_name(isa));
  const Network network(load_model(default_model), {.isa = isa});
  INFO("if the model changed, run tests/fixtures/make_network_fixtures.py");
  REQUIRE(same_bits(to_float(network.model().tensor("fc.bias")), file["fc.bias"]));
  const Prediction seen = network.predict(photo);
  CHECK(relative_error(seen.features(), file["features"]) < 1e-4);
  CHECK(relative_error(seen.logits(), file["logits"]) < 1e-4);
  CHECK(relative_error(seen.probabilities(), file["probabilities"]) < 1e-4);
}

TEST_CASE("random networks compute what their operators do, one by one in double") {
  Random random(21);
  double worst = 0;
  for (int i = 0; i < 300; ++i) {
    const bool cam_head = random.coin();
    const std::string graph =
        random_graph(random, {.lines = random.between(1, 14), .cam_head = cam_head});
    CAPTURE(graph);
    const Model model = random_model(graph, static_cast<std::uint64_t>(i));
    const std::vector<Isa> isas = tested_isas();
    const Isa isa = isas[static_cast<std::size_t>(random.between(0, std::ssize(isas) - 1))];
    const auto forced = any_algorithm[static_cast<std::size_t>(random.between(0, 4))];
    CAPTURE(isa_name(isa), forced ? name_of(*forced) : "the fastest");
    const Network network(
        model,
        {.threads = static_cast<int>(random.between(1, 3)), .isa = isa, .convolution = forced});
    const Tensor<float> input = random.tensor<float>(model.input_shape(random.between(1, 3)));
    const std::vector<Tensor<double>> values = graph_values(model, input);

    Workspace workspace;
    const Outputs got = network.forward(input, workspace);
    REQUIRE(network.has_cam_head() == cam_head);
    const bool ends_with_softmax = graph.ends_with("softmax fc\n");
    const std::size_t logits = values.size() - 1 - ends_with_softmax;
    const double error = relative_error(copy(got.logits), values[logits]);
    CHECK(error < 2e-5);
    worst = std::max(worst, error);
    if (ends_with_softmax) {
      CHECK(relative_error(copy(got.probabilities), values.back()) < 2e-5);
    } else {
      CHECK(got.probabilities.size() == 0);
    }
    if (cam_head) {
      CHECK(relative_error(copy(got.features), values[logits - 2]) < 2e-5);
    } else {
      CHECK(got.features.size() == 0);
    }
  }
  CAPTURE(worst);
  CHECK(worst > 0);  // float it is
}

TEST_CASE("batch normalization, bounds and dropout cost no step where a layer takes them") {
  const auto steps = [](const std::string& lines) {
    const Network network(random_model("input channels=3 height=8 width=8\n" + lines));
    std::string list;
    for (const auto& layer : network.layers(network.model().input_shape()))
      list += text(list.empty() ? "" : " ", layer.name, ":", layer.type);
    return list;
  };
  const std::string conv = "c conv2d input out_channels=4 kernel=3 bias=0\n";
  CHECK(steps(conv + "n batch_norm c\nd dropout n\nr relu d\ne dropout r\n") ==
        "c:conv2d+batch_norm+relu");
  CHECK(steps(conv + "n batch_norm c\nr relu6 n\ne dropout r\ng global_avg_pool e\n") ==
        "c:conv2d+batch_norm+relu6 g:global_avg_pool");
  CHECK(steps(conv + "r relu c\nn batch_norm r\n") == "c:conv2d+relu n:batch_norm");
  CHECK(steps("n batch_norm input\nr relu n\ns add r,input\nt silu s\nu relu t\n") ==
        "n:batch_norm+relu s:add+silu u:relu");
  CHECK(steps(conv + "g global_avg_pool c\nl conv2d g out_channels=2 kernel=1\ns silu l\n"
                     "m linear s out_features=4\nt sigmoid m\ne mul c,t\n") ==
        "c:conv2d g:global_avg_pool l:conv2d+silu m:linear+sigmoid e:mul");
  CHECK(steps(conv + "n batch_norm c\nr relu c\ns add n,r\n") ==
        "c:conv2d n:batch_norm r:relu s:add");
  CHECK(steps(conv + "n batch_norm c\ns scale n\nm batch_norm s\nk clamp m max=3\nr relu k\n") ==
        "c:conv2d+batch_norm+scale+batch_norm+clamp r:relu");
  CHECK(steps("n batch_norm input\ns scale n bias=0\nr relu s\n") == "n:batch_norm+scale+relu");
  CHECK(steps("s scale input bias=0\nn batch_norm s\nr relu n\n") == "s:scale+batch_norm+relu");
  CHECK(steps(conv + "g global_avg_pool c\nl linear g out_features=2 bias=0\ns scale l\n") ==
        "c:conv2d g:global_avg_pool l:linear+scale");
  CHECK(steps("d dropout input\nr relu d\n") == "r:relu");
  CHECK(steps("g global_avg_pool input\nf flatten g\nd dropout f\ne flatten d\nl linear e "
              "out_features=2\ns softmax l\nt flatten s\n") ==
        "g:global_avg_pool l:linear s:softmax");
  CHECK(steps("f flatten input\nl linear f out_features=2\n") == "f:flatten l:linear");
}

TEST_CASE("what can be written where it will be read is not copied") {
  // "name:how" of the layers behind A, B and P, those of them that `lines` reads.
  const auto layers = [](const std::string& lines) {
    std::string graph = "input channels=3 height=8 width=8\n";
    for (const std::string line : {"A conv2d input out_channels=4 kernel=3 padding=1\n",
                                   "B conv2d input out_channels=2 kernel=1\n",
                                   "P max_pool2d input kernel=3 stride=1 padding=1\n"}) {
      if (lines.find(line[0]) != std::string::npos) graph += line;
    }
    const Network network(random_model(graph + lines));
    std::string list;
    for (const auto& layer : network.layers(network.model().input_shape())) {
      if (layer.type.starts_with("conv2d") || layer.type.starts_with("max_pool2d")) continue;
      list += text(list.empty() ? "" : " ", layer.name, ":", layer.algorithm);
    }
    return list;
  };
  // Convolutions, poolings and elementwise operators write into the concat behind them.
  CHECK(layers("k concat A,B\n") == "k:in place");
  CHECK(layers("r relu A\nk concat r,B\n") == "k:in place");
  CHECK(layers("k concat A,P\n") == "k:in place");
  CHECK(layers("l lrn P size=3\nk concat l,A\n") == "l:direct k:copies 1 of 2");
  CHECK(layers("s sigmoid P\nk concat A,s\n") == "s:in place k:in place");
  CHECK(layers("s sigmoid P\nk concat P,s\n") == "s:direct k:in place");
  CHECK(layers("k concat input,A,B\n") == "k:copies 1 of 3");
  CHECK(layers("k concat A,B,A\n") == "k:copies 1 of 3");
  CHECK(layers("k concat A,B\nm concat B,k\n") == "k:in place m:copies 1 of 2");
  CHECK(layers("k concat A,B\nm concat B,A\ns maximum k,m\n") ==
        "k:in place m:copies 2 of 2 s:in place");
  // Nested ones, and those that begin as an earlier one does.
  CHECK(layers("k concat A,B\nm concat k,P,P\n") == "k:in place m:copies 1 of 3");
  CHECK(layers("k concat A,B\nc conv2d k out_channels=1 kernel=1\nm concat A,B,c\n") ==
        "k:in place m:in place");
  CHECK(layers("k concat A,B\nr relu k\nc conv2d r out_channels=1 kernel=3 padding=1\n"
               "m concat A,B,c\nn batch_norm m\n") == "k:in place r:direct m:in place n:in place");
  CHECK(layers("k concat A,B\nc conv2d k out_channels=1 kernel=2 padding=1 dilation=2\n"
               "m concat k,c\n") == "k:in place m:copies 1 of 2");
  // A part that is read after the whole is done with would keep it.
  CHECK(layers("k concat A,B\nl lrn k size=3\ng global_avg_pool l\nm concat B,A\nn lrn m size=3\n"
               "h mul g,n\n")
            .starts_with("k:copies 2 of 2 l:direct"));
  // Elementwise operators overwrite what nobody needs any more.
  CHECK(layers("q clamp P min=0\nk relu q\n") == "q:in place k:in place");
  CHECK(layers("r relu P\nk add P,r\n") == "r:direct k:in place");
  CHECK(layers("s scale P\nk add s,input\n") == "s:in place k:in place");
  CHECK(layers("k add P,P\n") == "k:direct");
  CHECK(layers("k relu input\n") == "k:direct");
  CHECK(layers("g global_avg_pool P\nk mul g,P\n") == "g:direct k:in place");
  CHECK(layers("l lrn P size=3\nk relu l\ng global_avg_pool k\n") ==
        "l:direct k:in place g:direct");
  CHECK(layers("k relu P\ng global_avg_pool P\nm mul k,g\n") == "k:direct g:direct m:in place");
}

TEST_CASE("a concat of one map costs no step") {
  const Network network(random_model(
      "input channels=3 height=8 width=8\nk concat input\ng global_avg_pool k\nm concat g\n"
      "l linear m out_features=2\n"));
  CHECK(network.layers({1, 8, 8, 3}).size() == 2);
  CHECK(network.head().features == "input");
}

TEST_CASE("constants are computed once, and nothing writes over them") {
  Random random(36);
  const Model model = random_model(
      "input channels=3 height=6 width=5\nk constant - channels=3\nm constant - height=6 width=5 "
      "channels=3\nr relu m\ns add k,input\nt sub m,s\nu concat t,r,s\ng global_avg_pool u\n");
  const Network network(model);
  Workspace workspace;
  for (Index batch : {1, 3, 1, 2}) {
    const Tensor<float> input = random.tensor<float>(model.input_shape(batch));
    if (batch > 1) {  // where the batch is 1, so is r's, which joins
      CHECK_THROWS_AS(network.forward(input, workspace), Error);
      continue;
    }
    const Tensor<double> expected = std::move(graph_values(model, input).back()).reshaped({1, 9});
    for (int pass = 0; pass < 3; ++pass)
      CHECK(relative_error(copy(network.forward(input, workspace).logits), expected) < 1e-6);
  }
  CHECK(network.layers(model.input_shape())[1].parameters == 6 * 5 * 3);
  // The result, even.
  const Model only = random_model("input channels=3 height=6 width=5\nk constant - channels=4\n");
  CHECK(same_bits(Network(only).forward(Tensor<float>({1, 6, 5, 3}), workspace).logits,
                  to_float(only.tensor("k.value")).view().reshaped({1, 4})));
}

TEST_CASE("a network may be nothing but dropout") {
  const Network network(random_model("input channels=2 height=3 width=4\nd dropout input\n"));
  Random random(1);
  const Tensor<float> input = random.tensor<float>({2, 3, 4, 2});
  Workspace workspace;
  CHECK(same_bits(network.forward(input, workspace).logits, input.view().reshaped({2, 24})));
}

TEST_CASE("the bits do not depend on the number of threads") {
  const Isa isa = GENERATE(from_range(tested_isas()));
  Random random(22);
  for (const Model& model :
       {load_model(fixtures + "vgg_gap.safetensors"),
        load_model(fixtures + "every_operator.safetensors"),
        random_model("input channels=3 height=40 width=56\n"
                     "a conv2d input out_channels=16 kernel=3 padding=1\n"
                     "b conv2d a out_channels=300 kernel=1\nr relu b\ns add r,b\n"
                     "l lrn s size=5\ng global_avg_pool l\nf linear g out_features=700\n")}) {
    const Tensor<float> input = random.tensor<float>(model.input_shape(3));
    std::optional<Tensor<float>> logits, features;
    for (int threads : {1, 2, 3, 7}) {
      const Network network(model, {.threads = threads, .isa = isa});
      CHECK(network.threads() == threads);
      Workspace workspace;
      const Outputs got = network.forward(input, workspace);
      if (!logits) {
        logits = copy(got.logits);
        features = copy(got.features);
      }
      CHECK(same_bits(got.logits, *logits));
      CHECK(same_bits(got.features, *features));
    }
  }
}

TEST_CASE("after the first call of a size, a pass allocates nothing") {
  const int threads = GENERATE(1, 2);
  Random random(23);
  for (const char* name : {"vgg_gap", "every_operator_gap"}) {
    const Network network(load_model(fixtures + name + ".safetensors"), {.threads = threads});
    const Index height = network.model().graph().height, width = network.model().graph().width;
    const Tensor<float> one = random.tensor<float>({1, height, width, 3});
    const Tensor<float> batch = random.tensor<float>({4, height, width, 3});
    const Tensor<float> large = random.tensor<float>({2, 2 * height, width + 3, 3});
    Workspace workspace;
    const auto allocated = [&](const Tensor<float>& input) {
      const long before = allocations;
      network.forward(input, workspace);
      return allocations - before;
    };
    CHECK(allocated(one) > 0);  // the count counts
    CHECK(allocated(one) == 0);
    CHECK(allocated(batch) > 0);
    CHECK(allocated(batch) == 0);
    CHECK(allocated(one) == 0);  // though the block has grown in between
    CHECK(allocated(large) > 0);
    for (int i = 0; i < 3; ++i) {
      CHECK(allocated(one) == 0);
      CHECK(allocated(large) == 0);
      CHECK(allocated(batch) == 0);
    }
  }
}

TEST_CASE("a workspace serves sizes and networks in any order") {
  Random random(24);
  const Network gap(random_model(small_gap_graph)), flat(random_model(flat_graph));
  const Network* networks[] = {&gap, &flat};
  Workspace shared;
  for (int i = 0; i < 60; ++i) {
    const Network& network = *networks[random.between(0, 1)];
    const bool any_size = &network == &gap;
    const Tensor<float> input =
        any_size ? random.tensor<float>(
                       {random.between(1, 3), random.between(4, 20), random.between(4, 20), 3})
                 : random.tensor<float>(network.model().input_shape(random.between(1, 3)));
    Workspace fresh;
    const Tensor<float> expected = copy(network.forward(input, fresh).logits);
    CHECK(same_bits(network.forward(input, shared).logits, expected));
    if (i % 20 == 7) {
      Workspace moved = std::move(shared);
      CHECK(same_bits(network.forward(input, moved).logits, expected));
      shared = std::move(moved);
    }
  }
}

TEST_CASE("a network whose memory does not fit into 63 bits is refused") {
  // As a file can make it, read without a limit: 1 x 1 pixels, padded to 2^30 x 2^30.
  const std::string head =
      "input channels=3 height=1 width=1\n"
      "c conv2d input out_channels=1 kernel=1";
  std::string graph = head + " padding=536870911\n";
  std::string sum = "s add c";
  for (int i = 0; i < 5; ++i) {
    graph += text("r", i, " relu6 c\n");
    sum += text(",r", i);
  }
  const Model weights = random_model(head + "\n");
  camlite::ModelParts parts;
  parts.graph = camlite::parse_graph(graph + sum + "\n");
  parts.tensors.assign(weights.tensors().begin(), weights.tensors().end());
  constexpr Index most = std::numeric_limits<Index>::max();
  const Model model(parts, {.elements = most, .all_elements = most});
  CHECK_THAT(refusal([&] { Network{model}; }),
             Catch::StartsWith("model: the memory for an input of (1, 1, 1, 3): a size of "));
}

TEST_CASE(
    "VGG16-GAP at 224 works in 32 MB beside its weights, which are held once and not transformed") {
  const Network network(camlite::random_architecture("vgg16-gap"), {.threads = 1});
  const camlite::MemoryInfo memory = network.memory({1, 224, 224, 3});
  // VGG16's convolutions (Simonyan, Zisserman, 2015), CAM_conv, CAM_fc.
  constexpr Index weights = 14'714'688 + (9 * 512 + 1) * 1024 + (1024 + 1) * 1000;
  // conv1_1's output and conv1_2's, which is pooled before it is stored.
  CHECK(memory.workspace >= (224 * 224 + 112 * 112) * 64 * 4);
  CHECK(memory.workspace <= 32 << 20);
  CHECK(memory.weights >= weights * 4);
  CHECK(memory.weights <= weights * 4 + (1 << 16));
  Index parameters = 0, multiply_adds = 0;
  for (const auto& layer : network.layers({1, 224, 224, 3})) {
    parameters += layer.parameters;
    multiply_adds += layer.multiply_adds;
  }
  CHECK(parameters == weights);
  CHECK(multiply_adds == 15'346'630'656 + 14 * 14 * 1024 * 9 * 512 + 1000 * 1024);
}

TEST_CASE("a model whose own input needs more memory than the limit is refused when it is loaded") {
  // No value of it is above LoadLimits::elements; all together are.
  const camlite::Model model = random_model(
      "input channels=3 height=16000 width=16000\n"
      "conv conv2d input out_channels=4 kernel=1\n"
      "more conv2d conv out_channels=4 kernel=1\n"
      "gap global_avg_pool more\n");
  const std::string message =
      refusal([&] { Network(model, {.threads = 1, .memory_limit = Index{4} << 30}); });
  CHECK_THAT(message, Contains("random model: an input of (1, 16000, 16000, 3) needs "));
  CHECK_THAT(message, Contains(" MB of memory, the limit is 4096 MB (raise "
                               "NetworkOptions::memory_limit, or the program's --max-memory)"));
  CHECK_NOTHROW(Network(model, {.threads = 1, .memory_limit = Index{16} << 30}));
}

TEST_CASE("an input that needs more memory than the limit is refused before it is taken") {
  const Network network(random_model(small_gap_graph), {.threads = 1, .memory_limit = 1 << 20});
  Workspace workspace;
  CHECK_NOTHROW(network.forward(Tensor<float>({1, 16, 16, 3}), workspace));
  const Index held = workspace.bytes();
  CHECK(held > 0);
  CHECK(held <= 1 << 20);
  const Tensor<float> large({1, 400, 400, 3});
  const std::string message = refusal([&] { network.forward(large, workspace); });
  CHECK_THAT(message, Contains("random model: an input of (1, 400, 400, 3) needs "));
  CHECK_THAT(message, Contains(" MB of memory, the limit is 1 MB"));
  CHECK(workspace.bytes() == held);
  CHECK_NOTHROW(network.forward(Tensor<float>({1, 16, 16, 3}), workspace));

  // A model file may ask for gigapixels of a small picture.
  camlite::ModelParts parts;
  parts.graph =
      camlite::parse_graph("input channels=3 height=8 width=8\ng global_avg_pool input\n");
  parts.preprocessing.resize = parts.preprocessing.crop = 65536;
  const Network hungry{Model(parts)};
  CHECK_THROWS_WITH(hungry.predict(Image(8, 8)),
                    "model: a picture resized to 65536 needs 61440 MB of memory, the "
                    "limit is 16384 MB (raise NetworkOptions::memory_limit, or the program's "
                    "--max-memory)");
}

TEST_CASE("an input that the network cannot take is refused with the layer's name") {
  const Network gap(random_model(small_gap_graph)), flat(random_model(flat_graph));
  Workspace workspace;
  const auto refused = [&](const Network& network, const Shape& shape) {
    return refusal([&] { network.forward(Tensor<float>(shape), workspace); });
  };
  CHECK(refused(gap, {1, 16, 16, 4}) ==
        "random model: the network's input is (N, H, W, 3), not (1, 16, 16, 4)");
  CHECK(refused(gap, {0, 16, 16, 3}) ==
        "random model: graph line 2: conv1: needs a feature map that is not empty, its input is "
        "(0, 16, 16, 3)");
  CHECK_THAT(refused(gap, {1, 1, 1, 3}), Contains("pool1: a window of height 2"));
  // Linear layers behind flatten have weights for one size only.
  CHECK(refused(flat, {1, 8, 8, 3}).empty());
  const std::string smaller =
      "random model: fc: for an input of (1, 7, 8, 3) its weight would have to be (5, 120), it is "
      "(5, 144)";
  CHECK(refused(flat, {1, 7, 8, 3}) == smaller);
  CHECK_THAT(refused(flat, {1, 9, 9, 3}), Contains("fc: for an input of (1, 9, 9, 3)"));
  CHECK_THROWS_WITH(flat.layers({1, 7, 8, 3}), smaller);
  CHECK_THROWS_WITH(flat.memory({1, 7, 8, 3}), smaller);
  CHECK(refusal([&] { Network(random_model(flat_graph), {.threads = -1}); }) ==
        "threads must be between 1 and 4096, not -1");
  CHECK(refusal([&] {
          Network(random_model("input channels=1 height=8 width=8\nr relu input\n"))
              .predict(Image(8, 8));
        }) == "random model: pictures have 3 channels, the network's input has 1");
}

TEST_CASE("a network moves, and a prediction outlives it and the file") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "camlite_outlived.safetensors").string();
  std::filesystem::copy_file(fixtures + "vgg_gap.safetensors", path,
                             std::filesystem::copy_options::overwrite_existing);
  Random random(30);
  const Image picture = random_picture(random, 50, 40);
  std::optional<Prediction> seen;
  Tensor<float> map;
  {
    Network first(load_model(path));
    seen = first.predict(picture);
    map = class_activation_map(*seen, 3);
    Network second = std::move(first);
    CHECK(same_bits(second.predict(picture).logits(), seen->logits()));
    Network third(random_model(small_gap_graph));
    third = std::move(second);
    CHECK(same_bits(third.predict(picture).logits(), seen->logits()));
  }
  std::filesystem::remove(path);
  CHECK(seen->top(1)[0].label == text("class ", seen->top(1)[0].index));
  CHECK(same_bits(class_activation_map(*seen, 3), map));
  CHECK_THROWS_WITH(seen->score(11), path + ": there is no class 11 among 11");
}

TEST_CASE("ten thousand lines are a network at once") {
  const std::string which = GENERATE("relu", "flatten", "dropout", "add");
  std::string graph = "input channels=1 height=1 width=1\n", previous = "input";
  for (int i = 0; i < 9990; ++i) {
    graph += text("n", i, ' ', which, ' ', previous, which == "add" ? "," + previous : "", "\n");
    previous = text("n", i);
  }
  const std::clock_t start = std::clock();
  const Network network(random_model(graph));
  Workspace workspace;
  network.forward(Tensor<float>({1, 1, 1, 1}), workspace);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  CAPTURE(which);
  CHECK(seconds < 5);
}
