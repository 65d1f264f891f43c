#include <camlite/tensor.hpp>

#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

using camlite::Error;
using camlite::Index;
using camlite::Shape;
using camlite::Tensor;
using camlite::TensorView;

TEST_CASE("a shape is up to four extents and their product") {
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{2, 3, 4, 5}.size() == 120);
  CHECK(Shape{2, 0, 4}.size() == 0);
  CHECK(Shape{1, 224, 224, 64}.str() == "(1, 224, 224, 64)");
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
}

TEST_CASE("a shape that cannot be is refused") {
  const Index huge = std::numeric_limits<Index>::max();
  CHECK_THROWS_WITH((Shape{1, 2, 3, 4, 5}), "a shape has at most 4 extents, not 5");
  CHECK_THROWS_WITH((Shape{2, -3}), "a shape has no negative extents: (2, -3)");
  CHECK_THROWS_AS((Shape{huge, 2}), Error);
  CHECK_THROWS_AS((Shape{huge / 2, 3, 1, 1}), Error);
  CHECK_THROWS_AS((Tensor<double>({huge / 4})), Error);  // elements fit, bytes do not
}

TEST_CASE("a tensor is contiguous, row-major, zeroed and aligned to 64 bytes") {
  Tensor<float> tensor({2, 3, 5});
  CHECK(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64 == 0);
  for (float value : tensor) CHECK(value == 0);
  tensor(1, 2, 4) = 7;
  CHECK(tensor.data()[1 * 15 + 2 * 5 + 4] == 7);
  CHECK(tensor.view()[1](2, 4) == 7);
  CHECK(tensor.view().reshaped({6, 5})(5, 4) == 7);
  CHECK_THROWS_WITH(tensor.view().reshaped({7, 5}),
                    "a tensor of shape (2, 3, 5) cannot be seen as (7, 5)");
}

TEST_CASE("a tensor is a value") {
  Tensor<int> a({2, 2}, std::array{1, 2, 3, 4});
  Tensor<int> b = a;
  b(0, 0) = 9;
  CHECK(a(0, 0) == 1);
  Tensor<int> c = std::move(b);
  CHECK(c(0, 0) == 9);
  CHECK(b.size() == 0);  // NOLINT(bugprone-use-after-move): a tensor that was moved from is empty
  b = c;
  CHECK(b(1, 1) == 4);
  CHECK_THROWS_WITH((Tensor<int>({3}, std::array{1, 2})), "2 values for a tensor of shape (3)");
}

#ifndef NDEBUG
TEST_CASE("debug builds check every position") {
  Tensor<float> tensor({2, 3});
  CHECK_THROWS_WITH(tensor(0, 3), "position (0, 3) is outside of a tensor of shape (2, 3)");
  CHECK_THROWS_WITH(tensor(0, -1), "position (0, -1) is outside of a tensor of shape (2, 3)");
  CHECK_THROWS_AS(tensor(0), Error);
  CHECK_THROWS_WITH(tensor.view()[2], "there is no entry 2 in a tensor of shape (2, 3)");
  CHECK_THROWS_AS(tensor.view()[-1], Error);
  CHECK_THROWS_AS(tensor.view()[0][0][0], Error);
}
#endif
