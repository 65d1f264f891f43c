#include "hash.hpp"

#include <camlite/model/model_file.hpp>

namespace camlite::tool {

void Hash::add(std::span<const std::byte> bytes) {
  constexpr std::uint64_t prime = 0x100000001b3;
  for (const std::byte byte : bytes) state_ = (state_ ^ std::to_integer<unsigned>(byte)) * prime;
}

void Hash::add(std::string_view words) {
  add(std::as_bytes(std::span<const char>(words)));
  add(static_cast<Index>(words.size()));
}

void Hash::add(Index number) {
  add(std::as_bytes(std::span<const Index>(&number, 1)));
}

std::string Hash::str() const {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += digits[state_ >> shift & 0xF];
  return out;
}

std::string hash_of(const Model& model) {
  Hash hash;
  const Safetensors content = model_content(model);
  for (const StoredTensor& tensor : content.tensors) {
    hash.add(tensor.name);
    hash.add(tensor.bytes);
  }
  for (const auto& [key, value] : content.metadata) {
    hash.add(key);
    hash.add(value);
  }
  return hash.str();
}

}  // namespace camlite::tool
