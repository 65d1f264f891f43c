// conv2d: two-dimensional convolution as im2col and a matrix product.
#pragma once

#include <algorithm>
#include <cstring>

#include <camlite/ops/activation.hpp>
#include <camlite/ops/gemm.hpp>
#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

// The attributes of a convolution, with torch.nn.Conv2d's names and meaning.
struct Conv2d {
  static constexpr std::string_view type = "conv2d";
  static constexpr Arity arity{1, 1};

  Index out_channels = 0;
  Size2d kernel = 0;
  Size2d stride = 1;
  Size2d padding = 0;  // zeros on each side
  Size2d dilation = 1;
  Index groups = 1;
  bool bias = true;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("out_channels", self.out_channels, Need::required);
    visit("kernel", self.kernel, Need::required);
    visit("stride", self.stride, Need::optional);
    visit("padding", self.padding, Need::optional);
    visit("dilation", self.dilation, Need::optional);
    visit("groups", self.groups, Need::optional);
    visit("bias", self.bias, Need::optional);
  }

  // (N, H, W, C) -> (N, Ho, Wo, out_channels), with
  //   Ho = (H + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1, rounded down; Wo likewise.
  Shape output_shape(std::span<const Shape> in) const {
    detail::require_feature_map(in[0]);
    detail::require_at_least("out_channels", out_channels, 1);
    detail::require_at_least("kernel", kernel, 1);
    detail::require_at_least("stride", stride, 1);
    detail::require_at_least("padding", padding, 0);
    detail::require_at_least("dilation", dilation, 1);
    detail::require_at_least("groups", groups, 1);
    const Index channels = in[0][3];
    if (channels % groups != 0)
      fail("groups=", groups, " does not divide its ", channels, " input channels");
    if (out_channels % groups != 0)
      fail("groups=", groups, " does not divide out_channels=", out_channels);
    const auto extent = [](const char* axis, Index size, Index pad, Index taps, Index step,
                           Index dilate) {
      const Index room = detail::padded(size, pad) - detail::reach(taps, dilate);
      if (room < 0) {
        fail("a kernel that reaches over ", detail::reach(taps, dilate),
             " does not fit into the padded ", axis, " ", detail::padded(size, pad));
      }
      return room / step + 1;
    };
    return {
        in[0][0],
        extent("height", in[0][1], padding.height, kernel.height, stride.height, dilation.height),
        extent("width", in[0][2], padding.width, kernel.width, stride.width, dilation.width),
        out_channels};
  }

  // weight (out_channels, C / groups, kernel height, kernel width), OIHW as the frameworks store
  // it; bias.
  std::vector<Parameter> parameters(std::span<const Shape> in) const {
    std::vector<Parameter> list{
        {"weight", {out_channels, in[0][3] / groups, kernel.height, kernel.width}}};
    if (bias) list.push_back({"bias", {out_channels}});
    return list;
  }

  Index multiply_adds(std::span<const Shape> in) const {
    return checked_product(output_shape(in).size(), taps(in[0]));
  }

  // Inputs of one output: kernel height * kernel width * channels of a group.
  Index taps(const Shape& in) const {
    return checked_product(checked_product(kernel.height, kernel.width), in[3] / groups);
  }

  // Whether the input is the im2col matrix as it lies.
  bool pointwise() const {
    return kernel == Size2d(1) && stride == Size2d(1) && padding == Size2d(0);
  }

  // Output positions that are computed at a time: their im2col rows should stay in a core's cache,
  // and be enough that the product does not spend its time on reading weights.
  Index block_rows(const Shape& in) const {
    constexpr Index budget = 1 << 19;  // elements
    return std::clamp<Index>(budget / std::max<Index>(taps(in), 1), 16, 256);
  }

  Index scratch(std::span<const Shape> in) const {
    return pointwise() ? 0 : checked_product(block_rows(in[0]), taps(in[0]));
  }

  template <class T>
  void run(const Arguments<T>& arguments) const;
};

// Weights in the order in which the rows of im2col lie: OIHW -> OHWI.
template <class T>
Tensor<T> ohwi_from_oihw(TensorView<const T> weight) {
  const Index out_channels = weight.extent(0), channels = weight.extent(1);
  const Index height = weight.extent(2), width = weight.extent(3);
  Tensor<T> ohwi = Tensor<T>::uninitialized({out_channels, height, width, channels});
  const T* in = weight.data();
  for (Index o = 0; o < out_channels; ++o) {
    for (Index c = 0; c < channels; ++c) {
      T* out = ohwi.data() + o * height * width * channels + c;
      for (Index tap = 0; tap < height * width; ++tap) out[tap * channels] = *in++;
    }
  }
  return ohwi;
}

namespace detail {

// Rows [first, first + rows) of the im2col matrix of one picture (H, W, C) and one group of its
// channels: row y * Wo + x holds the taps (kernel height, kernel width, C / groups) that output
// (y, x) sees, zeros outside.
template <class T>
void im2col(TensorView<const T> picture, const Conv2d& conv, Index group, Index out_width,
            Index first, Index rows, T* columns) {
  const Index height = picture.extent(0), width = picture.extent(1), channels = picture.extent(2);
  const Index depth = channels / conv.groups;
  const auto bytes = static_cast<std::size_t>(depth) * sizeof(T);
  for (Index row = first; row < first + rows; ++row) {
    const Index top = row / out_width * conv.stride.height - conv.padding.height;
    const Index left = row % out_width * conv.stride.width - conv.padding.width;
    for (Index i = 0; i < conv.kernel.height; ++i) {
      const Index y = top + i * conv.dilation.height;
      for (Index j = 0; j < conv.kernel.width; ++j) {
        const Index x = left + j * conv.dilation.width;
        if (y >= 0 && y < height && x >= 0 && x < width) {
          std::memcpy(columns, picture.data() + (y * width + x) * channels + group * depth, bytes);
        } else {
          std::fill_n(columns, depth, T{});
        }
        columns += depth;
      }
    }
  }
}

template <class T>
void add_bias_and_activate(Matrix<T> out, const T* bias, Activation activation) {
  for (Index i = 0; i < out.rows; ++i) {
    T* row = out.data + i * out.stride;
    for (Index j = 0; j < out.columns; ++j)
      row[j] = activated(bias ? row[j] + bias[j] : row[j], activation);
  }
}

// The convolution into memory that is there already. weight is OHWI; bias may be empty; scratch
// holds threads * conv.scratch() elements. The blocks do not depend on the number of threads, so
// neither do the bits.
template <class T>
void conv2d_into(TensorView<const T> in, TensorView<const T> weight, TensorView<const T> bias,
                 const Conv2d& conv, Activation activation, T* scratch, int threads,
                 TensorView<T> out) {
  const Index channels = in.extent(3), depth = channels / conv.groups;
  const Index out_channels = conv.out_channels / conv.groups;  // of a group
  const Index positions = out.extent(1) * out.extent(2);
  const Index taps = conv.taps(in.shape());
  const Index block = conv.block_rows(in.shape());
  const Index blocks = (positions + block - 1) / block;
  parallel_for(in.extent(0) * conv.groups * blocks, threads, [&](Index i, int thread) {
    const Index n = i / (conv.groups * blocks), group = i / blocks % conv.groups;
    const Index first = i % blocks * block, rows = std::min(block, positions - first);
    const TensorView<const T> picture = in[n];
    Matrix<const T> columns{picture.data() + first * channels + group * depth, rows, taps,
                            channels};
    if (!conv.pointwise()) {
      T* buffer = scratch + thread * block * taps;
      im2col(picture, conv, group, out.extent(2), first, rows, buffer);
      columns = {buffer, rows, taps, taps};
    }
    const Matrix<const T> weights{weight.data() + group * out_channels * taps, out_channels, taps,
                                  taps};
    const Matrix<T> result{out[n].data() + first * conv.out_channels + group * out_channels, rows,
                           out_channels, conv.out_channels};
    gemm(columns, weights, result);
    const T* group_bias = conv.bias ? bias.data() + group * out_channels : nullptr;
    add_bias_and_activate(result, group_bias, activation);
  });
}

}  // namespace detail

template <class T>
void Conv2d::run(const Arguments<T>& arguments) const {
  const Tensor<T> weight = ohwi_from_oihw(arguments.parameters[0]);
  detail::conv2d_into(arguments.inputs[0], weight.view(),
                      bias ? arguments.parameters[1] : TensorView<const T>(), *this,
                      Activation::none, arguments.scratch, arguments.threads, arguments.output);
}

// Two-dimensional convolution (cross-correlation, as every framework has it).
//
//   out(n, y, x, o) = bias(o) + sum over i, j, c of weight(o, c, i, j) * in(n, v, u, g + c)
//   v = y * stride - padding + i * dilation,  u = x * stride - padding + j * dilation
//
// in (N, H, W, C), weight OIHW (O, C / groups, kernel height, kernel width), bias (O) or empty, out
// (N, Ho, Wo, O). `conv` says stride, padding, dilation and groups; the rest is in the weight's
// shape. The outputs of group k read the channels from g = k * C / groups. Positions outside the
// input are zeros. Same as torch.nn.functional.conv2d. Throws Error if the shapes do not fit
// together.
template <class T>
Tensor<T> conv2d(TensorView<const T> in, TensorView<const T> weight, TensorView<const T> bias,
                 const Conv2d& conv) {
  if (weight.rank() != 4)
    fail("conv2d: weight must be (O, C / groups, height, width), it is ", weight.shape().str());
  Conv2d used = conv;
  used.out_channels = weight.extent(0);
  used.kernel = {weight.extent(2), weight.extent(3)};
  used.bias = bias.size() > 0;
  if (!used.bias) return detail::computed<T>(used, {in}, {weight});
  return detail::computed<T>(used, {in}, {weight, bias});
}

}  // namespace camlite
