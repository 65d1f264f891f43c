// Random shapes and tensors of the tests: the same in every run.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <camlite/tensor.hpp>

namespace camlite::test {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  // One of least, ..., most.
  Index between(Index least, Index most) {
    return std::uniform_int_distribution<Index>(least, most)(engine_);
  }

  bool coin() { return between(0, 1) == 1; }

  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[between(0, static_cast<Index>(choices.size()) - 1)];
  }

  // Elements in [least, most), float numbers even where T is double, so that both types compute the
  // same thing.
  template <class T>
  Tensor<T> tensor(const Shape& shape, float least = -1, float most = 1) {
    std::uniform_real_distribution<float> distribution(least, most);
    Tensor<T> out = Tensor<T>::uninitialized(shape);
    for (T& value : out) value = distribution(engine_);
    return out;
  }

 private:
  std::mt19937 engine_;
};

// The seeds of a test's cases: 1, ..., count; only the one in CAMLITE_SEED, if it is set.
inline std::vector<unsigned> seeds(unsigned count) {
  if (const char* only = std::getenv("CAMLITE_SEED"))
    return {static_cast<unsigned>(std::stoul(only))};
  std::vector<unsigned> list;
  for (unsigned seed = 1; seed <= count; ++seed) list.push_back(seed);
  return list;
}

}  // namespace camlite::test
