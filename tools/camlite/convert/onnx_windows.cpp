// Pooling, reductions over space, padding.

#include <algorithm>
#include <cmath>
#include <limits>

#include "onnx_operators.hpp"
#include "onnx_shapes.hpp"
#include "onnx_window.hpp"

namespace camlite::tool::onnx {

namespace {

// Sizes of windows and pads that networks have are far below; sums of them stay far from overflow.
constexpr Index most_number = 1 << 16;

void check_extents(const Extents& given, std::string_view what, std::size_t count, Index least) {
  if (given.size() != count)
    fail("its ", what, " are ", str(given), "; only two dimensions are supported");
  for (Index extent : given) {
    if (extent < least || extent > most_number)
      fail("its ", what, " are ", str(given), ", they must be ", least, " to ", most_number);
  }
}

Size2d read_pair(const Call& call, std::string_view attribute) {
  const Extents given = call.integers(attribute).value_or(Extents{1, 1});
  check_extents(given, attribute, 2, 1);
  return {given[0], given[1]};
}

// The padding of one axis with which there are ceil(extent / stride) windows; before and after.
std::pair<Index, Index> same_padding(Index extent, Index kernel, Index stride, Index dilation,
                                     bool more_after) {
  const Index windows = (extent - 1) / stride + 1;
  const Index reach = dilation * (kernel - 1) + 1;
  const Index pad = std::max<Index>((windows - 1) * stride + reach - extent, 0);
  const Index less = pad / 2;
  return more_after ? std::pair(less, pad - less) : std::pair(pad - less, less);
}

// The windows along one axis, as ONNX counts them.
Index window_count(Index extent, Index before, Index after, Index kernel, Index stride,
                   bool rounded_up) {
  const Index room = extent + before + after - kernel;
  if (room < 0) return 0;
  const Index count = room / stride + 1 + (rounded_up && room % stride != 0 ? 1 : 0);
  // One that would start behind the input and the padding before it is left out.
  return rounded_up ? std::min(count, (extent + before - 1) / stride + 1) : count;
}

// A pooling as it is in the file.
struct Pooling {
  Window window;
  bool rounded_up = false;
  Size2d map;     // of its input
  Size2d result;  // of its output
};

Pooling read_pooling(const Call& call) {
  const Extents in = call.extents(0);
  const Extents kernel = call.integers("kernel_shape").value_or(Extents{});
  if (in.size() != 4)
    fail("on a value of shape ", str(in), " it is not supported, only on (N, C, H, W)");
  check_extents(kernel, "kernel_shape", 2, 1);
  Pooling pooling;
  pooling.map = {in[2], in[3]};
  pooling.window = read_window(call, {kernel[0], kernel[1]}, pooling.map);
  pooling.rounded_up = call.flag("ceil_mode", false);
  const Window& w = pooling.window;
  if (w.dilation != Size2d(1)) fail("dilations of ", w.dilation.str(), " are not supported");
  pooling.result = {window_count(in[2], w.pads.top, w.pads.bottom, w.kernel.height, w.stride.height,
                                 pooling.rounded_up),
                    window_count(in[3], w.pads.left, w.pads.right, w.kernel.width, w.stride.width,
                                 pooling.rounded_up)};
  return pooling;
}

// As camlite's poolings have it, without padding of their own.
Pool2d unpadded(const Pooling& pooling) {
  return {.kernel = pooling.window.kernel,
          .stride = pooling.window.stride,
          .padding = 0,
          .rounding = pooling.rounded_up ? Rounding::ceil : Rounding::floor};
}

// Whether camlite's poolings can have the padding: the same on opposite sides, and at most half of
// the window.
bool has_own_padding(const Window& window) {
  const Border& pads = window.pads;
  return pads.is_symmetric() && 2 * pads.top <= window.kernel.height &&
         2 * pads.left <= window.kernel.width;
}

// The result of a pooling behind a padding. Rounding up, there can be more windows than ONNX has:
// those that start in the padding behind.
Variable pooled(Builder& builder, const std::string& name, const Pooling& pooling,
                std::string result) {
  const Shape& shape = builder.shape(result);
  if (shape[1] != pooling.result.height || shape[2] != pooling.result.width) {
    fail("ceil_mode with these pads is not supported: ", shape[1], "x", shape[2],
         " windows instead of ", pooling.result.str(), " (", name, ")");
  }
  return builder.as_map(std::move(result));
}

// Windows over a padded axis, and how many of each one's positions lie inside the input: their
// mean over the whole window times this is the mean over what lies inside.
std::vector<float> inside_factors(Index windows, Index kernel, Index stride, Index before,
                                  Index extent, Index after) {
  std::vector<float> factors;
  for (Index i = 0; i < windows; ++i) {
    const Index start = i * stride - before;
    const Index counted = std::min(start + kernel, extent + after) - start;
    const Index inside = std::min(start + kernel, extent) - std::max<Index>(start, 0);
    if (inside < 1) fail("a window of it lies outside of the input, which is not supported");
    factors.push_back(static_cast<float>(counted) / static_cast<float>(inside));
  }
  return factors;
}

std::string averages_inside(Builder& builder, const std::string& name, const Pooling& pooling,
                            const std::string& means) {
  const Window& w = pooling.window;
  const std::vector<float> rows =
      inside_factors(pooling.result.height, w.kernel.height, w.stride.height, w.pads.top,
                     pooling.map.height, w.pads.bottom);
  const std::vector<float> columns =
      inside_factors(pooling.result.width, w.kernel.width, w.stride.width, w.pads.left,
                     pooling.map.width, w.pads.right);
  const std::string by_row = builder.add_constant(
      name + ".rows", Tensor<float>({1, std::ssize(rows), 1}, std::span(rows)));
  const std::string by_column = builder.add_constant(
      name + ".columns", Tensor<float>({1, 1, std::ssize(columns)}, std::span(columns)));
  return builder.add(name, Mul{}, {means, by_row, by_column});
}

// Pooling over the axes of input 0 for which `axes` is true: rows, columns or both, whole.
enum class Reduction { mean, largest };

Values reduced(Builder& builder, const Call& call, Reduction kind, const std::vector<bool>& axes,
               bool keep) {
  const Variable& in = call.variable(0);
  const View& view = in.view;
  bool rows = false, columns = false;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i]) continue;
    for (Dim dim : view.whole_dims(i)) {
      if (dim == Dim::pictures || dim == Dim::channels) {
        fail("over axis ", i, " of ", str(view.extents()),
             " it is not supported, only over rows and columns");
      }
      (dim == Dim::rows ? rows : columns) = true;
    }
  }
  const Index height = view.extent(Dim::rows), width = view.extent(Dim::columns);
  const bool whole = (rows || height == 1) && (columns || width == 1);
  const Pool2d pool{.kernel = {rows ? height : 1, columns ? width : 1}, .stride = 1};
  std::string out = in.name;
  if (builder.shape(in.name).rank() == 4) {  // else there is nothing to pool
    if (kind == Reduction::largest) {
      out = builder.add(call.name(), MaxPool2d{pool}, {in.name});
    } else if (whole) {
      out = builder.add(call.name(), GlobalAvgPool{}, {in.name});
    } else {
      out = builder.add(call.name(), AvgPool2d{pool}, {in.name});
    }
  }
  View seen = view;
  if (rows) seen = seen.with(Dim::rows, 1);
  if (columns) seen = seen.with(Dim::columns, 1);
  return {Variable{std::move(out), keep ? seen : seen.squeezed(axes)}};
}

Values reduced_over_space(Builder& builder, const Call& call, Reduction kind) {
  const std::size_t rank = call.extents(0).size();
  std::vector<bool> axes(rank, true);
  if (rank < 3) fail("on a value of shape ", str(call.extents(0)), " it is not supported");
  axes[0] = axes[1] = false;
  return reduced(builder, call, kind, axes, true);
}

Values reduced_over_axes(Builder& builder, const Call& call, Reduction kind) {
  const Variable& in = call.variable(0);
  const bool keep = call.flag("keepdims", true), nothing = call.flag("noop_with_empty_axes", false);
  const Extents given = call.list("axes", 1).value_or(Extents{});
  if (given.empty() && nothing) return {in};
  const std::size_t rank = in.view.rank();
  const std::vector<bool> axes =
      given.empty() ? std::vector<bool>(rank, true) : axes_of(given, rank);
  return reduced(builder, call, kind, axes, keep);
}

// What pads a maximum: no number is smaller. (Infinity has no place in a graph's text.)
constexpr double nothing = std::numeric_limits<float>::lowest();

}  // namespace

Window read_window(const Call& call, const Size2d& kernel, const Size2d& map) {
  Window window{kernel, read_pair(call, "strides"), read_pair(call, "dilations"), {}};
  const std::string how = call.word("auto_pad", "NOTSET");
  const Extents pads = call.integers("pads").value_or(Extents(4, 0));
  check_extents({kernel.height, kernel.width}, "kernel_shape", 2, 1);
  if (how == "SAME_UPPER" || how == "SAME_LOWER") {
    Border& to = window.pads;
    const Size2d &stride = window.stride, &dilation = window.dilation;
    std::tie(to.top, to.bottom) = same_padding(map.height, kernel.height, stride.height,
                                               dilation.height, how == "SAME_UPPER");
    std::tie(to.left, to.right) =
        same_padding(map.width, kernel.width, stride.width, dilation.width, how == "SAME_UPPER");
  } else if (how == "NOTSET" || how.empty()) {
    check_extents(pads, "pads", 4, 0);
    window.pads = {pads[0], pads[1], pads[2], pads[3]};
  } else if (how != "VALID") {
    fail("auto_pad=", how, " is not known");
  }
  return window;
}

std::string padded(Builder& builder, const std::string& name, const std::string& map,
                   const Border& by, double value) {
  if (by == Border{}) return map;
  return builder.add(name + ".pad", camlite::Pad{by.top, by.bottom, by.left, by.right, value},
                     {map});
}

Values import_max_pool(Builder& builder, const Call& call) {
  call.ignore({"storage_order"});  // of the second output
  const Pooling pooling = read_pooling(call);
  const Window& window = pooling.window;
  std::string from = builder.map(call.variable(0));
  MaxPool2d pool{unpadded(pooling)};
  if (has_own_padding(window)) {
    pool.padding = {window.pads.top, window.pads.left};
  } else {
    from = padded(builder, call.name(), from, window.pads, nothing);
  }
  return {pooled(builder, call.name(), pooling, builder.add(call.name(), pool, {from}))};
}

Values import_average_pool(Builder& builder, const Call& call) {
  const Pooling pooling = read_pooling(call);
  const Window& window = pooling.window;
  const std::string name = call.name();
  std::string from = builder.map(call.variable(0));
  AvgPool2d pool{unpadded(pooling)};
  pool.count_include_pad = call.flag("count_include_pad", false);
  if (has_own_padding(window)) {
    pool.padding = {window.pads.top, window.pads.left};
    return {pooled(builder, name, pooling, builder.add(name, pool, {from}))};
  }
  from = padded(builder, name, from, window.pads, 0);
  if (pool.count_include_pad)
    return {pooled(builder, name, pooling, builder.add(name, pool, {from}))};
  const Variable means = pooled(builder, name, pooling, builder.add(name + ".mean", pool, {from}));
  return {builder.as_map(averages_inside(builder, name, pooling, means.name))};
}

Values import_global_average_pool(Builder& builder, const Call& call) {
  return reduced_over_space(builder, call, Reduction::mean);
}

Values import_global_max_pool(Builder& builder, const Call& call) {
  return reduced_over_space(builder, call, Reduction::largest);
}

Values import_reduce_mean(Builder& builder, const Call& call) {
  return reduced_over_axes(builder, call, Reduction::mean);
}

Values import_reduce_max(Builder& builder, const Call& call) {
  return reduced_over_axes(builder, call, Reduction::largest);
}

Values import_pad(Builder& builder, const Call& call) {
  const std::string mode = call.word("mode", "constant");
  if (mode != "constant") fail("mode=", mode, " is not supported");
  const Variable& in = call.variable(0);
  const std::size_t rank = in.view.rank();
  const std::optional<Extents> pads = call.list("pads", 1);
  Extents all(rank);
  for (std::size_t i = 0; i < rank; ++i) all[i] = static_cast<Index>(i);
  const Extents given = call.list("axes", 3).value_or(all);
  axes_of(given, rank);
  if (!pads || pads->size() != 2 * given.size())
    fail("its pads do not match a value of shape ", str(in.view.extents()));
  check_extents(*pads, "pads", pads->size(), 0);
  const double value = call.number("value", 2).value_or(0);
  Border border;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::size_t axis = axis_of(given[i], rank);
    const Index before = (*pads)[i], after = (*pads)[i + given.size()];
    if (axis == 2) border.top = before, border.bottom = after;
    if (axis == 3) border.left = before, border.right = after;
    if ((rank != 4 || axis < 2) && (before > 0 || after > 0)) {
      fail("pads along axis ", axis, " of ", str(in.view.extents()),
           " are not supported, only around maps");
    }
  }
  if (border == Border{}) return {in};
  const std::string map = builder.map(in);
  const camlite::Pad pad{border.top, border.bottom, border.left, border.right,
                         std::max(value, nothing)};
  return {builder.as_map(builder.add(call.name(), pad, {map}))};
}

}  // namespace camlite::tool::onnx
