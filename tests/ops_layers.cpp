#include <camlite/ops/batch_norm.hpp>
#include <camlite/ops/channel_shuffle.hpp>
#include <camlite/ops/concat.hpp>
#include <camlite/ops/constant.hpp>
#include <camlite/ops/dropout.hpp>
#include <camlite/ops/flatten.hpp>
#include <camlite/ops/linear.hpp>
#include <camlite/ops/lrn.hpp>
#include <camlite/ops/pad.hpp>
#include <camlite/ops/slice.hpp>
#include <camlite/ops/softmax.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/maps.hpp"
#include "support/random.hpp"

using camlite::Index;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::map_of;
using camlite::test::Random;
using camlite::test::random_map;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

template <class T>
constexpr T nan_value = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

}  // namespace

TEMPLATE_TEST_CASE("concat puts channels side by side", "", float, double) {
  using T = TestType;
  Random random(9);
  for (int i = 0; i < 200; ++i) {
    const Shape shape = random_map(random);
    const auto input = [&] {
      return random.tensor<T>({shape[0], shape[1], shape[2], random.between(1, 20)});
    };
    const Tensor<T> a = input(), b = input(), c = input();
    const Index before_b = a.extent(3), before_c = before_b + b.extent(3);
    CAPTURE(a.shape().str(), b.extent(3), c.extent(3));
    const Tensor<double> expected = map_of({shape[0], shape[1], shape[2], before_c + c.extent(3)},
                                           [&](Index n, Index y, Index x, Index k) {
                                             if (k < before_b) return double{a(n, y, x, k)};
                                             if (k < before_c)
                                               return double{b(n, y, x, k - before_b)};
                                             return double{c(n, y, x, k - before_c)};
                                           });
    CHECK(relative_error(camlite::concat<T>({a, b, c}), expected) == 0);
    CHECK(relative_error(camlite::concat<T>({a}), a) == 0);
  }
}

TEMPLATE_TEST_CASE("slice is some of the channels", "", float, double) {
  using T = TestType;
  Random random(23);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>(random_map(random));
    const Index start = random.between(0, in.extent(3) - 1);
    const Index end = random.between(start + 1, in.extent(3)), count = end - start;
    CAPTURE(in.shape().str(), start, end);
    const Tensor<double> expected =
        map_of({in.extent(0), in.extent(1), in.extent(2), count},
               [&](Index n, Index y, Index x, Index c) { return double{in(n, y, x, start + c)}; });
    CHECK(relative_error(camlite::slice<T>(in, start, end), expected) == 0);
    const Index pixels = in.size() / in.extent(3);
    const Tensor<T> vectors =
        camlite::slice<T>(in.view().reshaped({pixels, in.extent(3)}), start, end);
    CHECK(vectors.shape() == Shape{pixels, count});
    CHECK(std::equal(vectors.begin(), vectors.end(), expected.begin(), expected.end()));
  }
}

TEMPLATE_TEST_CASE("channel_shuffle deals out the channels of its groups in turn", "", float,
                   double) {
  using T = TestType;
  Random random(24);
  for (int i = 0; i < 200; ++i) {
    const Index groups = random.between(1, 6), depth = random.between(1, 6);
    const Shape map = random_map(random);
    const Tensor<T> in = random.tensor<T>({map[0], map[1], map[2], groups * depth});
    CAPTURE(in.shape().str(), groups);
    const Tensor<double> expected = map_of(in.shape(), [&](Index n, Index y, Index x, Index c) {
      return double{in(n, y, x, c % groups * depth + c / groups)};
    });
    CHECK(relative_error(camlite::channel_shuffle<T>(in, groups), expected) == 0);
    // Shuffled by the other factor, the channels are where they were.
    const Tensor<T> once = camlite::channel_shuffle<T>(in, groups);
    CHECK(relative_error(camlite::channel_shuffle<T>(once, depth), in) == 0);
  }
}

TEMPLATE_TEST_CASE("pad puts a constant around a map", "", float, double) {
  using T = TestType;
  Random random(25);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>(random_map(random));
    const auto width = [&] { return random.one_of<Index>({0, 1, random.between(0, 9)}); };
    const camlite::Pad border{width(), width(), width(), width(), random.one_of({0.0, -1.5, 9.0})};
    CAPTURE(in.shape().str(), border.top, border.bottom, border.left, border.right);
    const Tensor<double> expected =
        map_of({in.extent(0), border.top + in.extent(1) + border.bottom,
                border.left + in.extent(2) + border.right, in.extent(3)},
               [&](Index n, Index y, Index x, Index c) {
                 const Index v = y - border.top, u = x - border.left;
                 const bool inside = v >= 0 && v < in.extent(1) && u >= 0 && u < in.extent(2);
                 return inside ? double{in(n, v, u, c)} : border.value;
               });
    CHECK(relative_error(camlite::pad<T>(in, border), expected) == 0);
  }
  const Tensor<T> lowest =
      camlite::pad<T>(Tensor<T>({1, 1, 1, 1}), {.top = 1, .value = -infinity<double>});
  CHECK(lowest(0, 0, 0, 0) == -infinity<T>);
}

TEMPLATE_TEST_CASE("constant is its value, channels innermost", "", float, double) {
  using T = TestType;
  Random random(26);
  for (int i = 0; i < 50; ++i) {
    const Tensor<T> value =
        random.tensor<T>({random.between(1, 20), random.between(1, 9), random.between(1, 9)});
    const Tensor<double> expected =
        map_of({1, value.extent(1), value.extent(2), value.extent(0)},
               [&](Index, Index y, Index x, Index c) { return double{value(c, y, x)}; });
    CHECK(relative_error(camlite::constant<T>(value), expected) == 0);
  }
}

TEMPLATE_TEST_CASE("flatten numbers elements channel by channel", "", float, double) {
  using T = TestType;
  Random random(10);
  for (int i = 0; i < 100; ++i) {
    const Tensor<T> in = random.tensor<T>(random_map(random));
    CAPTURE(in.shape().str());
    const Index height = in.extent(1), width = in.extent(2), channels = in.extent(3);
    Tensor<T> expected({in.extent(0), channels * height * width});
    const Tensor<double> filled = map_of(in.shape(), [&](Index n, Index y, Index x, Index c) {
      expected(n, (c * height + y) * width + x) = in(n, y, x, c);
      return 0.0;
    });
    CHECK(relative_error(camlite::flatten<T>(in), expected) == 0);
  }
  const Tensor<T> vectors = random.tensor<T>({3, 5});
  CHECK(relative_error(camlite::flatten<T>(vectors), vectors) == 0);
  CHECK(camlite::flatten<T>(Tensor<T>({0, 5})).shape() == Shape{0, 5});
}

TEMPLATE_TEST_CASE("dropout is nothing outside of training", "", float, double) {
  using T = TestType;
  Random random(11);
  const Tensor<T> in = random.tensor<T>({2, 3, 4, 5});
  const std::array<camlite::TensorView<const T>, 1> inputs{in.view()};
  Tensor<T> out(in.shape());
  camlite::Dropout{.p = 0.9}.run(camlite::Arguments<T>{inputs, {}, out.view()});
  CHECK(relative_error(out, in) == 0);
}

TEMPLATE_TEST_CASE("linear is the weights times the input, and a bias", "", float, double) {
  using T = TestType;
  Random random(12);
  for (int i = 0; i < 300; ++i) {
    const Index batch = random.between(0, 5), depth = random.between(0, 300);
    const Index outputs = random.between(1, 300);
    CAPTURE(batch, depth, outputs);
    const Tensor<T> in = random.tensor<T>({batch, depth}), bias = random.tensor<T>({outputs});
    const Tensor<T> weight = random.tensor<T>({outputs, depth});
    Tensor<double> plain({batch, outputs}), shifted({batch, outputs});
    for (Index n = 0; n < batch; ++n) {
      for (Index k = 0; k < outputs; ++k) {
        for (Index c = 0; c < depth; ++c) plain(n, k) += double{weight(k, c)} * double{in(n, c)};
        shifted(n, k) = plain(n, k) + double{bias(k)};
      }
    }
    CHECK(relative_error(camlite::linear<T>(in, weight), plain) <= tolerance<T>);
    CHECK(relative_error(camlite::linear<T>(in, weight, bias), shifted) <= tolerance<T>);
    const auto pooled = in.view().reshaped({batch, 1, 1, depth});
    CHECK(relative_error(camlite::linear<T>(pooled, weight, bias), shifted) <= tolerance<T>);
  }
}

TEMPLATE_TEST_CASE("softmax is each exponential's share of their sum", "", float, double) {
  using T = TestType;
  Random random(13);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>({random.between(0, 4), random.between(1, 50)}, -9, 9);
    CAPTURE(in.shape().str());
    Tensor<double> expected(in.shape());
    for (Index n = 0; n < in.extent(0); ++n) {
      double sum = 0;
      for (Index k = 0; k < in.extent(1); ++k) sum += std::exp(double{in(n, k)});
      for (Index k = 0; k < in.extent(1); ++k) expected(n, k) = std::exp(double{in(n, k)}) / sum;
    }
    CHECK(relative_error(camlite::softmax<T>(in), expected) <= tolerance<T>);
  }
  CHECK(camlite::softmax<T>(Tensor<T>({3, 0})).shape() == Shape{3, 0});
  const Tensor<T> map = random.tensor<T>({2, 3, 4, 5});
  const Tensor<T> of_map = camlite::softmax<T>(map);
  const Tensor<T> of_rows = camlite::softmax<T>(map.view().reshaped({24, 5}));
  CHECK(of_map.shape() == map.shape());
  CHECK(std::equal(of_map.begin(), of_map.end(), of_rows.begin(), of_rows.end()));
}

TEMPLATE_TEST_CASE("softmax of huge logits neither overflows nor vanishes", "", float, double) {
  using T = TestType;
  constexpr T huge = std::numeric_limits<T>::max();
  const auto softmax = [](std::array<T, 3> logits) {
    return camlite::softmax<T>(Tensor<T>({1, 3}, logits));
  };
  const Tensor<T> equal = softmax({huge, huge, -huge});
  CHECK(equal(0, 0) == T{0.5});
  CHECK(equal(0, 1) == T{0.5});
  CHECK(equal(0, 2) == 0);
  CHECK(softmax({-huge, -huge, -infinity<T>})(0, 1) == T{0.5});
  CHECK(softmax({1000, 0, -1000})(0, 0) == 1);
  // As torch: no number among the logits, or none that is largest, and there is no probability.
  for (T probability : softmax({0, nan_value<T>, 1})) CHECK(std::isnan(probability));
  for (T probability : softmax({0, infinity<T>, 1})) CHECK(std::isnan(probability));
}

TEMPLATE_TEST_CASE("batch_norm is the normalization of each channel", "", float, double) {
  using T = TestType;
  Random random(14);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>(random_map(random));
    const Shape channels{in.extent(3)};
    const Tensor<T> weight = random.tensor<T>(channels), bias = random.tensor<T>(channels);
    const Tensor<T> mean = random.tensor<T>(channels);
    const Tensor<T> variance = random.tensor<T>(channels, 0.1F, 3);
    const double eps = random.one_of({0.0, 1e-5, 1e-3});
    CAPTURE(in.shape().str(), eps);
    const Tensor<double> expected = map_of(in.shape(), [&](Index n, Index y, Index x, Index c) {
      return double{weight(c)} * (double{in(n, y, x, c)} - double{mean(c)}) /
                 std::sqrt(double{variance(c)} + eps) +
             double{bias(c)};
    });
    CHECK(relative_error(camlite::batch_norm<T>(in, weight, bias, mean, variance, eps), expected) <=
          tolerance<T>);
  }
}

TEMPLATE_TEST_CASE("lrn divides by the squares of the channels around", "", float, double) {
  using T = TestType;
  Random random(15);
  for (int i = 0; i < 300; ++i) {
    const Tensor<T> in = random.tensor<T>(random_map(random), -5, 5);
    const Index channels = in.extent(3);
    const camlite::Lrn lrn{.size = random.one_of<Index>({1, 2, 3, 4, 5, 6, 21, 1000}),
                           .alpha = random.one_of({1e-4, 0.5, 2.0}),
                           .beta = random.one_of({0.0, 0.5, 0.75, 1.0}),
                           .k = random.one_of({1.0, 2.0, 0.25})};
    CAPTURE(in.shape().str(), lrn.size, lrn.alpha, lrn.beta, lrn.k);
    const Tensor<double> expected = map_of(in.shape(), [&](Index n, Index y, Index x, Index c) {
      double squares = 0;
      for (Index d = c - lrn.size / 2; d <= c + (lrn.size - 1) / 2; ++d) {
        if (d >= 0 && d < channels) squares += double{in(n, y, x, d)} * double{in(n, y, x, d)};
      }
      return double{in(n, y, x, c)} /
             std::pow(lrn.k + lrn.alpha / static_cast<double>(lrn.size) * squares, lrn.beta);
    });
    CHECK(relative_error(camlite::lrn<T>(in, lrn), expected) <= tolerance<T>);
  }
}

TEST_CASE("layers whose shapes do not fit say what does not fit") {
  const Tensor<float> map({2, 3, 4, 5}), wide({2, 3, 5, 5}), vectors({2, 5});
  const Tensor<float> five({5}), six({6}), scalar(Shape{});
  CHECK_THROWS_WITH(camlite::concat<float>({}), "concat: takes 1 or more inputs, not 0");
  CHECK_THROWS_WITH(camlite::concat<float>({map, wide}),
                    "concat: joins maps of one batch, height and width, its inputs are "
                    "(2, 3, 4, 5) and (2, 3, 5, 5)");
  CHECK_THROWS_WITH(camlite::concat<float>({map, vectors}),
                    "concat: needs a feature map (N, H, W, C), its input is (2, 5)");
  CHECK_THROWS_WITH(camlite::slice<float>(map, 2, 6),
                    "slice: channels 2 to 6 are not a part of its 5 input channels");
  CHECK_THROWS_WITH(camlite::slice<float>(map, 2, 2),
                    "slice: channels 2 to 2 are not a part of its 5 input channels");
  CHECK_THROWS_WITH(camlite::slice<float>(vectors, -1, 2),
                    "slice: channels -1 to 2 are not a part of its 5 input channels");
  CHECK_THROWS_WITH(camlite::slice<float>(five, 0, 1),
                    "slice: needs a feature map (N, H, W, C) or vectors (N, C) that are not empty, "
                    "its input is (5)");
  CHECK_THROWS_WITH(camlite::channel_shuffle<float>(map, 2),
                    "channel_shuffle: groups=2 does not divide its 5 input channels");
  CHECK_THROWS_WITH(camlite::channel_shuffle<float>(map, 0),
                    "channel_shuffle: groups must be at least 1, not 0");
  CHECK_THROWS_WITH(camlite::pad<float>(map, {.bottom = -1}),
                    "pad: bottom must be at least 0, not -1");
  CHECK_THROWS_WITH(camlite::constant<float>(vectors),
                    "constant: value must be (C, H, W), it is (2, 5)");
  CHECK_THROWS_WITH(camlite::constant<float>(Tensor<float>({3, 0, 2})),
                    "constant: height must be at least 1, not 0");
  CHECK_THROWS_WITH(camlite::flatten<float>(five),
                    "flatten: needs a feature map (N, H, W, C), its input is (5)");
  CHECK_THROWS_WITH(camlite::softmax<float>(scalar),
                    "softmax: needs at least one extent, its input is a scalar");

  CHECK_THROWS_WITH(camlite::linear<float>(vectors, five),
                    "linear: weight must be (out, in), it is (5)");
  CHECK_THROWS_WITH(camlite::linear<float>(vectors, Tensor<float>({7, 6})),
                    "linear: weight must be (7, 5), it is (7, 6)");
  CHECK_THROWS_WITH(camlite::linear<float>(vectors, Tensor<float>({7, 5}), six),
                    "linear: bias must be (7), it is (6)");
  CHECK_THROWS_WITH(camlite::linear<float>(vectors, Tensor<float>({0, 5})),
                    "linear: out_features must be at least 1, not 0");
  CHECK_THROWS_WITH(camlite::linear<float>(map, Tensor<float>({7, 5})),
                    "linear: needs one vector a picture, (N, C) or (N, 1, 1, C), its input is "
                    "(2, 3, 4, 5); global_avg_pool or flatten go before it");

  CHECK_THROWS_WITH(camlite::batch_norm<float>(map, five, five, six, five),
                    "batch_norm: running_mean must be (5), it is (6)");
  CHECK_THROWS_WITH(camlite::batch_norm<float>(map, five, five, five, five, -1),
                    "batch_norm: eps must not be negative, it is -1");
  CHECK_THROWS_WITH(camlite::batch_norm<float>(map, five, five, five, five, nan_value<double>),
                    "batch_norm: eps must not be negative, it is nan");
  CHECK_THROWS_WITH(camlite::batch_norm<float>(vectors, five, five, five, five),
                    "batch_norm: needs a feature map (N, H, W, C), its input is (2, 5)");
  CHECK_THROWS_WITH(camlite::lrn<float>(map, {}), "lrn: size must be at least 1, not 0");
  CHECK_THROWS_WITH(camlite::lrn<float>(vectors, {.size = 5}),
                    "lrn: needs a feature map (N, H, W, C), its input is (2, 5)");
}
