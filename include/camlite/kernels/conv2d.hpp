// FastConv2d: a convolution with its weights packed, its activation and maybe a pooling, ready to
// run on inputs of any size.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include <camlite/kernels/conv2d_algorithm.hpp>
#include <camlite/kernels/kernels.hpp>
#include <camlite/kernels/packing.hpp>
#include <camlite/ops/conv2d.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

// How one convolution runs on one input shape. Decided by shapes and the instruction set alone, and
// never by the number of threads, which changes who computes a piece and not how.
struct ConvPlan {
  ConvAlgorithm algorithm{};
  Shape out;                // of the convolution, before pooling
  Index shared = 0;         // floats of scratch memory that the threads share
  Index separate = 0;       // and that each has for itself
  Index multiply_adds = 0;  // that the products take

  // Winograd.
  Index tiles = 0;             // of the whole batch
  Index tiles_at_once = 0;     // whose transformed input is there at a time
  bool weights_first = false;  // all weights are transformed before the first tile
  Index channels_at_once = 0;  // else: of a panel's weights
  // Implicit gemm and depthwise.
  bool copied = false;          // the input is copied with its padding
  std::vector<Index> segments;  // see Convolution
};

class FastConv2d {
 public:
  FastConv2d() = default;

  // weight OIHW, bias (O) or empty. `algorithm`: what to pack the weights for.
  FastConv2d(const Conv2d& conv, Activation activation, bool pooled, const Kernels& kernels,
             ConvAlgorithm algorithm, TensorView<const float> weight, TensorView<const float> bias,
             int threads)
      : conv_(conv),
        activation_(activation),
        pooled_(pooled),
        kernels_(&kernels),
        packed_(algorithm),
        channels_(weight.extent(1)) {
    if (winograd_index(algorithm)) {
      weights_ = pack_for_winograd(weight, conv.groups, kernels.panel, threads);
    } else if (algorithm == ConvAlgorithm::depthwise) {
      weights_ = pack_for_depthwise(weight, kernels.width);
    } else {
      weights_ = pack_for_gemm(weight, conv.groups, kernels.panel, threads);
    }
    const Index bias_groups = algorithm == ConvAlgorithm::depthwise ? 1 : conv.groups;
    bias_ = pack_bias(bias, conv.out_channels, bias_groups, kernels.panel);
    zeros_ = Tensor<float>({rounded_up_to(kernels.panel, channels_)});
  }

  // Floats that are kept.
  Index size() const { return weights_.size() + bias_.size() + zeros_.size(); }
  bool pooled() const { return pooled_; }

  // For an input (N, H, W, C). `forced`, for tests: one of Winograd's algorithms instead of the
  // fastest.
  ConvPlan plan(const Shape& in, std::optional<ConvAlgorithm> forced = {}) const {
    ConvPlan plan;
    plan.out = conv_.output_shape({&in, 1});
    plan.algorithm = fastest_algorithm(conv_, in, plan.out, *kernels_, packed_);
    if (forced && winograd_index(*forced) && winograd_index(packed_)) plan.algorithm = *forced;
    if (winograd_index(plan.algorithm)) {
      plan_winograd(plan);
    } else {
      plan_gemm(plan, in);
    }
    return plan;
  }

  // out: (N, Ho, Wo, O), or half of it if pooled. scratch: plan.shared + threads * plan.separate
  // floats.
  void run(const ConvPlan& plan, TensorView<const float> in, float* scratch, int threads,
           TensorView<float> out) const {
    threads = threads_worth(plan, threads);
    const Index groups = plan.algorithm == ConvAlgorithm::depthwise ? 1 : conv_.groups;
    Convolution c = convolution(plan, in, out);
    if (plan.copied) copy_padded(c, plan, in, scratch, threads);
    for (Index group = 0; group < groups; ++group) {
      if (const auto winograd = winograd_index(plan.algorithm)) {
        if (plan.weights_first) {
          run_tile_by_tile(c, plan, kernels_->winograd[*winograd], scratch, threads);
        } else {
          run_panel_by_panel(c, plan, kernels_->winograd[*winograd], scratch, threads);
        }
      } else if (plan.algorithm == ConvAlgorithm::depthwise) {
        parallel_for(c.batch * c.out_height, threads, [&](Index row, int) {
          kernels_->depthwise(c, row / c.out_height, row % c.out_height);
        });
      } else {
        run_gemm(c, plan, threads);
      }
      c.in += c.in_channels;
      c.out += c.out_channels;
      c.weights += weights_.size() / conv_.groups;
      c.bias += bias_.size() / conv_.groups;
    }
  }

 private:
  // A thread that has less to do than this is not worth waking: some 20 microseconds.
  static int threads_worth(const ConvPlan& plan, int threads) {
    constexpr Index least = 1 << 20;
    return static_cast<int>(std::clamp<Index>(plan.multiply_adds / least, 1, threads));
  }

  Convolution convolution(const ConvPlan& plan, TensorView<const float> in,
                          TensorView<float> out) const {
    const bool whole = plan.algorithm == ConvAlgorithm::depthwise;
    Convolution c;
    c.batch = in.extent(0);
    c.height = in.extent(1);
    c.width = in.extent(2);
    c.out_height = plan.out[1];
    c.out_width = plan.out[2];
    c.in_channels = whole ? in.extent(3) : channels_;
    c.out_channels = whole ? conv_.out_channels : conv_.out_channels / conv_.groups;
    c.top = conv_.padding.height;
    c.left = conv_.padding.width;
    c.stride_y = conv_.stride.height;
    c.stride_x = conv_.stride.width;
    c.in = in.data();
    c.in_stride = in.extent(3);
    c.in_row = c.width * c.in_stride;
    c.in_picture = c.height * c.in_row;
    c.segments = plan.segments.data();
    c.segment_count = std::ssize(plan.segments);
    c.depth = whole_rows() ? conv_.kernel.width * channels_ : channels_;
    c.out = out.data();
    c.out_stride = conv_.out_channels;
    c.weights = weights_.data();
    c.bias = bias_.data();
    c.zeros = zeros_.data();
    if (activation_ != Activation::none) c.least = 0;
    if (activation_ == Activation::relu6) c.most = 6;
    c.pooled = pooled_;
    return c;
  }

  // Winograd.

  // Two orders, after which of the two matrices is small enough to stay in a near cache.
  //
  // Tile by tile, for large maps of few channels: all weights are transformed once (a few hundred
  // KB); then each thread takes a few tiles, transforms their input, multiplies it by all weights
  // and writes the output, all within its L2 cache.
  //
  // Panel by panel, for small maps of many channels: the input of all tiles, or a good hundred, is
  // transformed once; then each thread takes a panel of output channels and transforms its weights
  // on the way, some input channels at a time, so that they go from memory to L2 once, at 9 numbers
  // each and not at 36 or 64. The transformed weights are never all there: for VGG16 they would be
  // 306 MB.
  void plan_winograd(ConvPlan& plan) const {
    constexpr Index l2 = 1 << 18;  // floats: 1 MB
    const Index m = kernels_->winograd[*winograd_index(plan.algorithm)].m, n2 = (m + 2) * (m + 2);
    const Index panel = kernels_->panel, panels = panel_count();
    plan.tiles = checked_product(
        plan.out[0], checked_product((plan.out[1] + m - 1) / m, (plan.out[2] + m - 1) / m));
    plan.multiply_adds = checked_product(plan.tiles, n2 * channels_ * conv_.out_channels);
    const Index all_weights = panels * n2 * odd_lines(channels_ * panel);
    const Index rows = kernels_->tile_rows;
    const Index few = std::clamp<Index>(l2 / 2 / (n2 * (channels_ + panel)) / rows, 1, 4) * rows;
    plan.weights_first = all_weights <= 6 * l2 && plan.tiles >= 8 * few;
    if (plan.weights_first) {
      plan.tiles_at_once = few;
      plan.shared = all_weights;
      plan.separate = n2 * (v_plane(few) + odd_lines(few * panel));
    } else {
      // The sums of one panel in L2, the input of all tiles in L3.
      const Index most = std::max(
          std::min(l2 * 4 / 5 / (n2 * panel), 8 * l2 / checked_product(n2, v_row())), rows);
      const Index groups = (plan.tiles + most - 1) / most;
      plan.tiles_at_once = (plan.tiles + groups - 1) / groups;
      // A slice of the weights, channels_at_once x panel at one position, fills half of L1.
      plan.channels_at_once = std::min<Index>(4096 / panel, channels_);
      plan.shared = checked_product(n2, v_plane(plan.tiles_at_once));
      plan.separate =
          n2 * (odd_lines(plan.channels_at_once * panel) + odd_lines(plan.tiles_at_once * panel));
    }
  }

  Index panel_count() const {
    return (conv_.out_channels / conv_.groups + kernels_->panel - 1) / kernels_->panel;
  }
  Index v_row() const { return odd_lines(channels_); }
  Index v_plane(Index tiles) const { return odd_lines(checked_product(tiles, v_row())); }

  void run_tile_by_tile(const Convolution& c, const ConvPlan& plan,
                        const Kernels::Winograd& winograd, float* scratch, int threads) const {
    const Index n2 = (winograd.m + 2) * (winograd.m + 2), panel = kernels_->panel;
    const Index panels = panel_count(), u_plane = odd_lines(channels_ * panel);
    constexpr Index some = 16;  // input channels of a panel
    const Index pieces = (channels_ + some - 1) / some;
    parallel_for(panels * pieces, threads, [&](Index i, int) {
      const Index p = i / pieces, first = i % pieces * some;
      winograd.weights(c.weights + (p * channels_ + first) * 9 * panel,
                       std::min(some, channels_ - first),
                       scratch + p * n2 * u_plane + first * panel, u_plane);
    });
    const Index blocks = (plan.tiles + plan.tiles_at_once - 1) / plan.tiles_at_once;
    const Index plane = v_plane(plan.tiles_at_once),
                s_plane = odd_lines(plan.tiles_at_once * panel);
    parallel_for(blocks, threads, [&](Index block, int thread) {
      const Index first = block * plan.tiles_at_once;
      const Index count = std::min(plan.tiles_at_once, plan.tiles - first);
      float* v = scratch + plan.shared + thread * plan.separate;
      float* s = v + n2 * plane;
      winograd.input(c, first, count, v, v_row(), plane);
      for (Index p = 0; p < panels; ++p) {
        winograd.products(v, v_row(), plane, scratch + p * n2 * u_plane, u_plane, count, channels_,
                          true, c.zeros, s, s_plane, nullptr, 0);
        winograd.output(c, first, count, p * panel, s, s_plane);
      }
    });
  }

  void run_panel_by_panel(const Convolution& c, const ConvPlan& plan,
                          const Kernels::Winograd& winograd, float* scratch, int threads) const {
    const Index n2 = (winograd.m + 2) * (winograd.m + 2), panel = kernels_->panel;
    const Index plane = v_plane(plan.tiles_at_once),
                s_plane = odd_lines(plan.tiles_at_once * panel);
    const Index u_plane = odd_lines(plan.channels_at_once * panel);
    float* v = scratch;
    for (Index first = 0; first < plan.tiles; first += plan.tiles_at_once) {
      const Index count = std::min(plan.tiles_at_once, plan.tiles - first);
      parallel_for(count, threads, [&](Index t, int) {
        winograd.input(c, first + t, 1, v + t * v_row(), v_row(), plane);
      });
      parallel_for(panel_count(), threads, [&](Index p, int thread) {
        float* u = scratch + plan.shared + thread * plan.separate;
        float* s = u + n2 * u_plane;
        for (Index channel = 0; channel < channels_; channel += plan.channels_at_once) {
          const Index depth = std::min(plan.channels_at_once, channels_ - channel);
          const float* taps = c.weights + (p * channels_ + channel) * 9 * panel;
          winograd.weights(taps, depth, u, u_plane);
          winograd.products(v + channel, v_row(), plane, u, u_plane, count, depth, channel == 0,
                            c.zeros, s, s_plane, taps + depth * 9 * panel, depth * 9 * panel);
        }
        winograd.output(c, first, count, p * panel, s, s_plane);
      });
    }
  }

  // Implicit gemm, and depthwise, which reads its input the same way.

  // Whether the kernel's rows are runs of numbers in memory.
  bool whole_rows() const {
    return packed_ == ConvAlgorithm::implicit_gemm && conv_.groups == 1 &&
           conv_.dilation.width == 1;
  }

  void plan_gemm(ConvPlan& plan, const Shape& in) const {
    plan.multiply_adds = conv_.multiply_adds({&in, 1});
    plan.copied = conv_.padding != Size2d(0);
    const Index padded_width = in[2] + 2 * conv_.padding.width;
    if (plan.copied) {
      plan.shared = checked_product(checked_product(in[0], in[1] + 2 * conv_.padding.height),
                                    checked_product(padded_width, in[3]));
    }
    for (Index i = 0; i < conv_.kernel.height; ++i) {
      for (Index j = 0; j < (whole_rows() ? 1 : conv_.kernel.width); ++j) {
        plan.segments.push_back(
            (i * conv_.dilation.height * padded_width + j * conv_.dilation.width) * in[3]);
      }
    }
  }

  // The input with zeros around it, into `copy`, which c reads from then on.
  static void copy_padded(Convolution& c, const ConvPlan& plan, TensorView<const float> in,
                          float* copy, int threads) {
    const Index height = c.height + 2 * c.top, width = c.width + 2 * c.left;
    const Index row = width * c.in_stride, margin = c.left * c.in_stride;
    (void)plan;
    parallel_for(c.batch * height, threads, [&](Index i, int) {
      float* out = copy + i * row;
      const Index y = i % height - c.top;
      if (y < 0 || y >= c.height) {
        std::fill_n(out, row, 0.0F);
        return;
      }
      std::fill_n(out, margin, 0.0F);
      std::copy_n(in.data() + (i / height * c.height + y) * c.in_row, c.in_row, out + margin);
      std::fill_n(out + margin + c.in_row, margin, 0.0F);
    });
    c.in = copy;
    c.in_row = row;
    c.in_picture = height * row;
  }

  // Panels outside, rows inside where the weights are more than the cache holds; else the other way
  // round.
  void run_gemm(Convolution c, const ConvPlan& plan, int threads) const {
    if (conv_.pointwise() && !plan.copied) {  // all positions are one row
      c.out_width *= c.batch * c.out_height;
      c.batch = c.out_height = 1;
    }
    const Index panels = panel_count();
    const Index panel_size = c.segment_count * c.depth * kernels_->panel;
    constexpr Index l2 = 1 << 18;
    const Index panels_at_once = std::clamp<Index>(l2 / 2 / panel_size, 1, panels);
    const Index panel_groups = (panels + panels_at_once - 1) / panels_at_once;
    const Index columns_at_once = 8 * kernels_->tile_rows;
    const Index column_groups = (c.out_width + columns_at_once - 1) / columns_at_once;
    const Index pieces = c.batch * c.out_height * column_groups;
    parallel_for(panel_groups * pieces, threads, [&](Index i, int) {
      const Index first = i / pieces * panels_at_once, piece = i % pieces;
      const Index x = piece % column_groups * columns_at_once, row = piece / column_groups;
      kernels_->implicit_gemm(c, row / c.out_height, row % c.out_height, x,
                              std::min(columns_at_once, c.out_width - x), first,
                              std::min(first + panels_at_once, panels));
    });
  }

  Conv2d conv_;
  Activation activation_ = Activation::none;
  bool pooled_ = false;
  const Kernels* kernels_ = nullptr;
  ConvAlgorithm packed_{};
  Index channels_ = 0;  // of the input, in one group
  Tensor<float> weights_, bias_, zeros_;
};

}  // namespace camlite::kernels
