// .npy files of float32 and float64
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <camlite/model/mapped_file.hpp>
#include <camlite/output_file.hpp>
#include <camlite/tensor.hpp>

namespace camlite::tool {

// An array of little-endian float32, or float64 where that is allowed, in C order, in a file. The
// file is untrusted: the header is read strictly and is held against the file's size before
// anything is believed.
class NpyReader {
 public:
  enum class Elements { float32, float32_or_float64 };

  // Throws Error, naming the file and what is wrong with it, also for other element types, Fortran
  // order and more than four extents.
  explicit NpyReader(const std::string& path, Elements allowed = Elements::float32);

  const Shape& shape() const { return shape_; }
  bool is_float64() const { return is_float64_; }

  // The values first ... first + out.size() - 1 in C order, which must exist and be of this type.
  void read(Index first, std::span<float> out) const { copy(first, std::as_writable_bytes(out)); }
  void read(Index first, std::span<double> out) const { copy(first, std::as_writable_bytes(out)); }

 private:
  std::size_t element() const { return is_float64_ ? sizeof(double) : sizeof(float); }
  void copy(Index first, std::span<std::byte> out) const;

  MappedFile file_;
  Shape shape_;
  bool is_float64_ = false;
  std::span<const std::byte> values_;
};

// Writes such a file in pieces. It appears whole, with commit(), or not at all.
// All methods throw Error, naming the file.
class NpyWriter {
 public:
  // `shape` has two extents or more.
  NpyWriter(const std::string& path, const Shape& shape);

  // The next values in C order.
  void append(TensorView<const float> values);

  // After as many values as the shape has.
  void commit() { file_.commit(); }

 private:
  OutputFile file_;
};

}  // namespace camlite::tool
