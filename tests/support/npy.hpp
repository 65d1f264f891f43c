// NumPy's .npy files, as far as the tests need them: float32, C order.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/text.hpp>
#include <camlite/tensor.hpp>

namespace camlite::test {

// Throws Error, naming the path, on any other file.
inline Tensor<float> read_npy(const std::string& path) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  if (!bytes.starts_with(std::string_view("\x93NUMPY\x01\x00", 8)) || bytes.size() < 10)
    fail(path, ": not a .npy file of version 1");
  const std::size_t length =
      static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
  const std::string_view header = bytes.substr(10, length);
  const bool is_float = header.find("'descr': '<f4'") != std::string_view::npos;
  const bool is_rows = header.find("'fortran_order': False") != std::string_view::npos;
  const std::size_t start = header.find("'shape': (");
  if (!is_float || !is_rows || start == std::string_view::npos)
    fail(path, ": not float32 in C order: ", header);
  std::string_view list = header.substr(start + 10);
  list = list.substr(0, list.find(')'));
  std::vector<Index> extents;
  while (!list.empty()) {
    std::string_view extent = detail::next_piece(list, ',');
    extent = detail::next_word(extent);
    if (!extent.empty()) extents.push_back(detail::parse_number<Index>(extent, path));
  }
  Tensor<float> tensor = Tensor<float>::uninitialized(Shape(extents));
  const std::string_view elements = bytes.substr(10 + length);
  const auto size = static_cast<std::size_t>(tensor.size()) * sizeof(float);
  if (elements.size() != size) fail(path, ": ", elements.size(), " bytes of data, not ", size);
  std::memcpy(tensor.data(), elements.data(), size);
  return tensor;
}

// (N, C, H, W) -> (N, H, W, C)
inline Tensor<float> nhwc_from_nchw(const Tensor<float>& in) {
  const Index channels = in.extent(1), positions = in.extent(2) * in.extent(3);
  Tensor<float> out({in.extent(0), in.extent(2), in.extent(3), channels});
  const float* value = in.data();
  for (Index n = 0; n < in.extent(0); ++n) {
    for (Index c = 0; c < channels; ++c) {
      for (Index i = 0; i < positions; ++i)
        out.data()[(n * positions + i) * channels + c] = *value++;
    }
  }
  return out;
}

}  // namespace camlite::test
