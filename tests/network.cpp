// Whole networks: against PyTorch (fixtures/make_network_fixtures.py), against the operators in
// double one by one, and what is promised of memory and bits.
#include <camlite/cam.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/network.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
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
#include "support/results.hpp"
#include "support/tensor_file.hpp"

using camlite::Box;
using camlite::class_activation_maps;
using camlite::ConvAlgorithm;
using camlite::Error;
using camlite::Head;
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
using camlite::detail::Lifetime;
using camlite::detail::MemoryPlan;
using camlite::detail::plan_memory;
using camlite::test::allocations;
using camlite::test::copy;
using camlite::test::graph_values;
using camlite::test::Random;
using camlite::test::random_graph;
using camlite::test::random_picture;
using camlite::test::relative_error;
using camlite::test::same_bits;
using camlite::test::TensorFile;
using camlite::test::tested_isas;
using Catch::Contains;

namespace {

const std::string fixtures = "tests/fixtures/networks/";
const std::string default_model = "weights/tiny_vgg_gap.safetensors";

// The message of the Error that work() throws; empty if it does not.
template <class Work>
std::string refusal(const Work& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

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

TEST_CASE("values that live at the same time never overlap, and no memory lies idle needlessly") {
  Random random(25);
  for (int i = 0; i < 3000; ++i) {
    const Index granule = random.one_of<Index>({1, 4, 16});
    const Index steps = random.between(1, 12);
    std::vector<Lifetime> values(static_cast<std::size_t>(random.between(0, 14)));
    for (Lifetime& value : values) {
      value.size = random.between(0, 3) == 0 ? 0 : random.between(1, 200);
      value.first = random.between(0, steps);
      value.last = random.between(value.first, steps);
    }
    const MemoryPlan plan = plan_memory(values, granule);
    REQUIRE(plan.offsets.size() == values.size());
    Index end = 0, whole = 0;
    for (std::size_t a = 0; a < values.size(); ++a) {
      CHECK(plan.offsets[a] % granule == 0);
      CHECK(plan.offsets[a] >= 0);
      end = std::max(end, plan.offsets[a] + values[a].size);
      whole += (values[a].size + granule - 1) / granule * granule;
      for (std::size_t b = 0; b < a; ++b) {
        const bool together =
            values[a].first <= values[b].last && values[b].first <= values[a].last;
        const bool apart = plan.offsets[a] + values[a].size <= plan.offsets[b] ||
                           plan.offsets[b] + values[b].size <= plan.offsets[a];
        if (together && values[a].size > 0 && values[b].size > 0) CHECK(apart);
      }
    }
    CHECK(plan.size == end);
    CHECK(plan.size <= whole);
  }
}

TEST_CASE("the plan is hardly larger than the best there is") {
  Random random(26);
  double worst = 1;
  for (int i = 0; i < 300; ++i) {
    std::vector<Lifetime> values(static_cast<std::size_t>(random.between(1, 6)));
    for (Lifetime& value : values) {
      value.size = random.between(1, 9);
      value.first = random.between(0, 6);
      value.last = random.between(value.first, 6);
    }
    // Brute force: some order of placing each value as low as it goes is optimal.
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Index best = std::numeric_limits<Index>::max();
    do {
      std::vector<Index> offsets(values.size());
      Index size = 0;
      for (std::size_t placed = 0; placed < order.size(); ++placed) {
        const Lifetime& value = values[order[placed]];
        Index& offset = offsets[order[placed]];
        for (bool moved = true; moved;) {
          moved = false;
          for (std::size_t k = 0; k < placed; ++k) {
            const Lifetime& other = values[order[k]];
            const Index start = offsets[order[k]];
            if (value.first <= other.last && other.first <= value.last &&
                offset < start + other.size && start < offset + value.size) {
              offset = start + other.size;
              moved = true;
            }
          }
        }
        size = std::max(size, offset + value.size);
      }
      best = std::min(best, size);
    } while (std::next_permutation(order.begin(), order.end()));
    const Index got = plan_memory(values, 1).size;
    CHECK(got >= best);
    worst = std::max(worst, static_cast<double>(got) / static_cast<double>(best));
  }
  CHECK(worst < 1.5);
}

TEST_CASE("a plan too large for 63 bits is refused") {
  const Index huge = Index{1} << 61;
  const std::vector<Lifetime> values(5, {huge, 0, 1});
  CHECK_THROWS_WITH(plan_memory(values, 16), Contains("does not fit into 63 bits"));
  CHECK(plan_memory(std::span(values).first(3), 16).size == 3 * huge);

  // As a file can make them, read without a limit: 1 x 1 pixels, padded to 2^30 x 2^30.
  const std::string head =
      "input channels=3 height=1 width=1\n"
      "c conv2d input out_channels=1 kernel=1";
  std::string graph = head + " padding=536870911\n";
  std::string sum = "s add c";
  for (int i = 0; i < 20; ++i) {
    graph += text("r", i, " relu6 c\n");
    sum += text(",r", i);
  }
  const Model weights = random_model(head + "\n");
  camlite::ModelParts parts;
  parts.graph = camlite::parse_graph(graph + sum + "\n");
  parts.tensors.assign(weights.tensors().begin(), weights.tensors().end());
  const Model model(parts, {.elements = std::numeric_limits<Index>::max()});
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
  const Network network(random_model(small_gap_graph));
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
