// Safetensors files (https://github.com/huggingface/safetensors): an 8-byte little-endian header
// length, a JSON header, then the tensors' elements, row-major and little-endian, without gaps.
//
//   {"__metadata__": {"key": "text"},
//    "conv1.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
//
// A file is untrusted: all of it but the elements is checked before any of it is used.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/limits.hpp>
#include <camlite/model/json.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/stored_tensor.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// What is in a safetensors file.
struct Safetensors {
  std::vector<StoredTensor> tensors;                          // in order of their bytes in the file
  std::vector<std::pair<std::string, std::string>> metadata;  // in order of the header
};

namespace detail {

inline constexpr std::size_t header_length_bytes = 8;
inline constexpr std::string_view metadata_key = "__metadata__";

// "[2, 2]", in short where a hostile header has millions of them.
template <class Number>
std::string list_text(const std::vector<Number>& numbers) {
  constexpr std::size_t most = 8;
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(numbers.size(), most); ++i) {
    out += text(i > 0 ? ", " : "", numbers[i]);
  }
  if (numbers.size() > most) out += text(", ... ", numbers.size(), " in all");
  return out + "]";
}

struct HeaderEntry {
  StoredTensor tensor;  // without its bytes
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  std::string offsets() const { return text("data_offsets [", begin, ", ", end, "]"); }
};

struct Header {
  std::vector<HeaderEntry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// As in the reference implementation, keys that are not known are skipped.
inline HeaderEntry read_entry(JsonReader& json, const std::string& name) {
  HeaderEntry entry;
  entry.tensor.name = name;
  std::vector<std::uint64_t> offsets;
  bool has_dtype = false, has_shape = false;
  json.object([&](const std::string& key) {
    if (key == "dtype") {
      entry.tensor.dtype = dtype_from_name(json.string());
      has_dtype = true;
    } else if (key == "shape") {
      json.array([&] {
        const std::uint64_t extent = json.non_negative_integer();
        if (extent > std::numeric_limits<Index>::max()) {
          fail("extent ", extent, " does not fit into 63 bits");
        }
        entry.tensor.shape.push_back(static_cast<Index>(extent));
      });
      has_shape = true;
    } else if (key == "data_offsets") {
      json.array([&] { offsets.push_back(json.non_negative_integer()); });
    } else {
      json.skip();
    }
  });
  if (!has_dtype) fail("no dtype");
  if (!has_shape) fail("no shape");
  if (offsets.size() != 2) fail("data_offsets must be two numbers, not ", list_text(offsets));
  entry.begin = offsets[0];
  entry.end = offsets[1];
  return entry;
}

// The entry alone: in order, inside of the data, and as long as its shape says.
inline void check_entry(const HeaderEntry& entry, std::uint64_t data_bytes) {
  if (entry.end < entry.begin) fail(entry.offsets(), " are reversed");
  if (entry.end > data_bytes) {
    fail(entry.offsets(), " reach beyond the ", data_bytes, " bytes of data");
  }

  const DTypeInfo& dtype = info(entry.tensor.dtype);
  std::uint64_t bits = 1;
  bool overflow = false;
  const auto multiply = [&](std::uint64_t factor) {
    overflow |= __builtin_mul_overflow(bits, factor, &bits);
  };
  for (Index extent : entry.tensor.shape) multiply(static_cast<std::uint64_t>(extent));
  multiply(dtype.bits);

  const auto shape = [&] {
    return text("shape ", list_text(entry.tensor.shape), " of ", dtype.name);
  };
  if (overflow) fail(shape(), " overflows 64 bits");
  if (bits % 8 != 0) fail(shape(), " is not a whole number of bytes");
  const std::uint64_t held = entry.end - entry.begin;
  if (held != bits / 8) {
    fail(entry.offsets(), " hold ", held, " bytes, ", shape(), " needs ", bits / 8);
  }
}

// All entries together, in order of offset: each begins where the one before ends, and the last
// ends with the data.
inline void check_layout(const std::vector<HeaderEntry>& entries, std::uint64_t data_bytes) {
  std::uint64_t end = 0;
  for (const HeaderEntry& entry : entries) {
    naming_tensor(entry.tensor.name, [&] {
      if (entry.begin < end) {
        fail(entry.offsets(), " overlap the tensor before, which ends at ", end);
      }
      if (entry.begin > end) fail(entry.offsets(), " leave a hole after byte ", end);
    });
    end = entry.end;
  }
  if (end != data_bytes) {
    fail("no tensor holds the last ", data_bytes - end, " of ", data_bytes, " bytes of data");
  }
}

// Every rule of the format but the header's length: shared by reader and writer.
inline Header read_header(std::string_view json_text, std::uint64_t data_bytes,
                          const LoadLimits& limits) {
  if (std::ssize(json_text) > limits.header_bytes) {
    fail("the header is ", json_text.size(), " bytes long",
         above_limit(limits.header_bytes, "LoadLimits::header_bytes"));
  }
  if (json_text.empty() || json_text.front() != '{') fail("the header does not start with '{'");
  Header header;
  JsonReader json(json_text);
  json.object([&](const std::string& key) {
    if (key != metadata_key) {
      if (std::ssize(header.entries) == limits.tensors) {
        fail("there is a tensor ", in_quotes(key), " behind ", limits.tensors, " others",
             above_limit(limits.tensors, "LoadLimits::tensors"));
      }
      header.entries.push_back(naming_tensor(key, [&] { return read_entry(json, key); }));
    } else if (json.peek() == 'n') {
      json.null();
    } else {
      json.object([&](const std::string& name) {
        if (json.peek() != '"') fail("metadata ", detail::in_quotes(name), " is not a string");
        header.metadata.emplace_back(name, json.string());
      });
    }
  });
  json.end();
  for (const HeaderEntry& entry : header.entries) {
    naming_tensor(entry.tensor.name, [&] { check_entry(entry, data_bytes); });
  }
  // Stable: tensors without elements may share their offsets.
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const HeaderEntry& a, const HeaderEntry& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  check_layout(header.entries, data_bytes);
  return header;
}

}  // namespace detail

// The tensors and the metadata of a file. The tensors are views into `file`, which must outlive the
// result. `source` is the name of the file in messages.
//
// Accepts what the reference implementation writes. Stricter than its reader, it refuses: white
// space before the header's first brace, a key that comes twice in an object, extents of 2^63 and
// more, and serde's other spellings of a tensor (an array for the object, an object for the type).
// Throws Error: `weights.safetensors: tensor "conv1.weight": data_offsets [8, 4] are reversed`.
inline Safetensors parse_safetensors(std::span<const std::byte> file, std::string_view source,
                                     const LoadLimits& limits = {}) {
  try {
    if (file.size() < detail::header_length_bytes) {
      fail(file.size(), " bytes are too few for a safetensors file");
    }
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof(length));
    const std::span<const std::byte> rest = file.subspan(detail::header_length_bytes);
    if (length > rest.size()) {
      fail("not a safetensors file, or cut off: it would have a header of ", length,
           " bytes, and the file has ", file.size());
    }
    const auto header_bytes = static_cast<std::size_t>(length);
    const std::span<const std::byte> data = rest.subspan(header_bytes);
    detail::Header header = detail::read_header(
        {reinterpret_cast<const char*>(rest.data()), header_bytes}, data.size(), limits);

    Safetensors result;
    result.metadata = std::move(header.metadata);
    result.tensors.reserve(header.entries.size());
    for (detail::HeaderEntry& entry : header.entries) {
      entry.tensor.bytes = data.subspan(static_cast<std::size_t>(entry.begin),
                                        static_cast<std::size_t>(entry.end - entry.begin));
      result.tensors.push_back(std::move(entry.tensor));
    }
    return result;
  } catch (const Error& error) {
    fail(source, ": ", error.what());
  }
}

}  // namespace camlite
