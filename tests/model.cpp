// Models: what their files hold, that saving and loading changes nothing, and what is refused.
#include <camlite/model/architectures.hpp>
#include <camlite/model/model_file.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/refusal.hpp"
#include "support/scratch_folder.hpp"

using camlite::BoxOptions;
using camlite::DType;
using camlite::Error;
using camlite::graph_text;
using camlite::Index;
using camlite::load_model;
using camlite::make_model;
using camlite::Model;
using camlite::model_content;
using camlite::ModelParts;
using camlite::parse_box_options;
using camlite::parse_graph;
using camlite::parse_preprocessing;
using camlite::Preprocessing;
using camlite::preprocessing_text;
using camlite::Safetensors;
using camlite::Shape;
using camlite::Size2d;
using camlite::StoredTensor;
using camlite::Tensor;
using camlite::text;
using camlite::write_safetensors;
using camlite::test::Random;
using camlite::test::refusal;
using camlite::test::ScratchFolder;
using Catch::Contains;

namespace {

using Bytes = std::vector<std::byte>;

const std::string small_graph =
    "input channels=3 height=8 width=6\n"
    "conv conv2d input out_channels=4 kernel=3 bias=0\n"
    "norm batch_norm conv\n"
    "gap global_avg_pool norm\n"
    "fc linear gap out_features=2\n";

// A small model's file, before it is written, for tests to spoil.
Safetensors small_content() {
  static const Model model = camlite::random_model(small_graph);
  return model_content(model);
}

// The tensor of this name.
StoredTensor& tensor(Safetensors& file, const std::string& name) {
  for (StoredTensor& one : file.tensors) {
    if (one.name == name) return one;
  }
  throw std::out_of_range(name);
}

std::string& metadata(Safetensors& file, const std::string& key) {
  for (auto& [name, value] : file.metadata) {
    if (name == key) return value;
  }
  return file.metadata.emplace_back(key, "").second;
}

// The message with which a file is refused; empty if it is not.
std::string file_refusal(const Bytes& file) {
  return refusal([&] { load_model(file, "m"); });
}

// The same of the small model's file after `spoil`.
std::string refusal_of(const std::function<void(Safetensors&)>& spoil) {
  Safetensors file = small_content();
  spoil(file);
  return file_refusal(write_safetensors(file));
}

std::string setting_refusal(const std::string& settings) {
  return refusal([&] { parse_preprocessing(settings, "m"); });
}

void check_same(const Model& a, const Model& b) {
  CHECK(graph_text(a.graph()) == graph_text(b.graph()));
  CHECK(a.labels() == b.labels());
  CHECK(a.preprocessing() == b.preprocessing());
  CHECK(a.box_options() == b.box_options());
  CHECK(a.notes() == b.notes());
  CHECK(a.classes() == b.classes());
  REQUIRE(a.tensors().size() == b.tensors().size());
  for (const StoredTensor& one : a.tensors()) {
    const StoredTensor& other = b.tensor(one.name);
    CAPTURE(one.name);
    CHECK(one.dtype == other.dtype);
    CHECK(one.shape == other.shape);
    REQUIRE(one.bytes.size() == other.bytes.size());
    CHECK(std::memcmp(one.bytes.data(), other.bytes.data(), one.bytes.size()) == 0);
  }
}

// Every part unlike its default.
Model rich_model() {
  ModelParts parts;
  parts.graph = parse_graph(small_graph);
  parts.labels = {"d\xc3\xa9j\xc3\xa0 vu, \"quoted\" \\ tab\t\x01",
                  "\xe7\x8c\xab \xf0\x9f\x90\x88"};
  parts.preprocessing.fit = Preprocessing::Fit::exact;
  parts.preprocessing.resize = {19, 23};
  parts.preprocessing.crop = {8, 6};
  parts.preprocessing.channels = Preprocessing::Channels::bgr;
  parts.preprocessing.scale = 1.0 / 3;
  parts.preprocessing.mean = {0.1, -1e-300, 123.68};
  parts.preprocessing.std = {1e300, std::numeric_limits<double>::denorm_min(), -0.7};
  parts.boxes.threshold = 1.0F / 3;
  parts.notes = {{"license", "CC0\nand \xc2\xa9"}, {"a", ""}, {"", "b"}};
  Random random(1);
  std::vector<std::pair<std::string, Tensor<float>>> weights;
  const auto add = [&](const std::string& name, const Shape& shape) {
    weights.emplace_back(name, random.tensor<float>(shape));
  };
  add("conv.weight", {4, 3, 3, 3});
  for (const char* suffix : {"weight", "bias", "running_mean", "running_var"})
    add(text("norm.", suffix), {4});
  add("fc.weight", {2, 4});
  add("fc.bias", {2});
  weights[0].second.data()[5] = std::numeric_limits<float>::quiet_NaN();
  weights[0].second.data()[6] = -0.0F;
  return make_model(std::move(parts), std::move(weights));
}

}  // namespace

TEST_CASE("saving and loading a model gives the same model") {
  const ScratchFolder folder;
  const std::string path = folder.path("model.safetensors");
  const Model model = rich_model();
  camlite::save_model(path, model);
  const Model loaded = load_model(path);
  CHECK(loaded.source() == path);
  check_same(model, loaded);

  // Over itself, while it is mapped; and once more from what is there then.
  camlite::save_model(path, loaded);
  check_same(model, loaded);
  check_same(model, load_model(path));
  std::filesystem::remove(path);
  check_same(model, loaded);  // still mapped
}

TEST_CASE("a model is loaded from a buffer as from a file") {
  const Model model = rich_model();
  const Bytes file = write_safetensors(model_content(model));
  const Model loaded = load_model(file, "buffer");
  CHECK(loaded.source() == "buffer");
  check_same(model, loaded);
  CHECK(write_safetensors(model_content(loaded)) == file);
}

TEST_CASE("weights keep the type that they are stored in") {
  Safetensors file = small_content();
  const Bytes halves(8, std::byte{0x3c});
  StoredTensor& bias = tensor(file, "norm.bias");
  bias.dtype = DType::F16;
  bias.bytes = halves;
  const Bytes written = write_safetensors(file);
  const Model model = load_model(written);
  CHECK(model.tensor("norm.bias").dtype == DType::F16);
  CHECK(model.tensor("fc.bias").dtype == DType::F32);
  CHECK(write_safetensors(model_content(model)) == written);
}

TEST_CASE("a model says what is in it") {
  const Model model = rich_model();
  CHECK(model.classes() == 2);
  CHECK(model.input_shape() == Shape{1, 8, 6, 3});
  CHECK(model.input_shape(5) == Shape{5, 8, 6, 3});
  CHECK(model.label(1) == "\xe7\x8c\xab \xf0\x9f\x90\x88");
  CHECK_THROWS_WITH(model.label(2), "model: there is no class 2 among 2");
  CHECK_THROWS_WITH(model.label(-1), "model: there is no class -1 among 2");
  CHECK_THROWS_WITH(model.tensor("fc.scale"), "model: there is no tensor \"fc.scale\"");
  CHECK(camlite::random_model(small_graph).label(1) == "class 1");
}

TEST_CASE("a file without a part of a model is no camlite model") {
  const auto without = [](const std::string& key) {
    return refusal_of([&](Safetensors& file) {
      std::erase_if(file.metadata, [&](const auto& pair) { return pair.first == key; });
    });
  };
  CHECK(without("nothing").empty());
  CHECK(without("camlite.preprocess").empty());  // has a default
  CHECK(without("camlite.version") ==
        "m: a safetensors file, but not a camlite model: its metadata has no camlite.version");
  CHECK(without("camlite.graph") ==
        "m: a safetensors file, but not a camlite model: its metadata has no camlite.graph");
  CHECK(refusal_of([](Safetensors& file) { file.metadata.clear(); }) ==
        "m: a safetensors file, but not a camlite model: its metadata has no camlite.version");
  CHECK_THROWS_AS(load_model("/nowhere/model.safetensors"), Error);
}

TEST_CASE("another version of the format is refused before anything else is read of it") {
  CHECK(refusal_of([](Safetensors& file) {
          metadata(file, "camlite.version") = "2";
          metadata(file, "camlite.graph") = "graph of version 2";
          metadata(file, "camlite.preprocess") = "mosaic=1";
        }) == "m: camlite.version is \"2\", this program reads version 1");
}

TEST_CASE("a tensor that is missing, left over or of another shape or type is named") {
  const auto renamed = [](const std::string& from, const std::string& to) {
    return refusal_of([&](Safetensors& file) { tensor(file, from).name = to; });
  };
  CHECK(renamed("conv.weight", "conv.kernel") ==
        "m: graph line 2: conv needs the tensor \"conv.weight\" of shape (4, 3, 3, 3), which is "
        "not in the file");
  CHECK(renamed("norm.running_var", "norm.var") ==
        "m: graph line 3: norm needs the tensor \"norm.running_var\" of shape (4), which is not "
        "in the file");

  const float numbers[] = {1, 2};
  const auto extra = [&](std::initializer_list<const char*> names) {
    return refusal_of([&](Safetensors& file) {
      for (const char* name : names)
        file.tensors.push_back({name, DType::F32, {2}, std::as_bytes(std::span(numbers))});
    });
  };
  CHECK(extra({"conv.bias"}) == "m: no operator uses the tensor \"conv.bias\"");
  CHECK(extra({"z", "b", "c"}) == "m: no operator uses the tensor \"b\", nor 2 others");

  const auto reshaped = [](std::vector<Index> shape) {
    return refusal_of([&](Safetensors& file) { tensor(file, "fc.weight").shape = shape; });
  };
  CHECK(reshaped({4, 2}) ==
        "m: graph line 5: fc: the tensor \"fc.weight\" has shape (4, 2), it needs (2, 4)");
  CHECK(reshaped({2, 4, 1, 1}) ==
        "m: graph line 5: fc: the tensor \"fc.weight\" has shape (2, 4, 1, 1), it needs (2, 4)");
  CHECK(reshaped({2, 2, 1, 2, 1}) ==
        "m: graph line 5: fc: the tensor \"fc.weight\" has 5 extents, it needs (2, 4)");
  CHECK(refusal_of([](Safetensors& file) { tensor(file, "fc.weight").dtype = DType::I32; }) ==
        "m: graph line 5: fc: the tensor \"fc.weight\" is of type I32; weights are F32, F16, BF16 "
        "or F64");
}

TEST_CASE("a model in memory is checked like one in a file") {
  ModelParts parts;
  parts.graph = parse_graph(small_graph);
  CHECK_THROWS_WITH(Model(parts), Contains("model: graph line 2: conv needs the tensor"));
  const Model model = rich_model();
  parts.tensors.assign(model.tensors().begin(), model.tensors().end());
  CHECK_NOTHROW(Model(parts));
  parts.preprocessing.std[1] = 0;
  CHECK_THROWS_WITH(Model(parts), "model: preprocessing: std must not be 0");
  parts.preprocessing = {};
  parts.boxes.threshold = 1.5F;
  CHECK_THROWS_WITH(Model(parts),
                    "model: boxes: the threshold is a fraction of the maximum, 0 to 1, not 1.5");
  parts.boxes = {};
  parts.tensors.push_back(parts.tensors.back());
  CHECK_THROWS_WITH(Model(parts), "model: a tensor is there twice");
  parts.tensors.pop_back();
  const camlite::Graph graph = parts.graph;
  parts.graph.height = 0;
  CHECK_THROWS_WITH(Model(parts), Contains("needs a feature map that is not empty"));
  parts.graph = graph;
  parts.graph.nodes.back().name = graph.nodes.front().name;
  CHECK_THROWS_WITH(Model(parts), "model: two operators of the graph are named conv");
  parts.graph = graph;
  parts.graph.nodes.push_back({"other", camlite::GlobalAvgPool(), {1}, 9});
  CHECK_THROWS_WITH(Model(parts), Contains(": nobody reads "));
}

TEST_CASE("there are as many labels as classes, or none") {
  const auto labelled = [](const std::string& labels) {
    return refusal_of([&](Safetensors& file) { metadata(file, "camlite.labels") = labels; });
  };
  CHECK(labelled("").empty());
  CHECK(labelled("cat\ndog\n").empty());
  CHECK(labelled("cat\r\ndog").empty());
  CHECK(labelled("\n\n").empty());  // two empty ones
  CHECK(labelled("cat\n") == "m: 1 labels for 2 classes");
  CHECK(labelled("cat\ndog\n\n") == "m: 3 labels for 2 classes");
}

TEST_CASE("what could not be read again is not written") {
  ModelParts parts;
  parts.graph = parse_graph("input channels=3 height=4 width=4\na relu input\nb global_avg_pool a");
  parts.labels = {"one", "two\nlines", "three"};
  CHECK_THROWS_WITH(model_content(Model(parts)), "model: a label has a line break");
  parts.labels.clear();
  parts.graph.nodes[0].name = "a b";
  CHECK_THROWS_WITH(model_content(Model(parts)), Contains("graph line 2"));
}

TEST_CASE("a file that ends anywhere before its end is refused") {
  Safetensors content = small_content();
  metadata(content, "camlite.labels") = "cat\ndog\n";
  const Bytes file = write_safetensors(content);
  REQUIRE(file_refusal(file).empty());
  for (std::size_t length = 0; length < file.size(); ++length) {
    const Bytes start(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
    CAPTURE(length);
    CHECK_THAT(file_refusal(start), Catch::StartsWith("m: "));
  }
}

TEST_CASE("a file with any byte changed is loaded or refused") {
  const Bytes file = write_safetensors(small_content());
  Random random(2);
  for (int i = 0; i < 5000; ++i) {
    Bytes spoiled = file;
    for (Index n = random.between(1, 4); n > 0; --n) {
      const Index place = random.between(0, std::min<Index>(std::ssize(file) - 1, 1200));
      spoiled[static_cast<std::size_t>(place)] = static_cast<std::byte>(random.between(0, 255));
    }
    CHECK_NOTHROW(file_refusal(spoiled));  // nothing but Error is thrown
  }
}

TEST_CASE("how boxes are cut is read line by line, and written where it is not the usual way") {
  CHECK(parse_box_options("") == BoxOptions{});
  CHECK(parse_box_options("\nthreshold=0.35\r\n") == BoxOptions{.threshold = 0.35F});
  CHECK(parse_box_options("threshold=0") == BoxOptions{.threshold = 0});
  const auto refused = [](const std::string& lines) {
    return refusal([&] { parse_box_options(lines, "m"); });
  };
  CHECK(refused("\nrule=paper") == "m: boxes line 2: there is no setting \"rule\"");
  CHECK(refused("threshold=high") == "m: boxes line 1: threshold must be a number, not \"high\"");
  CHECK(refused("threshold=nan") == "m: boxes line 1: threshold must be a number, not \"nan\"");
  CHECK(refused("threshold=-0.1") ==
        "m: boxes: the threshold is a fraction of the maximum, 0 to 1, not -0.1");

  Safetensors file = small_content();
  file.metadata.emplace_back("camlite.boxes", "threshold=0.4");
  const Bytes written = write_safetensors(file);
  CHECK(load_model(written).box_options() == BoxOptions{.threshold = 0.4F});
  CHECK(refusal_of([](Safetensors& spoiled) {
          spoiled.metadata.emplace_back("camlite.boxes", "threshold=2");
        }) == "m: boxes: the threshold is a fraction of the maximum, 0 to 1, not 2");
  const auto keys = [](const Safetensors& content) {
    return std::count_if(content.metadata.begin(), content.metadata.end(),
                         [](const auto& pair) { return pair.first == "camlite.boxes"; });
  };
  CHECK(keys(model_content(load_model(written))) == 1);
  metadata(file, "camlite.boxes") = "threshold=0.2";
  const Bytes usual = write_safetensors(file);
  CHECK(keys(model_content(load_model(usual))) == 0);
}

TEST_CASE("preprocessing that is printed and read again is the same to the last bit") {
  Random random(3);
  for (int i = 0; i < 500; ++i) {
    Preprocessing p;
    p.fit = random.one_of({Preprocessing::Fit::exact, Preprocessing::Fit::shorter_side});
    p.resize = random.between(0, 300);
    if (p.fit == Preprocessing::Fit::exact) p.resize = {random.between(1, 300), 17};
    p.crop = p.resize == Size2d(0) ? Size2d(5, 9) : Size2d(0);
    p.channels = random.one_of({Preprocessing::Channels::rgb, Preprocessing::Channels::bgr});
    const auto number = [&] { return static_cast<double>(random.between(1, 1 << 30)) / 3e7; };
    p.scale = number();
    p.mean = {number(), -number(), number() * 1e200};
    p.std = {number(), number() * 1e-200, -number()};
    CAPTURE(preprocessing_text(p));
    CHECK(parse_preprocessing(preprocessing_text(p)) == p);
  }
}

TEST_CASE("preprocessing has torchvision's defaults") {
  CHECK(parse_preprocessing("") == Preprocessing{});
  CHECK(parse_preprocessing("resize=256\ncrop=224\nchannels=rgb\nmean=0.485,0.456,0.406\n"
                            "std=0.229,0.224,0.225\nscale=0.00392156862745098\n") ==
        Preprocessing{});
  const Preprocessing p = parse_preprocessing("\r\ncrop=100x90\r\n\nresize=300x200\r\n");
  CHECK(p.fit == Preprocessing::Fit::exact);
  CHECK(p.resize == Size2d{300, 200});
  CHECK(p.crop == Size2d{100, 90});
  CHECK(parse_preprocessing("resize=256x256\n").fit == Preprocessing::Fit::exact);
}

TEST_CASE("preprocessing that cannot be is refused with its line") {
  CHECK(setting_refusal("\nsize=3\n") == "m: preprocessing line 2: there is no setting \"size\"");
  CHECK(setting_refusal("resize") == "m: preprocessing line 1: resize must be a number, not \"\"");
  CHECK(setting_refusal("resize=1e3") ==
        "m: preprocessing line 1: resize must be a number, not \"1e3\"");
  CHECK(setting_refusal("crop=3x") == "m: preprocessing line 1: crop must be a number, not \"\"");
  CHECK(setting_refusal("channels=RGB") ==
        "m: preprocessing line 1: channels must be rgb or bgr, not \"RGB\"");
  CHECK(setting_refusal("scale=nan") ==
        "m: preprocessing line 1: scale must be a number, not \"nan\"");
  CHECK(setting_refusal("mean=1,2") ==
        "m: preprocessing line 1: mean must be three numbers with commas between, not \"1,2\"");
  CHECK(setting_refusal("mean=1,2,3,") ==
        "m: preprocessing line 1: mean must be three numbers with commas between, not "
        "\"1,2,3,\"");
  CHECK(setting_refusal("mean=1,,3") == "m: preprocessing line 1: mean must be a number, not \"\"");
  CHECK(setting_refusal("std=1,inf,3") ==
        "m: preprocessing line 1: std must be a number, not \"inf\"");
  CHECK(setting_refusal("std=1,-0,3") == "m: preprocessing: std must not be 0");
  CHECK(setting_refusal("resize=-1") ==
        "m: preprocessing: resize and crop must be between 0 and 65536, not -1");
  CHECK(setting_refusal("crop=1x65537") ==
        "m: preprocessing: resize and crop must be between 0 and 65536, not 1x65537");
  CHECK(setting_refusal("resize=0x5") == "m: preprocessing: resize must not be 0x5");
  CHECK(setting_refusal("crop=5x0") == "m: preprocessing: crop must not be 5x0");
  CHECK(setting_refusal("resize=200\ncrop=100x201") ==
        "m: preprocessing: a crop of 100x201 does not fit into pictures resized to 200");
}

TEST_CASE("a random model is the same for the same seed, of any proportions") {
  const Model model = camlite::random_model(small_graph, 7);
  check_same(model, camlite::random_model(small_graph, 7));
  const auto weight = [](const Model& of) { return to_float(of.tensor("conv.weight")).data()[0]; };
  CHECK(weight(model) != weight(camlite::random_model(small_graph, 8)));
  for (const char* size : {"height=8 width=8", "height=8 width=30", "height=30 width=8"}) {
    CHECK_NOTHROW(camlite::random_model(text("input channels=3 ", size, "\na relu input\n")));
  }
}
