// zlib_compress: deflate for what is left of a photograph after its rows were predicted (png.hpp).
//
// Every block of data gets a Huffman code of its own, and runs of equal bytes are coded as such.
// There is no search for repetitions farther away, which takes the time elsewhere and finds next to
// nothing here.
//
// Source: RFC 1951; all references are to its sections.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <queue>
#include <span>
#include <utility>
#include <vector>

namespace camlite::detail {

// What data is made of, in deflate's alphabet: a byte as it is; the end of a block; or 257 + n,
// n + 3 more bytes like the one before, which is a length and the distance 1.
using DeflateToken = std::uint16_t;
inline constexpr DeflateToken deflate_end = 256;
inline constexpr DeflateToken first_run = 257;
inline constexpr std::ptrdiff_t shortest_run = 3;
inline constexpr std::ptrdiff_t longest_run = 257;
inline constexpr std::size_t deflate_tokens = first_run + longest_run - shortest_run + 1;
inline constexpr std::size_t deflate_symbols = 286;  // with a symbol for several lengths

template <class T>
using PerSymbol = std::array<T, deflate_symbols>;
template <class T>
using PerToken = std::array<T, deflate_tokens>;

// The symbol of a token, behind which follow the last `extra` bits of n.
struct DeflateSymbol {
  std::size_t symbol;
  std::uint32_t extra;
};
inline DeflateSymbol deflate_symbol(std::size_t token) {
  const std::size_t n = token - first_run;
  if (token < first_run || n < 8) return {token, 0};
  const auto extra = static_cast<std::size_t>(std::bit_width(n)) - 3;
  return {first_run + 4 * extra + (n >> extra), static_cast<std::uint32_t>(extra)};
}

// The lengths in bits, 15 at most, of a Huffman code for symbols that occur so often; 0 for those
// that do not.
inline PerSymbol<std::uint32_t> huffman_lengths(PerSymbol<std::uint32_t> counts) {
  using Tree = std::pair<std::uint32_t, std::size_t>;  // occurrences, root
  for (;;) {
    std::priority_queue<Tree, std::vector<Tree>, std::greater<>> trees;
    for (std::size_t i = 0; i < deflate_symbols; ++i) {
      if (counts[i] > 0) trees.emplace(counts[i], i);
    }
    std::array<std::size_t, 2 * deflate_symbols> parents{};
    std::size_t nodes = deflate_symbols;
    for (; trees.size() > 1; ++nodes) {
      std::uint32_t sum = 0;
      for (int child = 0; child < 2; ++child) {
        sum += trees.top().first;
        parents[trees.top().second] = nodes;
        trees.pop();
      }
      trees.emplace(sum, nodes);
    }
    // Parents come behind their children: down from the root, which is the last.
    std::array<std::uint32_t, 2 * deflate_symbols> depths{};
    for (std::size_t i = nodes - 1; i-- > 0;) {
      if (parents[i] > 0) depths[i] = depths[parents[i]] + 1;
    }
    PerSymbol<std::uint32_t> lengths;
    std::copy_n(depths.begin(), deflate_symbols, lengths.begin());
    if (*std::max_element(lengths.begin(), lengths.end()) <= 15) return lengths;
    for (std::uint32_t& count : counts) count = (count + 1) / 2;
  }
}

// At most 24 bits, the first of them lowest.
struct Bits {
  std::uint32_t bits = 0;
  std::uint32_t count = 0;
};

// The canonical code of these lengths (RFC 1951, 3.2.2).
inline PerSymbol<Bits> canonical_code(const PerSymbol<std::uint32_t>& lengths) {
  PerSymbol<Bits> code;
  std::uint32_t next = 0;
  for (std::uint32_t length = 1; length <= 15; ++length, next <<= 1) {
    for (std::size_t i = 0; i < deflate_symbols; ++i) {
      if (lengths[i] != length) continue;
      code[i].count = length;
      for (std::uint32_t bit = 0; bit < length; ++bit)
        code[i].bits |= (next >> bit & 1) << (length - 1 - bit);
      ++next;
    }
  }
  return code;
}

// Writes bits, the first lowest, to memory that is large enough: four bytes more than they take.
struct BitWriter {
  std::uint8_t* to = nullptr;
  std::uint64_t bits = 0;  // that do not make four bytes yet
  std::uint32_t count = 0;

  void put(Bits value) {
    bits |= std::uint64_t{value.bits} << count;
    count += value.count;
    if (count >= 32) flush();
  }

  // Written out, since a loop would not become one move.
  void flush() {
    to[0] = static_cast<std::uint8_t>(bits);
    to[1] = static_cast<std::uint8_t>(bits >> 8);
    to[2] = static_cast<std::uint8_t>(bits >> 16);
    to[3] = static_cast<std::uint8_t>(bits >> 24);
    to += 4;
    bits >>= 32;
    count -= 32;
  }
};

// The data as tokens.
inline void find_runs(std::span<const std::uint8_t> data, std::vector<DeflateToken>& tokens) {
  tokens.resize(data.size());
  DeflateToken* token = tokens.data();
  const std::uint8_t* byte = data.data();
  const std::uint8_t* const end = byte + data.size();
  if (byte < end) *token++ = *byte++;
  while (byte < end) {
    // Is each of four bytes like the one before it?
    std::uint32_t here = 0, before = 1;
    if (end - byte >= 4) {
      std::memcpy(&here, byte, 4);
      std::memcpy(&before, byte - 1, 4);
    }
    if (here != before) {
      *token++ = *byte++;
      continue;
    }
    const std::uint8_t* const run = byte;
    const std::uint8_t* const most = run + std::min(end - run, longest_run);
    byte += 4;
    while (byte < most && *byte == *run) ++byte;
    *token++ = static_cast<DeflateToken>(first_run + (byte - run) - shortest_run);
  }
  tokens.resize(static_cast<std::size_t>(token - tokens.data()));
}

// One block with a code of its own.
inline void write_block(std::span<const DeflateToken> tokens, bool last, BitWriter& to) {
  PerToken<std::uint32_t> occurrences{};
  for (DeflateToken token : tokens) ++occurrences[token];
  PerSymbol<std::uint32_t> counts{};
  counts[deflate_end] = 1;
  counts[0] = 1;  // a code has two symbols at least
  for (std::size_t token = 0; token < deflate_tokens; ++token)
    counts[deflate_symbol(token).symbol] += occurrences[token];
  const PerSymbol<std::uint32_t> lengths = huffman_lengths(counts);
  const PerSymbol<Bits> code = canonical_code(lengths);

  // The description of the code (3.2.7), in an alphabet in which 0 to 15 take four bits each, the
  // first highest, and its three symbols for repetitions do not occur.
  const auto put_length = [&to](std::uint32_t n) {
    to.put({(n & 1) << 3 | (n & 2) << 1 | (n & 4) >> 1 | (n & 8) >> 3, 4});
  };
  to.put({last ? 1U : 0U, 1});
  to.put({2, 2});
  to.put({deflate_symbols - 257, 5});
  to.put({2 - 1, 5});  // two distances, since one alone would not make a code
  to.put({19 - 4, 4});
  for (int i = 0; i < 3; ++i) to.put({0, 3});
  for (int i = 0; i < 16; ++i) to.put({4, 3});
  for (std::uint32_t length : lengths) put_length(length);
  for (int i = 0; i < 2; ++i) put_length(1);

  PerToken<Bits> table;
  for (std::size_t token = 0; token < deflate_tokens; ++token) {
    const auto [symbol, extra] = deflate_symbol(token);
    table[token] = code[symbol];
    if (token < first_run) continue;
    const auto n = static_cast<std::uint32_t>(token - first_run);
    table[token].bits |= (n & ((1U << extra) - 1)) << table[token].count;
    table[token].count += extra + 1;  // the distance 1 is the bit 0
  }
  BitWriter fast = to;  // in registers
  for (DeflateToken token : tokens) fast.put(table[token]);
  to = fast;
  to.put(code[deflate_end]);
}

inline std::uint32_t adler32(std::span<const std::uint8_t> data) {
  constexpr std::size_t most = 5552;  // bytes, for which the sums stay below 2^32
  std::uint32_t a = 1, b = 0;
  for (; !data.empty(); data = data.subspan(std::min(most, data.size()))) {
    for (std::uint8_t byte : data.first(std::min(most, data.size()))) {
      a += byte;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b << 16 | a;
}

// The data as a stream of zlib's (RFC 1950).
inline std::vector<std::uint8_t> zlib_compress(std::span<const std::uint8_t> data) {
  constexpr std::size_t block = std::size_t{1} << 17;
  std::vector<std::uint8_t> out{0x78, 0x01};  // deflate in a window of 32 kB, for speed
  std::vector<DeflateToken> tokens;
  BitWriter to;
  std::size_t size = out.size(), done = 0;
  const auto make_room = [&](std::size_t bytes) {
    out.resize(size + bytes);
    to.to = out.data() + size;
  };
  do {
    const auto part = data.subspan(done, std::min(block, data.size() - done));
    done += part.size();
    find_runs(part, tokens);
    make_room(200 + 3 * tokens.size());  // the code, and 21 bits a token at most
    write_block(tokens, done == data.size(), to);
    size = static_cast<std::size_t>(to.to - out.data());
  } while (done < data.size());

  make_room(16);
  to.put({0, 7 - (to.count + 7) % 8});  // up to a whole byte
  const std::uint32_t checksum = adler32(data);
  for (int shift = 24; shift >= 0; shift -= 8) to.put({checksum >> shift & 0xFF, 8});
  const std::uint8_t* const end = to.to + to.count / 8;
  to.flush();
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

}  // namespace camlite::detail
