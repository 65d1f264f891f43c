// What the elementwise kernel is told: which function, of which numbers.
#pragma once

#include <camlite/finite.hpp>
#include <camlite/ops/activation.hpp>
#include <camlite/tensor.hpp>

namespace camlite::kernels {

// min(max(f(x, ...), least), most), where f is `function`; NaN stays NaN.
struct Elementwise {
  enum class Function {
    // of x: as Activation's
    identity,
    affine,
    leaky_relu,
    hard_swish,
    sigmoid,
    silu,
    // of x and y
    add,
    sub,
    mul,
    div,
    maximum,
    prelu,  // x where x >= 0, x * y elsewhere
    // of x, y and z
    multiply_add,  // x * y + z
  };
  static constexpr int functions = static_cast<int>(Function::multiply_add) + 1;

  Function function = Function::identity;
  float alpha = 0, beta = 0;
  float least = -static_cast<float>(detail::infinity);
  float most = static_cast<float>(detail::infinity);

  static constexpr int operands(Function function) {
    return function < Function::add ? 1 : function < Function::multiply_add ? 2 : 3;
  }
};

// The numbers that a function reads: rows of them, `row` floats apart (0: all the same one), each
// either as long as the output's or a single number that stands for all of its row.
struct Operand {
  const float* data = nullptr;
  Index row = 0;
  bool single = false;
};

inline Elementwise elementwise_of(const Activation& activation) {
  static_assert(static_cast<int>(Activation::Function::silu) ==
                static_cast<int>(Elementwise::Function::silu));
  return {static_cast<Elementwise::Function>(activation.function),
          static_cast<float>(activation.alpha), static_cast<float>(activation.beta),
          static_cast<float>(activation.least), static_cast<float>(activation.most)};
}

}  // namespace camlite::kernels
