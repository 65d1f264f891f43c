// FastConv2d: a convolution with its weights packed, its activation and maybe a pooling, ready to
// run on inputs of any size.
#pragma once

#include <algorithm>
#include <optional>

#include <camlite/kernels/conv2d_algorithm.hpp>
#include <camlite/kernels/conv_plan.hpp>
#include <camlite/kernels/implicit_gemm.hpp>
#include <camlite/kernels/packing.hpp>
#include <camlite/kernels/table.hpp>
#include <camlite/kernels/winograd.hpp>
#include <camlite/ops/conv2d.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

class FastConv2d {
 public:
  FastConv2d() = default;

  // weight OIHW, bias (O) or empty. `algorithm`: what to pack the weights for. `pooled`: for
  // Winograd, and activations that are clamps.
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
    bias_ = pack_bias(bias, conv.out_channels, bias_groups(conv, algorithm), kernels.panel);
    zeros_ = Tensor<float>({channels_});
  }

  // Floats that would be kept, of weights OIHW. Throws Error where no number holds them.
  static Index size_of(const Conv2d& conv, const Kernels& kernels, ConvAlgorithm algorithm,
                       const Shape& weight) {
    const Shape weights = algorithm == ConvAlgorithm::depthwise
                              ? depthwise_shape(weight, kernels.width)
                              : panels_shape(weight, conv.groups, kernels.panel);
    const Shape bias = bias_shape(conv.out_channels, bias_groups(conv, algorithm), kernels.panel);
    using camlite::detail::checked_sum;
    return checked_sum(checked_sum(weights.size(), bias.size()), weight[1]);
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
    if (const auto winograd = winograd_index(plan.algorithm)) {
      const Index n = kernels_->winograd[*winograd].m + 2;
      plan_winograd(plan, *kernels_, channels_, conv_.out_channels / conv_.groups);
      plan.multiply_adds = checked_product(plan.tiles, n * n * channels_ * conv_.out_channels);
    } else {
      if (plan.algorithm == ConvAlgorithm::implicit_gemm) plan_implicit_gemm(plan, conv_, in);
      plan.multiply_adds = conv_.multiply_adds({&in, 1});
    }
    return plan;
  }

  // Whether the input may be some channels of a wider map; the output always may.
  bool reads_strided(const ConvPlan& plan) const {
    return plan.algorithm != ConvAlgorithm::implicit_gemm ||
           (conv_.kernel == Size2d(1) && conv_.padding == Size2d(0));
  }

  // Output: (N, Ho, Wo, O), or half of it if pooled. a.scratch: plan.shared + threads *
  // plan.separate floats.
  void run(const ConvPlan& plan, const Arguments<float>& a) const {
    const int threads = threads_worth(plan, a.threads);
    float* const scratch = a.scratch;
    const Index groups = plan.algorithm == ConvAlgorithm::depthwise ? 1 : conv_.groups;
    Convolution c = convolution(plan, a);
    if (plan.copied) copy_padded(c, scratch, threads);
    for (Index group = 0; group < groups; ++group) {
      if (winograd_index(plan.algorithm)) {
        run_winograd(c, plan, *kernels_, scratch, threads);
      } else if (plan.algorithm == ConvAlgorithm::depthwise) {
        run_depthwise(c, *kernels_, threads);
      } else {
        run_implicit_gemm(c, *kernels_, threads);
      }
      c.in += c.in_channels;
      c.out += c.out_channels;
      c.weights += weights_.size() / conv_.groups;
      c.bias += bias_.size() / conv_.groups;
    }
  }

 private:
  // Depthwise kernels read all channels as one group.
  static Index bias_groups(const Conv2d& conv, ConvAlgorithm algorithm) {
    return algorithm == ConvAlgorithm::depthwise ? 1 : conv.groups;
  }

  // A thread that has less to do than this is not worth waking: some 20 microseconds.
  static int threads_worth(const ConvPlan& plan, int threads) {
    constexpr Index least = 1 << 20;
    return static_cast<int>(std::clamp<Index>(plan.multiply_adds / least, 1, threads));
  }

  Convolution convolution(const ConvPlan& plan, const Arguments<float>& a) const {
    const TensorView<const float> in = a.inputs[0];
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
    c.kernel_height = conv_.kernel.height;
    c.kernel_width = conv_.kernel.width;
    // The distance to a next output, or tap, that there is not can be any number.
    c.stride_y = c.out_height > 1 ? conv_.stride.height : 1;
    c.stride_x = c.out_width > 1 ? conv_.stride.width : 1;
    c.dilation_y = c.kernel_height > 1 ? conv_.dilation.height : 1;
    c.dilation_x = c.kernel_width > 1 ? conv_.dilation.width : 1;
    c.group_channels = channels_;
    c.in = in.data();
    c.in_stride = a.input_pixel(0);
    c.in_row = c.width * c.in_stride;
    c.in_picture = c.height * c.in_row;
    c.segments = plan.segments.data();
    c.segment_count = std::ssize(plan.segments);
    c.depth = reads_whole_rows(conv_) ? conv_.kernel.width * channels_ : channels_;
    c.out = a.output.data();
    c.out_stride = a.pixel();
    c.weights = weights_.data();
    c.bias = bias_.data();
    c.zeros = zeros_.data();
    c.activation = elementwise_of(activation_);
    c.pooled = pooled_;
    return c;
  }

  Conv2d conv_;
  Activation activation_;
  bool pooled_ = false;
  const Kernels* kernels_ = nullptr;
  ConvAlgorithm packed_{};
  Index channels_ = 0;  // of the input, in one group
  Tensor<float> weights_, bias_, zeros_;
};

}  // namespace camlite::kernels
