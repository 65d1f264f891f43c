#include "format.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

#include <camlite/model/mapped_file.hpp>
#include <camlite/model/safetensors.hpp>

#include "readers.hpp"

namespace camlite::tool {

namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

// A safetensors file starts with the length of its JSON header and the header.
bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && bytes[8] == std::byte{'{'};
}

bool is_text(std::span<const std::byte> bytes) {
  const auto start = bytes.first(std::min<std::size_t>(bytes.size(), 4096));
  return std::all_of(start.begin(), start.end(), [](std::byte b) {
    return b >= std::byte{' '} || b == std::byte{'\n'} || b == std::byte{'\r'} ||
           b == std::byte{'\t'};
  });
}

}  // namespace

std::string_view format_name(Format format) {
  switch (format) {
    case Format::camlite:
      return "camlite";
    case Format::state_dict:
      return "PyTorch state dict";
    case Format::checkpoint:
      return "PyTorch checkpoint";
    case Format::onnx:
      return "ONNX";
    case Format::caffe:
      return "Caffe";
  }
  return "";
}

Format format_of(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.empty()) fail(path, ": the file is empty");
  if (is_safetensors(bytes)) {
    const Safetensors content = parse_safetensors(bytes, path);
    const bool has_graph = std::any_of(content.metadata.begin(), content.metadata.end(),
                                       [](const auto& m) { return m.first == "camlite.graph"; });
    return has_graph ? Format::camlite : Format::state_dict;
  }
  constexpr std::string_view zip = "PK\x03\x04", pickle = "\x80\x02";
  if (starts_with(bytes, zip) || starts_with(bytes, pickle)) return Format::checkpoint;
  if (starts_with(bytes, "\x89HDF"))
    fail(path, ": this is an HDF5 file (Keras?); export the network to ONNX");
  if (is_text(bytes)) {
    fail(path,
         ": this is text. Of a Caffe network, name the weights (.caffemodel), and the definition "
         "with --prototxt");
  }
  if (is_onnx(bytes)) return Format::onnx;
  if (is_caffe(bytes)) return Format::caffe;
  fail(path,
       ": this is no ONNX model, no Caffe model, no safetensors file, nor anything else that "
       "camlite converts");
}

}  // namespace camlite::tool
