// The operators that go element by element or channel by channel: against their definitions in
// double, on random shapes.
#include <camlite/ops/activations.hpp>
#include <camlite/ops/arithmetic.hpp>
#include <camlite/ops/prelu.hpp>
#include <camlite/ops/relu.hpp>
#include <camlite/ops/scale.hpp>

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
using camlite::test::random_shape;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

template <class T>
constexpr T nan_value = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

// formula(x) for every element x.
template <class T, class Formula>
Tensor<double> each(const Tensor<T>& in, const Formula& formula) {
  Tensor<double> out(in.shape());
  for (Index i = 0; i < in.size(); ++i) out.data()[i] = formula(double{in.data()[i]});
  return out;
}

// The element of a map, or of vectors (N, C), at a position of one that it was broadcast to.
template <class T>
double repeated(const Tensor<T>& in, Index n, Index y, Index x, Index c) {
  const auto at = [&](int axis, Index position) { return in.extent(axis) == 1 ? 0 : position; };
  if (in.rank() == 2) return double{in(at(0, n), at(1, c))};
  return double{in(at(0, n), at(1, y), at(2, x), at(3, c))};
}

// A shape that can be broadcast to the map: some of its extents 1, or vectors (N, C).
Shape shorter(const Shape& map, Random& random) {
  const auto extent = [&](int axis) { return random.between(0, 2) == 0 ? 1 : map[axis]; };
  if (random.between(0, 4) == 0) return {extent(0), extent(3)};
  return {extent(0), extent(1), extent(2), extent(3)};
}

}  // namespace

TEMPLATE_TEST_CASE("relu is max(x, 0) and relu6 no more than 6", "", float, double) {
  using T = TestType;
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>(random_shape(random), -9, 9);
    const Tensor<T> relu = camlite::relu<T>(in), relu6 = camlite::relu6<T>(in);
    CAPTURE(in.shape().str());
    REQUIRE(relu.shape() == in.shape());
    REQUIRE(relu6.shape() == in.shape());
    bool right = true;
    for (Index j = 0; j < in.size(); ++j) {
      const T x = in.data()[j];
      right = right && relu.data()[j] == std::max(x, T{0}) &&
              relu6.data()[j] == std::min(std::max(x, T{0}), T{6});
    }
    CHECK(right);
  }
}

TEMPLATE_TEST_CASE("relu keeps NaN and infinity", "", float, double) {
  using T = TestType;
  const Tensor<T> in({3}, std::array<T, 3>{nan_value<T>, infinity<T>, -infinity<T>});
  const Tensor<T> relu = camlite::relu<T>(in), relu6 = camlite::relu6<T>(in);
  CHECK(std::isnan(relu(0)));
  CHECK(std::isnan(relu6(0)));
  CHECK(relu(1) == infinity<T>);
  CHECK(relu6(1) == 6);
  CHECK(relu(2) == 0);
  CHECK(relu6(2) == 0);
}

TEMPLATE_TEST_CASE("add is the sum of two or three tensors of one shape", "", float, double) {
  using T = TestType;
  Random random(8);
  for (int i = 0; i < 200; ++i) {
    const Shape shape = random_shape(random);
    CAPTURE(shape.str());
    const Tensor<T> a = random.tensor<T>(shape), b = random.tensor<T>(shape);
    const Tensor<T> c = random.tensor<T>(shape);
    Tensor<T> two(shape), three(shape);
    for (Index j = 0; j < a.size(); ++j) {
      two.data()[j] = a.data()[j] + b.data()[j];
      three.data()[j] = a.data()[j] + b.data()[j] + c.data()[j];
    }
    CHECK(relative_error(camlite::add<T>({a, b}), two) == 0);
    CHECK(relative_error(camlite::add<T>({a, b, c}), three) <= tolerance<T>);
  }
}

TEMPLATE_TEST_CASE("clamp keeps numbers between its bounds", "", float, double) {
  using T = TestType;
  Random random(27);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>(random_shape(random), -9, 9);
    const double min = random.one_of({-infinity<double>, -3.5, 0.0, 4.0});
    const double max = random.one_of({infinity<double>, 6.0, 0.5, -4.0});
    CAPTURE(in.shape().str(), min, max);
    const auto formula = [&](double x) { return std::min(std::max(x, min), max); };
    CHECK(relative_error(camlite::clamp<T>(in, min, max), each(in, formula)) == 0);
  }
  const std::array<T, 3> values{nan_value<T>, infinity<T>, -infinity<T>};
  const Tensor<T> clamped = camlite::clamp<T>(Tensor<T>({3}, values), -2, 3);
  CHECK(std::isnan(clamped(0)));
  CHECK(clamped(1) == 3);
  CHECK(clamped(2) == -2);
}

TEMPLATE_TEST_CASE("activations are their formulas", "", float, double) {
  using T = TestType;
  Random random(28);
  for (int i = 0; i < 100; ++i) {
    const Tensor<T> in = random.tensor<T>(random_shape(random), -9, 9);
    const camlite::HardSigmoid line{random.one_of({0.2, -1.0, 1.0 / 6}),
                                    random.one_of({0.5, -0.25})};
    CAPTURE(in.shape().str(), line.alpha, line.beta);
    const auto check = [&](const Tensor<T>& got, auto formula) {
      CHECK(relative_error(got, each(in, formula)) <= tolerance<T>);
    };
    const auto sigmoid = [](double x) { return 0.5 * (1 + std::tanh(x / 2)); };
    check(camlite::sigmoid<T>(in), sigmoid);
    check(camlite::silu<T>(in), [&](double x) { return x * sigmoid(x); });
    check(camlite::leaky_relu<T>(in), [](double x) { return std::max(x, 0.01 * x); });
    check(camlite::leaky_relu<T>(in, -0.5), [](double x) { return x < 0 ? -0.5 * x : x; });
    check(camlite::hard_sigmoid<T>(in, line),
          [&](double x) { return std::clamp(line.alpha * x + line.beta, 0.0, 1.0); });
    check(camlite::hard_swish<T>(in), [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; });
  }
}

TEMPLATE_TEST_CASE("activations of infinities and NaN are their limits, as PyTorch has them", "",
                   float, double) {
  using T = TestType;
  const std::array<T, 4> values{nan_value<T>, infinity<T>, -infinity<T>, -1000};
  const Tensor<T> in({4}, values);
  const auto check = [](const Tensor<T>& got, T of_infinity, T of_minus_infinity, T of_minus_1000) {
    CHECK(std::isnan(got(0)));
    CHECK(got(1) == of_infinity);
    CHECK((got(2) == of_minus_infinity || (std::isnan(got(2)) && std::isnan(of_minus_infinity))));
    CHECK(got(3) == of_minus_1000);
  };
  check(camlite::sigmoid<T>(in), 1, 0, 0);
  check(camlite::silu<T>(in), infinity<T>, nan_value<T>, 0);
  check(camlite::hard_sigmoid<T>(in), 1, 0, 0);
  check(camlite::hard_swish<T>(in), infinity<T>, nan_value<T>, 0);
  check(camlite::leaky_relu<T>(in, 0.5), infinity<T>, -infinity<T>, -500);
}

TEMPLATE_TEST_CASE("prelu and scale have their own numbers for each channel", "", float, double) {
  using T = TestType;
  Random random(29);
  for (int i = 0; i < 200; ++i) {
    const Tensor<T> in = random.tensor<T>(random_map(random));
    const Index pixels = in.size() / in.extent(3);
    const Tensor<T> weight = random.tensor<T>({in.extent(3)}),
                    bias = random.tensor<T>({in.extent(3)});
    CAPTURE(in.shape().str());
    const auto vectors = in.view().reshaped({pixels, in.extent(3)});
    const auto check = [&](const Tensor<T>& map, const Tensor<T>& rows, auto formula) {
      const Tensor<double> expected = map_of(in.shape(), [&](Index n, Index y, Index x, Index c) {
        return formula(double{in(n, y, x, c)}, c);
      });
      CHECK(relative_error(map, expected) <= tolerance<T>);
      CHECK(rows.shape() == Shape{pixels, in.extent(3)});
      CHECK(std::equal(rows.begin(), rows.end(), map.begin(), map.end()));
    };
    check(camlite::prelu<T>(in, weight), camlite::prelu<T>(vectors, weight),
          [&](double x, Index c) { return x < 0 ? x * double{weight(c)} : x; });
    check(camlite::scale<T>(in, weight), camlite::scale<T>(vectors, weight),
          [&](double x, Index c) { return x * double{weight(c)}; });
    check(camlite::scale<T>(in, weight, bias), camlite::scale<T>(vectors, weight, bias),
          [&](double x, Index c) { return x * double{weight(c)} + double{bias(c)}; });
  }
}

TEMPLATE_TEST_CASE("sub, mul, div and maximum go element by element", "", float, double) {
  using T = TestType;
  Random random(30);
  for (int i = 0; i < 100; ++i) {
    const Shape shape = random_shape(random);
    CAPTURE(shape.str());
    const Tensor<T> a = random.tensor<T>(shape), b = random.tensor<T>(shape, 0.5, 2);
    const auto check = [&](const Tensor<T>& got, auto formula) {
      Tensor<double> expected(shape);
      for (Index j = 0; j < a.size(); ++j)
        expected.data()[j] = formula(double{a.data()[j]}, double{b.data()[j]});
      CHECK(relative_error(got, expected) <= tolerance<T>);
    };
    check(camlite::sub<T>(a, b), [](double x, double y) { return x - y; });
    check(camlite::mul<T>({a, b}), [](double x, double y) { return x * y; });
    check(camlite::div<T>(a, b), [](double x, double y) { return x / y; });
    check(camlite::maximum<T>({a, b}), [](double x, double y) { return std::max(x, y); });
  }
}

TEMPLATE_TEST_CASE("extents of 1 are repeated, and vectors are maps of one pixel", "", float,
                   double) {
  using T = TestType;
  Random random(31);
  for (int i = 0; i < 300; ++i) {
    const Shape map = random_map(random);
    std::vector<Tensor<T>> in{random.tensor<T>(map), random.tensor<T>(shorter(map, random), 0.5, 2),
                              random.tensor<T>(shorter(map, random))};
    std::rotate(in.begin(), in.begin() + random.between(0, 2), in.end());
    const Tensor<T>&a = in[0], &b = in[1], &c = in[2];
    CAPTURE(a.shape().str(), b.shape().str(), c.shape().str());
    const auto check = [&](const Tensor<T>& got, auto formula) {
      const Tensor<double> expected = map_of(map, [&](Index n, Index y, Index x, Index k) {
        return formula(repeated(a, n, y, x, k), repeated(b, n, y, x, k), repeated(c, n, y, x, k));
      });
      CHECK(relative_error(got, expected) <= tolerance<T>);
    };
    check(camlite::add<T>({a, b, c}), [](double p, double q, double r) { return p + q + r; });
    check(camlite::mul<T>({a, b, c}), [](double p, double q, double r) { return p * q * r; });
    check(camlite::maximum<T>({a, b, c}), [](double p, double q, double r) {
      return std::max({p, q, r});
    });
  }
  const Tensor<T> row({1, 3}, std::array<T, 3>{1, 2, 3}), column({2, 1}, std::array<T, 2>{10, 20});
  const Tensor<T> sub = camlite::sub<T>(row, column), div = camlite::div<T>(column, row);
  CHECK(sub.shape() == Shape{2, 3});
  CHECK(sub(1, 2) == -17);
  CHECK(div.shape() == Shape{2, 3});
  CHECK(div(1, 1) == 10);
}

TEMPLATE_TEST_CASE("maximum of anything and NaN is NaN", "", float, double) {
  using T = TestType;
  const Tensor<T> a({3}, std::array<T, 3>{nan_value<T>, 1, -infinity<T>});
  const Tensor<T> b({3}, std::array<T, 3>{1, nan_value<T>, infinity<T>});
  for (const Tensor<T>& largest : {camlite::maximum<T>({a, b}), camlite::maximum<T>({b, a})}) {
    CHECK(std::isnan(largest(0)));
    CHECK(std::isnan(largest(1)));
    CHECK(largest(2) == infinity<T>);
  }
}

TEST_CASE("elementwise operators whose shapes do not fit say what does not fit") {
  const Tensor<float> map({2, 3, 4, 5}), other({2, 3, 4, 6}), vectors({2, 5}), three({3, 4, 5});
  const Tensor<float> five({5}), six({6});
  CHECK_THROWS_WITH(camlite::add<float>({map}), "add: takes 2 or more inputs, not 1");
  CHECK_THROWS_WITH(camlite::add<float>({map, map, other}),
                    "add: takes tensors of one shape, or with extents of 1 where they differ, its "
                    "inputs are (2, 3, 4, 5) and (2, 3, 4, 6)");
  CHECK_THROWS_WITH(camlite::mul<float>({map, five}),
                    "mul: takes tensors of one shape, or with extents of 1 where they differ, its "
                    "inputs are (2, 3, 4, 5) and (5)");
  CHECK_THROWS_WITH(camlite::sub<float>(three, map),
                    "sub: takes tensors of one shape, or with extents of 1 where they differ, its "
                    "inputs are (3, 4, 5) and (2, 3, 4, 5)");
  CHECK_THROWS_WITH(camlite::scale<float>(map, six), "scale: weight must be (5), it is (6)");
  CHECK_THROWS_WITH(camlite::scale<float>(vectors, five, six),
                    "scale: bias must be (5), it is (6)");
  CHECK_THROWS_WITH(camlite::prelu<float>(three, five),
                    "prelu: needs a feature map (N, H, W, C) or vectors (N, C) that are not empty, "
                    "its input is (3, 4, 5)");
  CHECK_THROWS_WITH(camlite::prelu<float>(Tensor<float>({0, 5}), five),
                    "prelu: needs a feature map (N, H, W, C) or vectors (N, C) that are not empty, "
                    "its input is (0, 5)");
  CHECK_THROWS_WITH(camlite::clamp<float>(map, nan_value<double>, 1),
                    "clamp: min and max must be numbers, they are nan and 1");
  CHECK_THROWS_WITH(camlite::leaky_relu<float>(map, infinity<double>),
                    "leaky_relu: negative_slope must be finite, it is inf");
  CHECK_THROWS_WITH(camlite::hard_sigmoid<float>(map, {.alpha = nan_value<double>}),
                    "hard_sigmoid: alpha must be finite, it is nan");
}
