// The fast forms of operators that need no preparation: what Network runs instead of op.run().
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <optional>

#include <camlite/kernels/broadcast.hpp>
#include <camlite/kernels/table.hpp>
#include <camlite/ops/arithmetic.hpp>
#include <camlite/ops/avg_pool2d.hpp>
#include <camlite/ops/channel_shuffle.hpp>
#include <camlite/ops/concat.hpp>
#include <camlite/ops/global_avg_pool.hpp>
#include <camlite/ops/linear.hpp>
#include <camlite/ops/lrn.hpp>
#include <camlite/ops/max_pool2d.hpp>
#include <camlite/ops/pad.hpp>
#include <camlite/ops/prelu.hpp>
#include <camlite/ops/scale.hpp>
#include <camlite/ops/slice.hpp>
#include <camlite/ops/softmax.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

// The function of two inputs that an operator is; of others, none.
template <class Op>
inline constexpr std::optional<Elementwise::Function> arithmetic = std::nullopt;
template <>
inline constexpr std::optional arithmetic<Add> = Elementwise::Function::add;
template <>
inline constexpr std::optional arithmetic<Sub> = Elementwise::Function::sub;
template <>
inline constexpr std::optional arithmetic<Mul> = Elementwise::Function::mul;
template <>
inline constexpr std::optional arithmetic<Div> = Elementwise::Function::div;
template <>
inline constexpr std::optional arithmetic<Maximum> = Elementwise::Function::maximum;

template <class Op>
concept ArithmeticOperator = (arithmetic<Op> != std::nullopt);

template <class Op>
concept ActivationOperator = requires(const Op& op) {
  Activation(op.activation());
};

// What `kernel` makes of each window, times scale(picture, top, left, ys, xs).
template <class Scale>
void run_windows(const Pool2d& pool, Kernels::PoolWindow kernel, const Arguments<float>& a,
                 const Scale& scale) {
  const Index row = a.inputs[0].extent(2) * a.inputs[0].extent(3);
  const int threads = threads_for(a.inputs[0].size() / 4, a.threads);
  camlite::detail::for_each_window(
      a, pool, threads,
      [&](TensorView<const float> in, Index top, Index left, const camlite::detail::Span& ys,
          const camlite::detail::Span& xs, float* pixel) {
        kernel(in.data() + ys.first * row + xs.first * in.extent(2), ys.last - ys.first,
               xs.last - xs.first, row, in.extent(2), scale(in.shape(), top, left, ys, xs), pixel);
      });
}

inline void run(const MaxPool2d& pool, const Kernels& kernels, const Arguments<float>& a) {
  run_windows(pool, kernels.max_pool_window, a, [](const auto&...) { return 1.0F; });
}

inline void run(const AvgPool2d& pool, const Kernels& kernels, const Arguments<float>& a) {
  run_windows(pool, kernels.sum_pool_window, a, [&](const auto&... window) {
    return 1 / static_cast<float>(pool.counted(window...));
  });
}

inline void run(const GlobalAvgPool&, const Kernels& kernels, const Arguments<float>& a) {
  const TensorView<const float> in = a.inputs[0];
  const Index positions = in.extent(1) * in.extent(2), channels = in.extent(3);
  constexpr Index piece = 128;  // channels
  const Index pieces = (channels + piece - 1) / piece;
  parallel_for(in.extent(0) * pieces, threads_for(in.size() / 4, a.threads), [&](Index i, int) {
    const Index n = i / pieces, first = i % pieces * piece;
    kernels.channel_means(in[n].data(), positions, channels, first,
                          std::min(first + piece, channels), a.output.data() + n * channels);
  });
}

inline void run(const Linear& op, const Kernels& kernels, const Arguments<float>& a,
                const Activation& then = Activation::none) {
  const TensorView<const float> in = a.inputs[0], weight = a.parameters[0];
  const float* bias = op.bias ? a.parameters[1].data() : nullptr;
  constexpr Index piece = 64;  // outputs
  parallel_for((op.out_features + piece - 1) / piece,
               threads_for(weight.size() * in.extent(0) / 4, a.threads), [&](Index i, int) {
                 const Index first = i * piece, last = std::min(first + piece, op.out_features);
                 kernels.linear(in.data(), in.extent(0), weight.extent(1), weight.data(), bias,
                                first, last, a.output.data(), op.out_features);
                 if (then == Activation::none) return;
                 float* sums = a.output.data() + first;
                 const Operand operand{sums, op.out_features, false};
                 kernels.elementwise(elementwise_of(then), &operand, in.extent(0), last - first,
                                     sums, op.out_features);
               });
}

inline void run(const Softmax&, const Kernels& kernels, const Arguments<float>& a) {
  const TensorView<const float> in = a.inputs[0];
  const Index classes = in.extent(in.rank() - 1);
  if (in.size() == 0) return;
  parallel_for(in.size() / classes, threads_for(in.size() * 4, a.threads), [&](Index i, int) {
    kernels.softmax(in.data() + i * classes, classes, a.output.data() + i * classes);
  });
}

inline void run(const Lrn& op, const Kernels& kernels, const Arguments<float>& a) {
  if (op.beta != 0.75 || op.size > most_lrn_size) {
    op.run(a);
    return;
  }
  const TensorView<const float> in = a.inputs[0];
  const Index pixels = in.extent(2), row = pixels * in.extent(3);
  const auto scale = static_cast<float>(op.alpha / static_cast<double>(op.size));
  parallel_for(
      in.extent(0) * in.extent(1), threads_for(in.size() * 2, a.threads), [&](Index i, int) {
        kernels.lrn_three_quarters(in.data() + i * row, pixels, in.extent(3), op.size, scale,
                                   static_cast<float>(op.k), a.output.data() + i * row);
      });
}

// Those that only move numbers: the templates do, but not on more threads than it is worth.
template <class Op>
concept MovingOperator = (std::same_as<Op, ChannelShuffle> || std::same_as<Op, Pad> ||
                          std::same_as<Op, Slice>);

template <MovingOperator Op>
void run(const Op& op, const Kernels&, Arguments<float> a) {
  a.threads = threads_for(a.output.size() / 2, a.threads);
  op.run(a);
}

inline Strided<const float> input(const Arguments<float>& a, std::size_t i) {
  return {a.inputs[i], a.input_pixel(i)};
}
inline Strided<float> output(const Arguments<float>& a) {
  return {a.output, a.pixel()};
}

// (C) as a tensor that is broadcast over feature maps, or over (N, C).
inline Strided<const float> as_channels(TensorView<const float> parameter) {
  return {parameter.reshaped({1, parameter.size()}), parameter.size()};
}

// relu, sigmoid, ...
template <ActivationOperator Op>
void run(const Op& op, const Kernels& kernels, const Arguments<float>& a) {
  const std::array operands{input(a, 0)};
  run_elementwise(elementwise_of(op.activation()), operands, {}, kernels, a.threads, output(a));
}

inline void run(const Prelu&, const Kernels& kernels, const Arguments<float>& a) {
  const std::array operands{input(a, 0), as_channels(a.parameters[0])};
  run_elementwise({.function = Elementwise::Function::prelu}, operands, {}, kernels, a.threads,
                  output(a));
}

inline void run(const Scale& op, const Kernels& kernels, const Arguments<float>& a,
                const Activation& then = Activation::none) {
  using Function = Elementwise::Function;
  const Strided<const float> weight = as_channels(a.parameters[0]);
  if (op.bias) {
    const std::array operands{input(a, 0), weight, as_channels(a.parameters[1])};
    run_elementwise(Function::multiply_add, operands, then, kernels, a.threads, output(a));
  } else {
    const std::array operands{input(a, 0), weight};
    run_elementwise(Function::mul, operands, then, kernels, a.threads, output(a));
  }
}

// add, sub, ...
template <ArithmeticOperator Op>
void run(const Op&, const Kernels& kernels, const Arguments<float>& a,
         const Activation& then = Activation::none) {
  std::array operands{input(a, 0), input(a, 1)};
  for (std::size_t i = 2; i < a.inputs.size(); ++i) {
    run_elementwise(*arithmetic<Op>, operands, Activation::none, kernels, a.threads, output(a));
    operands = {Strided<const float>{a.output, a.pixel()}, input(a, i)};
  }
  run_elementwise(*arithmetic<Op>, operands, then, kernels, a.threads, output(a));
}

// Copies the inputs that are not where they belong already. Any of them may be some channels of a
// wider map, and so may the output.
inline void run(const Concat&, const Kernels&, const Arguments<float>& a) {
  Index first = 0;
  for (std::size_t i = 0; i < a.inputs.size(); ++i) {
    const TensorView<const float> in = a.inputs[i];
    const Index width = in.extent(2), channels = in.extent(3);
    float* const out = a.output.data() + first;
    first += channels;
    if (in.data() == out) continue;
    parallel_for(
        in.extent(0) * in.extent(1), threads_for(in.size() / 4, a.threads), [&](Index row, int) {
          for (Index pixel = row * width; pixel < (row + 1) * width; ++pixel) {
            std::copy_n(in.data() + pixel * a.input_pixel(i), channels, out + pixel * a.pixel());
          }
        });
  }
}

// Operators of each number by itself.
template <class Op>
concept ElementwiseOperator = ArithmeticOperator<Op> || ActivationOperator<Op> ||
    std::is_same_v<Op, Scale> || std::is_same_v<Op, Prelu>;

// How many of an operator's inputs, from the first on, the output may be written over: each number
// is read for the last time before it is.
template <class Op>
inline constexpr std::size_t overwritable_inputs = ArithmeticOperator<Op>    ? 2
                                                   : ElementwiseOperator<Op> ? 1
                                                                             : 0;

// Whether an operator's inputs, or its output, may be some channels of wider maps.
template <class Op>
inline constexpr bool reads_strided = ElementwiseOperator<Op> || std::is_same_v<Op, Concat>;
template <class Op>
inline constexpr bool writes_strided =
    reads_strided<Op> || std::is_same_v<Op, MaxPool2d> || std::is_same_v<Op, AvgPool2d>;

// Whether an activation behind an operator costs it nothing, or little: run takes it.
template <class Op>
concept TakesActivation = requires(const Op& op, const Kernels& kernels,
                                   const Arguments<float>& a) {
  run(op, kernels, a, Activation::none);
};

}  // namespace camlite::kernels
