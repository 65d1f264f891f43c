// A tensor as a weight file stores it, raw elements of one of many types, and its way to floats.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/model/half.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

static_assert(std::endian::native == std::endian::little,
              "elements are read as they lie in the file");

// The format's element types, in its order of alignment, by which a writer sorts.
enum class DType {
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64,
};

// A named tensor of a file, of any rank; rank 0 is one element. The elements need not be aligned.
struct StoredTensor {
  std::string name;
  DType dtype{};
  std::vector<Index> shape;
  std::span<const std::byte> bytes;
};

namespace detail {

struct DTypeInfo {
  std::string_view name;
  unsigned bits;  // of one element
};

inline constexpr std::array<DTypeInfo, 22> dtypes = {{
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
}};

inline const DTypeInfo& info(DType dtype) {
  return dtypes.at(static_cast<std::size_t>(dtype));
}

inline DType dtype_from_name(std::string_view name) {
  for (std::size_t i = 0; i < dtypes.size(); ++i) {
    if (dtypes[i].name == name) return static_cast<DType>(i);
  }
  fail("unknown dtype ", detail::in_quotes(name));
}

// work(), whose errors get the tensor's name.
template <class Work>
auto naming_tensor(std::string_view name, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    fail("tensor ", detail::in_quotes(name), ": ", error.what());
  }
}

template <class Stored, class Widen>
void widen(const std::byte* bytes, std::span<float> out, Widen widened) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes + i * sizeof(Stored), sizeof(Stored));
    out[i] = widened(stored);
  }
}

}  // namespace detail

// The name that a header uses: "F32".
inline std::string_view dtype_name(DType dtype) {
  return detail::info(dtype).name;
}

// out(i) = float of element i. F32, F16 and BF16 exactly, F64 rounded to nearest.
// Throws Error, naming the tensor, on another type or if `out` has not one float for each element.
inline void to_float(const StoredTensor& tensor, std::span<float> out) {
  detail::naming_tensor(tensor.name, [&] {
    const std::size_t bits = detail::info(tensor.dtype).bits;
    if (tensor.dtype != DType::F32 && tensor.dtype != DType::F16 && tensor.dtype != DType::BF16 &&
        tensor.dtype != DType::F64) {
      fail("weights of type ", dtype_name(tensor.dtype),
           " cannot be used; F32, F16, BF16 and F64 can");
    }
    if (tensor.bytes.size() != out.size() * (bits / 8)) {
      fail(tensor.bytes.size(), " bytes of ", dtype_name(tensor.dtype), " for ", out.size(),
           " elements");
    }
    const std::byte* bytes = tensor.bytes.data();
    if (tensor.dtype == DType::F16) {
      detail::widen<std::uint16_t>(bytes, out, float_from_half);
    } else if (tensor.dtype == DType::BF16) {
      detail::widen<std::uint16_t>(bytes, out, float_from_bfloat);
    } else if (tensor.dtype == DType::F64) {
      detail::widen<double>(bytes, out, [](double value) { return static_cast<float>(value); });
    } else if (!out.empty()) {
      std::memcpy(out.data(), bytes, tensor.bytes.size());
    }
  });
}

// The same as a tensor of its own. Throws Error if there are more than four extents.
inline Tensor<float> to_float(const StoredTensor& tensor) {
  auto out = detail::naming_tensor(tensor.name, [&] {
    return Tensor<float>::uninitialized(Shape(std::span<const Index>(tensor.shape)));
  });
  to_float(tensor, std::span<float>(out.begin(), out.end()));
  return out;
}

}  // namespace camlite
