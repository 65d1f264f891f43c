#include "onnx_fold.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "onnx_shapes.hpp"

namespace camlite::tool::onnx {

namespace {

using Int = std::int64_t;

// Takes the elements of a result from the budget before there is memory for them.
class Budget {
 public:
  explicit Budget(Index& left) : left_(left) {}

  const Extents& take(const Extents& shape) {
    const Index size = size_of(shape);
    if (size > left_)
      fail("a constant expression of shape ", str(shape), " is too large; ", left_,
           " elements may still be computed");
    left_ -= size;
    return shape;
  }

 private:
  Index& left_;
};

// The steps from one element of a row-major array to the next along each axis; 0 if it has none.
Extents steps_of(const Extents& shape) {
  if (size_of(shape) == 0) return Extents(shape.size(), 0);
  Extents steps(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) steps[i - 1] = steps[i] * shape[i];
  return steps;
}

// Calls body with the position of each element of `shape`, in order, in something that begins at
// `start` and has these steps.
template <class Body>
void for_each_position(const Extents& shape, const Extents& steps, Index start, const Body& body) {
  const Index size = size_of(shape);
  Extents at(shape.size(), 0);
  Index position = start;
  for (Index n = 0; n < size; ++n) {
    body(static_cast<std::size_t>(position));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      position += steps[axis];
      if (++at[axis] < shape[axis]) break;
      position -= steps[axis] * shape[axis];
      at[axis] = 0;
    }
  }
}

// The elements of an array at such positions.
Array picked(const Array& from, const Extents& shape, const Extents& steps, Index start = 0) {
  return {shape, std::visit(
                     [&](const auto& in) -> decltype(Array::elements) {
                       std::decay_t<decltype(in)> out;
                       out.reserve(static_cast<std::size_t>(size_of(shape)));
                       for_each_position(shape, steps, start,
                                         [&](std::size_t i) { out.push_back(in[i]); });
                       return out;
                     },
                     from.elements)};
}

// The shape of arrays together, as numpy broadcasts them, and an array repeated to it.
Extents broadcast_extents(const Extents& a, const Extents& b) {
  Extents out(std::max(a.size(), b.size()), 1);
  for (std::size_t back = 1; back <= out.size(); ++back) {
    const Index x = back <= a.size() ? a[a.size() - back] : 1;
    const Index y = back <= b.size() ? b[b.size() - back] : 1;
    if (x != y && x != 1 && y != 1) fail("shapes ", str(a), " and ", str(b), " do not go together");
    out[out.size() - back] = x == 1 ? y : x;
  }
  return out;
}

Array broadcast(const Array& from, const Extents& to) {
  const Extents own = steps_of(from.shape);
  Extents steps(to.size(), 0);
  for (std::size_t back = 1; back <= own.size(); ++back) {
    if (from.shape[own.size() - back] != 1) steps[to.size() - back] = own[own.size() - back];
  }
  return picked(from, to, steps);
}

// function(a, b) for each pair of elements, which are of one kind.
template <class Function>
Array pairwise(const Call& call, Budget budget, const Function& function) {
  if (call.inputs() != 2) fail("of ", call.inputs(), " constants it is not supported, only of 2");
  const Array &left = call.constant(0), &right = call.constant(1);
  const Extents shape = budget.take(broadcast_extents(left.shape, right.shape));
  const Array a = broadcast(left, shape), b = broadcast(right, shape);
  return {shape, std::visit(
                     [&](const auto& x) -> decltype(Array::elements) {
                       const auto* y = std::get_if<std::decay_t<decltype(x)>>(&b.elements);
                       if (!y) fail("integers and floats do not go together");
                       using Element =
                           std::conditional_t<std::is_same_v<decltype(function(x[0], x[0])), float>,
                                              float, Int>;
                       std::vector<Element> out(x.size());
                       std::transform(x.begin(), x.end(), y->begin(), out.begin(), function);
                       return out;
                     },
                     a.elements)};
}

template <class Function>
Array real_function(const Call& call, Budget budget, const Function& function) {
  Array out = call.constant(0);
  budget.take(out.shape);
  std::vector<float> values = out.reals();
  std::transform(values.begin(), values.end(), values.begin(), function);
  out.elements = std::move(values);
  return out;
}

[[noreturn]] void fail_overflow(Int a, char sign, Int b) {
  fail("the integers ", a, ' ', sign, ' ', b, " have no result of 64 bits");
}

struct Plus {
  float operator()(float a, float b) const { return a + b; }
  Int operator()(Int a, Int b) const {
    Int out = 0;
    if (__builtin_add_overflow(a, b, &out)) fail_overflow(a, '+', b);
    return out;
  }
};

struct Minus {
  float operator()(float a, float b) const { return a - b; }
  Int operator()(Int a, Int b) const {
    Int out = 0;
    if (__builtin_sub_overflow(a, b, &out)) fail_overflow(a, '-', b);
    return out;
  }
};

struct Times {
  float operator()(float a, float b) const { return a * b; }
  Int operator()(Int a, Int b) const {
    Int out = 0;
    if (__builtin_mul_overflow(a, b, &out)) fail_overflow(a, '*', b);
    return out;
  }
};

struct Over {
  float operator()(float a, float b) const { return a / b; }
  Int operator()(Int a, Int b) const {
    if (b == 0 || (b == -1 && a == std::numeric_limits<Int>::min())) fail_overflow(a, '/', b);
    return a / b;
  }
};

struct Least {
  template <class T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};

struct Most {
  template <class T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};

struct Equals {
  template <class T>
  Int operator()(T a, T b) const {
    return a == b;
  }
};

struct Exceeds {
  template <class T>
  Int operator()(T a, T b) const {
    return a > b;
  }
};

struct FallsBelow {
  template <class T>
  Int operator()(T a, T b) const {
    return a < b;
  }
};

template <class Function>
Array fold_pairs(const Call& call, Budget budget) {
  return pairwise(call, budget, Function{});
}

Array fold_sqrt(const Call& call, Budget budget) {
  return real_function(call, budget, [](float x) { return std::sqrt(x); });
}
Array fold_floor(const Call& call, Budget budget) {
  return real_function(call, budget, [](float x) { return std::floor(x); });
}
Array fold_ceil(const Call& call, Budget budget) {
  return real_function(call, budget, [](float x) { return std::ceil(x); });
}
Array fold_reciprocal(const Call& call, Budget budget) {
  return real_function(call, budget, [](float x) { return 1 / x; });
}

Array fold_negative(const Call& call, Budget budget) {
  const Array& in = call.constant(0);
  if (in.is_real()) return real_function(call, budget, [](float x) { return -x; });
  budget.take(in.shape);
  std::vector<Int> values = in.integers();
  for (Int& value : values) value = Minus{}(Int{0}, value);
  return {in.shape, std::move(values)};
}

Array fold_constant(const Call& call, Budget) {
  if (std::optional<Array> value = call.array("value")) return std::move(*value);
  if (call.has("value_float"))
    return {{}, std::vector<float>{static_cast<float>(call.real("value_float", 0))}};
  if (call.has("value_int")) return {{}, std::vector<Int>{call.integer("value_int", 0)}};
  if (std::optional<std::vector<float>> list = call.reals("value_floats"))
    return {{std::ssize(*list)}, std::move(*list)};
  if (const std::optional<Extents> list = call.integers("value_ints"))
    return {{std::ssize(*list)}, std::vector<Int>(list->begin(), list->end())};
  fail("it is neither a tensor nor numbers");
}

Array fold_identity(const Call& call, Budget budget) {
  budget.take(call.constant(0).shape);
  return call.constant(0);
}

Array fold_cast(const Call& call, Budget budget) {
  const auto type = static_cast<int>(std::clamp<Index>(call.integer("to", 0), -1, 1000));
  call.ignore({"saturate", "round_mode"});
  const bool to_real = is_real_type(type);
  if (!to_real && !is_integer_type(type)) fail("a cast to type ", type, " is not supported");
  const Array& in = call.constant(0);
  budget.take(in.shape);
  if (in.is_real() == to_real) return in;
  if (to_real) return {in.shape, std::vector<float>(in.integers().begin(), in.integers().end())};
  std::vector<Int> out;
  out.reserve(in.reals().size());
  for (float value : in.reals()) {
    if (!(std::abs(value) < 0x1p63F)) fail("a cast of ", value, " to an integer");
    out.push_back(static_cast<Int>(value));
  }
  return {in.shape, std::move(out)};
}

// The input may be a variable: its extents are known.
Array fold_shape(const Call& call, Budget budget) {
  const Extents extents = call.extents(0);
  const auto rank = std::ssize(extents);
  const auto bound = [&](std::string_view name, Index otherwise) {
    const Index given = call.integer(name, otherwise);
    return std::clamp<Index>(given < 0 ? given + rank : given, 0, rank);
  };
  const Index start = bound("start", 0), end = std::max(bound("end", rank), start);
  std::vector<Int> out(extents.begin() + start, extents.begin() + end);
  return {budget.take({std::ssize(out)}), std::move(out)};
}

Array fold_size(const Call& call, Budget) {
  return {{}, std::vector<Int>{size_of(call.extents(0))}};
}

Array fold_gather(const Call& call, Budget budget) {
  const Array &in = call.constant(0), &indices = call.constant(1);
  const std::size_t axis = axis_of(call.integer("axis", 0), in.shape.size());
  Extents shape(in.shape.begin(), in.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), in.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1,
               in.shape.end());
  budget.take(shape);
  const std::span<const Index> all(in.shape);
  const Index outer = size_of(all.first(axis)), inner = size_of(all.subspan(axis + 1));
  const Index extent = in.shape[axis];
  return {shape, std::visit(
                     [&](const auto& from) -> decltype(Array::elements) {
                       std::decay_t<decltype(from)> out;
                       out.reserve(static_cast<std::size_t>(size_of(shape)));
                       for (Index o = 0; o < outer; ++o) {
                         for (Int index : indices.integers()) {
                           const auto i =
                               static_cast<Index>(axis_of(index, static_cast<std::size_t>(extent)));
                           const auto first = from.begin() + (o * extent + i) * inner;
                           out.insert(out.end(), first, first + inner);
                         }
                       }
                       return out;
                     },
                     in.elements)};
}

Array fold_slice(const Call& call, Budget budget) {
  const Array& in = call.constant(0);
  const std::vector<Range> ranges = sliced_ranges(call);
  Extents shape, steps = steps_of(in.shape);
  shape.reserve(ranges.size());
  Index start = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    shape.push_back(ranges[i].count);
    start += ranges[i].start * steps[i];
    // A step that is not taken may be of any size.
    steps[i] = ranges[i].count > 1 ? ranges[i].step * steps[i] : 0;
  }
  return picked(in, budget.take(shape), steps, start);
}

Array fold_concat(const Call& call, Budget budget) {
  const Array& first = call.constant(0);
  const std::size_t axis = axis_of(call.integer("axis", 1), first.shape.size());
  Extents shape = first.shape;
  shape[axis] = 0;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const Array& in = call.constant(i);
    Extents rest = in.shape;
    if (rest.size() == shape.size()) rest[axis] = shape[axis];
    if (rest != shape || in.is_real() != first.is_real())
      fail("constants of shapes ", str(first.shape), " and ", str(in.shape), " cannot be joined");
    shape[axis] += in.shape[axis];
  }
  budget.take(shape);
  const Index outer = size_of(std::span<const Index>(shape).first(axis));
  return {shape, std::visit(
                     [&](const auto& kind) -> decltype(Array::elements) {
                       std::decay_t<decltype(kind)> out;
                       out.reserve(static_cast<std::size_t>(size_of(shape)));
                       for (Index o = 0; o < outer; ++o) {
                         for (std::size_t i = 0; i < call.inputs(); ++i) {
                           const auto& from =
                               std::get<std::decay_t<decltype(kind)>>(call.constant(i).elements);
                           const Index row = std::ssize(from) / outer;
                           out.insert(out.end(), from.begin() + o * row,
                                      from.begin() + (o + 1) * row);
                         }
                       }
                       return out;
                     },
                     first.elements)};
}

Array with_shape(const Call& call, Budget budget, Extents shape) {
  budget.take(shape);
  Array out = call.constant(0);
  out.shape = std::move(shape);
  return out;
}

Array fold_reshape(const Call& call, Budget budget) {
  return with_shape(call, budget, reshaped_extents(call));
}

Array fold_squeeze(const Call& call, Budget budget) {
  const Extents& from = call.constant(0).shape;
  const std::optional<std::vector<bool>> axes = squeezed_axes(call);
  Extents to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (axes ? !(*axes)[i] : from[i] != 1) to.push_back(from[i]);
  }
  return with_shape(call, budget, to);
}

Array fold_unsqueeze(const Call& call, Budget budget) {
  const Extents& from = call.constant(0).shape;
  Extents to;
  std::size_t next = 0;
  for (bool is_new : unsqueezed_axes(call)) to.push_back(is_new ? 1 : from[next++]);
  return with_shape(call, budget, to);
}

Array fold_transpose(const Call& call, Budget budget) {
  const Array& in = call.constant(0);
  const Extents steps = steps_of(in.shape);
  Extents shape, order;
  for (std::size_t axis : transposed_axes(call)) {
    shape.push_back(in.shape[axis]);
    order.push_back(steps[axis]);
  }
  return picked(in, budget.take(shape), order);
}

Array fold_expand(const Call& call, Budget budget) {
  const std::vector<Int>& given = call.constant(1).integers();
  const Array& in = call.constant(0);
  return broadcast(in,
                   budget.take(broadcast_extents(in.shape, Extents(given.begin(), given.end()))));
}

Array fold_constant_of_shape(const Call& call, Budget budget) {
  const std::vector<Int>& given = call.constant(0).integers();
  const Array value = call.array("value").value_or(Array{{1}, std::vector<float>{0}});
  if (value.size() != 1) fail("its value must be one number");
  const Extents shape(given.begin(), given.end());
  return picked(value, budget.take(shape), Extents(shape.size(), 0));
}

Array fold_where(const Call& call, Budget budget) {
  const Array &chosen = call.constant(0), &yes = call.constant(1), &no = call.constant(2);
  const Extents shape =
      budget.take(broadcast_extents(chosen.shape, broadcast_extents(yes.shape, no.shape)));
  const Array condition = broadcast(chosen, shape), other = broadcast(no, shape);
  Array out = broadcast(yes, shape);
  std::visit(
      [&](auto& values) {
        const auto* others = std::get_if<std::decay_t<decltype(values)>>(&other.elements);
        if (!others) fail("integers and floats do not go together");
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (condition.integers()[i] == 0) values[i] = (*others)[i];
        }
      },
      out.elements);
  return out;
}

using Fold = Array (*)(const Call&, Budget);

const std::unordered_map<std::string_view, Fold> folds{
    {"Add", fold_pairs<Plus>},
    {"Cast", fold_cast},
    {"Ceil", fold_ceil},
    {"Concat", fold_concat},
    {"Constant", fold_constant},
    {"ConstantOfShape", fold_constant_of_shape},
    {"Div", fold_pairs<Over>},
    {"Equal", fold_pairs<Equals>},
    {"Expand", fold_expand},
    {"Flatten", fold_reshape},
    {"Floor", fold_floor},
    {"Gather", fold_gather},
    {"Greater", fold_pairs<Exceeds>},
    {"Identity", fold_identity},
    {"Less", fold_pairs<FallsBelow>},
    {"Max", fold_pairs<Most>},
    {"Min", fold_pairs<Least>},
    {"Mul", fold_pairs<Times>},
    {"Neg", fold_negative},
    {"Reciprocal", fold_reciprocal},
    {"Reshape", fold_reshape},
    {"Shape", fold_shape},
    {"Size", fold_size},
    {"Slice", fold_slice},
    {"Sqrt", fold_sqrt},
    {"Squeeze", fold_squeeze},
    {"Sub", fold_pairs<Minus>},
    {"Transpose", fold_transpose},
    {"Unsqueeze", fold_unsqueeze},
    {"Where", fold_where},
};

}  // namespace

std::optional<Array> fold(const Call& call, Index& budget) {
  const bool asks_for_shape = call.type() == "Shape" || call.type() == "Size";
  if (!asks_for_shape && !call.all_constant()) return {};
  const auto found = folds.find(call.type());
  if (found == folds.end()) return {};
  return found->second(call, Budget(budget));
}

}  // namespace camlite::tool::onnx
