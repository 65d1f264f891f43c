// Attributes and shapes as a hostile model file may have them: an operator refuses them or is
// right, and nothing overflows (which the sanitizers of the build would say).
#include <camlite/ops/arithmetic.hpp>
#include <camlite/ops/avg_pool2d.hpp>
#include <camlite/ops/channel_shuffle.hpp>
#include <camlite/ops/concat.hpp>
#include <camlite/ops/constant.hpp>
#include <camlite/ops/conv2d.hpp>
#include <camlite/ops/flatten.hpp>
#include <camlite/ops/linear.hpp>
#include <camlite/ops/lrn.hpp>
#include <camlite/ops/max_pool2d.hpp>
#include <camlite/ops/pad.hpp>
#include <camlite/ops/slice.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/random.hpp"

using camlite::Conv2d;
using camlite::Error;
using camlite::Index;
using camlite::Linear;
using camlite::Pool2d;
using camlite::Rounding;
using camlite::Shape;
using camlite::Size2d;
using camlite::Tensor;
using camlite::test::Random;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

__extension__ using Wide = __int128;  // in which nothing here overflows

constexpr Index largest = std::numeric_limits<Index>::max();

Index hostile(Random& random) {
  const Index usual = random.between(1, 9), power = Index{1} << random.between(0, 62);
  if (random.between(0, 2) > 0) return usual;
  return random.one_of<Index>({power, power - 1, power + usual, largest, largest - usual,
                               largest / 2, largest / 3, 0, -1, -usual, -power,
                               std::numeric_limits<Index>::min()});
}

Index hostile_extent(Random& random) {
  const Index usual = random.between(1, 9), power = Index{1} << random.between(0, 62);
  if (random.between(0, 2) > 0) return usual;
  return random.one_of<Index>({1, power, power - 1, largest - usual, 0});
}

Size2d hostile_size(Random& random) {
  const Index one = hostile(random);
  return random.coin() ? Size2d(one) : Size2d(one, hostile(random));
}

// What compute() returns, or nothing if it throws Error. Anything else that it throws fails the
// test.
template <class Compute>
auto unless_refused(const Compute& compute) -> std::optional<decltype(compute())> {
  try {
    return compute();
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Throws Error if there is no such shape.
Shape hostile_shape(Random& random) {
  return {hostile_extent(random), hostile_extent(random), hostile_extent(random),
          hostile_extent(random)};
}

// Of numbers that are not negative; -1 if even this does not fit.
Wide product(std::initializer_list<Wide> factors) {
  Wide product = 1;
  for (Wide factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return -1;
  }
  return product;
}

bool is_right(std::optional<Index> value, Wide expected) {
  return !value || (Wide{*value} == expected);
}

Wide conv_positions(Index extent, Index kernel, Index stride, Index padding, Index dilation) {
  return (Wide{extent} + Wide{2} * padding - Wide{dilation} * (kernel - 1) - 1) / stride + 1;
}

Wide pool_windows(Index extent, Index kernel, Index stride, Index padding, Rounding rounding) {
  const Wide room = Wide{extent} + Wide{2} * padding - kernel;
  if (rounding == Rounding::floor) return room / stride + 1;
  const Wide count = (room + stride - 1) / stride + 1;
  return (count - 1) * stride >= Wide{extent} + padding ? count - 1 : count;
}

}  // namespace

TEST_CASE("conv2d refuses hostile attributes or infers the right shapes") {
  Random random(16);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    const auto shape = unless_refused([&] { return hostile_shape(random); });
    if (!shape) continue;
    const std::array<Shape, 1> in{*shape};
    const Conv2d conv{.out_channels = hostile(random),
                      .kernel = hostile_size(random),
                      .stride = hostile_size(random),
                      .padding = random.coin() ? Size2d(0) : hostile_size(random),
                      .dilation = random.coin() ? Size2d(1) : hostile_size(random),
                      .groups = random.coin() ? 1 : hostile(random)};
    const auto out = unless_refused([&] { return conv.output_shape(in); });
    if (!out) continue;
    ++accepted;
    const Wide height = conv_positions(in[0][1], conv.kernel.height, conv.stride.height,
                                       conv.padding.height, conv.dilation.height);
    const Wide width = conv_positions(in[0][2], conv.kernel.width, conv.stride.width,
                                      conv.padding.width, conv.dilation.width);
    const Wide taps = product({conv.kernel.height, conv.kernel.width, in[0][3] / conv.groups});
    const bool right = (*out)[0] == in[0][0] && (*out)[1] == height && (*out)[2] == width &&
                       (*out)[3] == conv.out_channels && height > 0 && width > 0 &&
                       is_right(unless_refused([&] { return conv.parameters(in)[0].shape.size(); }),
                                product({taps, conv.out_channels})) &&
                       is_right(unless_refused([&] { return conv.taps(in[0]); }), taps) &&
                       is_right(unless_refused([&] { return conv.multiply_adds(in); }),
                                product({out->size(), taps})) &&
                       unless_refused([&] { return conv.scratch(in); }).value_or(0) >= 0;
    if (!right) FAIL(in[0].str() << " kernel " << conv.kernel.str() << " gives " << out->str());
  }
  CHECK(accepted > 1000);
}

TEST_CASE("pooling refuses hostile attributes or infers the right shape") {
  Random random(17);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    const auto shape = unless_refused([&] { return hostile_shape(random); });
    if (!shape) continue;
    const std::array<Shape, 1> in{*shape};
    const Pool2d pool{
        .kernel = hostile_size(random),
        .stride = hostile_size(random),
        .padding = random.coin() ? Size2d(0) : hostile_size(random),
        .rounding = random.one_of({Rounding::floor, Rounding::ceil, Rounding::caffe})};
    const auto out = unless_refused([&] { return pool.output_shape(in); });
    if (!out) continue;
    ++accepted;
    const Size2d stride = pool.step();
    const Wide height = pool_windows(in[0][1], pool.kernel.height, stride.height,
                                     pool.padding.height, pool.rounding);
    const Wide width =
        pool_windows(in[0][2], pool.kernel.width, stride.width, pool.padding.width, pool.rounding);
    const bool right = (*out)[0] == in[0][0] && (*out)[1] == height && (*out)[2] == width &&
                       (*out)[3] == in[0][3] && height > 0 && width > 0;
    if (!right) FAIL(in[0].str() << " kernel " << pool.kernel.str() << " gives " << out->str());
  }
  CHECK(accepted > 1000);
}

TEST_CASE("a huge window that is accepted pools what it sees") {
  Random random(18);
  int pooled = 0;
  for (int i = 0; i < 100000; ++i) {
    const Index height = random.between(1, 4), width = random.between(1, 4);
    const auto padding = [&] { return random.coin() ? hostile(random) : 0; };
    const Size2d pad{padding(), padding()};
    const auto window = [&](Index one_side) {
      const Index extra = random.between(0, 5);
      return one_side < 0 || one_side > (largest - extra) / 2 ? largest : 2 * one_side + extra;
    };
    const Pool2d pool{
        .kernel = {window(pad.height), window(pad.width)},
        .stride = hostile_size(random),
        .padding = pad,
        .rounding = random.one_of({Rounding::floor, Rounding::ceil, Rounding::caffe})};
    const Shape shape{1, height, width, 1};
    const auto out = unless_refused([&] { return pool.output_shape(std::array{shape}); });
    if (!out) continue;
    ++pooled;
    REQUIRE(out->size() <= 36);  // no more than fit, since padding is half of a window at most

    const Tensor<double> in = random.tensor<double>(shape);
    Tensor<double> maximum(*out), average(*out), average_of_input(*out);
    for (Index y = 0; y < (*out)[1]; ++y) {
      for (Index x = 0; x < (*out)[2]; ++x) {
        const Wide top = Wide{y} * pool.step().height - pad.height;
        const Wide left = Wide{x} * pool.step().width - pad.width;
        const Wide bottom = top + pool.kernel.height, right = left + pool.kernel.width;
        double most = -2, sum = 0, count = 0;
        for (Index v = 0; v < height; ++v) {
          for (Index u = 0; u < width; ++u) {
            if (v < top || v >= bottom || u < left || u >= right) continue;
            most = std::max(most, in(0, v, u, 0));
            sum += in(0, v, u, 0);
            ++count;
          }
        }
        const Wide rows = std::min(bottom, Wide{height} + pad.height) - top;
        const Wide columns = std::min(right, Wide{width} + pad.width) - left;
        maximum(0, y, x, 0) = most;
        average(0, y, x, 0) = sum / (static_cast<double>(rows) * static_cast<double>(columns));
        average_of_input(0, y, x, 0) = sum / count;
      }
    }
    const double worst =
        std::max({relative_error(camlite::max_pool2d<double>(in, pool), maximum),
                  relative_error(camlite::avg_pool2d<double>(in, pool), average),
                  relative_error(camlite::avg_pool2d<double>(in, pool, false), average_of_input)});
    if (!(worst <= tolerance<double>)) {
      FAIL(shape.str() << " kernel " << pool.kernel.str() << " stride " << pool.stride.str()
                       << " padding " << pad.str() << ": off by " << worst);
    }
  }
  CHECK(pooled > 1000);
}

TEST_CASE("a window whose end no number holds is refused") {
  // It starts at row 2 of 3, of which its padding and stride alone are no sign.
  const Pool2d pool{.kernel = {largest - 1, 1},
                    .stride = {largest / 2 + 1, 1},
                    .padding = {largest / 2 - 1, 0},
                    .rounding = Rounding::ceil};
  CHECK_THROWS_WITH(camlite::max_pool2d<float>(Tensor<float>({1, 3, 1, 1}), pool),
                    "max_pool2d: a size of 9223372036854775807 + 9223372036854775806 does not fit "
                    "into 63 bits");
}

TEST_CASE("a huge padding or dilation that is accepted convolves what it sees") {
  Random random(19);
  int convolved = 0;
  for (int i = 0; i < 100000; ++i) {
    const Shape shape{1, random.between(1, 4), random.between(1, 4), 1};
    const Size2d kernel{random.between(1, 3), random.between(1, 3)};
    const Size2d dilation = hostile_size(random);
    const auto padding = [&](Index taps, Index dilate) {
      const Wide half = Wide{dilate} * (taps - 1) / 2;
      return half < 0 || half > largest - 3 ? hostile(random)
                                            : static_cast<Index>(half) + random.between(0, 3);
    };
    const Conv2d conv{
        .out_channels = 1,
        .kernel = kernel,
        .stride = hostile_size(random),
        .padding = {padding(kernel.height, dilation.height), padding(kernel.width, dilation.width)},
        .dilation = dilation};
    const auto out = unless_refused([&] { return conv.output_shape(std::array{shape}); });
    if (!out || out->size() > 1000) continue;
    ++convolved;
    const Tensor<double> in = random.tensor<double>(shape);
    const Tensor<double> weight = random.tensor<double>({1, 1, kernel.height, kernel.width});
    Tensor<double> expected(*out);
    for (Index y = 0; y < (*out)[1]; ++y) {
      for (Index x = 0; x < (*out)[2]; ++x) {
        for (Index k = 0; k < kernel.height * kernel.width; ++k) {
          const Index row = k / kernel.width, column = k % kernel.width;
          const Wide v =
              Wide{y} * conv.stride.height - conv.padding.height + Wide{row} * dilation.height;
          const Wide u =
              Wide{x} * conv.stride.width - conv.padding.width + Wide{column} * dilation.width;
          if (v < 0 || v >= shape[1] || u < 0 || u >= shape[2]) continue;
          expected(0, y, x, 0) +=
              weight(0, 0, row, column) * in(0, static_cast<Index>(v), static_cast<Index>(u), 0);
        }
      }
    }
    const Tensor<double> got = camlite::conv2d<double>(in, weight, {}, conv);
    if (!(relative_error(got, expected) <= tolerance<double>)) {
      FAIL(shape.str() << " kernel " << kernel.str() << " stride " << conv.stride.str()
                       << " padding " << conv.padding.str() << " dilation " << dilation.str());
    }
  }
  CHECK(convolved > 1000);
}

TEST_CASE("layers of hostile sizes refuse them or infer the right shapes") {
  Random random(20);
  for (int i = 0; i < 50000; ++i) {
    const auto one = unless_refused([&] { return hostile_shape(random); });
    if (!one) continue;
    const auto two = unless_refused([&] {
      return Shape{(*one)[0], (*one)[1], (*one)[2], hostile_extent(random)};
    });
    if (!two) continue;
    const std::array<Shape, 1> in{*one};
    const std::array<Shape, 2> both{*one, *two};
    if (const auto flat = unless_refused([&] { return camlite::Flatten::output_shape(in); })) {
      CHECK(flat->size() == one->size());
    }
    if (const auto joined = unless_refused([&] { return camlite::Concat::output_shape(both); })) {
      CHECK(Wide{joined->size()} == Wide{both[0].size()} + both[1].size());
    }
    const camlite::Pad border{hostile(random), hostile(random), hostile(random), hostile(random)};
    if (const auto out = unless_refused([&] { return border.output_shape(in); })) {
      CHECK(Wide{(*out)[1]} == Wide{border.top} + (*one)[1] + border.bottom);
      CHECK(Wide{(*out)[2]} == Wide{border.left} + (*one)[2] + border.right);
    }
    const camlite::Slice part{hostile(random), hostile(random)};
    if (const auto out = unless_refused([&] { return part.output_shape(in); })) {
      CHECK(Wide{(*out)[3]} == Wide{part.end} - part.start);
      CHECK((part.start >= 0 && (*out)[3] > 0 && part.end <= (*one)[3]));
    }
    const camlite::ChannelShuffle shuffle{hostile(random)};
    if (const auto out = unless_refused([&] { return shuffle.output_shape(in); })) {
      CHECK((*one)[3] % shuffle.groups == 0);
    }
    const camlite::Constant constant{hostile(random), hostile(random), hostile(random)};
    if (const auto out = unless_refused([&] { return constant.output_shape({}); })) {
      CHECK(out->size() == constant.parameters({})[0].shape.size());
    }
    const Linear linear{.out_features = hostile(random)};
    const std::array<Shape, 1> vectors{Shape{(*one)[0], (*one)[1]}};
    if (const auto out = unless_refused([&] { return linear.output_shape(vectors); })) {
      CHECK(*out == Shape{(*one)[0], linear.out_features});
      CHECK(is_right(unless_refused([&] { return linear.multiply_adds(vectors); }),
                     Wide{(*one)[0]} * linear.out_features * (*one)[1]));
    }
  }
}

TEST_CASE("broadcasting refuses hostile shapes or gives the largest extents") {
  Random random(32);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    const auto extent = [&] { return random.coin() ? 1 : hostile_extent(random); };
    const auto shape = [&] {
      return unless_refused([&] { return Shape{extent(), extent(), extent(), extent()}; });
    };
    const auto a = shape(), b = shape();
    if (!a || !b) continue;
    const std::array<Shape, 2> in{*a, *b};
    const auto out = unless_refused([&] { return camlite::Mul::output_shape(in); });
    if (!out) continue;
    ++accepted;
    bool right = true;
    for (int axis = 0; axis < 4; ++axis) {
      const Index x = (*a)[axis], y = (*b)[axis], together = (*out)[axis];
      right = right && (x == y || x == 1 || y == 1) && together == (x == 1 ? y : x);
    }
    if (!right) FAIL(a->str() << " and " << b->str() << " give " << out->str());
  }
  CHECK(accepted > 1000);
}

TEST_CASE("an lrn of a huge window sees all channels") {
  Random random(21);
  const Tensor<double> in = random.tensor<double>({1, 2, 2, 7});
  const Tensor<double> wide = camlite::lrn<double>(in, {.size = largest, .alpha = 1e18});
  for (Index c = 0; c < 7; ++c) {
    double squares = 0;
    for (Index d = 0; d < 7; ++d) squares += in(0, 1, 1, d) * in(0, 1, 1, d);
    const double base = 1 + 1e18 / static_cast<double>(largest) * squares;
    CHECK(wide(0, 1, 1, c) == Approx(in(0, 1, 1, c) / std::pow(base, 0.75)));
  }
}
