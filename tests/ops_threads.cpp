// The same bits for any number of threads, and no more scratch memory than was asked for.
#include <camlite/model/operators.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/run_operator.hpp"

using camlite::Shape;
using camlite::Tensor;
using camlite::test::Random;
using camlite::test::run_operator;

namespace {

template <class T, class Operator>
void check(const Operator& op, const std::vector<Shape>& shapes) {
  CAPTURE(std::string(Operator::type));
  Random random(22);
  std::vector<Tensor<T>> inputs, parameters;
  for (const Shape& shape : shapes) inputs.push_back(random.tensor<T>(shape));
  for (const auto& parameter : camlite::parameters_of(op, shapes))
    parameters.push_back(random.tensor<T>(parameter.shape, 0.5F, 1.5F));
  const Tensor<T> one = run_operator(op, inputs, parameters, 1);
  for (int threads : {2, 7, 100}) {
    CAPTURE(threads);
    const Tensor<T> many = run_operator(op, inputs, parameters, threads);
    const auto bytes = static_cast<std::size_t>(one.size()) * sizeof(T);
    CHECK(std::memcmp(one.data(), many.data(), bytes) == 0);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("an operator computes the same bits on any number of threads", "", float,
                   double) {
  using T = TestType;
  const Shape map{2, 37, 41, 24};
  check<T>(camlite::Add{}, {map, map, map});
  check<T>(camlite::AvgPool2d{{.kernel = 3, .stride = 2, .padding = 1}}, {map});
  check<T>(camlite::BatchNorm{}, {map});
  check<T>(camlite::ChannelShuffle{.groups = 3}, {map});
  check<T>(camlite::Clamp{.min = -0.5}, {map});
  check<T>(camlite::Concat{}, {map, {2, 37, 41, 5}});
  check<T>(camlite::Constant{.height = 9, .width = 8, .channels = 7}, {});
  check<T>(camlite::Conv2d{.out_channels = 10, .kernel = 3, .padding = 1}, {map});
  check<T>(camlite::Conv2d{.out_channels = 10, .kernel = {3, 2}, .stride = 2, .groups = 2}, {map});
  check<T>(camlite::Conv2d{.out_channels = 10, .kernel = 1, .groups = 2}, {map});
  check<T>(camlite::Div{}, {map, {2, 24}});
  check<T>(camlite::Dropout{}, {map});
  check<T>(camlite::Flatten{}, {map});
  check<T>(camlite::GlobalAvgPool{}, {{5, 7, 9, 11}});
  check<T>(camlite::HardSigmoid{}, {map});
  check<T>(camlite::HardSwish{}, {map});
  check<T>(camlite::LeakyRelu{}, {map});
  check<T>(camlite::Linear{.out_features = 1000}, {{3, 200}});
  check<T>(camlite::Lrn{.size = 5}, {map});
  check<T>(camlite::MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}}, {map});
  check<T>(camlite::Maximum{}, {map, {1, 37, 1, 24}});
  check<T>(camlite::Mul{}, {map, {2, 1, 1, 24}, {1, 1, 41, 1}});
  check<T>(camlite::Pad{.top = 2, .right = 3}, {map});
  check<T>(camlite::Prelu{}, {map});
  check<T>(camlite::Relu{}, {map});
  check<T>(camlite::Relu6{}, {map});
  check<T>(camlite::Scale{}, {map});
  check<T>(camlite::Sigmoid{}, {map});
  check<T>(camlite::Silu{}, {map});
  check<T>(camlite::Slice{.start = 5, .end = 20}, {map});
  check<T>(camlite::Softmax{}, {{30, 100}});
  check<T>(camlite::Sub{}, {map, {1, 1, 1, 1}});
}

TEMPLATE_TEST_CASE("more threads than pieces of work are no harm", "", float, double) {
  using T = TestType;
  const Shape pixel{1, 1, 1, 2};
  check<T>(camlite::Add{}, {pixel, pixel});
  check<T>(camlite::Conv2d{.out_channels = 2, .kernel = 3, .padding = 1}, {pixel});
  check<T>(camlite::GlobalAvgPool{}, {pixel});
  check<T>(camlite::Linear{.out_features = 1}, {pixel});
  check<T>(camlite::MaxPool2d{{.kernel = 1}}, {pixel});
  check<T>(camlite::Relu{}, {Shape{0}});
  check<T>(camlite::Linear{.out_features = 3}, {{0, 4}});
}
