// What every operator has in common.
//
// An operator is a struct of its attributes, one header each, with these members; a graph line, the
// shape inference, the checks of a model's weights, `Network` and `camlite info` are all made from
// them:
//
//   static constexpr std::string_view type            its name in a graph line
//   static constexpr Arity arity                      how many inputs it takes
//   Shape output_shape(std::span<const Shape> in)     throws Error if it cannot be applied to these
//   void run(const Arguments<T>& arguments)           computes it, for T = float or double
//
// and, where they are not empty,
//
//   static void attributes(Self& self, Visit visit)
//       visit(key, member, Need) for each attribute
//   std::vector<Parameter> parameters(std::span<const Shape> in)
//       the tensors that the model file must hold
//   Index multiply_adds(std::span<const Shape> in)
//       of the whole batch
//   Index scratch(std::span<const Shape> in)
//       elements of working memory for each thread
//
// Attributes and shapes come from a file: output_shape takes any values and either throws or is
// right. The others may be asked only about what output_shape has accepted.
//
// Beside the struct stands a plain function with the operator's name that takes tensors and returns
// one, as torch.nn.functional has them: that is the definition to read.
//
// Feature maps are (N, H, W, C). What comes after global pooling is (N, 1, 1, C) or (N, C).
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/finite.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// Height and width of a kernel, a stride, a padding: `3` is 3x3, `{1, 7}` is 1 high and 7 wide.
struct Size2d {
  Index height = 0;
  Index width = 0;

  constexpr Size2d() = default;
  constexpr Size2d(Index both) : height(both), width(both) {}
  constexpr Size2d(Index h, Index w) : height(h), width(w) {}
  friend bool operator==(const Size2d&, const Size2d&) = default;

  std::string str() const { return height == width ? text(height) : text(height, "x", width); }
};

// Whether a line of a graph must give an attribute.
enum class Need { optional, required };

// How many inputs an operator takes.
struct Arity {
  int least = 1;
  int most = 1;
};

// A tensor that an operator reads from the model file, under the name "<node>.<suffix>".
struct Parameter {
  std::string suffix;
  Shape shape;
};

// What an operator needs to run. The caller made sure of all shapes.
template <class T>
struct Arguments {
  std::span<const TensorView<const T>> inputs;
  std::span<const TensorView<const T>> parameters;  // in the order of parameters()
  TensorView<T> output;
  T* scratch = nullptr;  // threads * scratch(), where the operator has such a member
  int threads = 1;

  // Elements from one pixel to the next, where inputs and output may be some channels of wider
  // maps; else all is contiguous. Only kernels that say that they can do so are given such.
  std::span<const Index> input_pixels = {};
  Index output_pixel = 0;

  Index input_pixel(std::size_t i) const {
    return input_pixels.empty() ? inputs[i].extent(inputs[i].rank() - 1) : input_pixels[i];
  }
  Index pixel() const {
    return output_pixel == 0 ? output.extent(output.rank() - 1) : output_pixel;
  }
};

// What an operator says of itself, or the default where it says nothing.
template <class Operator>
std::vector<Parameter> parameters_of(const Operator& op, std::span<const Shape> in) {
  if constexpr (requires { op.parameters(in); }) return op.parameters(in);
  return {};
}

// Multiply-adds for one forward pass; 0 where the operator says nothing.
template <class Operator>
Index multiply_adds_of(const Operator& op, std::span<const Shape> in) {
  if constexpr (requires { op.multiply_adds(in); }) return op.multiply_adds(in);
  return 0;
}

// Elements of working memory for each thread; 0 where the operator says nothing.
template <class Operator>
Index scratch_of(const Operator& op, std::span<const Shape> in) {
  if constexpr (requires { op.scratch(in); }) return op.scratch(in);
  return 0;
}

namespace detail {

inline void require_feature_map(const Shape& in) {
  if (in.rank() != 4) fail("needs a feature map (N, H, W, C), its input is ", in.str());
  for (Index extent : in) {
    if (extent < 1) fail("needs a feature map that is not empty, its input is ", in.str());
  }
}

inline void require_channels(const Shape& in) {
  const bool empty = std::find(in.begin(), in.end(), 0) != in.end();
  if ((in.rank() != 2 && in.rank() != 4) || empty) {
    fail("needs a feature map (N, H, W, C) or vectors (N, C) that are not empty, its input is ",
         in.str());
  }
}

inline Index channels_of(const Shape& in) {
  return in[in.rank() - 1];
}

inline void require_finite(std::string_view what, const double& value) {
  if (!is_finite(value)) fail(what, " must be finite, it is ", value);
}

inline void require_at_least(std::string_view what, Index value, Index least) {
  if (value < least) fail(what, " must be at least ", least, ", not ", value);
}

inline void require_at_least(std::string_view what, const Size2d& value, Index least) {
  if (value.height < least || value.width < least) {
    fail(what, " must be at least ", least, ", not ", value.str());
  }
}

// What the plain functions do: checks all shapes, makes the output, runs the operator on this
// thread.
template <class T, class Operator>
Tensor<T> computed(const Operator& op, std::initializer_list<TensorView<const T>> inputs,
                   std::initializer_list<TensorView<const T>> parameters = {}) {
  const std::vector<Shape> shapes = [&] {
    std::vector<Shape> list;
    for (const auto& input : inputs) list.push_back(input.shape());
    return list;
  }();
  try {
    if (shapes.size() < static_cast<std::size_t>(Operator::arity.least))
      fail("takes ", Operator::arity.least, " or more inputs, not ", shapes.size());
    Tensor<T> out = Tensor<T>::uninitialized(op.output_shape(shapes));
    const std::vector<Parameter> needed = parameters_of(op, shapes);
    const auto* given = parameters.begin();
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (i >= parameters.size() || given[i].shape() != needed[i].shape) {
        fail(needed[i].suffix, " must be ", needed[i].shape.str(), ", it is ",
             i < parameters.size() ? given[i].shape().str() : "missing");
      }
    }
    Tensor<T> scratch = Tensor<T>::uninitialized({scratch_of(op, shapes)});
    op.run(Arguments<T>{inputs, parameters, out.view(), scratch.data(), 1});
    return out;
  } catch (const Error& error) {
    fail(Operator::type, ": ", error.what());
  }
}

// Sums and products of extents that come from a file: no overflow goes unnoticed.
inline Index checked_sum(Index a, Index b) {
  Index sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    fail("a size of ", a, " + ", b, " does not fit into 63 bits");
  return sum;
}

// How far a kernel reaches: dilation * (kernel - 1) + 1.
inline Index reach(Index kernel, Index dilation) {
  return checked_sum(checked_product(dilation, kernel - 1), 1);
}

inline Index padded(Index extent, Index padding) {
  return checked_sum(extent, checked_product(2, padding));
}

}  // namespace detail
}  // namespace camlite
