// The fast operators but for convolution, with every instruction set that this processor has:
// against the templates in double, with infinities and NaN, in memory between forbidden pages, on
// many threads.
//
// A failure names the seed of its case; CAMLITE_SEED=that in the environment runs this case alone.
#include <camlite/kernels/operators.hpp>
#include <camlite/ops/activations.hpp>
#include <camlite/ops/relu.hpp>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "support/results.hpp"
#include "support/run_operator.hpp"
#include "support/wide.hpp"

using camlite::activated;
using camlite::Activation;
using camlite::Add;
using camlite::Arguments;
using camlite::AvgPool2d;
using camlite::ChannelShuffle;
using camlite::Clamp;
using camlite::Concat;
using camlite::Div;
using camlite::GlobalAvgPool;
using camlite::HardSigmoid;
using camlite::HardSwish;
using camlite::Index;
using camlite::Isa;
using camlite::LeakyRelu;
using camlite::Linear;
using camlite::Lrn;
using camlite::Maximum;
using camlite::MaxPool2d;
using camlite::Mul;
using camlite::Pad;
using camlite::Prelu;
using camlite::Relu;
using camlite::Relu6;
using camlite::Rounding;
using camlite::Scale;
using camlite::Shape;
using camlite::Sigmoid;
using camlite::Silu;
using camlite::Size2d;
using camlite::Slice;
using camlite::Softmax;
using camlite::Sub;
using camlite::Tensor;
using camlite::TensorView;
using camlite::kernels::kernels_for;
using camlite::test::converted;
using camlite::test::Guard;
using camlite::test::Guarded;
using camlite::test::Random;
using camlite::test::run_operator;
using camlite::test::same_bits;
using camlite::test::seeds;
using camlite::test::shapes_of;
using camlite::test::tested_isas;
using camlite::test::Wide;

namespace {

// An operator, its inputs and parameters, and the activation that follows it.
template <class Operator>
struct Case {
  Operator op;
  std::vector<Tensor<float>> inputs, parameters;
  Activation then;

  Case(const Operator& which, const std::vector<Shape>& in, Random& random, float largest = 1)
      : op(which) {
    for (const Shape& shape : in) inputs.push_back(random.tensor<float>(shape, -largest, largest));
    for (const auto& parameter : camlite::parameters_of(op, in))
      parameters.push_back(random.tensor<float>(parameter.shape));
  }
};

template <class Operator>
Tensor<double> in_double(const Case<Operator>& c) {
  std::vector<Tensor<double>> inputs, parameters;
  for (const Tensor<float>& input : c.inputs) inputs.push_back(converted<double>(input));
  for (const Tensor<float>& tensor : c.parameters) parameters.push_back(converted<double>(tensor));
  Tensor<double> out = run_operator<double>(c.op, inputs, parameters);
  for (double& x : out) x = activated(x, c.then);
  return out;
}

template <class Operator>
void run_kernels(const Case<Operator>& c, Isa isa, const Arguments<float>& arguments) {
  const camlite::kernels::Kernels& kernels = kernels_for(isa);
  if constexpr (requires { camlite::kernels::run(c.op, kernels, arguments, c.then); }) {
    camlite::kernels::run(c.op, kernels, arguments, c.then);
  } else {
    camlite::kernels::run(c.op, kernels, arguments);
  }
}

// What the kernels make of it, in memory that holds NaN before.
template <class Operator>
Tensor<float> by_kernels(const Case<Operator>& c, Isa isa, int threads = 1) {
  const std::vector<TensorView<const float>> inputs(c.inputs.begin(), c.inputs.end());
  const std::vector<TensorView<const float>> parameters(c.parameters.begin(), c.parameters.end());
  Tensor<float> out(c.op.output_shape(shapes_of(c.inputs)));
  std::fill(out.begin(), out.end(), std::numeric_limits<float>::quiet_NaN());
  run_kernels(c, isa, {inputs, parameters, out, nullptr, threads});
  return out;
}

// As in double, up to rounding errors of sums of `terms` numbers up to 1, or in proportion to
// larger results; infinities and NaN are themselves.
template <class Operator>
void check_values(const Case<Operator>& c, Index terms) {
  const Tensor<double> expected = in_double(c);
  const double error = 2e-7 * static_cast<double>(terms);
  for (Isa isa : tested_isas()) {
    CAPTURE(isa_name(isa));
    const Tensor<float> got = by_kernels(c, isa);
    REQUIRE(got.shape() == expected.shape());
    Index wrong = 0;
    for (Index i = 0; i < got.size(); ++i) {
      const double right = expected.data()[i], here = double{got.data()[i]};
      const bool same = std::isnan(right) ? std::isnan(here)
                        : std::isinf(right)
                            ? here == right
                            : std::abs(here - right) <= error * std::max(1.0, std::abs(right));
      wrong += !same;
    }
    CHECK(wrong == 0);
  }
}

template <class Operator>
void check_memory_and_bits(const Case<Operator>& c) {
  for (Isa isa : tested_isas()) {
    CAPTURE(isa_name(isa));
    const Tensor<float> expected = by_kernels(c, isa);
    for (int threads : {2, 3, 7}) CHECK(same_bits(by_kernels(c, isa, threads), expected));
    for (Guard guard : {Guard::before, Guard::after}) {
      std::deque<Guarded> guarded;
      const auto all_guarded = [&](const std::vector<Tensor<float>>& tensors) {
        std::vector<TensorView<const float>> views;
        for (const Tensor<float>& tensor : tensors) {
          float* place = guarded.emplace_back(tensor.size(), guard).data();
          std::copy(tensor.begin(), tensor.end(), place);
          views.emplace_back(place, tensor.shape());
        }
        return views;
      };
      const std::vector<TensorView<const float>> inputs = all_guarded(c.inputs);
      const std::vector<TensorView<const float>> parameters = all_guarded(c.parameters);
      const Guarded out(expected.size(), guard);
      const TensorView<float> out_view(out.data(), expected.shape());
      run_kernels(c, isa, {inputs, parameters, out_view, nullptr, 2});
      CHECK(same_bits(out_view, expected));
      CHECK(out.rest_is_untouched());
    }
  }
}

void spoil(Tensor<float>& tensor, Random& random) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (Index count = random.between(1, 3); count > 0; --count)
    tensor.data()[random.between(0, tensor.size() - 1)] = random.one_of({nan, infinity, -infinity});
}

template <class Pool>
Case<Pool> random_pool(Random& random) {
  const auto size = [&](Index least, Index most) {
    const Index one = random.between(least, most);
    return random.coin() ? Size2d(one) : Size2d(one, random.between(least, most));
  };
  for (;;) {
    Pool pool;
    pool.kernel = size(1, 4);
    pool.stride = size(1, 4);
    pool.padding = {random.between(0, pool.kernel.height / 2),
                    random.between(0, pool.kernel.width / 2)};
    pool.rounding = random.one_of({Rounding::floor, Rounding::ceil, Rounding::caffe});
    const Shape in{random.between(1, 3), random.between(1, 20), random.between(1, 20),
                   random.between(1, 100)};
    try {
      pool.output_shape({&in, 1});
      return {pool, {in}, random};
    } catch (const camlite::Error&) {  // it does not fit
    }
  }
}

Case<GlobalAvgPool> random_mean(Random& random) {
  return {{},
          {{random.between(1, 3), random.between(1, 16), random.between(1, 16),
            random.between(1, 300)}},
          random};
}

// What follows an operator: usually nothing or a ReLU.
Activation random_activation(Random& random) {
  return random.one_of({Activation::none, Activation::none, Activation::relu,
                        Activation{.least = -0.25, .most = 0.5}, Silu::activation()});
}

Case<Linear> random_linear(Random& random) {
  Case<Linear> c{{.out_features = random.between(1, 200), .bias = random.coin()},
                 {{random.between(1, 5), random.between(1, 300)}},
                 random};
  c.then = random_activation(random);
  return c;
}

Shape random_map(Random& random) {
  return {random.between(1, 3), random.between(1, 9), random.between(1, 12),
          random.between(1, random.coin() ? 9 : 300)};
}

// Any of the activations, with inputs where they do something.
template <class Body>
void with_activation(Random& random, const Body& body) {
  const auto shape = [&]() -> Shape {
    if (random.coin()) return random_map(random);
    return {random.between(1, 4), random.between(1, 700)};
  };
  body(Case<Relu>({}, {shape()}, random));
  body(Case<Relu6>({}, {shape()}, random, 9));
  body(Case<Clamp>({.min = -0.5, .max = 0.25}, {shape()}, random));
  body(Case<Clamp>({.min = 0.5, .max = -0.25}, {shape()}, random));
  body(Case<LeakyRelu>({.negative_slope = random.one_of({0.01, -0.5, 2.0})}, {shape()}, random));
  body(Case<HardSigmoid>({}, {shape()}, random, 5));
  body(Case<HardSigmoid>({.alpha = 0.2, .beta = -0.4}, {shape()}, random, 5));
  body(Case<HardSwish>({}, {shape()}, random, 5));
  body(Case<Sigmoid>({}, {shape()}, random, 20));
  body(Case<Sigmoid>({}, {shape()}, random, 200));
  body(Case<Silu>({}, {shape()}, random, 20));
  body(Case<Silu>({}, {shape()}, random, 200));
  body(Case<Prelu>({}, {shape()}, random));
  Case<Scale> scale({.bias = random.coin()}, {shape()}, random);
  scale.then = random_activation(random);
  body(scale);
}

Case<AvgPool2d> random_avg_pool(Random& random) {
  Case<AvgPool2d> c = random_pool<AvgPool2d>(random);
  c.op.count_include_pad = random.coin();
  return c;
}

Case<Softmax> random_softmax(Random& random) {
  return {{},
          {{random.between(1, 5), random.between(1, 300)}},
          random,
          static_cast<float>(random.one_of({1, 10, 100}))};
}

Case<Lrn> random_lrn(Random& random) {
  return {{.size = random.coin() ? 5 : random.between(1, 40),
           .alpha = random.one_of({1e-4, 0.5, 3.0}),
           .beta = random.between(0, 4) == 0 ? 0.5 : 0.75,
           .k = random.one_of({1.0, 2.0, 0.25})},
          {{random.between(1, 2), random.between(1, 4), random.between(1, 5),
            random.between(1, random.coin() ? 20 : 1200)}},
          random,
          3};
}

// Those that only move numbers.
template <class Body>
void with_moving(Random& random, const Body& body) {
  const Shape map = random_map(random);
  const Index start = random.between(0, map[3] - 1);
  body(Case<Slice>({.start = start, .end = random.between(start + 1, map[3])}, {map}, random));
  body(Case<Concat>({}, {map, {map[0], map[1], map[2], random.between(1, 20)}}, random));
  body(Case<Pad>({.top = 1, .right = 2, .value = 0.5}, {map}, random));
  body(Case<ChannelShuffle>({.groups = map[3] % 3 == 0 ? 3 : 1}, {map}, random));
}

// Shapes that go together: some of the extents are 1 in each.
std::vector<Shape> random_broadcast(Random& random, Index count) {
  const Shape whole = random_map(random);
  std::vector<Shape> shapes;
  for (Index i = 0; i < count; ++i) {
    const auto extent = [&](int axis) { return random.between(0, 2) == 0 ? 1 : whole[axis]; };
    shapes.push_back(random.one_of<Shape>({whole,
                                           {whole[0], 1, 1, whole[3]},
                                           {whole[0], whole[3]},
                                           {1, whole[3]},
                                           {1, 1, 1, 1},
                                           {whole[0], whole[1], whole[2], 1},
                                           {extent(0), extent(1), extent(2), extent(3)}}));
  }
  return shapes;
}

template <class Body>
void with_arithmetic(Random& random, const Body& body) {
  const auto finished = [&](auto c) {
    c.then = random_activation(random);
    body(c);
  };
  const auto few = [&] { return random_broadcast(random, random.between(2, 4)); };
  finished(Case<Add>({}, few(), random));
  finished(Case<Mul>({}, few(), random));
  finished(Case<Maximum>({}, few(), random));
  finished(Case<Sub>({}, random_broadcast(random, 2), random));
  Case<Div> division({}, random_broadcast(random, 2), random);
  for (float& x : division.inputs[1]) x += x < 0 ? -0.125F : 0.125F;
  finished(std::move(division));
}

}  // namespace

TEST_CASE("max_pool2d, global_avg_pool and linear come to what their definitions do in double") {
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    check_values(random_pool<MaxPool2d>(random), 0);
    check_values(random_mean(random), 1);
    const Case<Linear> linear = random_linear(random);
    check_values(linear, linear.inputs[0].extent(1) + 1);
  }
}

TEST_CASE("max_pool2d, global_avg_pool and linear keep infinities and NaN where they matter") {
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    Case<MaxPool2d> pool = random_pool<MaxPool2d>(random);
    spoil(pool.inputs[0], random);
    check_values(pool, 0);
    Case<GlobalAvgPool> mean = random_mean(random);
    spoil(mean.inputs[0], random);
    check_values(mean, 1);
    Case<Linear> linear = random_linear(random);
    spoil(random.coin() ? linear.inputs[0] : linear.parameters[0], random);
    check_values(linear, linear.inputs[0].extent(1) + 1);
  }
}

TEST_CASE(
    "max_pool2d, global_avg_pool and linear keep to their memory, the same bits on any threads") {
  for (unsigned seed : seeds(30)) {
    CAPTURE(seed);
    Random random(seed);
    check_memory_and_bits(random_pool<MaxPool2d>(random));
    check_memory_and_bits(random_mean(random));
    check_memory_and_bits(random_linear(random));
  }
  // Enough for seven threads.
  Random random(1);
  check_memory_and_bits(Case<MaxPool2d>({{.kernel = 3, .stride = 2}}, {{2, 61, 60, 530}}, random));
  check_memory_and_bits(Case<GlobalAvgPool>({}, {{2, 40, 41, 1123}}, random));
  check_memory_and_bits(Case<Linear>({.out_features = 1001}, {{3, 1, 1, 1234}}, random));
}

TEST_CASE("avg_pool2d, softmax and lrn come to what their definitions do in double") {
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    check_values(random_avg_pool(random), 2);
    check_values(random_softmax(random), 4);
    check_values(random_lrn(random), 20);
  }
}

TEST_CASE("avg_pool2d, softmax and lrn keep infinities and NaN where they matter") {
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    const auto check_spoiled = [&](auto c) {
      spoil(c.inputs[0], random);
      check_values(c, 20);
    };
    check_spoiled(random_avg_pool(random));
    check_spoiled(random_softmax(random));
    check_spoiled(random_lrn(random));
  }
}

TEST_CASE("softmax of logits that are far apart, or all alike, is one or equal shares") {
  Random random(1);
  Case<Softmax> c({}, {{2, 77}}, random, 0);
  c.inputs[0](0, 5) = 1e30F;
  for (Isa isa : tested_isas()) {
    const Tensor<float> got = by_kernels(c, isa);
    for (Index k = 0; k < 77; ++k) {
      CHECK(got(0, k) == (k == 5 ? 1.0F : 0.0F));
      CHECK(got(1, k) == Approx(1.0 / 77));
    }
  }
}

TEST_CASE("avg_pool2d, softmax, lrn and what moves numbers keep to their memory, same bits") {
  const auto check = [](const auto& c) { check_memory_and_bits(c); };
  for (unsigned seed : seeds(30)) {
    CAPTURE(seed);
    Random random(seed);
    check(random_avg_pool(random));
    check(random_softmax(random));
    check(random_lrn(random));
    with_moving(random, check);
  }
  // Enough for seven threads.
  Random random(1);
  const Shape map{2, 61, 60, 330};
  check(Case<AvgPool2d>({{.kernel = 3, .stride = 2}}, {map}, random));
  check(Case<Softmax>({}, {map}, random));
  check(Case<Lrn>({.size = 5}, {map}, random));
  check(Case<Concat>({}, {map, map}, random));
}

TEST_CASE("activations and arithmetic come to what their definitions do in double") {
  for (unsigned seed : seeds(60)) {
    CAPTURE(seed);
    Random random(seed);
    with_activation(random, [](const auto& c) { check_values(c, 2); });
    with_arithmetic(random, [](const auto& c) { check_values(c, 4); });
  }
}

TEST_CASE("activations and arithmetic keep infinities and NaN, each in its place") {
  for (unsigned seed : seeds(40)) {
    CAPTURE(seed);
    Random random(seed);
    const auto check_spoiled = [&](auto c) {
      spoil(c.inputs[static_cast<std::size_t>(random.between(0, std::ssize(c.inputs) - 1))],
            random);
      if (!c.parameters.empty() && random.coin()) spoil(c.parameters[0], random);
      check_values(c, 4);
    };
    with_activation(random, check_spoiled);
    with_arithmetic(random, check_spoiled);
  }
}

TEST_CASE("activations and arithmetic keep to their memory, the same bits on any threads") {
  const auto check = [](const auto& c) { check_memory_and_bits(c); };
  for (unsigned seed : seeds(15)) {
    CAPTURE(seed);
    Random random(seed);
    with_activation(random, check);
    with_arithmetic(random, check);
  }
  // Enough for seven threads.
  Random random(1);
  const Shape map{2, 61, 60, 330};
  check(Case<Silu>({}, {map}, random));
  check(Case<Scale>({}, {map}, random));
  check(Case<Mul>({}, {map, {2, 1, 1, 330}}, random));
  check(Case<Add>({}, {map, map, {2, 61, 1, 1}}, random));
}

TEST_CASE("operators read and write some channels of wider maps, and nothing beside them") {
  const auto check = [](const auto& c, Random& random) {
    using Op = std::decay_t<decltype(c.op)>;
    const auto wide = [&](TensorView<const float> map) {
      const bool strided = map.rank() == 4 && camlite::kernels::reads_strided<Op>;
      const Index more = strided ? random.between(0, 20) : 0;
      const Shape shape =
          map.rank() == 4 ? map.shape() : Shape{map.extent(0), 1, 1, map.size() / map.extent(0)};
      return Wide(map.reshaped(shape), more, random.between(0, more));
    };
    for (Isa isa : tested_isas()) {
      const Tensor<float> expected = by_kernels(c, isa);
      if (expected.rank() != 4) return;
      std::deque<Wide> maps;
      std::vector<TensorView<const float>> inputs;
      std::vector<Index> pixels;
      for (const Tensor<float>& input : c.inputs) {
        const Wide& map = maps.emplace_back(wide(input));
        inputs.emplace_back(map.view().data(), input.shape());
        pixels.push_back(map.pixel);
      }
      const std::vector<TensorView<const float>> parameters(c.parameters.begin(),
                                                            c.parameters.end());
      const Index more = random.between(0, 20), first = random.between(0, more);
      const Wide out(expected.shape(), more, first);
      run_kernels(c, isa, {inputs, parameters, out.view(), nullptr, 2, pixels, out.pixel});
      CHECK(same_bits(out.memory, Wide(expected, more, first).memory));
    }
  };
  for (unsigned seed : seeds(40)) {
    CAPTURE(seed);
    Random random(seed);
    const auto check_one = [&](const auto& c) { check(c, random); };
    with_activation(random, check_one);
    with_arithmetic(random, check_one);
    check_one(random_pool<MaxPool2d>(random));
    check_one(random_avg_pool(random));
  }
}

TEST_CASE("arithmetic may write over its inputs") {
  for (unsigned seed : seeds(15)) {
    CAPTURE(seed);
    Random random(seed);
    with_arithmetic(random, [](const auto& c) {
      for (Isa isa : tested_isas()) {
        const Tensor<float> expected = by_kernels(c, isa);
        for (std::size_t k = 0; k < 2; ++k) {
          if (c.inputs[k].shape() != expected.shape()) continue;
          auto over = c;
          std::vector<TensorView<const float>> inputs(over.inputs.begin(), over.inputs.end());
          if (k == 1 && inputs.size() > 2) continue;  // it is read again
          run_kernels(c, isa, {inputs, {}, over.inputs[k], nullptr, 2});
          CHECK(same_bits(over.inputs[k], expected));
        }
      }
    });
  }
}

TEST_CASE("sigmoid and silu are right to three units in the last place, up to where floats end") {
  std::vector<float> inputs(400'000);  // from 1e-6 to 110, and negative ones
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const double x =
        1e-6 * std::pow(1.1e8, static_cast<double>(i) / static_cast<double>(inputs.size()));
    inputs[i] = static_cast<float>(i % 2 == 0 ? x : -x);
  }
  Random random(1);
  const auto check = [&](auto c) {
    std::copy(inputs.begin(), inputs.end(), c.inputs[0].begin());
    const Tensor<double> expected = in_double(c);
    for (Isa isa : tested_isas()) {
      CAPTURE(isa_name(isa));
      const Tensor<float> got = by_kernels(c, isa);
      double largest = 0;
      float lost = 0;
      for (Index i = 0; i < got.size(); ++i) {
        // Where exp(-x) overflows, a float has no digits left for what the result is, or no place.
        if (inputs[static_cast<std::size_t>(i)] < -87) {
          lost = std::max(lost, std::abs(got.data()[i]));
          continue;
        }
        largest = std::max(largest, std::abs(got.data()[i] / expected.data()[i] - 1));
      }
      CHECK(largest <= 3 * 1.2e-7);
      CHECK(lost < 1e-35F);
    }
  };
  check(Case<Sigmoid>({}, {{std::ssize(inputs)}}, random));
  check(Case<Silu>({}, {{std::ssize(inputs)}}, random));
}
