// The fast convolutions, by every algorithm and with every instruction set that this processor has:
// against the template in double, with numbers that are none, in memory between forbidden pages, on
// many threads.
//
// A failure names the seed of its case; CAMLITE_SEED=that in the environment runs this case alone.
#include <camlite/kernels/conv2d.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/convolutions.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "support/results.hpp"
#include "support/wide.hpp"

using camlite::Activation;
using camlite::ConvAlgorithm;
using camlite::Index;
using camlite::Isa;
using camlite::Shape;
using camlite::Tensor;
using camlite::TensorView;
using camlite::kernels::ConvPlan;
using camlite::kernels::kernels_for;
using camlite::kernels::winograd_index;
using camlite::test::all_conv_algorithms;
using camlite::test::ConvCase;
using camlite::test::ConvData;
using camlite::test::finished;
using camlite::test::for_each_way;
using camlite::test::Guard;
using camlite::test::Guarded;
using camlite::test::magnitude;
using camlite::test::Random;
using camlite::test::random_case;
using camlite::test::result;
using camlite::test::same_bits;
using camlite::test::seeds;
using camlite::test::sums;
using camlite::test::tested_isas;
using camlite::test::Way;
using camlite::test::Wide;

namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

// What errors may be, as a share of magnitude(): three times the largest of 4000 seeds. A sum in
// another order is off by a unit in the last place, 1.2e-7, or two. F(4,3) and F(6,3) multiply
// their own roundings by up to 2.8 * 2.8 and 32 * 32 in the output's transform.
double tolerance(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::winograd4:
      return 3e-6;
    case ConvAlgorithm::winograd6:
      return 2e-5;
    default:
      return 5e-7;
  }
}

// The largest sum of magnitudes in a row of A^T, squared for two dimensions: what Winograd's output
// transform can make of errors in each product.
double amplification(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::winograd2:
      return 3 * 3;
    case ConvAlgorithm::winograd4:
      return 8 * 8;
    case ConvAlgorithm::winograd6:
      return 68 * 68;
    default:
      return 1;
  }
}

// The largest difference, infinite if one is no number.
double largest_error(const Tensor<float>& got, const Tensor<double>& expected) {
  REQUIRE(got.shape() == expected.shape());
  double largest = 0;
  for (Index i = 0; i < got.size(); ++i) {
    const double error = std::abs(double{got.data()[i]} - expected.data()[i]);
    largest =
        std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(largest, error);
  }
  return largest;
}

// By every way what it is in double.
void check(const ConvCase& c, Random& random) {
  const ConvData data(c, random);
  const Tensor<double> expected = sums(c, data);
  for_each_way(c, data, [&](const Way& way) {
    const double error =
        largest_error(result(way, data.in), finished(expected, c.activation, way.conv.pooled()));
    CHECK(error <= tolerance(way.algorithm) * magnitude(data));
  });
}

// The numbers of output channel o.
template <class T>
Tensor<T> channel(const Tensor<T>& map, Index o) {
  Tensor<T> one({map.extent(0), map.extent(1), map.extent(2), 1});
  for (Index i = 0; i < one.size(); ++i) one.data()[i] = map.data()[i * map.extent(3) + o];
  return one;
}

// A convolution of which there is one output channel, o, of another.
std::pair<ConvCase, ConvData> only_channel(ConvCase c, const ConvData& data, Index o) {
  ConvData one = data;
  const Index taps = data.weight.size() / c.conv.out_channels;
  c.conv.out_channels = 1;
  one.weight = Tensor<float>(c.weight());
  std::copy_n(data.weight.data() + o * taps, taps, one.weight.data());
  one.bias = Tensor<float>({1}, {&data.bias(o), 1});
  return {c, std::move(one)};
}

// A number of the input, the weight or the bias that is none.
struct Special {
  enum Where { input, weight, bias } where;
  Index at;
};

Special make_special(ConvData& data, Random& random) {
  const auto where = static_cast<Special::Where>(random.between(0, data.bias.size() > 0 ? 2 : 1));
  Tensor<float>& tensor = where == Special::input    ? data.in
                          : where == Special::weight ? data.weight
                                                     : data.bias;
  const Index at = random.between(0, tensor.size() - 1);
  tensor.data()[at] = random.one_of({nan, infinity, -infinity});
  return {where, at};
}

// Whether the tile of m x m outputs with the output (n, y, x, o) is computed from it by Winograd.
bool tile_sees(const ConvCase& c, Index m, const Special& special, Index n, Index y, Index x,
               Index o) {
  if (special.where == Special::bias) return special.at == o;
  if (special.where == Special::weight)
    return special.at / (c.weight().size() / c.weight()[0]) == o;
  const Index channel = special.at % c.in[3], column = special.at / c.in[3] % c.in[2];
  const Index row = special.at / c.in[3] / c.in[2] % c.in[1];
  const Index picture = special.at / (c.in.size() / c.in[0]);
  const Index top = y / m * m - c.conv.padding.height, left = x / m * m - c.conv.padding.width;
  return picture == n && row >= top && row < top + m + 2 && column >= left &&
         column < left + m + 2 &&
         channel / (c.in[3] / c.conv.groups) == o / (c.conv.out_channels / c.conv.groups);
}

// Whether a weight that is no number meets the padding at the output (y, x, o). Padding is zeros by
// the definition, which make NaN of it; depthwise convolution has no padding.
bool meets_padding(const ConvCase& c, const Special& special, Index y, Index x, Index o) {
  const Index taps = c.weight().size() / c.weight()[0], tap = special.at % taps;
  if (special.where != Special::weight || special.at / taps != o) return false;
  const Index i = tap / c.conv.kernel.width % c.conv.kernel.height;
  const Index j = tap % c.conv.kernel.width;
  const Index row = y * c.conv.stride.height - c.conv.padding.height + i * c.conv.dilation.height;
  const Index column = x * c.conv.stride.width - c.conv.padding.width + j * c.conv.dilation.width;
  return row < 0 || row >= c.in[1] || column < 0 || column >= c.in[2];
}

// In float what it is in double, up to an error; infinities and NaN are themselves.
bool is_nearly(float got, double expected, double error) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return double{got} == expected;
  return std::abs(double{got} - expected) <= error;
}

// Layers that are enough for several threads, in every order of work.
const std::vector<ConvCase> layers{
    {{2, 20, 20, 32}, {.out_channels = 40, .kernel = 3, .padding = 1}, Activation::relu, true},
    {{1, 120, 121, 8}, {.out_channels = 12, .kernel = 3, .padding = 1}, Activation::none, true},
    {{1, 31, 25, 70}, {.out_channels = 40, .kernel = 3, .padding = 1, .groups = 2}},
    {{2, 30, 30, 24}, {.out_channels = 40, .kernel = 5, .stride = 2, .padding = 2}},
    {{1, 40, 40, 64}, {.out_channels = 96, .kernel = 1}, Activation::relu6},
    {{1, 110, 110, 20}, {.out_channels = 20, .kernel = 3, .padding = 1, .groups = 20}},
    {{2, 14, 14, 530}, {.out_channels = 530, .kernel = 5, .padding = 2, .groups = 530}},
    {{1, 30, 31, 140}, {.out_channels = 140, .kernel = 3, .padding = 1, .groups = 35}},
};

}  // namespace

TEST_CASE("a convolution comes to what its definition does in double, by every algorithm") {
  for (unsigned seed : seeds(250)) {
    CAPTURE(seed);
    Random random(seed);
    check(random_case(random, 2'000'000), random);
  }
}

TEST_CASE("a convolution is right where it is larger than what is computed at a time") {
  const ConvCase cases[]{
      {{1, 9, 8, 260}, {.out_channels = 130, .kernel = 3, .stride = 2, .padding = 1}},
      {{1, 14, 13, 130}, {.out_channels = 260, .kernel = 3, .padding = 1}, Activation::relu, true},
      {{1, 8, 9, 520}, {.out_channels = 260, .kernel = 3, .padding = 1, .groups = 2}},
      {{2, 3, 250, 9}, {.out_channels = 20, .kernel = {3, 5}, .padding = {1, 2}}},
      {{1, 3, 250, 150}, {.out_channels = 150, .kernel = 3, .padding = 1, .groups = 150}},
      {{2, 20, 20, 260}, {.out_channels = 130, .kernel = 1}, Activation::relu6},
  };
  Random random(1);
  for (const ConvCase& c : cases) check(c, random);
}

TEST_CASE("Winograd is right in both of its orders, and where not all fits at once") {
  struct Channels {
    Index in, out;
  };
  // Each order, and what has it with one instruction set or another.
  struct Order {
    std::string name;
    std::function<bool(const ConvPlan&, Index)> is_taken;
    std::vector<Channels> channels;
  };
  const Order orders[]{
      {"tile by tile", [](const ConvPlan& plan, Index) { return plan.weights_first; }, {{20, 70}}},
      {"panel by panel, some of the tiles at a time",
       [](const ConvPlan& plan, Index) {
         return !plan.weights_first && plan.tiles_at_once < plan.tiles;
       },
       {{9, 40}, {260, 70}, {260, 100}, {260, 180}, {260, 390}}},
      {"panel by panel, some of the channels at a time",
       [](const ConvPlan& plan, Index channels) {
         return !plan.weights_first && plan.channels_at_once < channels;
       },
       {{140, 40}, {260, 40}, {530, 40}, {1100, 10}}},
  };
  const auto check = [](Isa isa, ConvAlgorithm algorithm, const Channels& channels,
                        const Order& order) {
    Random random(1);
    ConvCase c{{1, 30, 3, channels.in},
               {.out_channels = channels.out, .kernel = 3, .padding = 1},
               Activation::relu,
               true};
    ConvData data(c, random);
    Way way(isa, algorithm, c, data);
    while (!order.is_taken(way.plan, channels.in)) {
      if (c.in[2] > 500) return false;
      c.in = {1, 30, c.in[2] + 4, channels.in};
      way.plan = way.conv.plan(c.in, algorithm);
    }
    data.in = random.tensor<float>(c.in);
    CAPTURE(c.str());
    const Tensor<float> got = result(way, data.in, 2);
    for (Index o : {Index{0}, random.between(1, channels.out - 2), channels.out - 1}) {
      const auto [one, one_data] = only_channel(c, data, o);
      const Tensor<double> expected = finished(sums(one, one_data), c.activation, c.pooled);
      CHECK(largest_error(channel(got, o), expected) <= tolerance(algorithm) * magnitude(one_data));
    }
    return true;
  };
  for (Isa isa : tested_isas()) {
    for (ConvAlgorithm algorithm : all_conv_algorithms) {
      if (!winograd_index(algorithm)) continue;
      for (const Order& order : orders) {
        CAPTURE(isa_name(isa), name_of(algorithm), order.name);
        const bool found = std::any_of(
            order.channels.begin(), order.channels.end(),
            [&](const Channels& channels) { return check(isa, algorithm, channels, order); });
        CHECK(found);
      }
    }
  }
}

TEST_CASE("depthwise convolutions of every width, kernel, stride, padding and size of a group") {
  Random random(1);
  for (Index kernel : {1, 3, 5, 7}) {
    for (Index stride : {1, 2, 3}) {
      for (Index width = 1; width <= 40; ++width) {
        const Index dilation = random.one_of<Index>({1, 1, 1, 2, 3});
        const Index reach = dilation * (kernel - 1) + 1, height = random.between(1, 9);
        const auto padding = [&](Index extent) {  // at least so much that the window fits
          return std::max(random.between(0, kernel), (reach - extent + 1) / 2);
        };
        const Index groups = random.between(2, 45);
        ConvCase c;
        c.in = {random.between(1, 2), height, width, groups * random.one_of<Index>({1, 1, 2, 4})};
        c.conv = {.out_channels = c.in[3],
                  .kernel = kernel,
                  .stride = {random.between(1, 3), stride},
                  .padding = {padding(height), padding(width)},
                  .dilation = dilation,
                  .groups = groups};
        const ConvData data(c, random);
        const Tensor<double> expected = sums(c, data);
        CAPTURE(c.str());
        for (Isa isa : tested_isas()) {
          const Way way(isa, ConvAlgorithm::depthwise, c, data);
          CHECK(largest_error(result(way, data.in), expected) <=
                tolerance(way.algorithm) * magnitude(data));
        }
      }
    }
  }
}

TEST_CASE("infinities and NaN are in all outputs that depend on them, and leave others alone") {
  for (unsigned seed : seeds(250)) {
    CAPTURE(seed);
    Random random(seed);
    const ConvCase c = random_case(random, 200'000);
    ConvData data(c, random);
    std::vector<Special> specials;
    for (Index count = random.between(1, 3); count > 0; --count)
      specials.push_back(make_special(data, random));
    const double unit = magnitude(data);
    const Tensor<double> expected = sums(c, data);
    for_each_way(c, data, [&](const Way& way) {
      const Tensor<double> right = finished(expected, c.activation, way.conv.pooled());
      const Tensor<float> got = result(way, data.in);
      REQUIRE(got.shape() == right.shape());
      // Winograd's sums of several outputs share the number, so that it may make NaN of any of
      // them.
      const auto may_differ = [&](Index i) {
        const auto winograd = winograd_index(way.algorithm);
        const Index step = way.conv.pooled() ? 2 : 1;
        const Index o = i % got.extent(3), x = i / got.extent(3) % got.extent(2) * step;
        const Index y = i / got.extent(3) / got.extent(2) % got.extent(1) * step;
        const Index n = i / (got.size() / got.extent(0));
        return std::any_of(specials.begin(), specials.end(), [&](const Special& special) {
          if (way.algorithm == ConvAlgorithm::depthwise) return meets_padding(c, special, y, x, o);
          return winograd && std::isnan(got.data()[i]) &&
                 tile_sees(c, kernels_for(way.isa).winograd[*winograd].m, special, n, y, x, o);
        });
      };
      Index wrong = 0;
      for (Index i = 0; i < got.size(); ++i) {
        wrong += !is_nearly(got.data()[i], right.data()[i], tolerance(way.algorithm) * unit) &&
                 !may_differ(i);
      }
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("denormal numbers are numbers like others") {
  constexpr float denormal = 1e-39F;
  const auto shrink = [](Tensor<float>& tensor, Random& random, bool all) {
    for (float& x : tensor) x *= all || random.between(0, 2) == 0 ? denormal : 1;
  };
  for (unsigned seed : seeds(100)) {
    CAPTURE(seed);
    Random random(seed);
    ConvCase c = random_case(random, 200'000);
    c.conv.bias = false;
    ConvData data(c, random);
    const Index which = random.between(0, 2);  // all of one of the two, or some of both
    if (which != 1) shrink(data.in, random, which == 0);
    if (which != 0) shrink(data.weight, random, which == 1);
    const Tensor<double> expected = sums(c, data);
    for_each_way(c, data, [&](const Way& way) {
      // Denormal numbers are so far apart: each product may be off by that much.
      const double apart = std::numeric_limits<float>::denorm_min() *
                           static_cast<double>(c.conv.taps(c.in)) * amplification(way.algorithm);
      const Tensor<double> right = finished(expected, c.activation, way.conv.pooled());
      CHECK(largest_error(result(way, data.in), right) <=
            tolerance(way.algorithm) * magnitude(data) + apart);
    });
  }
}

TEST_CASE("a convolution touches nothing outside of its input, output and scratch memory") {
  constexpr int threads = 2;
  constexpr Index aligned = 16;  // floats: so does Network place outputs and scratch memory
  const auto check = [&](const ConvCase& c, Random& random) {
    const ConvData data(c, random);
    for_each_way(c, data, [&](const Way& way) {
      const Tensor<float> expected = result(way, data.in, threads);
      for (Guard guard : {Guard::before, Guard::after}) {
        const Guarded in(data.in.size(), guard);
        const Guarded out(expected.size(), guard, aligned);
        const Guarded scratch(way.scratch(threads), guard, aligned);
        std::copy(data.in.begin(), data.in.end(), in.data());
        const TensorView<const float> in_view(in.data(), c.in);
        const TensorView<float> result_view(out.data(), expected.shape());
        way.conv.run(way.plan, {{&in_view, 1}, {}, result_view, scratch.data(), threads});
        CHECK(same_bits(result_view, expected));
        CHECK(in.rest_is_untouched());
        CHECK(out.rest_is_untouched());
        CHECK(scratch.rest_is_untouched());
      }
    });
  };
  for (unsigned seed : seeds(50)) {
    CAPTURE(seed);
    Random random(seed);
    check(random_case(random, 200'000), random);
  }
  Random random(1);
  for (const ConvCase& c : layers) check(c, random);
}

TEST_CASE("a convolution reads and writes some channels of wider maps, and nothing beside them") {
  for (unsigned seed : seeds(60)) {
    CAPTURE(seed);
    Random random(seed);
    const ConvCase c = random_case(random, 200'000);
    const ConvData data(c, random);
    for_each_way(c, data, [&](const Way& way) {
      const Tensor<float> expected = result(way, data.in);
      const Index more = random.between(0, 40), first = random.between(0, more);
      const bool strided = way.conv.reads_strided(way.plan);
      const Wide in(data.in, strided ? more : 0, strided ? first : 0);
      const Wide out(expected.shape(), more, first);
      Tensor<float> scratch = Tensor<float>::uninitialized({way.scratch(2)});
      const TensorView<const float> in_view = in.view();
      way.conv.run(way.plan,
                   {{&in_view, 1}, {}, out.view(), scratch.data(), 2, {&in.pixel, 1}, out.pixel});
      CHECK(same_bits(out.memory, Wide(expected, more, first).memory));
    });
  }
}

TEST_CASE("a convolution has the same bits on any number of threads, alone and in a batch") {
  Random random(1);
  for (const ConvCase& c : layers) {
    REQUIRE(c.conv.multiply_adds({&c.in, 1}) >= 2 << 20);
    const ConvData data(c, random);
    for_each_way(c, data, [&](const Way& way) {
      const Tensor<float> one = result(way, data.in, 1);
      for (int threads : {2, 3, 7}) {
        CAPTURE(threads);
        CHECK(same_bits(result(way, data.in, threads), one));
      }
      Way alone = way;
      const Shape one_picture{1, c.in[1], c.in[2], c.in[3]};
      alone.plan = way.conv.plan(one_picture, way.algorithm);
      for (Index n = 0; n < c.in[0]; ++n) {
        const Tensor<float> got = result(alone, data.in.view()[n].reshaped(one_picture));
        CHECK(same_bits(got.view()[0], one.view()[n]));
      }
    });
  }
}

TEST_CASE("a convolution's bits do not depend on where its input lies in memory") {
  for (unsigned seed : seeds(40)) {
    CAPTURE(seed);
    Random random(seed);
    const ConvCase c = random_case(random, 200'000);
    const ConvData data(c, random);
    const Index offset = random.between(1, 15);
    Tensor<float> shifted({data.in.size() + offset});
    std::copy(data.in.begin(), data.in.end(), shifted.data() + offset);
    for_each_way(c, data, [&](const Way& way) {
      CHECK(same_bits(result(way, {shifted.data() + offset, c.in}), result(way, data.in)));
    });
  }
}

TEST_CASE("memory between guards can be used, and no byte around it") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const auto readable = [&](const float* p) { return write(ends[1], p, 1) == 1; };
  for (Index size : {1, 1024, 5000}) {
    const Guarded first(size, Guard::before), last(size, Guard::after);
    CHECK(readable(first.data()));
    CHECK(readable(first.data() + size - 1));
    CHECK_FALSE(readable(first.data() - 1));
    CHECK(readable(last.data()));
    CHECK(readable(last.data() + size - 1));
    CHECK_FALSE(readable(last.data() + size));
  }
  close(ends[0]);
  close(ends[1]);
}
