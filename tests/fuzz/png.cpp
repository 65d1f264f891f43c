// Changes of PNG files that leave lengths and checksums true; of other pictures, any.
#include <camlite/png.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "target.hpp"

namespace camlite::fuzz {

namespace {

constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";

struct Chunk {
  std::string type, data;
};

// As far as they are whole; behind the signature.
std::vector<Chunk> chunks_of(std::string_view rest) {
  constexpr std::size_t before = 8, behind = 4;  // length and type; the checksum
  std::vector<Chunk> chunks;
  while (rest.size() >= before + behind) {
    const std::size_t length =
        camlite::detail::big_endian<4>(std::as_bytes(std::span<const char>(rest)), 0);
    if (length > rest.size() - before - behind) break;
    chunks.push_back({std::string(rest.substr(4, 4)), std::string(rest.substr(before, length))});
    rest.remove_prefix(before + length + behind);
  }
  return chunks;
}

}  // namespace

// A chunk is changed, goes, comes twice, or changes places with another one.
std::string mutate_picture(std::string input, std::size_t most, std::minstd_rand& random,
                           std::string (*any)(std::string, std::size_t)) {
  if (!input.starts_with(signature) || random() % 10 == 0) return any(std::move(input), most);
  std::vector<Chunk> chunks = chunks_of(std::string_view(input).substr(signature.size()));
  if (chunks.empty()) return any(std::move(input), most);
  const std::size_t a = random() % chunks.size(), b = random() % chunks.size();
  const auto at = chunks.begin() + static_cast<std::ptrdiff_t>(a);
  switch (random() % 10) {
    case 0:
      chunks.erase(at);
      break;
    case 1: {
      const Chunk copy = chunks[b];
      chunks.insert(at, copy);
      break;
    }
    case 2:
      std::swap(chunks[a], chunks[b]);
      break;
    default:
      at->data = any(std::move(at->data), most);
  }
  std::vector<std::byte> file;
  for (const Chunk& one : chunks) {
    camlite::detail::append_chunk(
        file, one.type, {reinterpret_cast<const std::uint8_t*>(one.data.data()), one.data.size()});
  }
  std::string out(signature);
  out += as_text(file);
  out.resize(std::min(out.size(), most));
  return out;
}

}  // namespace camlite::fuzz
