#include <camlite/ops/avg_pool2d.hpp>
#include <camlite/ops/global_avg_pool.hpp>
#include <camlite/ops/max_pool2d.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/random.hpp"

using camlite::AvgPool2d;
using camlite::Error;
using camlite::Index;
using camlite::Pool2d;
using camlite::Rounding;
using camlite::Shape;
using camlite::Size2d;
using camlite::Tensor;
using camlite::test::converted;
using camlite::test::Random;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

// Every position of a window is counted, so numbers are small here, and the formulas can be those
// of the frameworks as they stand. Nothing if Caffe puts a window behind the input.
std::optional<Index> framework_windows(Index extent, Index kernel, Index stride, Index padding,
                                       Rounding rounding, bool padded) {
  const double room = static_cast<double>(extent + 2 * padding - kernel);
  const double steps = room / static_cast<double>(stride);
  if (rounding == Rounding::floor) return static_cast<Index>(std::floor(steps)) + 1;
  Index pooled = static_cast<Index>(std::ceil(steps)) + 1;
  // torch: "sliding windows that would start in the right padded region are ignored"; Caffe's
  // pooling_layer.cpp: "if we have padding, ensure that the last pooling starts strictly inside the
  // image".
  if ((rounding == Rounding::ceil || padded) && (pooled - 1) * stride >= extent + padding) --pooled;
  if ((pooled - 1) * stride >= extent + padding) return std::nullopt;
  return pooled;
}

std::optional<Shape> framework_shape(const Shape& in, const Pool2d& pool) {
  const Size2d stride = pool.stride == Size2d(0) ? pool.kernel : pool.stride;
  const bool padded = pool.padding != Size2d(0);
  const auto height = framework_windows(in[1], pool.kernel.height, stride.height,
                                        pool.padding.height, pool.rounding, padded);
  const auto width = framework_windows(in[2], pool.kernel.width, stride.width, pool.padding.width,
                                       pool.rounding, padded);
  if (!height || !width) return std::nullopt;
  return Shape{in[0], *height, *width, in[3]};
}

enum class Pooling { max, average, average_of_input };

// The window of output (y, x), position by position: the input's values, and how many positions lie
// within the padded input.
Tensor<double> direct_pool2d(const Tensor<double>& in, const Pool2d& pool, const Shape& shape,
                             Pooling pooling) {
  const Size2d stride = pool.stride == Size2d(0) ? pool.kernel : pool.stride;
  const Index height = in.extent(1), width = in.extent(2);
  Tensor<double> out(shape);
  for (Index n = 0; n < shape[0]; ++n) {
    for (Index y = 0; y < shape[1]; ++y) {
      for (Index x = 0; x < shape[2]; ++x) {
        for (Index c = 0; c < shape[3]; ++c) {
          double largest = -std::numeric_limits<double>::infinity(), sum = 0;
          Index of_input = 0, of_padded = 0;
          for (Index i = 0; i < pool.kernel.height; ++i) {
            for (Index j = 0; j < pool.kernel.width; ++j) {
              const Index v = y * stride.height - pool.padding.height + i;
              const Index u = x * stride.width - pool.padding.width + j;
              if (v < height + pool.padding.height && u < width + pool.padding.width) ++of_padded;
              if (v < 0 || v >= height || u < 0 || u >= width) continue;
              ++of_input;
              sum += in(n, v, u, c);
              largest = std::max(largest, in(n, v, u, c));
            }
          }
          const Index count = pooling == Pooling::average ? of_padded : of_input;
          out(n, y, x, c) = pooling == Pooling::max ? largest : sum / static_cast<double>(count);
        }
      }
    }
  }
  return out;
}

std::string str(const Shape& in, const Pool2d& pool) {
  return camlite::text("in ", in.str(), " kernel ", pool.kernel.str(), " stride ",
                       pool.stride.str(), " padding ", pool.padding.str(), " rounding ",
                       static_cast<int>(pool.rounding));
}

struct Case {
  Shape in;
  Pool2d pool;
};

Case random_case(Random& random) {
  const auto size = [&](Index least, Index most) {
    const Index one = random.between(least, most);
    return random.coin() ? Size2d(one) : Size2d(one, random.between(least, most));
  };
  for (;;) {
    const Size2d picture = size(1, 11), kernel = size(1, 6);
    const Size2d padding = {random.between(0, kernel.height / 2),
                            random.between(0, kernel.width / 2)};
    const bool fits = kernel.height <= picture.height + 2 * padding.height &&
                      kernel.width <= picture.width + 2 * padding.width;
    if (!fits) continue;
    return {{random.between(1, 3), picture.height, picture.width, random.between(1, 9)},
            {.kernel = kernel,
             .stride = random.between(0, 3) == 0 ? Size2d(0) : size(1, 7),
             .padding = random.coin() ? Size2d(0) : padding,
             .rounding = random.one_of({Rounding::floor, Rounding::ceil, Rounding::caffe})}};
  }
}

Shape shape_of(const Shape& in, const Pool2d& pool) {
  return pool.output_shape(std::array<Shape, 1>{in});
}

}  // namespace

TEMPLATE_TEST_CASE("pooling is the largest value or the mean of each window, for any attributes",
                   "", float, double) {
  using T = TestType;
  Random random(5);
  int refused = 0, pooled = 0;
  while (pooled < 600) {
    const auto [shape, pool] = random_case(random);
    CAPTURE(str(shape, pool));
    const Tensor<T> in = random.tensor<T>(shape, -2, 1);
    const bool fits = pool.kernel.height <= shape[1] + 2 * pool.padding.height &&
                      pool.kernel.width <= shape[2] + 2 * pool.padding.width;
    const std::optional<Shape> expected = fits ? framework_shape(shape, pool) : std::nullopt;
    if (!expected) {
      CHECK_THROWS_AS(camlite::max_pool2d<T>(in, pool), Error);
      CHECK_THROWS_AS(camlite::avg_pool2d<T>(in, pool), Error);
      ++refused;
      continue;
    }
    const Tensor<double> exact = converted<double>(in);
    CHECK(relative_error(camlite::max_pool2d<T>(in, pool),
                         direct_pool2d(exact, pool, *expected, Pooling::max)) == 0);
    CHECK(relative_error(camlite::avg_pool2d<T>(in, pool),
                         direct_pool2d(exact, pool, *expected, Pooling::average)) <= tolerance<T>);
    CHECK(relative_error(camlite::avg_pool2d<T>(in, pool, false),
                         direct_pool2d(exact, pool, *expected, Pooling::average_of_input)) <=
          tolerance<T>);
    ++pooled;
  }
  CHECK(refused > 20);
}

TEST_CASE("the three roundings of a window that does not fit whole") {
  const auto height = [](Index extent, Pool2d pool, Rounding rounding) {
    pool.rounding = rounding;
    return shape_of({1, extent, extent, 1}, pool)[1];
  };
  // GoogLeNet's pooling of 112: Caffe and ceil_mode agree where there is no padding.
  const Pool2d plain{.kernel = 3, .stride = 2};
  CHECK(height(112, plain, Rounding::floor) == 55);
  CHECK(height(112, plain, Rounding::ceil) == 56);
  CHECK(height(112, plain, Rounding::caffe) == 56);
  // The last window would start in the right padding: dropped by both.
  const Pool2d padded{.kernel = 2, .stride = 2, .padding = 1};
  CHECK(height(3, padded, Rounding::floor) == 2);
  CHECK(height(3, padded, Rounding::ceil) == 2);
  CHECK(height(3, padded, Rounding::caffe) == 2);
  // It would start behind an input without padding: torch drops it, Caffe has nothing to put there.
  const Pool2d sparse{.kernel = 1, .stride = 2};
  CHECK(height(2, sparse, Rounding::floor) == 1);
  CHECK(height(2, sparse, Rounding::ceil) == 1);
  CHECK_THROWS_WITH(height(2, sparse, Rounding::caffe),
                    "stride 2 puts a window outside of the height 2");
  // Caffe looks for padding in both directions before it drops in either.
  const Pool2d one_way{
      .kernel = {1, 2}, .stride = 2, .padding = {0, 1}, .rounding = Rounding::caffe};
  CHECK(shape_of({1, 2, 4, 1}, one_way) == Shape{1, 1, 3, 1});
}

TEST_CASE("a stride of 0 is the kernel's size") {
  CHECK(shape_of({1, 10, 12, 1}, {.kernel = {2, 3}}) == Shape{1, 5, 4, 1});
}

TEST_CASE("a pooling that cannot be says what does not fit") {
  const Shape in{2, 5, 7, 6};
  CHECK_THROWS_WITH(shape_of(in, {}), "kernel must be at least 1, not 0");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = {2, -3}}), "kernel must be at least 1, not 2x-3");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = 2, .stride = -1}), "stride must be at least 1, not -1");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = 2, .stride = {0, 2}}),
                    "stride must be at least 1, not 0x2");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = 2, .padding = {0, -1}}),
                    "padding must be at least 0, not 0x-1");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = 3, .padding = {1, 2}}),
                    "padding 2 is more than half of the window's width 3");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = {6, 2}}),
                    "a window of height 6 does not fit into the padded height 5");
  CHECK_THROWS_WITH(shape_of(in, {.kernel = {4, 20}, .padding = {2, 3}}),
                    "a window of width 20 does not fit into the padded width 13");
  CHECK_THROWS_WITH(camlite::max_pool2d<float>(Tensor<float>({5, 7}), {.kernel = 2}),
                    "max_pool2d: needs a feature map (N, H, W, C), its input is (5, 7)");
  CHECK_THROWS_WITH(camlite::avg_pool2d<float>(Tensor<float>({1, 5, 0, 3}), {.kernel = 2}),
                    "avg_pool2d: needs a feature map that is not empty, its input is (1, 5, 0, 3)");
  CHECK_THROWS_WITH(
      camlite::global_avg_pool<float>(Tensor<float>({1, 0, 4, 3})),
      "global_avg_pool: needs a feature map that is not empty, its input is (1, 0, 4, 3)");
}

TEMPLATE_TEST_CASE("NaN is the largest value of every window that sees it", "", float, double) {
  using T = TestType;
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  Tensor<T> in({1, 4, 4, 2});
  in(0, 1, 1, 0) = nan;
  in(0, 1, 0, 0) = infinity;  // before the NaN, and
  in(0, 1, 2, 0) = infinity;  // after it
  std::fill(&in(0, 2, 0, 0), in.end(), -infinity);
  const Tensor<T> out = camlite::max_pool2d<T>(in, {.kernel = 2, .stride = 1});
  for (Index y = 0; y < 3; ++y) {
    for (Index x = 0; x < 3; ++x) {
      CAPTURE(y, x);
      CHECK(std::isnan(out(0, y, x, 0)) == (y <= 1 && x <= 1));
      CHECK(out(0, y, x, 1) == (y <= 1 ? 0 : -infinity));
    }
  }
  CHECK(out(0, 0, 2, 0) == infinity);
  CHECK(std::isnan(camlite::avg_pool2d<T>(in, {.kernel = 4})(0, 0, 0, 0)));
}

TEMPLATE_TEST_CASE("padding is no value of max_pool2d and a zero of avg_pool2d", "", float,
                   double) {
  using T = TestType;
  Tensor<T> in({1, 2, 2, 1});
  std::fill(in.begin(), in.end(), T{-8});
  const Pool2d pool{.kernel = 2, .stride = 2, .padding = 1};
  CHECK(camlite::max_pool2d<T>(in, pool)(0, 0, 0, 0) == -8);
  CHECK(camlite::avg_pool2d<T>(in, pool)(0, 0, 0, 0) == -2);
  CHECK(camlite::avg_pool2d<T>(in, pool, false)(0, 0, 0, 0) == -8);
}

TEMPLATE_TEST_CASE("global_avg_pool is the mean of each channel", "", float, double) {
  using T = TestType;
  Random random(6);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>({random.between(1, 4), random.between(1, 20),
                                           random.between(1, 20), random.between(1, 70)});
    CAPTURE(in.shape().str());
    Tensor<double> expected({in.extent(0), 1, 1, in.extent(3)});
    for (Index n = 0; n < in.extent(0); ++n) {
      for (Index c = 0; c < in.extent(3); ++c) {
        double sum = 0;
        for (Index y = 0; y < in.extent(1); ++y) {
          for (Index x = 0; x < in.extent(2); ++x) sum += double{in(n, y, x, c)};
        }
        expected(n, 0, 0, c) = sum / static_cast<double>(in.extent(1) * in.extent(2));
      }
    }
    CHECK(relative_error(camlite::global_avg_pool<T>(in), expected) <= tolerance<T>);
  }
}
