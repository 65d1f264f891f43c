// LoadLimits and ImageLimits: how much a file that others made may ask for.
//
// Each limit is checked before the memory that it bounds is asked for. What is above one is an
// Error that names the file, what is too much, both numbers and the member to raise. The defaults
// are far above every network and picture in use, and below what takes a computer down.
// What one forward pass may take is NetworkOptions::memory_limit.
#pragma once

#include <string>
#include <string_view>

#include <camlite/error.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// Of a model file.
struct LoadLimits {
  Index file_bytes = Index{16} << 30;  // of the whole file, which is mapped, not read
  // Of its JSON header: what the format's reference implementation accepts. Graph, labels and the
  // list of tensors are in it.
  Index header_bytes = 100'000'000;
  Index tensors = 100'000;
  Index graph_lines = 10'000;  // with an operator; the largest networks in use have a thousand
  // Of one tensor, and of one value that the graph computes for its own input, where 2^32 floats
  // are 16 GiB.
  Index elements = Index{1} << 32;
  Index all_elements = Index{1} << 36;  // of all such values of a graph together
};

// Of a picture. Above 2^31 - 1, which is as far as stb_image counts, both mean that.
struct ImageLimits {
  Index pixels = 100'000'000;         // width * height
  Index file_bytes = Index{1} << 30;  // of the encoded picture
};

namespace detail {

// ", more than the limit of 100 (raise LoadLimits::tensors)". `member` says how to raise it.
inline std::string above_limit(Index limit, std::string_view member) {
  return text(", more than the limit of ", limit, " (raise ", member, ")");
}

// " needs 20000 MB of memory, the limit is 16384 MB (raise ...)", of NetworkOptions::memory_limit.
inline std::string above_memory_limit(Index bytes, Index limit) {
  return text(" needs ", bytes >> 20, " MB of memory, the limit is ", limit >> 20,
              " MB (raise NetworkOptions::memory_limit, or the program's --max-memory)");
}

}  // namespace detail

}  // namespace camlite
