// Changes of protobuf messages that leave the lengths of what is around them true.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include <google/protobuf/unknown_field_set.h>

#include "target.hpp"

namespace camlite::fuzz {

namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

using Any = std::string (*)(std::string, std::size_t);

std::string changed(const std::string& message, std::size_t most, std::minstd_rand& random,
                    Any any);

void change(UnknownField& field, std::size_t most, std::minstd_rand& random, Any any) {
  constexpr std::uint64_t high = std::uint64_t{1} << 63U;
  constexpr std::array<std::uint64_t, 12> numbers{
      0, 1, 2, 3, 8, 64, 255, 65536, 1U << 31U, high - 1, high, ~std::uint64_t{0}};
  const auto number = [&](std::uint64_t before) {
    return random() % 4 == 0 ? before + random() % 3 - 1 : numbers[random() % numbers.size()];
  };
  switch (field.type()) {
    case UnknownField::TYPE_VARINT:
      return field.set_varint(number(field.varint()));
    case UnknownField::TYPE_FIXED32:
      return field.set_fixed32(static_cast<std::uint32_t>(random()));
    case UnknownField::TYPE_FIXED64:
      return field.set_fixed64(number(field.fixed64()));
    case UnknownField::TYPE_LENGTH_DELIMITED:
      return field.set_length_delimited(changed(field.length_delimited(), most, random, any));
    case UnknownField::TYPE_GROUP:
      return;
  }
}

// A field goes, comes twice, goes to the end, or is changed, if it may be a message as one.
std::string changed(const std::string& message, std::size_t most, std::minstd_rand& random,
                    Any any) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(message) || fields.empty() || random() % 8 == 0)
    return any(message, most);
  const auto one = static_cast<int>(random() % static_cast<unsigned>(fields.field_count()));
  const auto how = random() % 10;
  if (how == 0 || how == 1) {
    UnknownFieldSet copy;
    copy.AddField(fields.field(one));
    fields.MergeFrom(copy);
  }
  if (how == 1 || how == 2) fields.DeleteSubrange(one, 1);
  if (how > 2) change(*fields.mutable_field(one), most, random, any);
  std::string out;
  fields.SerializeToString(&out);
  return out;
}

}  // namespace

// The last part is a message; those in front of it are texts.
std::string mutate_protobuf(std::string input, std::size_t most, std::minstd_rand& random,
                            Any any) {
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
