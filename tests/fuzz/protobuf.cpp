// Changes of protobuf messages that leave the lengths of what is around them true.
// https://protobuf.dev/programming-guides/encoding
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "target.hpp"

namespace camlite::fuzz {

namespace {

enum Wire : std::uint64_t { wire_varint = 0, wire_64_bits = 1, wire_bytes = 2, wire_32_bits = 5 };

struct Field {
  std::uint64_t tag = 0;    // number << 3 | Wire
  std::uint64_t value = 0;  // of a varint
  std::string content;      // of the others

  std::uint64_t wire() const { return tag & 7U; }
};

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return {};
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  return {};
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

// Nothing if this is no message.
std::optional<std::vector<Field>> fields_of(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    const auto tag = take_varint(message);
    if (!tag || *tag >> 3U == 0) return {};
    Field field{*tag, 0, {}};
    std::uint64_t size = 0;
    switch (field.wire()) {
      case wire_varint: {
        const auto value = take_varint(message);
        if (!value) return {};
        field.value = *value;
        break;
      }
      case wire_bytes: {
        const auto length = take_varint(message);
        if (!length) return {};
        size = *length;
        break;
      }
      case wire_64_bits:
        size = 8;
        break;
      case wire_32_bits:
        size = 4;
        break;
      default:
        return {};
    }
    if (size > message.size()) return {};
    field.content = message.substr(0, size);
    message.remove_prefix(size);
    fields.push_back(std::move(field));
  }
  return fields;
}

std::string message_of(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) {
    put_varint(out, field.tag);
    if (field.wire() == wire_varint) put_varint(out, field.value);
    if (field.wire() == wire_bytes) put_varint(out, field.content.size());
    out += field.content;
  }
  return out;
}

std::string changed(const std::string& message, std::size_t most, std::minstd_rand& random,
                    std::string (*any)(std::string, std::size_t));

void change(Field& field, std::size_t most, std::minstd_rand& random,
            std::string (*any)(std::string, std::size_t)) {
  constexpr std::array<std::uint64_t, 14> numbers{0,
                                                  1,
                                                  2,
                                                  3,
                                                  7,
                                                  8,
                                                  64,
                                                  255,
                                                  65536,
                                                  1U << 31U,
                                                  (1U << 31U) - 1,
                                                  ~std::uint64_t{0},
                                                  std::uint64_t{1} << 63U,
                                                  (std::uint64_t{1} << 63U) - 1};
  switch (field.wire()) {
    case wire_varint:
      field.value =
          random() % 4 == 0 ? field.value + random() % 3 - 1 : numbers[random() % numbers.size()];
      return;
    case wire_bytes:
      field.content = changed(field.content, most, random, any);
      return;
    default: {
      const std::size_t size = field.content.size();
      field.content = any(std::move(field.content), size);
      field.content.resize(size);
    }
  }
}

// A field goes, comes twice, changes places with another one, gets another number, or is changed,
// if it may be a message as one.
std::string changed(const std::string& message, std::size_t most, std::minstd_rand& random,
                    std::string (*any)(std::string, std::size_t)) {
  auto fields = fields_of(message);
  if (!fields || fields->empty() || random() % 8 == 0) return any(message, most);
  const std::size_t a = random() % fields->size(), b = random() % fields->size();
  const auto at = fields->begin() + static_cast<std::ptrdiff_t>(a);
  switch (random() % 10) {
    case 0:
      fields->erase(at);
      break;
    case 1: {
      const Field copy = (*fields)[b];
      fields->insert(at, copy);
      break;
    }
    case 2:
      std::swap((*fields)[a], (*fields)[b]);
      break;
    case 3:
      at->tag = (random() % 20 + 1) << 3U | at->wire();
      break;
    default:
      change(*at, most, random, any);
  }
  return message_of(*fields);
}

}  // namespace

// The last part is a message; those in front of it are texts.
std::string mutate_protobuf(std::string input, std::size_t most, std::minstd_rand& random,
                            std::string (*any)(std::string, std::size_t)) {
  if (random() % 20 == 0) return any(std::move(input), most);
  const std::size_t between = input.rfind(between_parts);
  const std::size_t begin = between == input.npos ? 0 : between + between_parts.size();
  std::string front = input.substr(0, begin), message = input.substr(begin);
  if (begin > 0 && random() % 2 == 0) {
    front = mutate_text(front.substr(0, between), most / 2, random, any);
    front += between_parts;
  } else {
    for (auto times = random() % 3 + 1; times > 0; --times)
      message = changed(message, most, random, any);
  }
  front += message;
  front.resize(std::min(front.size(), most));
  return front;
}

}  // namespace camlite::fuzz
