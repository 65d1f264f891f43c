// Which algorithm computes a convolution: a model of the time each would take.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include <camlite/kernels/table.hpp>
#include <camlite/ops/conv2d.hpp>

namespace camlite {

// How a convolution can be computed: any as a matrix product over patches of the picture that are
// gathered on the way (implicit GEMM); 3x3 with stride 1 by Winograd's F(2x2, 3x3), F(4x4, 3x3) or
// F(6x6, 3x3) (Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016); groups
// of one, two or four channels by a kernel of their own.
enum class ConvAlgorithm { implicit_gemm, winograd2, winograd4, winograd6, depthwise };

constexpr std::string_view name_of(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::implicit_gemm:
      return "implicit gemm";
    case ConvAlgorithm::winograd2:
      return "Winograd F(2,3)";
    case ConvAlgorithm::winograd4:
      return "Winograd F(4,3)";
    case ConvAlgorithm::winograd6:
      return "Winograd F(6,3)";
    case ConvAlgorithm::depthwise:
      return "depthwise";
  }
  return "";
}

namespace kernels {

// Index into Kernels::winograd; none for the other algorithms.
constexpr std::optional<std::size_t> winograd_index(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::winograd2:
      return 0;
    case ConvAlgorithm::winograd4:
      return 1;
    case ConvAlgorithm::winograd6:
      return 2;
    default:
      return {};
  }
}

inline bool winograd_fits(const Conv2d& conv) {
  return conv.kernel == Size2d(3) && conv.stride == Size2d(1) && conv.dilation == Size2d(1);
}

// Many groups of one channel, or of two or four; of padding and dilation with which positions
// cannot overflow. (What is beyond, the plan of the implicit GEMM computes with checks.)
inline bool is_depthwise(const Conv2d& conv, Index in_channels) {
  constexpr Index most = Index{1} << 20;
  const Index depth = in_channels / conv.groups;
  return conv.groups > 1 && conv.out_channels == in_channels &&
         (depth == 1 || depth == 2 || depth == 4) &&
         std::max({conv.padding.height, conv.padding.width, conv.dilation.height,
                   conv.dilation.width}) <= most;
}

inline bool can_compute(ConvAlgorithm algorithm, const Conv2d& conv, Index in_channels) {
  if (winograd_index(algorithm)) return winograd_fits(conv);
  return algorithm != ConvAlgorithm::depthwise || is_depthwise(conv, in_channels);
}

// Vector multiply-adds that one layer takes, roughly: those of the matrix products, and for the
// transforms what they were measured to take in units of one multiply-add, per vector of 16 floats,
// on VGG16's layers (AMD Zen 4: 14 for each position of a tile's input, 10 of its output, 5 of the
// weights; they wait for memory more than they compute). What counts is the ratio between the
// algorithms, and that is much the same for all instruction sets.
inline double winograd_cost(Index m, Index tiles, Index channels, Index out_channels, Index width) {
  constexpr double per_input = 14, per_output = 10, per_weight = 5;
  const auto t = static_cast<double>(tiles), c = static_cast<double>(channels);
  const auto k = static_cast<double>(out_channels), n = static_cast<double>(m + 2);
  const Index whole_vectors = (channels + width - 1) / width * width;
  const auto padded_c = static_cast<double>(whole_vectors);
  return n * n * (t * (c * k + per_input * padded_c + per_output * k) + per_weight * c * k);
}

inline double gemm_cost(const Conv2d& conv, Index positions, Index channels, Index out_channels) {
  return static_cast<double>(positions) * static_cast<double>(conv.kernel.height) *
         static_cast<double>(conv.kernel.width) * static_cast<double>(channels) *
         static_cast<double>(out_channels) * 1.1;
}

// The fastest algorithm for an input of this shape, among those for which `packed` (the algorithm
// that the weights were packed for) leaves the choice: the three of Winograd read the same weights.
// `out` is the convolution's own output.
inline ConvAlgorithm fastest_algorithm(const Conv2d& conv, const Shape& in, const Shape& out,
                                       const Kernels& kernels,
                                       std::optional<ConvAlgorithm> packed = {}) {
  if (packed && !winograd_index(*packed)) return *packed;
  if (!packed && is_depthwise(conv, in[3])) return ConvAlgorithm::depthwise;
  const Index channels = in[3] / conv.groups;
  const auto padded = [&](Index n) {
    return (n + kernels.panel - 1) / kernels.panel * kernels.panel;
  };
  const Index out_channels = padded(conv.out_channels / conv.groups);
  const Index positions = out[0] * out[1] * out[2];
  ConvAlgorithm best = ConvAlgorithm::implicit_gemm;
  double least = packed ? std::numeric_limits<double>::max()
                        : gemm_cost(conv, positions, channels, out_channels);
  if (!winograd_fits(conv)) return best;
  for (ConvAlgorithm algorithm :
       {ConvAlgorithm::winograd2, ConvAlgorithm::winograd4, ConvAlgorithm::winograd6}) {
    const Index m = kernels.winograd[*winograd_index(algorithm)].m;
    const Index tiles = out[0] * ((out[1] + m - 1) / m) * ((out[2] + m - 1) / m);
    // Larger tiles round more: they must be worth it.
    const double cost = winograd_cost(m, tiles, channels, out_channels, kernels.width) *
                        (1 + 0.01 * static_cast<double>(m));
    if (cost < least) {
      least = cost;
      best = algorithm;
    }
  }
  return best;
}

}  // namespace kernels
}  // namespace camlite
