// Shape, Tensor and TensorView: contiguous, row-major arrays of up to four extents.
//
// Feature maps are (N, H, W, C): a batch of N pictures, channels innermost. The rows of a map are
// then the rows of an (H * W, C) matrix, which is what every operator here is written in terms of.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/memory.hpp>

namespace camlite {

// Extents, strides and positions. Signed, so that `y * stride - padding` needs no care.
using Index = std::ptrdiff_t;

// A product of non-negative extents; throws Error instead of overflowing.
inline Index checked_product(Index a, Index b) {
  Index product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    fail("a size of ", a, " x ", b, " does not fit into 63 bits");
  return product;
}

// Up to four extents. Rank 0 is a scalar: one element.
class Shape {
 public:
  static constexpr int max_rank = 4;

  constexpr Shape() = default;

  // Throws Error if there are more than four extents, one is negative, or their product does not
  // fit.
  Shape(std::initializer_list<Index> extents)
      : Shape(std::span<const Index>(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const Index> extents) : rank_(static_cast<int>(extents.size())) {
    if (extents.size() > max_rank)
      fail("a shape has at most ", max_rank, " extents, not ", extents.size());
    std::copy(extents.begin(), extents.end(), extents_.begin());
    for (Index extent : extents) {
      if (extent < 0) fail("a shape has no negative extents: ", str());
      size_ = checked_product(size_, extent);
    }
  }

  int rank() const { return rank_; }
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  Index size() const { return size_; }  // number of elements

  const Index* begin() const { return extents_.data(); }
  const Index* end() const { return extents_.data() + rank_; }

  friend bool operator==(const Shape&, const Shape&) = default;

  // "(1, 224, 224, 64)"
  std::string str() const {
    std::string out = "(";
    for (Index extent : *this) out += text(out.size() > 1 ? ", " : "", extent);
    return out + ")";
  }

 private:
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
  Index size_ = 1;
};

// A tensor that somebody else owns. TensorView<const T> only reads. Cheap to copy; valid as long as
// its owner.
template <class T>
class TensorView {
 public:
  constexpr TensorView() = default;
  TensorView(T* data, const Shape& shape) : data_(data), shape_(shape) {}

  // A view that may write converts to one that only reads.
  operator TensorView<const T>() const requires(!std::is_const_v<T>) { return {data_, shape_}; }

  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  Index extent(int axis) const { return shape_[axis]; }
  Index size() const { return shape_.size(); }
  T* data() const { return data_; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size(); }

  // The element at these positions, one for each extent. Debug builds (no NDEBUG) throw Error
  // outside of the shape.
  template <class... Positions>
  T& operator()(Positions... positions) const {
    return data_[offset({static_cast<Index>(positions)...})];
  }

  // The same elements under another shape. Throws Error if the number of elements differs.
  TensorView reshaped(const Shape& shape) const {
    if (shape.size() != size())
      fail("a tensor of shape ", shape_.str(), " cannot be seen as ", shape.str());
    return {data_, shape};
  }

  // One entry of the first extent: picture n of a batch. Debug builds throw Error if there is none.
  TensorView operator[](Index n) const {
#ifndef NDEBUG
    if (rank() == 0 || n < 0 || n >= extent(0))
      fail("there is no entry ", n, " in a tensor of shape ", shape_.str());
#endif
    const Shape rest(std::span<const Index>(shape_.begin() + 1, shape_.end()));
    return {data_ + n * rest.size(), rest};
  }

 private:
  Index offset(std::initializer_list<Index> positions) const {
#ifndef NDEBUG
    bool inside = static_cast<int>(positions.size()) == rank();
    const Index* extent = shape_.begin();
    for (Index position : positions) inside = inside && position >= 0 && position < *extent++;
    if (!inside) {
      std::string at;
      for (Index position : positions) at += text(at.empty() ? "" : ", ", position);
      fail("position (", at, ") is outside of a tensor of shape ", shape_.str());
    }
#endif
    Index offset = 0;
    const Index* row = shape_.begin();
    for (Index position : positions) offset = offset * *row++ + position;
    return offset;
  }

  T* data_ = nullptr;
  Shape shape_{0};
};

// An owned tensor: a value, copied whole. Its memory starts at a multiple of 64 bytes.
template <class T>
class Tensor {
  static_assert(!std::is_const_v<T>);

 public:
  Tensor() = default;

  // All zeros. Throws Error if the size overflows, std::bad_alloc if the memory is not there.
  explicit Tensor(const Shape& shape) : Tensor(uninitialized(shape)) {
    std::fill(begin(), end(), T{});
  }

  // Throws Error if there are not as many values as the shape has elements.
  Tensor(const Shape& shape, std::span<const T> values) : Tensor(uninitialized(shape)) {
    if (static_cast<Index>(values.size()) != size()) {
      fail(values.size(), " values for a tensor of shape ", shape.str());
    }
    std::copy(values.begin(), values.end(), begin());
  }

  // Elements that have not been written yet.
  static Tensor uninitialized(const Shape& shape) {
    Tensor tensor;
    const Index bytes = checked_product(shape.size(), static_cast<Index>(sizeof(T)));
    tensor.memory_ = detail::aligned_array<T>(static_cast<std::size_t>(bytes));
    tensor.shape_ = shape;
    return tensor;
  }

  Tensor(const Tensor& other) : Tensor(uninitialized(other.shape_)) {
    std::copy(other.begin(), other.end(), begin());
  }
  Tensor(Tensor&& other) noexcept
      : memory_(std::move(other.memory_)), shape_(std::exchange(other.shape_, Shape{0})) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(shape_, other.shape_);
    return *this;
  }
  ~Tensor() = default;

  // The same elements under another shape: `std::move(t).reshaped(...)`. Throws Error if the number
  // of elements differs.
  Tensor reshaped(const Shape& shape) && {
    shape_ = view().reshaped(shape).shape();
    return std::move(*this);
  }

  TensorView<T> view() { return {memory_.get(), shape_}; }
  TensorView<const T> view() const { return {memory_.get(), shape_}; }
  operator TensorView<T>() { return view(); }
  operator TensorView<const T>() const { return view(); }

  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  Index extent(int axis) const { return shape_[axis]; }
  Index size() const { return shape_.size(); }
  T* data() { return memory_.get(); }
  const T* data() const { return memory_.get(); }
  T* begin() { return data(); }
  T* end() { return data() + size(); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }

  // As TensorView's.
  template <class... Positions>
  T& operator()(Positions... positions) {
    return view()(positions...);
  }
  template <class... Positions>
  const T& operator()(Positions... positions) const {
    return view()(positions...);
  }

 private:
  detail::AlignedArray<T> memory_;
  Shape shape_{0};
};

}  // namespace camlite
