// Convolutions as the kernels compute them, and what they should come to.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <camlite/kernels/conv2d.hpp>
#include <camlite/ops/activations.hpp>
#include <camlite/ops/conv2d.hpp>
#include <camlite/ops/max_pool2d.hpp>

#include <catch2/catch.hpp>

#include "compare.hpp"
#include "isas.hpp"
#include "random.hpp"

namespace camlite::test {

inline constexpr std::array all_conv_algorithms{ConvAlgorithm::implicit_gemm,
                                                ConvAlgorithm::winograd2, ConvAlgorithm::winograd4,
                                                ConvAlgorithm::winograd6, ConvAlgorithm::depthwise};

// A convolution, what is fused with it, and the shape of its input.
struct ConvCase {
  Shape in;
  Conv2d conv;
  Activation activation{};
  bool pooled = false;  // 2x2 max pooling, where the algorithm can

  Shape weight() const {
    return {conv.out_channels, in[3] / conv.groups, conv.kernel.height, conv.kernel.width};
  }
  Shape out() const { return conv.output_shape({&in, 1}); }

  std::string str() const {
    return text("in ", in.str(), " weight ", weight().str(), " bias ", int{conv.bias}, " stride ",
                conv.stride.str(), " padding ", conv.padding.str(), " dilation ",
                conv.dilation.str(), " groups ", conv.groups, " activation ",
                static_cast<int>(activation.function), " clamped to ", activation.least, "..",
                activation.most, " pooled ", int{pooled});
  }
};

// Any attributes and fusions that there are, of up to `most` multiply-adds.
inline ConvCase random_case(Random& random, Index most) {
  const auto size = [&](Index least, Index largest) {
    const Index one = random.between(least, largest);
    return random.coin() ? Size2d(one) : Size2d(one, random.between(least, largest));
  };
  for (;;) {
    ConvCase c;
    c.in = {random.between(1, 3), random.between(1, 40), random.between(1, 40),
            random.between(1, 80)};
    c.conv = {.out_channels = random.between(1, 80), .kernel = 3, .bias = random.coin()};
    if (random.coin()) {
      c.conv.kernel = random.one_of({size(1, 5), Size2d(1), Size2d(1, 7), Size2d(7, 1)});
      c.conv.stride = size(1, 3);
      if (random.coin()) c.conv.dilation = size(1, 3);
    }
    c.conv.padding = random.one_of({Size2d(0), Size2d(1), size(0, 3), size(0, 9)});
    c.conv.groups = random.one_of<Index>({1, 1, 2, 3});
    if (random.between(0, 3) == 0) {  // small groups
      c.conv.groups = random.between(1, 20);
      c.conv.out_channels = c.conv.groups * random.one_of<Index>({1, 1, 2, 4});
      c.in = {c.in[0], c.in[1], c.in[2], c.conv.out_channels};
    }
    c.activation = random.one_of({Activation::none, Activation::relu, Activation::relu6,
                                  Activation{.least = -0.5, .most = 0.75}, Silu::activation(),
                                  HardSwish::activation()});
    try {
      c.pooled = random.coin() && c.activation.is_clamp() && c.out()[1] > 1 && c.out()[2] > 1;
      if (c.conv.multiply_adds({&c.in, 1}) <= most) return c;
    } catch (const Error&) {  // it does not fit
    }
  }
}

struct ConvData {
  Tensor<float> in, weight, bias;

  ConvData(const ConvCase& c, Random& random)
      : in(random.tensor<float>(c.in)),
        weight(random.tensor<float>(c.weight())),
        bias(random.tensor<float>({c.conv.bias ? c.conv.out_channels : 0})) {}
};

// The convolution in double, before activation.
inline Tensor<double> sums(const ConvCase& c, const ConvData& data) {
  return conv2d<double>(converted<double>(data.in), converted<double>(data.weight),
                        converted<double>(data.bias), c.conv);
}

// What becomes of sums: activated, and pooled if `pooled`.
inline Tensor<double> finished(Tensor<double> sums, Activation activation, bool pooled) {
  for (double& x : sums) x = activated(x, activation);
  return pooled ? max_pool2d<double>(sums, {.kernel = 2}) : sums;
}

// A bound of what any sum of these data could be, cancellation aside: rounding errors are a share
// of it. Infinities and NaN do not count.
inline double magnitude(const ConvData& data) {
  const auto size = [](float x) { return std::isfinite(x) ? std::abs(double{x}) : 0.0; };
  double input = 0, largest = 0;
  for (float x : data.in) input = std::max(input, size(x));
  const Index outputs = data.weight.extent(0), taps = data.weight.size() / outputs;
  for (Index o = 0; o < outputs; ++o) {
    double sum = 0;
    for (Index t = 0; t < taps; ++t) sum += size(data.weight.data()[o * taps + t]);
    largest = std::max(largest, sum * input + (data.bias.size() > 0 ? size(data.bias(o)) : 0));
  }
  return largest;
}

// One algorithm with one instruction set: a convolution that is ready to run.
struct Way {
  Isa isa;
  ConvAlgorithm algorithm;
  kernels::FastConv2d conv;
  kernels::ConvPlan plan;  // for c.in

  Way(Isa which, ConvAlgorithm how, const ConvCase& c, const ConvData& data)
      : isa(which),
        algorithm(how),
        conv(c.conv, c.activation, c.pooled && kernels::winograd_index(how).has_value(),
             kernels::kernels_for(which), how, data.weight, data.bias, 1),
        plan(conv.plan(c.in, how)) {}

  Shape out() const {
    if (!conv.pooled()) return plan.out;
    return {plan.out[0], plan.out[1] / 2, plan.out[2] / 2, plan.out[3]};
  }
  Index scratch(int threads) const { return plan.shared + threads * plan.separate; }
};

// Calls body(way) for every one that can compute the case.
template <class Body>
void for_each_way(const ConvCase& c, const ConvData& data, const Body& body) {
  CAPTURE(c.str());
  for (Isa isa : tested_isas()) {
    for (ConvAlgorithm algorithm : all_conv_algorithms) {
      if (!kernels::can_compute(algorithm, c.conv, c.in[3])) continue;
      CAPTURE(isa_name(isa), name_of(algorithm));
      const Way way(isa, algorithm, c, data);
      REQUIRE(way.plan.algorithm == algorithm);
      body(way);
    }
  }
}

// What it computes, in memory that holds NaN before: a number that was not written, or was read
// before, is no number.
inline Tensor<float> result(const Way& way, TensorView<const float> in, int threads = 1) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  Tensor<float> out = Tensor<float>::uninitialized(way.out());
  Tensor<float> scratch = Tensor<float>::uninitialized({way.scratch(threads)});
  std::fill(out.begin(), out.end(), nan);
  std::fill(scratch.begin(), scratch.end(), nan);
  way.conv.run(way.plan, {{&in, 1}, {}, out, scratch.data(), threads});
  return out;
}

}  // namespace camlite::test
