// Which model, which truth: content as a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <camlite/model/model.hpp>

namespace camlite::tool {

// 16 hexadecimal digits, and back; throws Error for anything else.
std::string to_hex(std::uint64_t number);
std::uint64_t from_hex(std::string_view digits);

// FNV-1a of 64 bits: it tells files apart that were exchanged by mistake, not by malice.
class Hash {
 public:
  void add(std::span<const std::byte> bytes);
  // With its length, so that no two texts run into one another.
  void add(std::string_view words);
  void add(Index number);

  std::uint64_t value() const { return state_; }
  std::string str() const { return to_hex(state_); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

// Of all that the model's file says: tensors, graph, preprocessing, labels.
std::string hash_of(const Model& model);

}  // namespace camlite::tool
