// .npy files of float32 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <camlite/model/mapped_file.hpp>
#include <camlite/output_file.hpp>
#include <camlite/tensor.hpp>

namespace camlite::tool {

// An array of little-endian float32 in C order, in a file. The file is untrusted: the header is
// read strictly and is held against the file's size before anything is believed.
class NpyReader {
 public:
  // Throws Error, naming the file and what is wrong with it, also for other element types, Fortran
  // order and more than four extents.
  explicit NpyReader(const std::string& path);

  const Shape& shape() const { return shape_; }

  // The values first ... first + out.size() - 1 in C order, which must exist.
  void read(Index first, std::span<float> out) const;

 private:
  MappedFile file_;
  Shape shape_;
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
