#include "onnx_array.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>

#include <camlite/model/half.hpp>
#include <camlite/model/text.hpp>

#include "onnx.pb.h"

namespace camlite::tool::onnx {

namespace {

// ONNX's element types by number.
constexpr std::array<std::string_view, 17> type_names{
    "undefined", "float",  "uint8",     "int8",       "uint16",  "int16",
    "int32",     "int64",  "string",    "bool",       "float16", "double",
    "uint32",    "uint64", "complex64", "complex128", "bfloat16"};

std::string type_name(int type) {
  if (type < 0 || type >= static_cast<int>(type_names.size())) return text("type ", type);
  return std::string(type_names[static_cast<std::size_t>(type)]);
}

// What is wrong if a tensor has another number of elements than its shape says.
[[noreturn]] void fail_length(Index size, std::size_t there, std::string_view what) {
  fail("its shape has ", size, " elements, there are ", there, " ", what);
}

// The elements as they lie in raw bytes, each made an Out by convert.
template <class Stored, class Out, class Convert>
std::vector<Out> from_raw(std::span<const std::byte> bytes, Index size, Convert convert) {
  if (bytes.size() % sizeof(Stored) != 0 ||
      static_cast<Index>(bytes.size() / sizeof(Stored)) != size)
    fail_length(size, bytes.size(), "bytes");
  std::vector<Out> out(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    out[i] = convert(stored);
  }
  return out;
}

// The same from one of the typed fields.
template <class Out, class Field, class Convert>
std::vector<Out> from_field(const Field& field, Index size, Convert convert) {
  if (field.size() != size) fail_length(size, static_cast<std::size_t>(field.size()), "numbers");
  std::vector<Out> out(static_cast<std::size_t>(size));
  std::transform(field.begin(), field.end(), out.begin(), convert);
  return out;
}

// A tensor's elements, of C++ type Stored; `field` is where they are if not in raw bytes.
template <class Stored, class Field, class Convert>
auto elements(const TensorProto& tensor, const std::span<const std::byte>* raw, const Field& field,
              Index size, Convert convert) {
  using Out = decltype(convert(Stored{}));
  if (raw) return from_raw<Stored, Out>(*raw, size, convert);
  if (tensor.has_raw_data())
    return from_raw<Stored, Out>(std::as_bytes(std::span(tensor.raw_data())), size, convert);
  return from_field<Out>(field, size,
                         [&](auto value) { return convert(static_cast<Stored>(value)); });
}

template <class Integer>
std::int64_t widened(Integer value) {
  if constexpr (std::is_same_v<Integer, std::uint64_t>) {
    if (value > std::numeric_limits<std::int64_t>::max())
      fail("the integer ", value, " does not fit into 63 bits");
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::string str(std::span<const Index> extents) {
  std::string out = "(";
  for (Index extent : extents) out += text(out.size() > 1 ? ", " : "", extent);
  return out + ")";
}

Index size_of(std::span<const Index> extents) {
  Index size = 1;
  for (Index extent : extents) {
    if (extent < 0) fail("a shape of ", str(extents), " cannot be");
    size = checked_product(size, extent);
  }
  return size;
}

const std::vector<float>& Array::reals() const {
  if (!is_real()) fail("a constant of shape ", str(shape), " is of integers, it must be of floats");
  return std::get<0>(elements);
}

const std::vector<std::int64_t>& Array::integers() const {
  if (is_real()) fail("a constant of shape ", str(shape), " is of floats, it must be of integers");
  return std::get<1>(elements);
}

float Array::real() const {
  if (size() != 1) fail("a constant of shape ", str(shape), " must be one number");
  return reals()[0];
}

Tensor<float> Array::tensor(const Shape& as) const {
  return Tensor<float>(as, std::span<const float>(reals()));
}

bool is_real_type(int type) {
  return type == float_type || type == float16_type || type == double_type || type == bfloat16_type;
}

bool is_integer_type(int type) {
  return (type >= 2 && type <= 7) || type == 9 || type == 12 || type == 13;
}

Array ArrayReader::read(const TensorProto& tensor) try {
  return read_unnamed(tensor);
} catch (const Error& error) {
  fail("tensor \"", tensor.name(), "\": ", error.what());
}

Array ArrayReader::read_unnamed(const TensorProto& tensor) {
  if (tensor.has_segment()) fail("it is a segment of a tensor, which is not supported");
  Array array{{tensor.dims().begin(), tensor.dims().end()}, {}};
  const Index size = array.size();
  std::span<const std::byte> bytes;
  const bool elsewhere = tensor.data_location() == 1;
  if (elsewhere) bytes = external(tensor);
  const auto* raw = elsewhere ? &bytes : nullptr;
  const auto& small = tensor.int32_data();
  switch (tensor.data_type()) {
    case float_type:
      array.elements = elements<float>(tensor, raw, tensor.float_data(), size,
                                       [](float value) { return value; });
      break;
    case float16_type:
      array.elements = elements<std::uint16_t>(tensor, raw, small, size, float_from_half);
      break;
    case bfloat16_type:
      array.elements = elements<std::uint16_t>(tensor, raw, small, size, float_from_bfloat);
      break;
    case double_type:
      array.elements = elements<double>(tensor, raw, tensor.double_data(), size,
                                        [](double value) { return static_cast<float>(value); });
      break;
    case 2:
      array.elements = elements<std::uint8_t>(tensor, raw, small, size, widened<std::uint8_t>);
      break;
    case 3:
      array.elements = elements<std::int8_t>(tensor, raw, small, size, widened<std::int8_t>);
      break;
    case 4:
      array.elements = elements<std::uint16_t>(tensor, raw, small, size, widened<std::uint16_t>);
      break;
    case 5:
      array.elements = elements<std::int16_t>(tensor, raw, small, size, widened<std::int16_t>);
      break;
    case 6:
      array.elements = elements<std::int32_t>(tensor, raw, small, size, widened<std::int32_t>);
      break;
    case int64_type:
      array.elements =
          elements<std::int64_t>(tensor, raw, tensor.int64_data(), size, widened<std::int64_t>);
      break;
    case 9:
      array.elements = elements<std::uint8_t>(
          tensor, raw, small, size, [](std::uint8_t value) { return std::int64_t{value != 0}; });
      break;
    case 12:
      array.elements =
          elements<std::uint32_t>(tensor, raw, tensor.uint64_data(), size, widened<std::uint32_t>);
      break;
    case 13:
      array.elements =
          elements<std::uint64_t>(tensor, raw, tensor.uint64_data(), size, widened<std::uint64_t>);
      break;
    default:
      fail("elements of type ", type_name(tensor.data_type()), " are not supported");
  }
  return array;
}

// The bytes of a tensor that lies in another file. Only files in the model's folder: a model must
// not be able to name any file of the person who converts it.
std::span<const std::byte> ArrayReader::external(const TensorProto& tensor) {
  std::string location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
  for (const EntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset")
      offset = detail::parse_number<std::uint64_t>(entry.value(), "the offset of external data");
    if (entry.key() == "length")
      length = detail::parse_number<std::uint64_t>(entry.value(), "the length of external data");
  }
  if (location.empty() || location.find('\0') != std::string::npos)
    fail("its data are in another file, which is not named");
  if (location != open_name_) {
    namespace fs = std::filesystem;
    try {
      const fs::path parent = fs::path(path_).parent_path();
      const fs::path folder = fs::canonical(parent.empty() ? fs::path(".") : parent);
      const fs::path file = fs::weakly_canonical(folder / location);
      const auto [in_folder, rest] =
          std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
      if (in_folder != folder.end() || fs::path(location).is_absolute()) {
        fail("its data are in \"", location,
             "\", which is not in the model's folder; such files are not read");
      }
      open_ = MappedFile(file.string());
      if (files_.insert(file.string()).second) in_files_ += open_.bytes().size();
    } catch (const fs::filesystem_error& error) {
      fail("its data are in \"", location, "\": ", error.code().message());
    }
    open_name_ = location;
  }
  const std::uint64_t there = open_.bytes().size();
  if (offset > there || length.value_or(0) > there - offset) {
    fail("its data are bytes ", offset, " to ", offset, " + ", length.value_or(0), " of \"",
         location, "\", which has ", there);
  }
  const auto bytes = open_.bytes().subspan(offset, length.value_or(there - offset));
  // Tensors may share their bytes, but not without end: each is kept.
  constexpr std::uint64_t most_sharing = 4;
  taken_ += bytes.size();
  if (taken_ / most_sharing > in_files_) {
    fail("the tensors in other files have more than ", most_sharing, " times the ", in_files_,
         " bytes of these files");
  }
  return bytes;
}

}  // namespace camlite::tool::onnx
