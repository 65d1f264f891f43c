// Elementwise functions of tensors with broadcasting: in as few and long rows as the layouts allow,
// and shared by threads.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <camlite/kernels/kernels.hpp>
#include <camlite/ops/broadcast.hpp>
#include <camlite/parallel.hpp>

namespace camlite::kernels {

// Threads for so many elementary operations: less than some ten microseconds of work each is not
// worth waking one.
inline int threads_for(Index operations, int threads) {
  constexpr Index least = 1 << 17;
  return static_cast<int>(std::clamp<Index>(operations / least, 1, threads));
}

// How tensors lie beside an output that is dense. Its axes, the innermost first; neighbours are one
// where all tensors allow it: tensors of one shape are one long row, (N, H, W, C) beside
// (N, 1, 1, C) is rows of C, H * W of them, N times.
struct BroadcastAxes {
  static constexpr std::size_t most_tensors = 3;

  struct Axis {
    Index extent = 1;
    std::array<Index, most_tensors> strides{};  // from one element to the next; 0: repeated
  };
  std::array<Axis, 4> axes;

  BroadcastAxes(const Shape& out, std::span<const TensorView<const float>> tensors) {
    const Shape shape = camlite::detail::as_feature_map(out);
    std::array<Axis, 4> all;
    for (int axis = 0; axis < 4; ++axis)
      all[static_cast<std::size_t>(axis)].extent = shape[3 - axis];
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      const camlite::detail::BroadcastStrides in(tensors[k].shape());
      all[0].strides[k] = in.channel;
      all[1].strides[k] = in.pixel;
      all[2].strides[k] = in.row;
      all[3].strides[k] = in.picture;
    }
    std::size_t last = 0;
    for (const Axis& axis : all) {
      if (axis.extent == 1) continue;
      Axis& inner = axes[last];
      if (inner.extent == 1) {
        inner = axis;
      } else if (continues(inner, axis)) {
        inner.extent *= axis.extent;
      } else {
        axes[++last] = axis;
      }
    }
  }

 private:
  static bool continues(const Axis& inner, const Axis& outer) {
    for (std::size_t k = 0; k < most_tensors; ++k) {
      if (outer.strides[k] != inner.strides[k] * inner.extent) return false;
    }
    return true;
  }
};

// out = what(tensors...), element by element with broadcasting; out has the tensors' common shape,
// and may be one of them. Where `after` is there, that becomes of the result.
inline void run_elementwise(const Elementwise& what,
                            std::span<const TensorView<const float>> tensors,
                            const std::optional<Elementwise>& after, const Kernels& kernels,
                            int threads, TensorView<float> out) {
  if (out.size() == 0) return;
  const auto axes = BroadcastAxes(out.shape(), tensors).axes;
  const Index columns = axes[0].extent, rows = axes[1].extent, outer = axes[2].extent;
  constexpr Index piece = 4096;  // L1 holds it until the second function
  const Index columns_at_once = std::min(columns, piece);
  const Index rows_at_once = std::clamp<Index>(piece / columns, 1, rows);
  const Index column_pieces = (columns + piece - 1) / piece;
  const Index row_pieces = (rows + rows_at_once - 1) / rows_at_once;
  parallel_for(axes[3].extent * outer * row_pieces * column_pieces,
               threads_for(out.size() / 2, threads), [&](Index i, int) {
                 const Index column = i % column_pieces * piece;
                 const Index row = i / column_pieces % row_pieces * rows_at_once;
                 const Index y = i / column_pieces / row_pieces % outer;
                 const Index n = i / column_pieces / row_pieces / outer;
                 const Index count = std::min(columns_at_once, columns - column);
                 const Index height = std::min(rows_at_once, rows - row);
                 float* target = out.data() + ((n * outer + y) * rows + row) * columns + column;
                 std::array<Operand, BroadcastAxes::most_tensors> operands;
                 for (std::size_t k = 0; k < tensors.size(); ++k) {
                   const auto at = [&](std::size_t axis, Index position) {
                     return axes[axis].strides[k] * position;
                   };
                   operands[k] = {
                       tensors[k].data() + at(0, column) + at(1, row) + at(2, y) + at(3, n),
                       axes[1].strides[k], axes[0].strides[k] == 0};
                 }
                 kernels.elementwise(what, operands.data(), height, count, target, columns);
                 if (!after) return;
                 const Operand result{target, columns, false};
                 kernels.elementwise(*after, &result, height, count, target, columns);
               });
}

// out = then(function(tensors...)). Bounds cost nothing, other activations their arithmetic.
inline void run_elementwise(Elementwise::Function function,
                            std::span<const TensorView<const float>> tensors,
                            const Activation& then, const Kernels& kernels, int threads,
                            TensorView<float> out) {
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
