#include "onnx_shapes.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace camlite::tool::onnx {

namespace {

Extents flattened_extents(const Call& call, const Extents& from) {
  const Index given = call.integer("axis", 1);
  const std::size_t axis = given == std::ssize(from) ? from.size() : axis_of(given, from.size());
  const std::span<const Index> all(from);
  return {size_of(all.first(axis)), size_of(all.subspan(axis))};
}

}  // namespace

std::size_t axis_of(Index given, std::size_t rank) {
  const auto axes = static_cast<Index>(rank);
  if (given < -axes || given >= axes) fail("there is no axis ", given, " among ", rank);
  return static_cast<std::size_t>(given < 0 ? given + axes : given);
}

std::vector<bool> axes_of(const Extents& given, std::size_t rank) {
  std::vector<bool> axes(rank);
  for (Index axis : given) {
    const std::size_t i = axis_of(axis, rank);
    if (axes[i]) fail("axis ", axis, " is there twice");
    axes[i] = true;
  }
  return axes;
}

Extents reshaped_extents(const Call& call) {
  const Extents from = call.extents(0);
  if (call.type() == "Flatten") return flattened_extents(call, from);
  const bool zero_is_zero = call.flag("allowzero", false);
  std::optional<Extents> given = call.list("shape", 1);
  if (!given) fail("its shape is missing");
  Extents to = std::move(*given);
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0 && !zero_is_zero) {
      if (i >= from.size())
        fail("the shape ", str(to), " keeps an axis that ", str(from), " has not");
      to[i] = from[i];
    } else if (to[i] == -1 && !open) {
      open = i;
      to[i] = 1;
    }
  }
  const Index size = size_of(from), rest = size_of(to);
  if (open && rest > 0 && size % rest == 0) to[*open] = size / rest;
  if (size_of(to) != size) fail("a reshape from ", str(from), " to ", str(to), " cannot be");
  return to;
}

std::vector<std::size_t> transposed_axes(const Call& call) {
  const std::size_t rank = call.extents(0).size();
  std::vector<std::size_t> order(rank);
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  if (const std::optional<Extents> perm = call.integers("perm")) {
    axes_of(*perm, rank);
    if (perm->size() != rank) fail("its order ", str(*perm), " is not one of ", rank, " axes");
    std::transform(perm->begin(), perm->end(), order.begin(),
                   [&](Index axis) { return axis_of(axis, rank); });
  }
  return order;
}

std::optional<std::vector<bool>> squeezed_axes(const Call& call) {
  const Extents from = call.extents(0);
  const std::optional<Extents> given = call.list("axes", 1);
  if (!given) return {};
  std::vector<bool> axes = axes_of(*given, from.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] && from[i] != 1) fail("axis ", i, " of ", str(from), " is not 1");
  }
  return axes;
}

std::vector<bool> unsqueezed_axes(const Call& call) {
  const std::optional<Extents> given = call.list("axes", 1);
  if (!given) fail("its axes are missing");
  return axes_of(*given, call.extents(0).size() + given->size());
}

std::vector<Range> sliced_ranges(const Call& call) {
  const Extents from = call.extents(0);
  const std::optional<Extents> starts = call.list("starts", 1), ends = call.list("ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) fail("its starts and ends do not match");
  Extents all(starts->size());
  std::iota(all.begin(), all.end(), Index{0});
  const Extents axes = call.list("axes", 3).value_or(all);
  const Extents steps = call.list("steps", 4).value_or(Extents(starts->size(), 1));
  if (axes.size() != starts->size() || steps.size() != starts->size())
    fail("its axes or steps do not match its starts");
  axes_of(axes, from.size());
  std::vector<Range> ranges(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) ranges[i].count = from[i];
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_of(axes[i], from.size());
    const Index extent = from[axis], step = steps[i];
    if (step == 0 || step == std::numeric_limits<Index>::min()) fail("a step of ", step);
    if (extent == 0) {
      ranges[axis] = {0, 1, 0};
      continue;
    }
    // Counted from the end where negative, then cut to what there is.
    const auto position = [&](Index given, Index least, Index most) {
      return std::clamp(given < 0 && given >= -extent ? given + extent : given, least, most);
    };
    const Index start =
        step > 0 ? position((*starts)[i], 0, extent) : position((*starts)[i], 0, extent - 1);
    const Index end =
        step > 0 ? position((*ends)[i], 0, extent) : position((*ends)[i], -1, extent - 1);
    const Index way = step > 0 ? end - start : start - end;
    const Index stride = step > 0 ? step : -step;
    ranges[axis] = {start, step, way <= 0 ? 0 : (way - 1) / stride + 1};
  }
  return ranges;
}

}  // namespace camlite::tool::onnx
