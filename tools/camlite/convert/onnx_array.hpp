// Array: a constant of an ONNX file, any rank, floats or integers; and how it is read from there.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <camlite/model/mapped_file.hpp>
#include <camlite/tensor.hpp>

namespace camlite::tool::onnx {

class TensorProto;

using Extents = std::vector<Index>;

// "(2, 3, 4)"
std::string str(std::span<const Index> extents);

// Their product. Throws Error if one is negative, or it does not fit into 63 bits.
Index size_of(std::span<const Index> extents);

// Elements in row-major order. Every floating point type is float here, every integer and bool
// int64: what networks compute with, and what shapes are written in.
struct Array {
  Extents shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> elements;

  Index size() const { return size_of(shape); }
  bool is_real() const { return elements.index() == 0; }

  // Throw Error if it holds the other kind.
  const std::vector<float>& reals() const;
  const std::vector<std::int64_t>& integers() const;

  // The only element. Throws Error if there are more or fewer.
  float real() const;

  // The same as a Tensor under another shape of this size. Throws Error if it holds integers.
  Tensor<float> tensor(const Shape& as) const;
};

// Numbers of ONNX's element types that more than one file needs.
constexpr int float_type = 1, int64_type = 7, float16_type = 10, double_type = 11,
              bfloat16_type = 16;

// Whether an element type is a floating point number, or an integer or bool, that Array can hold.
bool is_real_type(int type);
bool is_integer_type(int type);

// Reads the constants of a model, those in other files, too. These must lie in the model's folder.
class ArrayReader {
 public:
  explicit ArrayReader(std::string model_path) : path_(std::move(model_path)) {}

  // Throws Error, naming the tensor, if its data are not what its shape and type say, or of a type
  // that cannot be read.
  Array read(const TensorProto& tensor);

 private:
  Array read_unnamed(const TensorProto& tensor);
  std::span<const std::byte> external(const TensorProto& tensor);

  std::string path_;
  std::string open_name_;  // of the file that is open: usually they are all in one
  MappedFile open_;
  std::set<std::string> files_;  // that have been open
  std::uint64_t in_files_ = 0;   // bytes
  std::uint64_t taken_ = 0;      // of them, by tensors
};

}  // namespace camlite::tool::onnx
