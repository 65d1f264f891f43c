// The fast poolings and the fast fully connected layer, with every instruction set that this
// processor has: against the templates in double, with infinities and NaN, in memory between
// forbidden pages, on many threads.
//
// A failure names the seed of its case; CAMLITE_SEED=that in the environment runs this case alone.
#include <camlite/kernels/operators.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "support/results.hpp"
#include "support/run_operator.hpp"

using camlite::Arguments;
using camlite::GlobalAvgPool;
using camlite::Index;
using camlite::Isa;
using camlite::Linear;
using camlite::MaxPool2d;
using camlite::Rounding;
using camlite::Shape;
using camlite::Size2d;
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
using camlite::test::tested_isas;

namespace {

// An operator, its input, and its weight and bias if it has them.
template <class Operator>
struct Case {
  Operator op;
  std::vector<Tensor<float>> inputs, parameters;

  Case(const Operator& which, const Shape& in, Random& random)
      : op(which), inputs{random.tensor<float>(in)} {
    for (const auto& parameter : camlite::parameters_of(op, {&in, 1}))
      parameters.push_back(random.tensor<float>(parameter.shape));
  }
};

template <class Operator>
Tensor<double> in_double(const Case<Operator>& c) {
  std::vector<Tensor<double>> inputs, parameters;
  for (const Tensor<float>& input : c.inputs) inputs.push_back(converted<double>(input));
  for (const Tensor<float>& tensor : c.parameters) parameters.push_back(converted<double>(tensor));
  return run_operator<double>(c.op, inputs, parameters);
}

// What the kernels make of it, in memory that holds NaN before.
template <class Operator>
Tensor<float> by_kernels(const Case<Operator>& c, Isa isa, int threads = 1) {
  const TensorView<const float> in = c.inputs[0];
  const std::vector<TensorView<const float>> parameters(c.parameters.begin(), c.parameters.end());
  Tensor<float> out(c.op.output_shape({&in.shape(), 1}));
  std::fill(out.begin(), out.end(), std::numeric_limits<float>::quiet_NaN());
  camlite::kernels::run(c.op, kernels_for(isa),
                        Arguments<float>{{&in, 1}, parameters, out, nullptr, threads});
  return out;
}

// As in double, up to rounding errors of sums of `terms` numbers up to 1; infinities and NaN are
// themselves.
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
      const bool same = std::isnan(right)   ? std::isnan(here)
                        : std::isinf(right) ? here == right
                                            : std::abs(here - right) <= error;
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
      const Guarded in(c.inputs[0].size(), guard), out(expected.size(), guard);
      const TensorView<const float> in_view(in.data(), c.inputs[0].shape());
      const TensorView<float> out_view(out.data(), expected.shape());
      std::copy(c.inputs[0].begin(), c.inputs[0].end(), in.data());
      const Index none = 0;
      const Guarded weight(c.parameters.empty() ? none : c.parameters[0].size(), guard);
      const Guarded bias(c.parameters.size() < 2 ? none : c.parameters[1].size(), guard);
      std::vector<TensorView<const float>> parameters;
      for (const Tensor<float>& tensor : c.parameters) {
        float* place = parameters.empty() ? weight.data() : bias.data();
        std::copy(tensor.begin(), tensor.end(), place);
        parameters.emplace_back(place, tensor.shape());
      }
      camlite::kernels::run(c.op, kernels_for(isa),
                            Arguments<float>{{&in_view, 1}, parameters, out_view, nullptr, 2});
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

Case<MaxPool2d> random_max_pool(Random& random) {
  const auto size = [&](Index least, Index most) {
    const Index one = random.between(least, most);
    return random.coin() ? Size2d(one) : Size2d(one, random.between(least, most));
  };
  for (;;) {
    MaxPool2d pool;
    pool.kernel = size(1, 4);
    pool.stride = size(1, 4);
    pool.padding = {random.between(0, pool.kernel.height / 2),
                    random.between(0, pool.kernel.width / 2)};
    pool.rounding = random.one_of({Rounding::floor, Rounding::ceil, Rounding::caffe});
    const Shape in{random.between(1, 3), random.between(1, 20), random.between(1, 20),
                   random.between(1, 100)};
    try {
      pool.output_shape({&in, 1});
      return {pool, in, random};
    } catch (const camlite::Error&) {  // it does not fit
    }
  }
}

Case<GlobalAvgPool> random_mean(Random& random) {
  return {
      {},
      {random.between(1, 3), random.between(1, 16), random.between(1, 16), random.between(1, 300)},
      random};
}

Case<Linear> random_linear(Random& random) {
  return {{.out_features = random.between(1, 200), .bias = random.coin()},
          {random.between(1, 5), random.between(1, 300)},
          random};
}

}  // namespace

TEST_CASE("max_pool2d, global_avg_pool and linear come to what their definitions do in double") {
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    check_values(random_max_pool(random), 0);
    check_values(random_mean(random), 1);
    const Case<Linear> linear = random_linear(random);
    check_values(linear, linear.inputs[0].extent(1) + 1);
  }
}

TEST_CASE("max_pool2d, global_avg_pool and linear keep infinities and NaN where they matter") {
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    Case<MaxPool2d> pool = random_max_pool(random);
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
    check_memory_and_bits(random_max_pool(random));
    check_memory_and_bits(random_mean(random));
    check_memory_and_bits(random_linear(random));
  }
  // Enough for seven threads.
  Random random(1);
  check_memory_and_bits(Case<MaxPool2d>({{.kernel = 3, .stride = 2}}, {2, 61, 60, 530}, random));
  check_memory_and_bits(Case<GlobalAvgPool>({}, {2, 40, 41, 1123}, random));
  check_memory_and_bits(Case<Linear>({.out_features = 1001}, {3, 1, 1, 1234}, random));
}
