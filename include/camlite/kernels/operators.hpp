// The fast forms of operators that need no preparation: what Network runs instead of op.run().
#pragma once

#include <algorithm>

#include <camlite/kernels/kernels.hpp>
#include <camlite/ops/global_avg_pool.hpp>
#include <camlite/ops/linear.hpp>
#include <camlite/ops/max_pool2d.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

// Threads for so many elementary operations: less than some ten microseconds of work each is not
// worth waking one.
inline int threads_for(Index operations, int threads) {
  constexpr Index least = 1 << 17;
  return static_cast<int>(std::clamp<Index>(operations / least, 1, threads));
}

inline void run(const MaxPool2d& pool, const Kernels& kernels, const Arguments<float>& a) {
  const Index row = a.inputs[0].extent(2) * a.inputs[0].extent(3);
  const int threads = threads_for(a.inputs[0].size() / 4, a.threads);
  camlite::detail::for_each_window(
      a.inputs[0], pool, threads, a.output,
      [&](TensorView<const float> in, Index, Index, camlite::detail::Span ys,
          camlite::detail::Span xs, float* pixel) {
        kernels.max_pool_window(in.data() + ys.first * row + xs.first * in.extent(2),
                                ys.last - ys.first, xs.last - xs.first, row, in.extent(2), pixel);
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

inline void run(const Linear& op, const Kernels& kernels, const Arguments<float>& a) {
  const TensorView<const float> in = a.inputs[0], weight = a.parameters[0];
  const float* bias = op.bias ? a.parameters[1].data() : nullptr;
  constexpr Index piece = 64;  // outputs
  parallel_for((op.out_features + piece - 1) / piece,
               threads_for(weight.size() * in.extent(0) / 4, a.threads), [&](Index i, int) {
                 kernels.linear(in.data(), in.extent(0), weight.extent(1), weight.data(), bias,
                                i * piece, std::min((i + 1) * piece, op.out_features),
                                a.output.data(), op.out_features);
               });
}

}  // namespace camlite::kernels
