// Activation: what an operator may do to each number of its output before it is stored.
#pragma once

#include <cmath>

#include <camlite/finite.hpp>

namespace camlite {

// min(max(f(x), least), most), where f is `function`; NaN stays NaN. The operators that are one
// have a member activation() that says which.
struct Activation {
  enum class Function {
    identity,
    affine,      // alpha * x + beta
    leaky_relu,  // x where x >= 0, alpha * x elsewhere
    hard_swish,  // x * min(max(x + 3, 0), 6) / 6
    sigmoid,     // 1 / (1 + exp(-x))
    silu,        // x / (1 + exp(-x))
  };

  double least = -detail::infinity;
  double most = detail::infinity;
  Function function = Function::identity;
  double alpha = 0;
  double beta = 0;

  static const Activation none, relu, relu6;

  // Whether it only bounds. It can then follow a maximum as well as precede it.
  bool is_clamp() const { return function == Function::identity; }

  friend bool operator==(const Activation&, const Activation&) = default;
};

inline constexpr Activation Activation::none{};
inline constexpr Activation Activation::relu{.least = 0};
inline constexpr Activation Activation::relu6{.least = 0, .most = 6};

// x, but at least `least` and at most `most`. NaN stays NaN.
template <class T>
T clamped(T x, double least, double most) {
  if (x < static_cast<T>(least)) x = static_cast<T>(least);
  if (x > static_cast<T>(most)) x = static_cast<T>(most);
  return x;
}

// The activation's function of x, then kept between its bounds.
template <class T>
T activated(T x, const Activation& activation) {
  using Function = Activation::Function;
  const auto alpha = static_cast<T>(activation.alpha), beta = static_cast<T>(activation.beta);
  switch (activation.function) {
    case Function::identity:
      break;
    case Function::affine:
      x = alpha * x + beta;
      break;
    case Function::leaky_relu:
      x = x < 0 ? alpha * x : x;
      break;
    case Function::hard_swish:
      x = x * clamped(x + 3, 0, 6) / 6;
      break;
    // Both are right where the exponential overflows, too: 1 / (1 + infinity) is 0.
    case Function::sigmoid:
      x = 1 / (1 + std::exp(-x));
      break;
    case Function::silu:
      x = x / (1 + std::exp(-x));
      break;
  }
  return clamped(x, activation.least, activation.most);
}

}  // namespace camlite
