// Elementwise functions of tensors with broadcasting: in as few and long rows as the layouts allow,
// and shared by threads.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <camlite/kernels/table.hpp>
#include <camlite/ops/broadcast.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

// Threads for so many elementary operations: less than some ten microseconds of work each is not
// worth waking one.
inline int threads_for(Index operations, int threads) {
  constexpr Index least = 1 << 17;
  return static_cast<int>(std::clamp<Index>(operations / least, 1, threads));
}

// A tensor and how far apart its pixels lie: more floats than it has channels, where it is some
// channels of a wider map.
template <class T>
struct Strided {
  TensorView<T> view;
  Index pixel = 0;
};

// How tensors, the output among them, lie beside each other. The axes, the innermost first;
// neighbours are one where all tensors allow it: tensors of one shape are one long row, (N, H, W,
// C) beside (N, 1, 1, C) is rows of C, H * W of them, N times.
struct BroadcastAxes {
  static constexpr std::size_t most_operands = 3, output = most_operands;

  struct Axis {
    Index extent = 1;
    // From one element to the next; 0: repeated. Along the first axis there is nothing but 0 and 1.
    std::array<Index, most_operands + 1> strides{};
  };
  std::array<Axis, 4> axes;

  BroadcastAxes(std::span<const Strided<const float>> tensors, const Strided<float>& out) {
    const Shape shape = camlite::detail::as_feature_map(out.view.shape());
    std::array<Axis, 4> all;
    for (int axis = 0; axis < 4; ++axis)
      all[static_cast<std::size_t>(axis)].extent = shape[3 - axis];
    const auto put = [&](std::size_t k, const Shape& tensor, Index pixel) {
      const camlite::detail::BroadcastStrides strides(tensor, pixel);
      all[0].strides[k] = strides.channel;
      all[1].strides[k] = strides.pixel;
      all[2].strides[k] = strides.row;
      all[3].strides[k] = strides.picture;
    };
    for (std::size_t k = 0; k < tensors.size(); ++k)
      put(k, tensors[k].view.shape(), tensors[k].pixel);
    put(output, out.view.shape(), out.pixel);
    std::size_t last = 0;
    for (const Axis& axis : all) {
      if (axis.extent == 1) continue;
      Axis& inner = axes[last];
      if (inner.extent == 1 && is_dense(axis)) {
        inner = axis;
      } else if (continues(inner, axis)) {
        inner.extent *= axis.extent;
      } else {
        axes[++last] = axis;
      }
    }
  }

  Index offset(std::size_t tensor, const std::array<Index, 4>& position) const {
    Index sum = 0;
    for (std::size_t axis = 0; axis < 4; ++axis) sum += axes[axis].strides[tensor] * position[axis];
    return sum;
  }

 private:
  static bool is_dense(const Axis& axis) {
    return std::all_of(axis.strides.begin(), axis.strides.end(),
                       [](Index stride) { return stride == 0 || stride == 1; });
  }
  static bool continues(const Axis& inner, const Axis& outer) {
    for (std::size_t k = 0; k < inner.strides.size(); ++k) {
      if (outer.strides[k] != inner.strides[k] * inner.extent) return false;
    }
    return true;
  }
};

// out = what(tensors...), element by element with broadcasting; out has the tensors' common shape,
// and may be one of them. Where `after` is there, that becomes of the result.
inline void run_elementwise(const Elementwise& what, std::span<const Strided<const float>> tensors,
                            const std::optional<Elementwise>& after, const Kernels& kernels,
                            int threads, const Strided<float>& out) {
  if (out.view.size() == 0) return;
  const BroadcastAxes at(tensors, out);
  const Index columns = at.axes[0].extent, rows = at.axes[1].extent, outer = at.axes[2].extent;
  constexpr Index piece = 4096;  // L1 holds it until the second function
  const Index columns_at_once = std::min(columns, piece);
  const Index rows_at_once = std::clamp<Index>(piece / columns, 1, rows);
  const Index column_pieces = (columns + piece - 1) / piece;
  const Index row_pieces = (rows + rows_at_once - 1) / rows_at_once;
  const Index out_row = at.axes[1].strides[BroadcastAxes::output];
  parallel_for(at.axes[3].extent * outer * row_pieces * column_pieces,
               threads_for(out.view.size() / 2, threads), [&](Index i, int) {
                 const Index column = i % column_pieces * piece;
                 const Index row = i / column_pieces % row_pieces * rows_at_once;
                 const Index y = i / column_pieces / row_pieces % outer;
                 const Index n = i / column_pieces / row_pieces / outer;
                 const Index count = std::min(columns_at_once, columns - column);
                 const Index height = std::min(rows_at_once, rows - row);
                 const std::array<Index, 4> position{column, row, y, n};
                 std::array<Operand, BroadcastAxes::most_operands> operands;
                 for (std::size_t k = 0; k < tensors.size(); ++k) {
                   operands[k] = {tensors[k].view.data() + at.offset(k, position),
                                  at.axes[1].strides[k], at.axes[0].strides[k] == 0};
                 }
                 float* target = out.view.data() + at.offset(BroadcastAxes::output, position);
                 kernels.elementwise(what, operands.data(), height, count, target, out_row);
                 if (!after) return;
                 const Operand result{target, out_row, false};
                 kernels.elementwise(*after, &result, height, count, target, out_row);
               });
}

// out = then(function(tensors...)). Bounds cost nothing, other activations their arithmetic.
inline void run_elementwise(Elementwise::Function function,
                            std::span<const Strided<const float>> tensors, const Activation& then,
                            const Kernels& kernels, int threads, const Strided<float>& out) {
  Elementwise what{.function = function};
  std::optional<Elementwise> after;
  if (then.is_clamp()) {
    what.least = static_cast<float>(then.least);
    what.most = static_cast<float>(then.most);
  } else {
    after = elementwise_of(then);
  }
  run_elementwise(what, tensors, after, kernels, threads, out);
}

}  // namespace camlite::kernels
