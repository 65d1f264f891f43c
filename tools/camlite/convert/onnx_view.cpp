#include "onnx_view.hpp"

#include <algorithm>

namespace camlite::tool::onnx {

namespace {

Index extent_of(const Axis& axis) {
  Index extent = 1;
  for (const Part& part : axis) extent *= part.extent;
  return extent;
}

// Adds a part, as one with the last where it goes on inside of it.
void append(Axis& axis, const Part& part) {
  if (part.extent == 1 && part.dim != Dim::pictures) return;
  if (!axis.empty() && axis.back().dim == part.dim &&
      axis.back().stride == part.stride * part.extent) {
    axis.back() = {part.dim, part.stride, axis.back().extent * part.extent};
  } else {
    axis.push_back(part);
  }
}

constexpr std::string_view dim_name(Dim dim) {
  switch (dim) {
    case Dim::pictures:
      return "the batch";
    case Dim::channels:
      return "the channels";
    case Dim::rows:
      return "the rows";
    case Dim::columns:
      return "the columns";
  }
  return "";
}

}  // namespace

View::View(Index pictures, const Shape& value)
    : extents_{pictures, value[value.rank() - 1], value.rank() == 4 ? value[1] : 1,
               value.rank() == 4 ? value[2] : 1} {}

Axis View::axis_of(std::initializer_list<Dim> dims) const {
  Axis axis;
  for (Dim dim : dims) append(axis, whole(dim));
  return axis;
}

std::vector<Axis> View::map_axes() const {
  return {axis_of({Dim::pictures}), axis_of({Dim::channels}), axis_of({Dim::rows}),
          axis_of({Dim::columns})};
}

View View::map(Index pictures, const Shape& value) {
  View view(pictures, value);
  view.axes_ = view.map_axes();
  return view;
}

View View::channels_last(Index pictures, const Shape& value) {
  return map(pictures, value).permuted({0, 2, 3, 1});
}

View View::vector(Index pictures, const Shape& value) {
  return map(pictures, value).squeezed({false, false, true, true});
}

Extents View::extents() const {
  Extents list;
  list.reserve(axes_.size());
  for (const Axis& axis : axes_) list.push_back(extent_of(axis));
  return list;
}

bool View::is_vector() const {
  return extent(Dim::rows) == 1 && extent(Dim::columns) == 1 && is_flat_in_order();
}

bool View::is_channels(std::size_t i) const {
  if (is_map() || is_vector()) return i == 1;
  return extent(Dim::channels) > 1 && axes_[i] == axis_of({Dim::channels});
}

std::optional<Index> View::shuffled() const {
  std::vector<Axis> rest = map_axes();
  if (rank() != 4 || axes_[1].size() != 2) return {};
  rest[1] = axes_[1];
  const Part &first = axes_[1][0], &second = axes_[1][1];
  const bool swapped = axes_ == rest && first.dim == Dim::channels && second.dim == Dim::channels &&
                       first.stride == 1 && second.stride == first.extent;
  return swapped ? std::optional(second.extent) : std::nullopt;
}

bool View::is_flat() const {
  return rank() == 2 && axes_[0] == axis_of({Dim::pictures});
}

bool View::is_flat_in_order() const {
  return is_flat() && axes_[1] == axis_of({Dim::channels, Dim::rows, Dim::columns});
}

std::vector<Index> View::flat_positions() const {
  const Index rows = extent(Dim::rows), columns = extent(Dim::columns);
  const std::array<Index, 4> step{0, rows * columns, columns, 1};
  std::vector<Index> positions{0};
  for (const Part& part : axes_[1]) {
    std::vector<Index> longer;
    longer.reserve(positions.size() * static_cast<std::size_t>(part.extent));
    const Index by = part.stride * step[static_cast<std::size_t>(part.dim)];
    for (Index position : positions) {
      for (Index i = 0; i < part.extent; ++i) longer.push_back(position + i * by);
    }
    positions = std::move(longer);
  }
  return positions;
}

View View::reshaped(const Extents& to) const {
  const auto fail_shape = [&] {
    fail("a reshape from ", str(extents()), " to ", str(to), " is not supported");
  };
  std::vector<Part> parts;
  for (const Axis& axis : axes_) parts.insert(parts.end(), axis.begin(), axis.end());
  View view = *this;
  view.axes_.assign(to.size(), {});
  std::size_t next = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    Index room = to[i];
    // A batch of one takes no room: it goes to the axis at which it stands.
    while (next < parts.size() && (room > 1 || parts[next].extent == 1)) {
      Part& part = parts[next];
      if (room % part.extent == 0) {
        append(view.axes_[i], part);
        room /= part.extent;
        ++next;
      } else if (part.extent % room == 0 && part.dim != Dim::pictures) {
        part.extent /= room;
        append(view.axes_[i], {part.dim, part.stride * part.extent, room});
        room = 1;
      } else {
        fail_shape();
      }
    }
    if (room != 1) fail_shape();
  }
  if (next != parts.size()) fail_shape();
  return view;
}

View View::permuted(const std::vector<std::size_t>& order) const {
  View view = *this;
  for (std::size_t i = 0; i < order.size(); ++i) view.axes_[i] = axes_[order[i]];
  return view;
}

View View::squeezed(const std::vector<bool>& axes) const {
  View view = *this;
  view.axes_.clear();
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (!axes[i]) {
      view.axes_.push_back(axes_[i]);
    } else if (!axes_[i].empty()) {
      fail("axis ", i, " of ", str(extents()), " cannot be squeezed: it is ",
           dim_name(axes_[i][0].dim));
    }
  }
  return view;
}

View View::unsqueezed(const std::vector<bool>& axes) const {
  View view = *this;
  view.axes_.clear();
  std::size_t next = 0;
  for (bool is_new : axes) view.axes_.push_back(is_new ? Axis{} : axes_[next++]);
  return view;
}

std::vector<Dim> View::whole_dims(std::size_t i) const {
  std::vector<Dim> dims;
  for (const Part& part : axes_[i]) {
    if (part != whole(part.dim)) fail("axis ", i, " of ", str(extents()), " is not whole");
    dims.push_back(part.dim);
  }
  return dims;
}

View View::with(Dim dim, Index extent) const {
  View view = *this;
  view.extents_[static_cast<std::size_t>(dim)] = extent;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const bool has = std::any_of(axes_[i].begin(), axes_[i].end(),
                                 [&](const Part& part) { return part.dim == dim; });
    if (!has) continue;
    std::erase_if(view.axes_[i], [&](const Part& part) { return part.dim == dim; });
    append(view.axes_[i], view.whole(dim));
  }
  return view;
}

Tensor<float> View::spread(const Array& constant, Index most) const {
  const Extents mine = extents();
  const std::size_t given = constant.shape.size();
  const auto fail_constant = [&](std::string_view why) {
    fail("a constant of shape ", str(constant.shape), " beside a value of shape ", str(mine), why);
  };
  if (given > rank()) fail_constant(" is not supported");
  // For each axis of the view, the step in the constant; and the dimensions that it depends on.
  std::vector<Index> steps(rank(), 0);
  std::array<bool, 4> depends{};
  Index step = 1;
  for (std::size_t back = 1; back <= given; ++back) {
    const Index extent = constant.shape[given - back];
    const std::size_t axis = rank() - back;
    if (extent != 1 && extent != mine[axis]) fail_constant(" is not supported");
    if (extent != 1) {
      steps[axis] = step;
      for (const Part& part : axes_[axis]) depends[static_cast<std::size_t>(part.dim)] = true;
    }
    step *= extent;
  }
  if (depends[0]) fail_constant(" differs from picture to picture, which is not supported");
  std::array<Index, 4> size{1, 1, 1, 1};
  for (std::size_t d = 1; d < 4; ++d) size[d] = depends[d] ? extents_[d] : 1;
  const Shape shape{size[1], size[2], size[3]};
  if (shape.size() > most) fail_constant(" is too large");
  Tensor<float> out = Tensor<float>::uninitialized(shape);
  const std::vector<float>& values = constant.reals();
  float* next = out.data();
  std::array<Index, 4> at{};
  for (at[1] = 0; at[1] < size[1]; ++at[1]) {
    for (at[2] = 0; at[2] < size[2]; ++at[2]) {
      for (at[3] = 0; at[3] < size[3]; ++at[3]) {
        Index position = 0;
        for (std::size_t axis = 0; axis < rank(); ++axis) {
          if (steps[axis] == 0) continue;
          Index along = 0;
          for (const Part& part : axes_[axis])
            along = along * part.extent +
                    at[static_cast<std::size_t>(part.dim)] / part.stride % part.extent;
          position += along * steps[axis];
        }
        *next++ = values[static_cast<std::size_t>(position)];
      }
    }
  }
  return out;
}

}  // namespace camlite::tool::onnx
