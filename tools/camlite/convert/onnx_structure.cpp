// What moves numbers and computes none.

#include <algorithm>

#include "onnx_operators.hpp"
#include "onnx_shapes.hpp"

namespace camlite::tool::onnx {

namespace {

// The view of a value with another number of channels than one that is seen as `like`, whose axis
// `axis` is the channels.
Variable with_channels(const Builder& builder, std::string name, const View& like) {
  if (like.is_map()) return builder.as_map(std::move(name));
  if (like.is_vector()) return builder.as_vector(std::move(name));
  const Shape& shape = builder.shape(name);
  return {std::move(name), like.with(Dim::channels, shape[shape.rank() - 1])};
}

void require_channels(const Call& call, const View& view, std::size_t axis) {
  if (!view.is_channels(axis)) {
    fail("along axis ", axis, " of ", str(call.extents(0)),
         " it is not supported, only along channels");
  }
}

// The channels [start, start + count) of the first input.
Variable sliced(Builder& builder, const Call& call, const std::string& name, Index start,
                Index count) {
  const Variable& in = call.variable(0);
  return with_channels(builder, builder.add(name, Slice{start, start + count}, {in.name}), in.view);
}

}  // namespace

Values import_identity(Builder&, const Call& call) {
  return {call.variable(0)};
}

Values import_cast(Builder&, const Call& call) {
  call.ignore({"saturate", "round_mode"});
  const Index type = call.integer("to", 0);
  if (type != float_type && type != double_type && type != float16_type && type != bfloat16_type)
    fail("a cast to type ", type, " is not supported");
  return {call.variable(0)};
}

Values import_dropout(Builder& builder, const Call& call) {
  call.ignore({"ratio", "seed", "is_test"});
  if (call.has(std::size_t{2}) && call.constant(2).size() == 1 &&
      call.constant(2).integers()[0] != 0)
    fail("training_mode is true, which is not supported");
  builder.report.dropped(call.name(), "dropout does nothing outside of training");
  return {call.variable(0)};
}

// A reshape that puts shuffled channels together again ends a channel shuffle.
Values import_reshape(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  View view = in.view.reshaped(reshaped_extents(call));
  if (const std::optional<Index> groups = view.shuffled())
    return {builder.as_map(builder.add(call.name(), ChannelShuffle{*groups}, {in.name}))};
  return {Variable{in.name, std::move(view)}};
}

Values import_squeeze(Builder&, const Call& call) {
  const Variable& in = call.variable(0);
  std::optional<std::vector<bool>> axes = squeezed_axes(call);
  if (!axes) {
    // The batch stays, even if it is 1 in the file.
    axes.emplace();
    for (std::size_t i = 0; i < in.view.rank(); ++i) axes->push_back(in.view.axis(i).empty());
  }
  return {Variable{in.name, in.view.squeezed(*axes)}};
}

Values import_unsqueeze(Builder&, const Call& call) {
  const Variable& in = call.variable(0);
  return {Variable{in.name, in.view.unsqueezed(unsqueezed_axes(call))}};
}

Values import_transpose(Builder&, const Call& call) {
  const Variable& in = call.variable(0);
  return {Variable{in.name, in.view.permuted(transposed_axes(call))}};
}

Values import_concat(Builder& builder, const Call& call) {
  const Variable& first = call.variable(0);
  if (!call.has("axis")) fail("its axis is missing");
  const std::size_t axis = axis_of(call.integer("axis", 1), first.view.rank());
  if (call.inputs() == 1) return {first};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const Variable& in = call.variable(i);
    require_channels(call, in.view, axis);
    if (!(in.view.with(Dim::channels, 1) == first.view.with(Dim::channels, 1))) {
      fail("values of shapes ", str(first.view.extents()), " and ", str(in.view.extents()),
           " cannot be joined");
    }
    names.push_back(in.name);
  }
  std::string out = builder.add(call.name(), Concat{}, std::move(names));
  return {with_channels(builder, std::move(out), first.view)};
}

Values import_split(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  const std::size_t axis = axis_of(call.integer("axis", 0), in.view.rank());
  const Index extent = in.view.extents()[axis], pieces = static_cast<Index>(call.outputs());
  if (call.integer("num_outputs", pieces) != pieces)
    fail("its num_outputs is not its number of outputs, ", pieces);
  std::optional<Extents> sizes = call.list("split", 1);
  if (!sizes) {
    // Equal ones, but that the last may be smaller.
    const Index size = (extent - 1) / pieces + 1;
    sizes.emplace(static_cast<std::size_t>(pieces), size);
    sizes->back() = extent - size * (pieces - 1);
  }
  Index sum = 0;
  for (Index size : *sizes) sum = size < 1 || size > extent - sum ? extent + 1 : sum + size;
  if (std::ssize(*sizes) != pieces || sum != extent)
    fail("parts of ", str(*sizes), " for ", pieces, " outputs of ", extent);
  if (pieces == 1) return {in};
  require_channels(call, in.view, axis);
  Values values;
  Index start = 0;
  for (std::size_t i = 0; i < sizes->size(); ++i) {
    values.emplace_back(sliced(builder, call, text(call.name(), '.', i), start, (*sizes)[i]));
    start += (*sizes)[i];
  }
  return values;
}

Values import_slice(Builder& builder, const Call& call) {
  const Variable& in = call.variable(0);
  const std::vector<Range> ranges = sliced_ranges(call);
  const Extents extents = in.view.extents();
  std::optional<std::size_t> cut;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const bool all = ranges[i].start == 0 && ranges[i].step == 1 && ranges[i].count == extents[i];
    if (all) continue;
    if (cut || ranges[i].step != 1) fail("only some channels, one after another, are supported");
    cut = i;
  }
  if (!cut) return {in};
  require_channels(call, in.view, *cut);
  return {sliced(builder, call, call.name(), ranges[*cut].start, ranges[*cut].count)};
}

}  // namespace camlite::tool::onnx
