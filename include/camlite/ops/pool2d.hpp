// Pool2d: the windows of max_pool2d and avg_pool2d.
#pragma once

#include <algorithm>

#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite {

// How the number of windows is rounded where the last one does not fit whole.
//
// - floor: it is left out (torch's default).
// - ceil: it is kept if it starts inside the input or its left padding (torch's ceil_mode, ONNX's).
// - caffe: as ceil where there is padding, in either direction; without any, it is kept always. One
//   that then starts behind the input has nothing to pool (Caffe puts -FLT_MAX there), and is an
//   error.
enum class Rounding { floor, ceil, caffe };

// "floor", "ceil" or "caffe", as graphs have it.
constexpr std::string_view rounding_name(Rounding rounding) {
  return rounding == Rounding::floor ? "floor" : rounding == Rounding::ceil ? "ceil" : "caffe";
}

// The attributes of a pooling, with torch.nn.MaxPool2d's names and meaning.
struct Pool2d {
  Size2d kernel = 0;
  Size2d stride = 0;  // 0: the kernel's size
  Size2d padding = 0;
  Rounding rounding = Rounding::floor;

  template <class Self, class Visit>
  static void attributes(Self& self, Visit&& visit) {
    visit("kernel", self.kernel, Need::required);
    visit("stride", self.stride, Need::optional);
    visit("padding", self.padding, Need::optional);
    visit("rounding", self.rounding, Need::optional);
  }

  Size2d step() const { return stride == Size2d(0) ? kernel : stride; }

  // (N, H, W, C) -> (N, Ho, Wo, C) with Ho = (H + 2 * padding - kernel) / stride + 1, rounded as
  // `rounding` says. Throws Error if the window is larger than the padded input, or the padding
  // more than half of the window.
  Shape output_shape(std::span<const Shape> in) const {
    detail::require_feature_map(in[0]);
    detail::require_at_least("kernel", kernel, 1);
    detail::require_at_least("stride", step(), 1);
    detail::require_at_least("padding", padding, 0);
    checked_product(kernel.height, kernel.width);  // avg_pool2d divides by it
    return {in[0][0], windows("height", in[0][1], padding.height, kernel.height, step().height),
            windows("width", in[0][2], padding.width, kernel.width, step().width), in[0][3]};
  }

 private:
  Index windows(const char* axis, Index extent, Index pad, Index window, Index step) const {
    if (pad > window / 2)
      fail("padding ", pad, " is more than half of the window's ", axis, " ", window);
    const Index padded = detail::padded(extent, pad), room = padded - window;
    if (room < 0)
      fail("a window of ", axis, " ", window, " does not fit into the padded ", axis, " ", padded);
    detail::checked_sum(padded, window);  // the end of a window that sticks out, too
    if (rounding == Rounding::floor) return room / step + 1;
    Index count = room / step + (room % step != 0) + 1;
    const Index inside = (extent + pad - 1) / step + 1;  // windows that start before the end
    const bool may_start_outside = rounding == Rounding::caffe && padding == Size2d(0);
    if (!may_start_outside) count = std::min(count, inside);
    if (count > inside) fail("stride ", step, " puts a window outside of the ", axis, " ", extent);
    return count;
  }
};

namespace detail {

// The part of a window that lies inside the input: [first, last).
struct Span {
  Index first;
  Index last;
};

inline Span inside(Index start, Index window, Index extent) {
  return {std::max<Index>(start, 0), std::min(start + window, extent)};
}

// Calls body(picture, top, left, ys, xs, pixel) for every output pixel: its window starts at (top,
// left), and the part of it that lies inside the picture (H, W, C) is the rows ys and the columns
// xs.
template <class T, class Body>
void for_each_window(const Arguments<T>& arguments, const Pool2d& pool, int threads,
                     const Body& body) {
  const TensorView<const T> in = arguments.inputs[0];
  const TensorView<T> out = arguments.output;
  const Index height = out.extent(1), width = out.extent(2);
  parallel_for(out.extent(0) * height, threads, [&](Index row, int) {
    const Index n = row / height, top = row % height * pool.step().height - pool.padding.height;
    const Span ys = inside(top, pool.kernel.height, in.extent(1));
    T* pixel = out.data() + row * width * arguments.pixel();
    for (Index x = 0; x < width; ++x, pixel += arguments.pixel()) {
      const Index left = x * pool.step().width - pool.padding.width;
      body(in[n], top, left, ys, inside(left, pool.kernel.width, in.extent(2)), pixel);
    }
  });
}

}  // namespace detail
}  // namespace camlite
