// How threads share a layer that Winograd's algorithm computes; winograd.inl has the algorithm.
//
// There are two orders, after which of the two matrices is small enough for a near cache.
//
// Tile by tile, for large maps of few channels: all weights are transformed once (a few hundred
// KB); then each thread takes a few tiles, transforms their input, multiplies it by all weights and
// writes the output, all within its L2 cache.
//
// Panel by panel, for small maps of many channels: the input of all tiles, or a good hundred, is
// transformed once; then each thread takes a panel of output channels and transforms its weights on
// the way, some input channels at a time, so that they come from memory once, at 9 numbers each and
// not at 36 or 64. The transformed weights are never all there: for VGG16 they would be 306 MB.
#pragma once

#include <algorithm>

#include <camlite/kernels/conv_plan.hpp>
#include <camlite/kernels/table.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

namespace detail {

// Of the cache that a core has for itself, in floats: 1 MB.
inline constexpr Index l2 = 1 << 18;

// Distances in the scratch memory, in floats: from tile to tile and from position to position of
// the transformed input v, and from position to position of the weights u and of the sums s.
struct WinogradStrides {
  Index positions;  // n * n
  Index v_row;
  Index v_plane;
  Index u_plane;
  Index s_plane;
};

inline WinogradStrides winograd_strides(const ConvPlan& plan, const Kernels& kernels,
                                        Index channels) {
  const Index n = kernels.winograd[*winograd_index(plan.algorithm)].m + 2;
  const Index row = odd_lines(channels);
  return {n * n, row, odd_lines(checked_product(plan.tiles_at_once, row)),
          odd_lines(plan.channels_at_once * kernels.panel),
          odd_lines(plan.tiles_at_once * kernels.panel)};
}

}  // namespace detail

// Fills in a plan that has `algorithm` and `out`, for one group of channels.
inline void plan_winograd(ConvPlan& plan, const Kernels& kernels, Index channels,
                          Index out_channels) {
  using detail::l2;
  const Index m = kernels.winograd[*winograd_index(plan.algorithm)].m, n2 = (m + 2) * (m + 2);
  const Index panel = kernels.panel, panels = (out_channels + panel - 1) / panel;
  plan.tiles = checked_product(
      plan.out[0], checked_product((plan.out[1] + m - 1) / m, (plan.out[2] + m - 1) / m));
  const Index all_weights = panels * n2 * odd_lines(channels * panel);
  const Index rows = kernels.tile_rows;
  const Index few = std::clamp<Index>(l2 / 2 / (n2 * (channels + panel)) / rows, 1, 4) * rows;
  plan.weights_first = all_weights <= 6 * l2 && plan.tiles >= 8 * few;
  if (plan.weights_first) {
    plan.tiles_at_once = few;
    plan.channels_at_once = channels;
  } else {
    // The sums of one panel in L2, the input of all tiles in L3.
    const Index most =
        std::max(std::min(l2 * 4 / 5 / (n2 * panel), 8 * l2 / (n2 * odd_lines(channels))), rows);
    const Index groups = (plan.tiles + most - 1) / most;
    plan.tiles_at_once = (plan.tiles + groups - 1) / groups;
    // A slice of the weights, channels_at_once x panel at one position, fills half of L1.
    plan.channels_at_once = std::min<Index>(4096 / panel, channels);
  }
  const detail::WinogradStrides at = detail::winograd_strides(plan, kernels, channels);
  if (plan.weights_first) {
    plan.shared = all_weights;
    plan.separate = checked_product(n2, at.v_plane + at.s_plane);
  } else {
    plan.shared = checked_product(n2, at.v_plane);
    plan.separate = n2 * (at.u_plane + at.s_plane);
  }
}

namespace detail {

inline void run_tile_by_tile(const Convolution& c, const ConvPlan& plan, const Kernels& kernels,
                             float* scratch, int threads) {
  const Kernels::Winograd& winograd = kernels.winograd[*winograd_index(plan.algorithm)];
  const WinogradStrides at = winograd_strides(plan, kernels, c.in_channels);
  const Index panel = kernels.panel, panels = (c.out_channels + panel - 1) / panel;
  constexpr Index some = 16;  // input channels of a panel
  const Index pieces = (c.in_channels + some - 1) / some;
  parallel_for(panels * pieces, threads, [&](Index i, int) {
    const Index p = i / pieces, first = i % pieces * some;
    winograd.weights(c.weights + (p * c.in_channels + first) * 9 * panel,
                     std::min(some, c.in_channels - first),
                     scratch + p * at.positions * at.u_plane + first * panel, at.u_plane);
  });
  const Index blocks = (plan.tiles + plan.tiles_at_once - 1) / plan.tiles_at_once;
  parallel_for(blocks, threads, [&](Index block, int thread) {
    const Index first = block * plan.tiles_at_once;
    const Index count = std::min(plan.tiles_at_once, plan.tiles - first);
    float* v = scratch + plan.shared + thread * plan.separate;
    float* s = v + at.positions * at.v_plane;
    winograd.input(c, first, count, v, at.v_row, at.v_plane);
    for (Index p = 0; p < panels; ++p) {
      const float* u = scratch + p * at.positions * at.u_plane;
      winograd.products(v, at.v_row, at.v_plane, u, at.u_plane, count, c.in_channels, true, s,
                        at.s_plane, nullptr, 0);
      winograd.output(c, first, count, p * panel, s, at.s_plane);
    }
  });
}

inline void run_panel_by_panel(const Convolution& c, const ConvPlan& plan, const Kernels& kernels,
                               float* scratch, int threads) {
  const Kernels::Winograd& winograd = kernels.winograd[*winograd_index(plan.algorithm)];
  const WinogradStrides at = winograd_strides(plan, kernels, c.in_channels);
  const Index panel = kernels.panel, panels = (c.out_channels + panel - 1) / panel;
  float* v = scratch;
  for (Index first = 0; first < plan.tiles; first += plan.tiles_at_once) {
    const Index count = std::min(plan.tiles_at_once, plan.tiles - first);
    parallel_for(count, threads, [&](Index t, int) {
      winograd.input(c, first + t, 1, v + t * at.v_row, at.v_row, at.v_plane);
    });
    parallel_for(panels, threads, [&](Index p, int thread) {
      float* u = scratch + plan.shared + thread * plan.separate;
      float* s = u + at.positions * at.u_plane;
      for (Index channel = 0; channel < c.in_channels; channel += plan.channels_at_once) {
        const Index depth = std::min(plan.channels_at_once, c.in_channels - channel);
        const float* taps = c.weights + (p * c.in_channels + channel) * 9 * panel;
        winograd.weights(taps, depth, u, at.u_plane);
        winograd.products(v + channel, at.v_row, at.v_plane, u, at.u_plane, count, depth,
                          channel == 0, s, at.s_plane, taps + depth * 9 * panel, depth * 9 * panel);
      }
      winograd.output(c, first, count, p * panel, s, at.s_plane);
    });
  }
}

}  // namespace detail

// One group of channels. scratch: plan.shared + threads * plan.separate floats.
inline void run_winograd(const Convolution& c, const ConvPlan& plan, const Kernels& kernels,
                         float* scratch, int threads) {
  if (plan.weights_first) {
    detail::run_tile_by_tile(c, plan, kernels, scratch, threads);
  } else {
    detail::run_panel_by_panel(c, plan, kernels, scratch, threads);
  }
}

}  // namespace camlite::kernels
