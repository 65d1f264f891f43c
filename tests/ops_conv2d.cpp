#include <camlite/ops/conv2d.hpp>

#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/random.hpp"

using camlite::Conv2d;
using camlite::Index;
using camlite::Shape;
using camlite::Size2d;
using camlite::Tensor;
using camlite::test::Random;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

// How many kernels that reach over `reach` fit into the padded extent, `stride` apart.
Index positions(Index extent, Index padding, Index reach, Index stride) {
  Index count = 0;
  while (count * stride + reach <= extent + 2 * padding) ++count;
  return count;
}

// out(n, y, x, o) = bias(o) + sum over i, j, c of weight(o, c, i, j) * in(n, v, u, g + c)
Tensor<double> direct_conv2d(const Tensor<double>& in, const Tensor<double>& weight,
                             const Tensor<double>& bias, const Conv2d& conv) {
  const Index kernel_height = weight.extent(2), kernel_width = weight.extent(3);
  const Index depth = in.extent(3) / conv.groups, of_group = weight.extent(0) / conv.groups;
  Tensor<double> out({in.extent(0),
                      positions(in.extent(1), conv.padding.height,
                                conv.dilation.height * (kernel_height - 1) + 1, conv.stride.height),
                      positions(in.extent(2), conv.padding.width,
                                conv.dilation.width * (kernel_width - 1) + 1, conv.stride.width),
                      weight.extent(0)});
  const auto input = [&](Index n, Index y, Index x, Index c) {
    const bool inside = y >= 0 && y < in.extent(1) && x >= 0 && x < in.extent(2);
    return inside ? in(n, y, x, c) : 0;
  };
  for (Index n = 0; n < out.extent(0); ++n) {
    for (Index y = 0; y < out.extent(1); ++y) {
      for (Index x = 0; x < out.extent(2); ++x) {
        for (Index o = 0; o < out.extent(3); ++o) {
          double sum = bias.size() > 0 ? bias(o) : 0;
          for (Index i = 0; i < kernel_height; ++i) {
            for (Index j = 0; j < kernel_width; ++j) {
              const Index v =
                  y * conv.stride.height - conv.padding.height + i * conv.dilation.height;
              const Index u = x * conv.stride.width - conv.padding.width + j * conv.dilation.width;
              for (Index c = 0; c < depth; ++c)
                sum += weight(o, c, i, j) * input(n, v, u, o / of_group * depth + c);
            }
          }
          out(n, y, x, o) = sum;
        }
      }
    }
  }
  return out;
}

struct Case {
  Shape in;
  Shape weight;
  bool bias;
  Conv2d conv;

  std::string str() const {
    return camlite::text("in ", in.str(), " weight ", weight.str(), " bias ", int{bias}, " stride ",
                         conv.stride.str(), " padding ", conv.padding.str(), " dilation ",
                         conv.dilation.str(), " groups ", conv.groups);
  }
};

template <class T>
void check(const Case& c, Random& random) {
  CAPTURE(c.str());
  const Tensor<T> in = random.tensor<T>(c.in), weight = random.tensor<T>(c.weight);
  const Tensor<T> bias = random.tensor<T>({c.bias ? c.weight[0] : 0});
  const Tensor<T> out = camlite::conv2d<T>(in, weight, bias, c.conv);
  using camlite::test::converted;
  const Tensor<double> expected = direct_conv2d(converted<double>(in), converted<double>(weight),
                                                converted<double>(bias), c.conv);
  CHECK(relative_error(out, expected) <= tolerance<T>);
}

Case random_case(Random& random) {
  const auto size = [&](Index least, Index most) {
    const Index one = random.between(least, most);
    return random.coin() ? Size2d(one) : Size2d(one, random.between(least, most));
  };
  for (;;) {
    const Size2d picture = size(1, 12), kernel = size(1, 5);
    const Index groups = random.one_of<Index>({1, 1, 2, 3, 5});
    const Index depth = random.between(1, 9), outputs = random.between(1, 6);
    const Case c{{random.between(1, 3), picture.height, picture.width, groups * depth},
                 {groups * outputs, depth, kernel.height, kernel.width},
                 random.coin(),
                 {.stride = size(1, 3),
                  .padding = size(0, 4),
                  .dilation = random.coin() ? Size2d(1) : size(1, 3),
                  .groups = groups}};
    const bool fits =
        c.conv.dilation.height * (kernel.height - 1) < picture.height + 2 * c.conv.padding.height &&
        c.conv.dilation.width * (kernel.width - 1) < picture.width + 2 * c.conv.padding.width;
    if (fits) return c;
  }
}

}  // namespace

TEMPLATE_TEST_CASE("conv2d is the sum over its kernel, for any shape and attributes", "", float,
                   double) {
  Random random(3);
  for (int i = 0; i < 500; ++i) check<TestType>(random_case(random), random);
}

TEMPLATE_TEST_CASE("conv2d at the borders of its blocks", "", float, double) {
  Random random(4);
  // More positions than a block of 256, and a last block of one.
  check<TestType>({{2, 17, 16, 3}, {5, 3, 3, 3}, true, {.padding = 1}}, random);
  check<TestType>({{1, 1, 257, 2}, {4, 2, 1, 1}, true, {}}, random);
  check<TestType>({{1, 257, 1, 4}, {4, 2, 1, 1}, false, {.groups = 2}}, random);
  // More taps than the product takes at a time.
  check<TestType>({{1, 5, 5, 57}, {9, 57, 3, 3}, true, {.padding = 1}}, random);
  // So many taps that a block is 18 rows.
  check<TestType>({{1, 5, 5, 1152}, {2, 1152, 5, 5}, true, {.padding = 2}}, random);
  // A channel a group.
  check<TestType>({{1, 9, 9, 13}, {13, 1, 3, 3}, true, {.padding = 1, .groups = 13}}, random);
  // A kernel of which only the padding's corner sees the input.
  check<TestType>({{1, 1, 1, 2}, {3, 2, 5, 5}, true, {.padding = 4}}, random);
  check<TestType>({{1, 2, 1, 1}, {1, 1, 3, 2}, true, {.padding = 7, .dilation = {5, 9}}}, random);
  // A picture of one pixel; a stride beyond the picture.
  check<TestType>({{3, 1, 1, 1}, {1, 1, 1, 1}, true, {.stride = 9}}, random);
}

TEST_CASE("a conv2d that cannot be says what does not fit") {
  const Tensor<float> in({2, 5, 7, 6}), none;
  const auto out_shape = [](const Conv2d& conv) {
    const std::array<Shape, 1> in_shape{Shape{2, 5, 7, 6}};
    return conv.output_shape(in_shape);
  };
  CHECK(out_shape({.out_channels = 4, .kernel = 3}) == Shape{2, 3, 5, 4});
  CHECK(out_shape({.out_channels = 4, .kernel = {1, 7}}) == Shape{2, 5, 1, 4});
  CHECK_THROWS_WITH(out_shape({.kernel = 3}), "out_channels must be at least 1, not 0");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4}), "kernel must be at least 1, not 0");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = {3, -1}}),
                    "kernel must be at least 1, not 3x-1");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = 3, .stride = {1, 0}}),
                    "stride must be at least 1, not 1x0");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = 3, .padding = -1}),
                    "padding must be at least 0, not -1");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = 3, .dilation = 0}),
                    "dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = 3, .groups = 0}),
                    "groups must be at least 1, not 0");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = 3, .groups = 4}),
                    "groups=4 does not divide its 6 input channels");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = 3, .groups = 3}),
                    "groups=3 does not divide out_channels=4");
  CHECK_THROWS_WITH(out_shape({.out_channels = 4, .kernel = {6, 3}}),
                    "a kernel that reaches over 6 does not fit into the padded height 5");
  CHECK_THROWS_WITH(
      out_shape({.out_channels = 4, .kernel = {3, 4}, .padding = {0, 1}, .dilation = 3}),
      "a kernel that reaches over 7 does not fit into the padded height 5");
  CHECK_THROWS_WITH(
      out_shape({.out_channels = 4, .kernel = {1, 4}, .padding = {0, 1}, .dilation = 3}),
      "a kernel that reaches over 10 does not fit into the padded width 9");

  const auto conv = [&](const Shape& weight, const Shape& bias, const Conv2d& attributes = {}) {
    return camlite::conv2d<float>(in, Tensor<float>(weight), Tensor<float>(bias), attributes);
  };
  CHECK_THROWS_WITH(conv({4, 6, 3}, {0}),
                    "conv2d: weight must be (O, C / groups, height, width), it is (4, 6, 3)");
  CHECK_THROWS_WITH(conv({4, 3, 3, 3}, {0}),
                    "conv2d: weight must be (4, 6, 3, 3), it is (4, 3, 3, 3)");
  CHECK_THROWS_WITH(conv({4, 6, 3, 3}, {0}, {.groups = 2}),
                    "conv2d: weight must be (4, 3, 3, 3), it is (4, 6, 3, 3)");
  CHECK_THROWS_WITH(conv({4, 6, 3, 3}, {6}), "conv2d: bias must be (4), it is (6)");
  CHECK_THROWS_WITH(conv({0, 6, 3, 3}, {0}), "conv2d: out_channels must be at least 1, not 0");
  CHECK_THROWS_WITH(conv({4, 6, 0, 3}, {0}), "conv2d: kernel must be at least 1, not 0x3");
  CHECK_THROWS_WITH(
      camlite::conv2d<float>(Tensor<float>({5, 7, 6}), Tensor<float>({4, 6, 3, 3}), none, {}),
      "conv2d: needs a feature map (N, H, W, C), its input is (5, 7, 6)");
  CHECK_THROWS_WITH(
      camlite::conv2d<float>(Tensor<float>({0, 5, 7, 6}), Tensor<float>({4, 6, 3, 3}), none, {}),
      "conv2d: needs a feature map that is not empty, its input is (0, 5, 7, 6)");
}

TEST_CASE("conv2d counts its parameters, its multiply-adds and its memory") {
  const std::array<Shape, 1> in{Shape{2, 14, 14, 512}};
  const Conv2d conv{.out_channels = 1024, .kernel = 3, .padding = 1, .groups = 2};
  const auto parameters = conv.parameters(in);
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[0].suffix == "weight");
  CHECK(parameters[0].shape == Shape{1024, 256, 3, 3});
  CHECK(parameters[1].suffix == "bias");
  CHECK(parameters[1].shape == Shape{1024});
  CHECK(conv.multiply_adds(in) == Index{2} * 14 * 14 * 1024 * 256 * 3 * 3);
  CHECK(conv.scratch(in) == 227 * 256 * 3 * 3);  // rows of im2col that make half a million
  CHECK(Conv2d{.out_channels = 8, .kernel = 1}.scratch(in) == 0);
  CHECK(Conv2d{.out_channels = 8, .kernel = 1, .bias = false}.parameters(in).size() == 1);
}
