// Writing safetensors files, byte for byte as the reference implementation does where the order of
// the metadata, which it leaves to chance, allows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/safetensors.hpp>
#include <camlite/output_file.hpp>

namespace camlite {

namespace detail {

// The pieces of a file in order: header length, header, and each tensor's bytes. By descending
// alignment of type, then by name. Views into itself and the tensors.
struct FileLayout {
  std::array<std::byte, header_length_bytes> length{};
  std::string header;
  std::vector<const StoredTensor*> tensors;
  std::uint64_t size = 0;  // of the file
};

// Throws Error on whatever the reader would refuse: it reads the header that it made.
inline FileLayout lay_out(const Safetensors& content) {
  FileLayout file;
  for (const StoredTensor& tensor : content.tensors) file.tensors.push_back(&tensor);
  std::stable_sort(file.tensors.begin(), file.tensors.end(),
                   [](const StoredTensor* a, const StoredTensor* b) {
                     return a->dtype != b->dtype ? a->dtype > b->dtype : a->name < b->name;
                   });

  std::string& header = file.header;
  const auto add = [&](const auto&... parts) { (append(header, parts), ...); };
  const auto comma = [&] { add(header.back() == '{' || header.back() == '[' ? "" : ","); };
  add("{");
  if (!content.metadata.empty()) {
    add('"', metadata_key, "\":{");
    for (const auto& [key, value] : content.metadata) {
      comma();
      add('"', json_escaped(key), "\":\"", json_escaped(value), '"');
    }
    add("}");
  }
  std::uint64_t begin = 0;
  for (const StoredTensor* tensor : file.tensors) {
    const std::uint64_t end = begin + tensor->bytes.size();
    comma();
    add('"', json_escaped(tensor->name), "\":{\"dtype\":\"", dtype_name(tensor->dtype),
        "\",\"shape\":[");
    for (Index extent : tensor->shape) {
      comma();
      add(extent);
    }
    add("],\"data_offsets\":[", begin, ',', end, "]}");
    begin = end;
  }
  add("}");
  header.resize((header.size() + 7) / 8 * 8, ' ');
  read_header(header, begin, {.tensors = std::numeric_limits<Index>::max()});

  const std::uint64_t length = header.size();
  std::memcpy(file.length.data(), &length, sizeof(length));
  file.size = header_length_bytes + length + begin;
  return file;
}

// write(bytes) for each piece of the file.
template <class Write>
void write_pieces(const FileLayout& file, Write write) {
  write(std::span<const std::byte>(file.length));
  write(std::as_bytes(std::span(file.header)));
  for (const StoredTensor* tensor : file.tensors) write(tensor->bytes);
}

}  // namespace detail

// The bytes of the file. The order of the tensors in `content` does not matter.
// Throws Error if a tensor's bytes do not match its shape and type, two have one name, a text is
// not UTF-8, or the header gets longer than the 100 MB that a reader takes.
inline std::vector<std::byte> write_safetensors(const Safetensors& content) {
  const detail::FileLayout layout = detail::lay_out(content);
  std::vector<std::byte> file;
  file.reserve(static_cast<std::size_t>(layout.size));
  detail::write_pieces(layout, [&](std::span<const std::byte> piece) {
    file.insert(file.end(), piece.begin(), piece.end());
  });
  return file;
}

// Writes the file whole or, on an Error that names the path, not at all: a file that was there
// before is only replaced at the end, so that `content` may be a view of it.
inline void save_safetensors(const std::string& path, const Safetensors& content) {
  const detail::FileLayout layout = [&] {
    try {
      return detail::lay_out(content);
    } catch (const Error& error) {
      fail(path, ": ", error.what());
    }
  }();
  OutputFile file(path);
  detail::write_pieces(layout, [&](std::span<const std::byte> piece) { file.write(piece); });
  file.commit();
}

}  // namespace camlite
