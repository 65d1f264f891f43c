#include "hash.hpp"

#include <charconv>
#include <system_error>

#include <camlite/error.hpp>
#include <camlite/model/model_file.hpp>

namespace camlite::tool {

std::string to_hex(std::uint64_t number) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += digits[number >> shift & 0xF];
  return out;
}

std::uint64_t from_hex(std::string_view digits) {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [read, error] = std::from_chars(digits.data(), end, number, 16);
  if (digits.size() != 16 || error != std::errc() || read != end)
    fail('"', digits, "\" are not 16 hexadecimal digits");
  return number;
}

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
