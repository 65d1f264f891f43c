#include <camlite/ops/gemm.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/random.hpp"

using camlite::Index;
using camlite::Matrix;
using camlite::Shape;
using camlite::Tensor;
using camlite::test::Random;
using camlite::test::relative_error;
using camlite::test::tolerance;

namespace {

template <class T>
using Gemm = void (*)(Matrix<const T>, Matrix<const T>, Matrix<T>, bool);

template <class T>
constexpr std::array<Gemm<T>, 2> backends{camlite::gemm<T>, camlite::builtin_gemm<T>};

// A matrix that is the first columns of a tensor (rows, stride).
template <class T>
Matrix<const T> columns_of(const Tensor<T>& tensor, Index columns) {
  return {tensor.data(), tensor.extent(0), columns, tensor.extent(1)};
}
template <class T>
Matrix<T> columns_of(Tensor<T>& tensor, Index columns) {
  return {tensor.data(), tensor.extent(0), columns, tensor.extent(1)};
}

// c(i, j) = sum over k of a(i, k) * b(j, k), added to what c was with `accumulate`. Columns of c
// behind the first b.rows stay.
template <class T>
Tensor<double> direct_product(const Tensor<T>& a, const Tensor<T>& b, const Tensor<T>& before,
                              Index depth, bool accumulate) {
  Tensor<double> c = camlite::test::converted<double>(before);
  for (Index i = 0; i < a.extent(0); ++i) {
    for (Index j = 0; j < b.extent(0); ++j) {
      double sum = accumulate ? c(i, j) : 0;
      for (Index k = 0; k < depth; ++k) sum += double{a(i, k)} * double{b(j, k)};
      c(i, j) = sum;
    }
  }
  return c;
}

}  // namespace

TEMPLATE_TEST_CASE("both backends multiply matrices of any size and stride", "", float, double) {
  using T = TestType;
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const Index rows = random.between(1, 40), columns = random.between(1, 40);
    const Index depth = random.one_of<Index>({0, 1, 2, 7, 31, 255, 256, 257, 300, 600});
    const auto gap = [&] { return random.coin() ? 0 : random.between(1, 9); };
    const Tensor<T> a = random.tensor<T>({rows, depth + gap()});
    const Tensor<T> b = random.tensor<T>({columns, depth + gap()});
    const Tensor<T> before = random.tensor<T>({rows, columns + gap()});
    const bool accumulate = random.coin();
    CAPTURE(rows, columns, depth, a.extent(1), b.extent(1), before.extent(1), accumulate);
    const Tensor<double> expected = direct_product(a, b, before, depth, accumulate);
    for (const Gemm<T> multiply : backends<T>) {
      Tensor<T> c = before;
      multiply(columns_of(a, depth), columns_of(b, depth), columns_of(c, columns), accumulate);
      CHECK(relative_error(c, expected) <= tolerance<T>);
    }
  }
}

TEMPLATE_TEST_CASE("a product without terms is zero", "", float, double) {
  using T = TestType;
  for (const Gemm<T> multiply : backends<T>) {
    Tensor<T> c({2, 3}, std::array<T, 6>{1, 2, 3, 4, 5, 6});
    const Matrix<const T> a{nullptr, 2, 0, 0}, b{nullptr, 3, 0, 0};
    multiply(a, b, columns_of(c, 3), true);
    CHECK(c(1, 2) == 6);
    multiply(a, b, columns_of(c, 3), false);
    CHECK(std::all_of(c.begin(), c.end(), [](T value) { return value == 0; }));
  }
}

TEMPLATE_TEST_CASE("a product of no rows or no columns touches nothing", "", float, double) {
  using T = TestType;
  const Tensor<T> some({3, 4});
  for (const Gemm<T> multiply : backends<T>) {
    T untouched = 7;
    multiply({nullptr, 0, 4, 4}, columns_of(some, 4), {&untouched, 0, 3, 3}, false);
    multiply(columns_of(some, 4), {nullptr, 0, 4, 4}, {&untouched, 3, 0, 0}, false);
    CHECK(untouched == 7);
  }
}

TEMPLATE_TEST_CASE("what the result held before is not read", "", float, double) {
  using T = TestType;
  const Tensor<T> a({3, 2}, std::array<T, 6>{1, 2, 3, 4, 5, 6});
  const Tensor<T> b({1, 2}, std::array<T, 2>{1, 10});
  for (const Gemm<T> multiply : backends<T>) {
    Tensor<T> c({3, 1});
    std::fill(c.begin(), c.end(), std::numeric_limits<T>::quiet_NaN());
    multiply(columns_of(a, 2), columns_of(b, 2), columns_of(c, 1), false);
    CHECK(c(0, 0) == 21);
    CHECK(c(1, 0) == 43);
    CHECK(c(2, 0) == 65);
  }
}

TEMPLATE_TEST_CASE("a value that is no number reaches its row and its column only", "", float,
                   double) {
  using T = TestType;
  Random random(2);
  const auto positive_but = [&](const Shape& shape, Index i, Index k, T value) {
    Tensor<T> out = random.tensor<T>(shape, 1, 2);
    out(i, k) = value;
    return out;
  };
  const Tensor<T> a = positive_but({6, 20}, 4, 3, std::numeric_limits<T>::quiet_NaN());
  const Tensor<T> b = positive_but({11, 20}, 9, 17, std::numeric_limits<T>::infinity());
  for (const Gemm<T> multiply : backends<T>) {
    Tensor<T> c({6, 11});
    multiply(columns_of(a, 20), columns_of(b, 20), columns_of(c, 11), false);
    for (Index i = 0; i < 6; ++i) {
      for (Index j = 0; j < 11; ++j) {
        CAPTURE(i, j);
        CHECK(std::isnan(c(i, j)) == (i == 4));
        CHECK(std::isinf(c(i, j)) == (j == 9 && i != 4));
      }
    }
  }
}
