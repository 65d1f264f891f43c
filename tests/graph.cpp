// The graph's text: what is read, what is refused and why, and the shapes that follow from it.
#include <camlite/model/architectures.hpp>
#include <camlite/model/graph.hpp>

#include <ctime>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/refusal.hpp"

using camlite::Error;
using camlite::Graph;
using camlite::graph_text;
using camlite::Index;
using camlite::infer_shapes;
using camlite::parse_graph;
using camlite::Shape;
using camlite::text;
using camlite::test::Random;
using camlite::test::refusal;
using Catch::Contains;

namespace {

const std::string head = "input channels=3 height=8 width=6\n";

// The message with which a graph is refused; empty if it is not.
std::string graph_refusal(const std::string& graph) {
  return refusal([&] { parse_graph(graph, "m"); });
}

// The same of one operator line on an (N, 8, 6, 3) input, its shapes included.
std::string line_refusal(const std::string& line) {
  return refusal([&] { infer_shapes(parse_graph(head + line, "m"), {2, 8, 6, 3}, "m"); });
}

// The shape of the result for an input of (2, 8, 6, 3).
std::string shape_after(const std::string& lines) {
  return infer_shapes(parse_graph(head + lines), {2, 8, 6, 3}).back().str();
}

// Of this processor's time.
template <class Work>
double seconds(const Work& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("a graph that is printed and read again is the same") {
  const std::string lines =
      "input channels=3 height=24 width=20\n"
      "conv1 conv2d input out_channels=8 kernel=5x3 stride=2x1 padding=2x1 dilation=1x2 bias=0\n"
      "norm1 batch_norm conv1 eps=0.001\n"
      "relu1 relu6 norm1\n"
      "lrn1 lrn relu1 size=5 alpha=0.1 beta=0.3333333333333333 k=2\n"
      "pool1 max_pool2d lrn1 kernel=3 stride=2 rounding=ceil\n"
      "mean avg_pool2d pool1 kernel=3x1 padding=1x0 rounding=caffe count_include_pad=0\n"
      "sum add mean,mean,mean\n"
      "join concat sum,mean\n"
      "drop dropout join p=1e-300\n"
      "flat flatten drop\n"
      "fc linear flat out_features=10 bias=0\n"
      "prob softmax fc\n";
  CHECK(graph_text(parse_graph(lines)) == lines);
}

TEST_CASE("bounds may be infinite, and an operator without inputs has a - for them") {
  const std::string lines =
      "input channels=3 height=8 width=6\n"
      "five constant - height=2 width=3 channels=5\n"
      "one constant -\n"
      "above clamp five min=0.25\n"
      "below clamp input min=-1e+300 max=-inf\n"
      "border pad below top=1 right=2 value=-inf\n"
      "sum add above,border,one\n";
  const Graph graph = parse_graph(lines);
  CHECK(graph_text(graph) == lines);
  CHECK(graph.nodes[0].inputs.empty());
  CHECK(graph_text(parse_graph(head + "a clamp input min=-inf max=inf\n")) ==
        head + "a clamp input\n");
}

TEST_CASE("attributes with their default value are left out of the text") {
  const std::string line = "c conv2d input kernel=3x3 out_channels=4";
  const std::string all = line + " stride=1 padding=0x0 dilation=1 groups=1 bias=1\n";
  CHECK(graph_text(parse_graph(head + all)) == head + "c conv2d input out_channels=4 kernel=3\n");
}

TEST_CASE("blanks, tabs, empty lines, CRLF and a missing last line feed change nothing") {
  const std::string plain = head + "a relu input\nb add a,input\n";
  CHECK(
      graph_text(parse_graph("\n\r\n  input\tchannels=3  height=8 width=6 \r\n\n\ta relu input\r\n"
                             " \nb  add\t a,input")) == plain);
}

TEST_CASE("a node knows its line and its inputs") {
  const Graph graph = parse_graph("\n" + head + "\na relu input\nb add a,input,a\n");
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.channels == 3);
  CHECK(graph.height == 8);
  CHECK(graph.width == 6);
  CHECK(graph.nodes[0].line == 4);
  CHECK(graph.nodes[0].inputs == std::vector<Index>{0});
  CHECK(graph.nodes[1].name == "b");
  CHECK(graph.nodes[1].line == 5);
  CHECK(graph.nodes[1].inputs == std::vector<Index>{1, 0, 1});
}

TEST_CASE("a graph that cannot be read is refused with its line and the reason") {
  CHECK(graph_refusal("") == "m: the graph is empty");
  CHECK(graph_refusal("\n \r\n") == "m: the graph is empty");
  CHECK(graph_refusal(head) == "m: the graph has an input and no operators");
  CHECK(graph_refusal("a relu input\n") ==
        "m: graph line 1: the first line must be `input channels=... height=... width=...`");
  CHECK(graph_refusal("\ninput channels=3 height=8\n") == "m: graph line 2: input needs width=");
  CHECK(graph_refusal("input channels=3 height=8 width=0\n") ==
        "m: graph line 1: input: channels, height and width must be at least 1, not 0");
  CHECK(graph_refusal("input channels=3 height=8 width=6 depth=1\n") ==
        "m: graph line 1: input has no attribute \"depth\"");
  CHECK(graph_refusal("input channels=4294967296 height=4294967296 width=1\n") ==
        "m: graph line 1: a size of 4294967296 x 4294967296 does not fit into 63 bits");

  const auto after_head = [](const std::string& lines) { return graph_refusal(head + lines); };
  CHECK(after_head("a\n") == "m: graph line 2: a: the operator is missing");
  CHECK(after_head("a blur input\n") == "m: graph line 2: a: there is no operator \"blur\"");
  CHECK(after_head("a relu\n") == "m: graph line 2: a: its inputs are missing");
  CHECK(after_head("\na relu b\n") ==
        "m: graph line 3: a: its input \"b\" is not the name of an earlier line");
  CHECK(after_head("a relu a\n") ==
        "m: graph line 2: a: its input \"a\" is not the name of an earlier line");
  CHECK(after_head("a relu input\na relu a\n") ==
        "m: graph line 3: a: there is one of this name already");
  CHECK(after_head("input relu input\n") ==
        "m: graph line 2: input: there is one of this name already");
  CHECK(after_head("a relu input\nb relu input\n") ==
        "m: graph line 2: nobody reads a; only the last operator's output is the result");
  CHECK(after_head("a,b relu input\n") == "m: graph line 2: a,b: a name has no comma and no \"=\"");
  CHECK(after_head("a=b relu input\n") == "m: graph line 2: a=b: a name has no comma and no \"=\"");
}

TEST_CASE("lists of inputs have one comma between and as many entries as the operator takes") {
  CHECK(graph_refusal(head + "a add input,input,input\n").empty());
  CHECK(graph_refusal(head + "a concat input\n").empty());
  CHECK(graph_refusal(head + "a add input,\n") ==
        "m: graph line 2: a: its list of inputs ends with a comma");
  CHECK(graph_refusal(head + "a add ,input\n") ==
        "m: graph line 2: a: its input \"\" is not the name of an earlier line");
  CHECK(graph_refusal(head + "a add input,,input\n") ==
        "m: graph line 2: a: its input \"\" is not the name of an earlier line");
  CHECK(graph_refusal(head + "a add input, input\n") ==
        "m: graph line 2: a: its list of inputs ends with a comma");
  CHECK(graph_refusal(head + "a add input\n") ==
        "m: graph line 2: a: add takes 2 to 65536 inputs, not 1");
  CHECK(graph_refusal(head + "a relu input,input\n") ==
        "m: graph line 2: a: relu takes 1 input, not 2");
  CHECK(graph_refusal(head + "a relu -\n") == "m: graph line 2: a: relu takes 1 input, not 0");
  CHECK(graph_refusal(head + "a sub input\n") == "m: graph line 2: a: sub takes 2 inputs, not 1");
  CHECK(graph_refusal(head + "a constant input\n") ==
        "m: graph line 2: a: constant takes 0 inputs, not 1");
  CHECK(graph_refusal(head + "a add input,-\n") ==
        "m: graph line 2: a: its input \"-\" is not the name of an earlier line");
  CHECK(graph_refusal(head + "- relu input\n") ==
        "m: graph line 2: -: this stands for no inputs, it is no name");
  std::string many = "input";
  for (int i = 0; i < 65536; ++i) many += ",input";
  CHECK(graph_refusal(head + "a concat " + many + "\n") ==
        "m: graph line 2: a: concat takes 1 to 65536 inputs, not 65537");
}

TEST_CASE("an attribute that cannot be is refused by its name") {
  const auto conv = [](const std::string& rest) {
    return line_refusal("c conv2d input out_channels=4 kernel=3 " + rest + "\n");
  };
  const std::string where = "m: graph line 2: c: ";
  CHECK(conv("").empty());
  CHECK(conv("blur=3") == where + "conv2d has no attribute \"blur\"");
  CHECK(conv("blur") == where + "\"blur\" is not of the form key=value");
  CHECK(conv("stride=1 stride=1") == where + "stride is given twice");
  CHECK(conv("=3") == where + "conv2d has no attribute \"\"");
  CHECK(conv("stride=") == where + "stride must be a number, not \"\"");
  CHECK(conv("stride=x2") == where + "stride must be a number, not \"\"");
  CHECK(conv("stride=2x") == where + "stride must be a number, not \"\"");
  CHECK(conv("stride=2x2x2") == where + "stride must be a number, not \"2x2\"");
  CHECK(conv("stride=1.5") == where + "stride must be a number, not \"1.5\"");
  CHECK(conv("stride=+1") == where + "stride must be a number, not \"+1\"");
  CHECK(conv("groups=0x1") == where + "groups must be a number, not \"0x1\"");
  CHECK(conv("groups=99999999999999999999") ==
        where + "groups must be a number, not \"99999999999999999999\"");
  CHECK(conv("bias=yes") == where + "bias must be 0 or 1, not \"yes\"");
  CHECK(conv("bias=2") == where + "bias must be 0 or 1, not \"2\"");
  CHECK(conv("stride=0") == where + "stride must be at least 1, not 0");
  CHECK(conv("stride=1x0") == where + "stride must be at least 1, not 1x0");
  CHECK(conv("padding=-1") == where + "padding must be at least 0, not -1");
  CHECK(conv("dilation=0") == where + "dilation must be at least 1, not 0");
  CHECK(conv("groups=0") == where + "groups must be at least 1, not 0");
  CHECK(conv("groups=2") == where + "groups=2 does not divide its 3 input channels");
  CHECK(conv("groups=3") == where + "groups=3 does not divide out_channels=4");
  CHECK(conv("dilation=4") ==
        where + "a kernel that reaches over 9 does not fit into the padded height 8");

  CHECK(line_refusal("c conv2d input kernel=3\n") == where + "conv2d needs out_channels=");
  CHECK(line_refusal("c conv2d input out_channels=4\n") == where + "conv2d needs kernel=");
  CHECK(line_refusal("c conv2d input out_channels=0 kernel=1\n") ==
        where + "out_channels must be at least 1, not 0");
  CHECK(line_refusal("c relu input p=1\n") == where + "relu has no attribute \"p\"");
  CHECK(line_refusal("c max_pool2d input kernel=2 rounding=up\n") ==
        where + "rounding must be floor, ceil or caffe, not \"up\"");
  CHECK(line_refusal("c max_pool2d input kernel=2 padding=2\n") ==
        where + "padding 2 is more than half of the window's height 2");
  CHECK(line_refusal("c max_pool2d input kernel=2 stride=0x2\n") ==
        where + "stride must be at least 1, not 0x2");
  CHECK(line_refusal("c avg_pool2d input kernel=9\n") ==
        where + "a window of height 9 does not fit into the padded height 8");
  CHECK(line_refusal("c lrn input size=0\n") == where + "size must be at least 1, not 0");
  for (const char* bad : {"nan", "+inf", "infinity", "1e999", "1,5", "0x1p3", "1e", ""}) {
    CHECK(line_refusal(text("c batch_norm input eps=", bad, "\n")) ==
          text(where, "eps must be a number, not \"", bad, "\""));
  }
  CHECK(line_refusal("c batch_norm input eps=-1e-5\n") ==
        where + "eps must not be negative, it is -1e-05");
  CHECK(line_refusal("c batch_norm input eps=inf\n") == where + "eps must be finite, it is inf");
  CHECK(line_refusal("c lrn input size=3 alpha=-inf\n") ==
        where + "alpha must be finite, it is -inf");
  CHECK(line_refusal("c dropout input p=inf\n") == where + "p must be finite, it is inf");
  CHECK(line_refusal("c leaky_relu input negative_slope=inf\n") ==
        where + "negative_slope must be finite, it is inf");
  CHECK(line_refusal("c hard_sigmoid input beta=inf\n") ==
        where + "beta must be finite, it is inf");
  CHECK(line_refusal("c clamp input min=-inf max=inf\n").empty());
  CHECK(line_refusal("c slice input start=1\n") == where + "slice needs end=");
  CHECK(line_refusal("c slice input end=4\n") ==
        where + "channels 0 to 4 are not a part of its 3 input channels");
  CHECK(line_refusal("c pad input left=-1\n") == where + "left must be at least 0, not -1");
  CHECK(line_refusal("c channel_shuffle input groups=2\n") ==
        where + "groups=2 does not divide its 3 input channels");
}

TEST_CASE("operators that do not fit together are refused with their line") {
  const std::string where = "m: graph line 3: b: ";
  CHECK(line_refusal("a max_pool2d input kernel=2\nb add a,input\n") ==
        where +
            "takes tensors of one shape, or with extents of 1 where they differ, its inputs are "
            "(2, 4, 3, 3) and (2, 8, 6, 3)");
  CHECK(line_refusal("a max_pool2d input kernel=2\nb concat a,input\n") ==
        where +
            "joins maps of one batch, height and width, its inputs are (2, 4, 3, 3) and "
            "(2, 8, 6, 3)");
  CHECK(line_refusal("a flatten input\nb conv2d a out_channels=1 kernel=1\n") ==
        where + "needs a feature map (N, H, W, C), its input is (2, 144)");
  CHECK(line_refusal("a relu input\nb linear a out_features=2\n") ==
        where +
            "needs one vector a picture, (N, C) or (N, 1, 1, C), its input is (2, 8, 6, 3); "
            "global_avg_pool or flatten go before it");
  CHECK_THROWS_WITH(infer_shapes(parse_graph(head + "a relu input\n"), {1, 8, 6, 4}, "m"),
                    "m: the network's input is (N, H, W, 3), not (1, 8, 6, 4)");
  CHECK_THROWS_WITH(infer_shapes(parse_graph(head + "a relu input\n"), {8, 6, 3}, "m"),
                    "m: the network's input is (N, H, W, 3), not (8, 6, 3)");
}

TEST_CASE("a result that does not depend on the pictures is refused for more than one") {
  const Graph graph = parse_graph(head + "c constant -\ng global_avg_pool c\n");
  CHECK(infer_shapes(graph, {1, 8, 6, 3}).back() == Shape{1, 1, 1, 1});
  CHECK_THROWS_WITH(infer_shapes(graph, {2, 8, 6, 3}, "m"),
                    "m: the result is (1, 1, 1, 1) for 2 pictures: it is constant, and not one a "
                    "picture");
}

TEST_CASE("a graph that was made by hand is checked where its shapes are") {
  Graph graph = parse_graph(head + "a relu input\nb relu a\n");
  const auto refused = [&](std::vector<Index> inputs) {
    graph.nodes[0].inputs = std::move(inputs);
    try {
      infer_shapes(graph, {1, 8, 6, 3});
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(refused({0}).empty());
  CHECK(refused({}) == "graph: graph line 2: a: relu takes 1 input, not 0");
  CHECK(refused({1}) == "graph: graph line 2: a: reads value 1 before it is there");
  CHECK(refused({-1}) == "graph: graph line 2: a: reads value -1 before it is there");
}

TEST_CASE("shapes follow through every operator") {
  CHECK(shape_after("c conv2d input out_channels=5 kernel=3\n") == "(2, 6, 4, 5)");
  CHECK(shape_after("c conv2d input out_channels=6 kernel=3x1 stride=2x3 padding=1x0 groups=3\n") ==
        "(2, 4, 2, 6)");
  CHECK(shape_after("c conv2d input out_channels=1 kernel=3 dilation=3x2 padding=2\n") ==
        "(2, 6, 6, 1)");
  CHECK(shape_after("p max_pool2d input kernel=3\n") == "(2, 2, 2, 3)");
  CHECK(shape_after("p max_pool2d input kernel=3 rounding=ceil\n") == "(2, 3, 2, 3)");
  CHECK(shape_after("p avg_pool2d input kernel=3 stride=1 padding=1\n") == "(2, 8, 6, 3)");
  CHECK(shape_after("g global_avg_pool input\n") == "(2, 1, 1, 3)");
  CHECK(shape_after("f flatten input\n") == "(2, 144)");
  CHECK(shape_after("g global_avg_pool input\nl linear g out_features=7\n") == "(2, 7)");
  CHECK(shape_after("f flatten input\nl linear f out_features=7\n") == "(2, 7)");
  CHECK(shape_after("a relu input\nj concat a,input,a\n") == "(2, 8, 6, 9)");
  CHECK(shape_after("s slice input start=1 end=3\n") == "(2, 8, 6, 2)");
  CHECK(shape_after("p pad input top=1 bottom=2 left=3 right=4\n") == "(2, 11, 13, 3)");
  CHECK(shape_after("g global_avg_pool input\nm mul g,input\n") == "(2, 8, 6, 3)");
  CHECK(shape_after("c constant - height=8 channels=3\ns sub c,input\n") == "(2, 8, 6, 3)");
  CHECK(shape_after("g global_avg_pool input\nf flatten g\nm div input,f\n") == "(2, 8, 6, 3)");
  for (const char* same : {"relu input",          "relu6 input",
                           "batch_norm input",    "dropout input",
                           "softmax input",       "lrn input size=3",
                           "add input,input",     "sub input,input",
                           "mul input,input",     "div input,input",
                           "maximum input,input", "clamp input",
                           "leaky_relu input",    "prelu input",
                           "sigmoid input",       "silu input",
                           "hard_sigmoid input",  "hard_swish input",
                           "scale input",         "channel_shuffle input groups=3",
                           "slice input end=3",   "pad input"}) {
    CHECK(shape_after(text("x ", same, "\n")) == "(2, 8, 6, 3)");
  }
}

TEST_CASE("other sizes than the graph's have shapes, too") {
  const Graph vgg = camlite::vgg16_gap_graph();
  CHECK(infer_shapes(vgg, {1, 224, 224, 3})[32] == Shape{1, 14, 14, 1024});  // CAM_relu
  CHECK(infer_shapes(vgg, {1, 448, 300, 3})[32] == Shape{1, 28, 18, 1024});
  CHECK(infer_shapes(vgg, {1, 448, 300, 3}).back() == Shape{1, 1000});
  CHECK_THROWS_WITH(infer_shapes(vgg, {1, 8, 8, 3}), Contains("pool4: a window of height 2"));
}

TEST_CASE("hostile numbers are refused or give shapes, and nothing overflows") {
  Random random(11);
  const auto number = [&] {
    return random.one_of<const char*>({"0", "1", "2", "3", "7", "-1", "4611686018427387904",
                                       "9223372036854775807", "-9223372036854775808",
                                       "9223372036854775808", "3037000500", "1e5", "nan", "x"});
  };
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto pair = [&] {
      return random.coin() ? text(number()) : text(number(), 'x', number());
    };
    std::string line =
        random.coin() ? text("a conv2d input out_channels=", number())
                      : text("a ", random.one_of<const char*>({"max", "avg"}), "_pool2d input");
    line += text(" kernel=", pair());
    const bool is_conv = line[2] == 'c';
    if (random.coin()) line += text(" stride=", pair());
    if (random.coin()) line += text(" padding=", pair());
    if (is_conv && random.coin()) line += text(" dilation=", pair());
    if (is_conv && random.coin()) line += text(" groups=", number());
    if (!is_conv && random.coin()) line += " rounding=ceil";
    const std::string rest =
        "\nb concat a,a\nc flatten b\nd linear c out_features=" + text(number()) + "\n";
    const std::string refused = line_refusal(line + rest);
    if (refused.empty()) {
      ++accepted;
    } else {
      CHECK_THAT(refused, Catch::StartsWith("m: graph line "));
    }
  }
  CHECK(accepted > 100);  // it is not that all were refused
}

TEST_CASE("channels that double ten thousand times are refused, not wrapped around") {
  std::string graph = head + "x0 relu input\n";
  for (int i = 1; i < 1000; ++i) graph += text("x", i, " concat x", i - 1, ",x", i - 1, "\n");
  CHECK_THAT(line_refusal(graph.substr(head.size())), Contains("does not fit into 63 bits"));
}

TEST_CASE("ten thousand lines are read quickly, more are refused") {
  std::string graph = head, previous = "input";
  for (int i = 0; i < 10000; ++i) {
    const std::string name = text("node", i);
    graph += i % 2 == 0 ? text(name, " relu ", previous, "\n")
                        : text(name, " add ", previous, ",", previous, "\n");
    previous = name;
  }
  CHECK(seconds([&] {
          const Graph read = parse_graph(graph);
          CHECK(infer_shapes(read, {1, 8, 6, 3}).size() == 10001);
          CHECK(graph_text(read) == graph);
        }) < 2);
  CHECK(graph_refusal(graph + "last relu " + previous + "\n") ==
        "m: graph line 10002: operator 10001, more than the limit of 10000 (raise "
        "LoadLimits::graph_lines)");
}

TEST_CASE("long lines are read quickly") {
  std::string attributes, inputs = "input";
  for (int i = 0; i < 100000; ++i) attributes += text(" a", i, "=1");
  for (int i = 1; i < 65536; ++i) inputs += ",input";
  CHECK(seconds([&] {
          CHECK(graph_refusal(head + "c conv2d input" + attributes + "\n") ==
                "m: graph line 2: c: conv2d needs out_channels=");
          CHECK(shape_after("a add " + inputs + "\n") == "(2, 8, 6, 3)");
        }) < 2);
}

TEST_CASE("what a message quotes of a hostile file is short and printable") {
  const std::string long_word(1 << 20, 'x');
  CHECK(graph_refusal(head + "a relu " + long_word + "\n").size() < 300);
  CHECK(graph_refusal(head + "a " + long_word + " input\n").size() < 300);
  CHECK(graph_refusal(head + "a relu input " + long_word + "\n").size() < 300);
  CHECK(graph_refusal(head + "a lrn input size=" + long_word + "\n").size() < 300);
  CHECK_THAT(graph_refusal(head + "a \x1b[31m input\n"), Contains("\"\\u001b[31m\""));
}
