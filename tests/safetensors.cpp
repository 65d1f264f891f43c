// Safetensors files: what is read, what is refused and why, and what is written.
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/safetensors.hpp>
#include <camlite/model/safetensors_writer.hpp>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "support/refusal.hpp"
#include "support/scratch_folder.hpp"

using namespace camlite;
using namespace std::string_literals;
using camlite::test::refusal;
using camlite::test::ScratchFolder;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// A file with this header and as many bytes of data, which count 0, 1, 2, ...
Bytes file_of(std::string_view header, std::size_t data_bytes = 0) {
  const std::uint64_t length = header.size();
  Bytes file(sizeof(length));
  std::memcpy(file.data(), &length, sizeof(length));
  const auto text = std::as_bytes(std::span(header));
  file.insert(file.end(), text.begin(), text.end());
  for (std::size_t i = 0; i < data_bytes; ++i) file.push_back(static_cast<std::byte>(i));
  return file;
}

std::string entry(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return text(R"({"dtype":")", dtype, R"(","shape":)", shape, R"(,"data_offsets":)", offsets, "}");
}

// The message with which a file is refused; empty if it is not.
std::string file_refusal(const Bytes& file) {
  return refusal([&] { parse_safetensors(file, "w"); });
}

// "name F32 [2, 2] 16 bytes", for each tensor in order.
std::vector<std::string> contents(const Safetensors& file) {
  std::vector<std::string> lines;
  for (const StoredTensor& tensor : file.tensors) {
    lines.push_back(text(tensor.name, " ", dtype_name(tensor.dtype), " ",
                         detail::list_text(tensor.shape), " ", tensor.bytes.size(), " bytes"));
  }
  return lines;
}

void write_text(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

// One tensor "w", F32, of these values.
Safetensors one_tensor(std::span<const float> values) {
  return {{{"w", DType::F32, {std::ssize(values)}, std::as_bytes(values)}}, {}};
}

const std::string good_header = R"({"__metadata__":{"k":"v"},"b":)" +
                                entry("F32", "[2,2]", "[0,16]") + R"(,"a":)" +
                                entry("BF16", "[3]", "[16,22]") + "}";

}  // namespace

TEST_CASE("good files are read") {
  struct Good {
    std::string header;
    std::size_t data_bytes;
    std::vector<std::string> tensors;
  };
  const std::vector<Good> table = {
      {"{}", 0, {}},
      {"{} \t\r\n", 0, {}},
      {R"({"__metadata__":null})", 0, {}},
      {R"({"__metadata__":{}})", 0, {}},
      {good_header, 22, {"b F32 [2, 2] 16 bytes", "a BF16 [3] 6 bytes"}},
      // In order of offset, whatever the order of the header.
      {R"({"a":)" + entry("U8", "[1]", "[2,3]") + R"(,"b":)" + entry("U8", "[2]", "[0,2]") + "}",
       3,
       {"b U8 [2] 2 bytes", "a U8 [1] 1 bytes"}},
      {R"({ "a" : { "shape" : [ 1 ] , "data_offsets" : [ 0 , 4 ] , "dtype" : "F32" } } )",
       4,
       {"a F32 [1] 4 bytes"}},
      {R"({"scalar":)" + entry("F64", "[]", "[0,8]") + "}", 8, {"scalar F64 [] 8 bytes"}},
      {R"({"none":)" + entry("F32", "[2,0]", "[0,0]") + "}", 0, {"none F32 [2, 0] 0 bytes"}},
      // Tensors without elements lie between others, where they take no room.
      {R"({"a":)" + entry("U8", "[1]", "[0,1]") + R"(,"b":)" + entry("U8", "[1]", "[1,2]") +
           R"(,"none":)" + entry("U8", "[0]", "[1,1]") + "}",
       2,
       {"a U8 [1] 1 bytes", "none U8 [0] 0 bytes", "b U8 [1] 1 bytes"}},
      {R"({"a":)" + entry("U8", "[1,1,1,1,1,1,1,2]", "[0,2]") + "}",
       2,
       {"a U8 [1, 1, 1, 1, 1, 1, 1, 2] 2 bytes"}},
      {R"({"":)" + entry("F4", "[6]", "[0,3]") + "}", 3, {" F4 [6] 3 bytes"}},
      {R"({"a":)" + entry("F6_E2M3", "[4]", "[0,3]") + "}", 3, {"a F6_E2M3 [4] 3 bytes"}},
      {R"({"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t":)" + entry("I8", "[1]", "[0,1]") + "}",
       1,
       {"\xC3\xA9\xF0\x9F\x98\x80\"\\/\b\f\n\r\t I8 [1] 1 bytes"}},
      // Keys that the format may get one day are skipped, whatever they hold.
      {R"({"a":{"new":{"x":[1,-2.5e-3,true,false,null,"s",{}]},"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
       1,
       {"a U8 [1] 1 bytes"}},
      // The product is within bounds at every step from the left, as in the reference
      // implementation.
      {R"({"a":)" + entry("U8", "[0,9223372036854775807,9223372036854775807]", "[0,0]") + "}",
       0,
       {"a U8 [0, 9223372036854775807, 9223372036854775807] 0 bytes"}},
  };
  for (const Good& good : table) {
    INFO(good.header);
    const Bytes file = file_of(good.header, good.data_bytes);
    CHECK(file_refusal(file) == "");
    if (file_refusal(file).empty()) CHECK(contents(parse_safetensors(file, "w")) == good.tensors);
  }
}

TEST_CASE("every type of the reference implementation is known, with its size") {
  const std::vector<std::pair<std::string, std::size_t>> bits = {
      {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
      {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
      {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
      {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
      {"I64", 64},        {"U64", 64}};
  for (const auto& [name, size] : bits) {
    const Bytes file =
        file_of(text(R"({"t":)", entry(name, "[8]", text("[0,", size, "]")), "}"), size);
    CHECK(contents(parse_safetensors(file, "w")).at(0) ==
          text("t ", name, " [8] ", size, " bytes"));
  }
}

TEST_CASE("the bytes and the metadata of a tensor are those of the file") {
  const Bytes file = file_of(good_header, 22);
  const Safetensors read = parse_safetensors(file, "w");
  CHECK(read.tensors[0].bytes.data() == file.data() + 8 + good_header.size());
  CHECK(read.tensors[1].bytes.data() == file.data() + 8 + good_header.size() + 16);
  CHECK(read.metadata == std::vector<std::pair<std::string, std::string>>{{"k", "v"}});
}

TEST_CASE("metadata may hold any text, in the order of the header") {
  const Safetensors read = parse_safetensors(
      file_of(R"({"__metadata__":{"z":"line\nline","a":"\u0000 \u00fc \ud834\udd1e","":""}})"),
      "w");
  CHECK(read.metadata ==
        std::vector<std::pair<std::string, std::string>>{
            {"z", "line\nline"}, {"a", "\0 \xC3\xBC \xF0\x9D\x84\x9E"s}, {"", ""}});
}

TEST_CASE("a header length that cannot be is refused") {
  CHECK(file_refusal({}) == "w: 0 bytes are too few for a safetensors file");
  CHECK(file_refusal(Bytes(7)) == "w: 7 bytes are too few for a safetensors file");
  CHECK(file_refusal(Bytes(8)) == "w: the header does not start with '{'");
  CHECK(file_refusal(bytes_of("\x03\0\0\0\0\0\0\0{}"s)) ==
        "w: not a safetensors file, or cut off: it would have a header of 3 bytes, "
        "and the file has 10");
  CHECK(file_refusal(bytes_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}"s)) ==
        "w: not a safetensors file, or cut off: it would have a header of 18446744073709551615 "
        "bytes, "
        "and the file has 10");
  CHECK(file_refusal(bytes_of("\xF8\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}"s)) ==
        "w: not a safetensors file, or cut off: it would have a header of 18446744073709551608 "
        "bytes, "
        "and the file has 10");
  std::string long_header(100'000'001, ' ');
  long_header.replace(0, 2, "{}");
  CHECK(file_refusal(file_of(long_header)) ==
        "w: the header is 100000001 bytes long, more than the limit of 100000000 (raise "
        "LoadLimits::header_bytes)");
  long_header.pop_back();
  CHECK(file_refusal(file_of(long_header)) == "");
}

TEST_CASE("a header that is not JSON is refused, with the byte where it goes wrong") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "the header does not start with '{'"},
      {" {}", "the header does not start with '{'"},
      {"[]", "the header does not start with '{'"},
      {"\xEF\xBB\xBF{}", "the header does not start with '{'"},
      {"{", "header byte 1: expected a key in quotes, not the end"},
      {"{}}", "header byte 2: expected the end, not '}'"},
      {"{}\0"s, "header byte 2: expected the end, not byte value 0"},
      {"{} x", "header byte 3: expected the end, not 'x'"},
      {"{]", "header byte 1: expected a key in quotes, not ']'"},
      {"{,}", "header byte 1: expected a key in quotes, not ','"},
      {"{a:1}", "header byte 1: expected a key in quotes, not 'a'"},
      {R"({"a"})", R"(header byte 4: expected ':', not '}')"},
      {R"({"a":})", R"(tensor "a": header byte 5: expected '{', not '}')"},
      {R"({"a":{}},)", R"(tensor "a": no dtype)"},
      {R"({"__metadata__":{},})", "header byte 19: expected a key in quotes, not '}'"},
      {R"({"__metadata__":{"a":"b",}})", "header byte 25: expected a key in quotes, not '}'"},
      {R"({"__metadata__":{"a":"b" "c":"d"}})", R"(header byte 25: expected ',' or '}', not '"')"},
      {R"({"a)", "header byte 3: a string without an end"},
      {R"({"a\)", "header byte 3: not an escape sequence"},
      {R"({"a\")", "header byte 5: a string without an end"},
      {R"({"\x":1})", "header byte 2: not an escape sequence"},
      {R"({"\u12g4":1})", R"(header byte 2: not four hexadecimal digits after \u)"},
      {R"({"\u12)", R"(header byte 2: not four hexadecimal digits after \u)"},
      {R"({"\ud800":1})", "header byte 2: a surrogate without its pair"},
      {R"({"\ud800\u0041":1})", "header byte 2: a surrogate without its pair"},
      {R"({"\ud800\ud800":1})", "header byte 2: a surrogate without its pair"},
      {R"({"\udc00":1})", "header byte 2: a surrogate without its pair"},
      {"{\"a\nb\":1}", "header byte 3: a control character in a string"},
      {"{\"a\0b\":1}"s, "header byte 3: a control character in a string"},
      {"{'a':1}", R"(header byte 1: expected a key in quotes, not ''')"},
  };
  for (const auto& [header, message] : table) {
    INFO(header);
    CHECK(file_refusal(file_of(header)) == "w: " + message);
  }
}

TEST_CASE("a value that is not JSON is refused even where the value is skipped") {
  for (std::string_view value : {"tru",
                                 "nul",
                                 "+1",
                                 "01",
                                 "-",
                                 "-x",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "1e+",
                                 "0x1",
                                 "NaN",
                                 "Infinity",
                                 "1e999",
                                 "[1,]",
                                 "[1 2]",
                                 "[",
                                 "{\"a\":1]",
                                 "\"",
                                 "'a'",
                                 "//",
                                 "{1:2}",
                                 "{\"a\":1,\"a\":1}"}) {
    INFO(value);
    const Bytes file = file_of(
        text(R"({"a":{"new":)", value, R"(,"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"));
    CHECK_THAT(file_refusal(file), Catch::StartsWith("w: tensor \"a\": header byte "));
  }
}

TEST_CASE("a header that is not UTF-8 is refused") {
  const std::vector<std::string> bad = {
      "\x80",              // a continuation byte alone
      "\xC3",              // one byte of two
      "\xC0\x80",          // overlong
      "\xC1\xBF",          // overlong
      "\xE0\x9F\xBF",      // overlong
      "\xE2\x82",          // two bytes of three
      "\xED\xA0\x80",      // the surrogate U+D800
      "\xF0\x8F\xBF\xBF",  // overlong
      "\xF0\x9F\x98",      // three bytes of four
      "\xF4\x90\x80\x80",  // U+110000
      "\xF5\x80\x80\x80",
      "\xFF",
  };
  for (const std::string& text : bad) {
    CHECK(file_refusal(file_of(R"({"__metadata__":{"k":"ab)" + text + "\"}}")) ==
          "w: header byte 24: not UTF-8");
  }
  for (std::string_view good :
       {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    const Safetensors read =
        parse_safetensors(file_of(text(R"({"__metadata__":{"k":")", good, "\"}}")), "w");
    CHECK(read.metadata.at(0).second == good);
  }
}

TEST_CASE("a header that lies is refused, with the tensor and the numbers") {
  const std::string u8 = entry("U8", "[4]", "[0,4]");
  struct Bad {
    std::string header;
    std::size_t data_bytes;
    std::string message;
  };
  const std::vector<Bad> table = {
      // Keys that come twice.
      {R"({"a":)" + u8 + R"(,"b":)" + u8 + R"(,"a":)" + u8 + "}", 4,
       "header byte 105: duplicate key \"a\""},
      {R"({"a":)" + u8 + R"(,"\u0061":)" + u8 + "}", 4, "header byte 53: duplicate key \"a\""},
      {R"({"__metadata__":{},"__metadata__":{}})", 0,
       "header byte 19: duplicate key \"__metadata__\""},
      {R"({"__metadata__":{"k":"1","k":"1"}})", 0, "header byte 25: duplicate key \"k\""},
      {R"({"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4,
       "tensor \"a\": header byte 19: duplicate key \"dtype\""},
      // Types.
      {R"({"a":)" + entry("F7", "[4]", "[0,4]") + "}", 4, "tensor \"a\": unknown dtype \"F7\""},
      {R"({"a":)" + entry("f32", "[1]", "[0,4]") + "}", 4, "tensor \"a\": unknown dtype \"f32\""},
      {R"({"a":)" + entry("", "[1]", "[0,4]") + "}", 4, "tensor \"a\": unknown dtype \"\""},
      {R"({"a":{"dtype":7,"shape":[4],"data_offsets":[0,4]}})", 4,
       "tensor \"a\": header byte 14: expected a string, not '7'"},
      // Metadata.
      {R"({"__metadata__":{"k":1}})", 0, "metadata \"k\" is not a string"},
      {R"({"__metadata__":{"k":null}})", 0, "metadata \"k\" is not a string"},
      {R"({"__metadata__":{"k":{}}})", 0, "metadata \"k\" is not a string"},
      {R"({"__metadata__":"k"})", 0, "header byte 16: expected '{', not '\"'"},
      {R"({"__metadata__":)" + u8 + "}", 4, "metadata \"shape\" is not a string"},
      // Fields of another kind, or none.
      {R"({"a":1})", 0, "tensor \"a\": header byte 5: expected '{', not '1'"},
      {R"({"a":null})", 0, "tensor \"a\": header byte 5: expected '{', not 'n'"},
      {R"({"a":["U8",[4],[0,4]]})", 4, "tensor \"a\": header byte 5: expected '{', not '['"},
      {R"({"a":{"shape":[4],"data_offsets":[0,4]}})", 4, "tensor \"a\": no dtype"},
      {R"({"a":{"dtype":"U8","data_offsets":[0,4]}})", 4, "tensor \"a\": no shape"},
      {R"({"a":{"dtype":"U8","shape":[4]}})", 4,
       "tensor \"a\": data_offsets must be two numbers, not []"},
      {R"({"a":)" + entry("U8", "[4]", "[4]") + "}", 4,
       "tensor \"a\": data_offsets must be two numbers, not [4]"},
      {R"({"a":)" + entry("U8", "[4]", "[0,4,4]") + "}", 4,
       "tensor \"a\": data_offsets must be two numbers, not [0, 4, 4]"},
      {R"({"a":)" + entry("U8", "4", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 27: expected '[', not '4'"},
      {R"({"a":)" + entry("U8", "[[4]]", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 28: expected a non-negative integer, not '['"},
      {R"({"a":)" + entry("U8", "[\"4\"]", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 28: expected a non-negative integer, not '\"'"},
      // Numbers that are not sizes.
      {R"({"a":)" + entry("U8", "[-4]", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 28: not a non-negative integer below 2^64"},
      {R"({"a":)" + entry("U8", "[-0]", "[0,0]") + "}", 0,
       "tensor \"a\": header byte 28: not a non-negative integer below 2^64"},
      {R"({"a":)" + entry("U8", "[4.0]", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 28: not a non-negative integer below 2^64"},
      {R"({"a":)" + entry("U8", "[4e0]", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 28: not a non-negative integer below 2^64"},
      {R"({"a":)" + entry("U8", "[18446744073709551616]", "[0,4]") + "}", 4,
       "tensor \"a\": header byte 28: not a non-negative integer below 2^64"},
      {R"({"a":)" + entry("U8", "[18446744073709551615]", "[0,4]") + "}", 4,
       "tensor \"a\": extent 18446744073709551615 does not fit into 63 bits"},
      // Offsets.
      {R"({"a":)" + entry("U8", "[4]", "[4,0]") + "}", 4,
       "tensor \"a\": data_offsets [4, 0] are reversed"},
      {R"({"a":)" + entry("U8", "[5]", "[0,5]") + "}", 4,
       "tensor \"a\": data_offsets [0, 5] reach beyond the 4 bytes of data"},
      {R"({"a":)" + entry("U8", "[4]", "[18446744073709551611,18446744073709551615]") + "}", 4,
       "tensor \"a\": data_offsets [18446744073709551611, 18446744073709551615] reach beyond the 4 "
       "bytes of data"},
      {R"({"a":)" + u8 + R"(,"b":)" + entry("U8", "[4]", "[2,6]") + "}", 6,
       "tensor \"b\": data_offsets [2, 6] overlap the tensor before, which ends at 4"},
      {R"({"a":)" + u8 + R"(,"b":)" + u8 + "}", 4,
       "tensor \"b\": data_offsets [0, 4] overlap the tensor before, which ends at 4"},
      {R"({"a":)" + u8 + R"(,"none":)" + entry("U8", "[0]", "[2,2]") + "}", 4,
       "tensor \"none\": data_offsets [2, 2] overlap the tensor before, which ends at 4"},
      {R"({"a":)" + entry("U8", "[4]", "[1,5]") + "}", 5,
       "tensor \"a\": data_offsets [1, 5] leave a hole after byte 0"},
      {R"({"a":)" + u8 + R"(,"b":)" + entry("U8", "[1]", "[5,6]") + "}", 6,
       "tensor \"b\": data_offsets [5, 6] leave a hole after byte 4"},
      {R"({"a":)" + u8 + "}", 7, "no tensor holds the last 3 of 7 bytes of data"},
      {"{}", 1, "no tensor holds the last 1 of 1 bytes of data"},
      // Sizes.
      {R"({"conv1.weight":)" + entry("F32", "[2,2]", "[0,12]") + "}", 12,
       "tensor \"conv1.weight\": data_offsets [0, 12] hold 12 bytes, shape [2, 2] of F32 needs 16"},
      {R"({"a":)" + entry("F32", "[]", "[0,0]") + "}", 0,
       "tensor \"a\": data_offsets [0, 0] hold 0 bytes, shape [] of F32 needs 4"},
      {R"({"a":)" + entry("F32", "[0]", "[0,4]") + "}", 4,
       "tensor \"a\": data_offsets [0, 4] hold 4 bytes, shape [0] of F32 needs 0"},
      {R"({"a":)" + entry("U8", "[1,1,1,1,1,1,1,1,2]", "[0,1]") + "}", 1,
       "tensor \"a\": data_offsets [0, 1] hold 1 bytes, shape [1, 1, 1, 1, 1, 1, 1, 1, ... 9 in "
       "all] of U8 needs 2"},
      {R"({"a":)" + entry("F4", "[3]", "[0,2]") + "}", 2,
       "tensor \"a\": shape [3] of F4 is not a whole number of bytes"},
      // 2^32 x 2^32, which is 0 in 64 bits; and with a 0 that comes too late; and in bits only.
      {R"({"a":)" + entry("U8", "[4294967296,4294967296]", "[0,0]") + "}", 0,
       "tensor \"a\": shape [4294967296, 4294967296] of U8 overflows 64 bits"},
      {R"({"a":)" + entry("U8", "[4294967296,4294967296,0]", "[0,0]") + "}", 0,
       "tensor \"a\": shape [4294967296, 4294967296, 0] of U8 overflows 64 bits"},
      {R"({"a":)" + entry("F32", "[576460752303423488]", "[0,0]") + "}", 0,
       "tensor \"a\": shape [576460752303423488] of F32 overflows 64 bits"},
  };
  for (const Bad& bad : table) {
    INFO(bad.header);
    CHECK(file_refusal(file_of(bad.header, bad.data_bytes)) == "w: " + bad.message);
  }
}

TEST_CASE("a name in a message is short and printable") {
  CHECK(file_refusal(file_of(R"({"a\u0000\n\"b":1})")) ==
        R"(w: tensor "a\u0000\n\"b": header byte 16: expected '{', not '1')");
  const std::string message =
      file_refusal(file_of(text(R"({")", std::string(100'000, 'x'), R"(":1})")));
  CHECK(message.size() < 300);
  CHECK_THAT(message, Catch::Contains("xxx...\" (100000 bytes)"));
}

TEST_CASE("every truncation of a good file is refused") {
  const Bytes file = file_of(good_header, 22);
  for (std::size_t size = 0; size < file.size(); ++size) {
    // A copy of its own, so that reading past it is an error that a sanitizer sees.
    CHECK(file_refusal(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))) !=
          "");
  }
  CHECK(file_refusal(file) == "");
}

TEST_CASE("a damaged file is read or refused, and what is read lies within it") {
  const Bytes good = file_of(good_header, 22);
  std::mt19937 random(20);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes file = good;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      file[random() % file.size()] ^= static_cast<std::byte>(1U << random() % 8);
    }
    try {
      const Safetensors read = parse_safetensors(file, "w");
      for (const StoredTensor& tensor : read.tensors) {
        REQUIRE(tensor.bytes.data() >= file.data());
        REQUIRE(tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size());
      }
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 10'000);
}

TEST_CASE("nesting is limited to serde_json's 127 levels") {
  const auto nested = [](std::size_t levels, char open, char close) {
    std::string value(levels, open);
    if (open == '{') {
      value.clear();
      for (std::size_t i = 0; i < levels; ++i) value += i + 1 < levels ? "{\"\":" : "{";
    }
    return file_of(text(R"({"a":{"new":)", value, std::string(levels, close),
                        R"(,"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"));
  };
  CHECK(file_refusal(nested(125, '[', ']')) == "");
  CHECK(file_refusal(nested(126, '[', ']')) ==
        "w: tensor \"a\": header byte 137: nested more than 127 deep");
  CHECK(file_refusal(nested(125, '{', '}')) == "");
  CHECK(file_refusal(nested(126, '{', '}')) ==
        "w: tensor \"a\": header byte 512: nested more than 127 deep");
}

TEST_CASE("a hostile header costs little more than its length") {
  // Seconds of this process, for a build with sanitizers; what takes quadratic time takes hours.
  constexpr double limit = 60;
  const auto check = [&](const std::string& header, std::size_t data_bytes,
                         const std::string& message) {
    const std::clock_t start = std::clock();
    CHECK(file_refusal(file_of(header, data_bytes)) == message);
    CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < limit);
  };
  std::string names = "{", distinct = R"({"__metadata__":{"a":"")",
              same = R"({"__metadata__":{"a":"")";
  std::string shape = R"({"a":{"dtype":"U8","data_offsets":[0,1],"shape":[1)";
  for (int i = 0; i < 1'000'000; ++i) distinct += text(",\"", i, "\":\"\"");
  for (int i = 0; i < 100'000; ++i) {
    names += text(i > 0 ? ",\"" : "\"", i, "\":", entry("U8", "[0]", "[0,0]"));
    same += R"(,"a":"")";
    shape += ",1";
  }
  check(names + "}", 0, "");
  check(distinct + "}}", 0, "");
  check(same + "}}", 0, "w: header byte 24: duplicate key \"a\"");
  check(shape + "]}}", 1, "");
  check(R"({"a":{"new":)" + std::string(1'000'000, '['), 0,
        "w: tensor \"a\": header byte 137: nested more than 127 deep");
  check(R"({"a":{"shape":[)" + std::string(1'000'000, '9'), 0,
        "w: tensor \"a\": header byte 15: a number too large for a double");
}

TEST_CASE("F32, F16, BF16 and F64 become floats, aligned or not") {
  // 1, -2, 0.5 in each type, one byte off every alignment.
  const std::vector<float> expected = {1.0F, -2.0F, 0.5F};
  const double wide[] = {1.0, -2.0, 0.5};
  const std::uint16_t half[] = {0x3C00, 0xC000, 0x3800};
  const std::uint16_t bfloat[] = {0x3F80, 0xC000, 0x3F00};
  const auto check = [&](DType dtype, std::span<const std::byte> elements) {
    Bytes shifted(1);
    shifted.insert(shifted.end(), elements.begin(), elements.end());
    const StoredTensor stored{"t", dtype, {3, 1}, std::span(shifted).subspan(1)};
    const Tensor<float> tensor = to_float(stored);
    CHECK(tensor.shape() == Shape{3, 1});
    CHECK(std::vector<float>(tensor.begin(), tensor.end()) == expected);
    std::vector<float> into(3);
    to_float(stored, into);
    CHECK(into == expected);
  };
  check(DType::F32, std::as_bytes(std::span(expected)));
  check(DType::F64, std::as_bytes(std::span(wide)));
  check(DType::F16, std::as_bytes(std::span(half)));
  check(DType::BF16, std::as_bytes(std::span(bfloat)));
  CHECK(to_float({"t", DType::F32, {}, std::as_bytes(std::span(expected).first(1))}).size() == 1);
  CHECK(to_float({"t", DType::F16, {4, 0}, {}}).shape() == Shape{4, 0});
}

TEST_CASE("a tensor that cannot become floats says its name and why") {
  const Bytes bytes(8);
  std::vector<float> two(2);
  CHECK_THROWS_WITH(
      to_float({"ids", DType::I32, {2}, bytes}),
      "tensor \"ids\": weights of type I32 cannot be used; F32, F16, BF16 and F64 can");
  CHECK_THROWS_WITH(to_float({"w", DType::F32, {1, 1, 1, 1, 2}, bytes}),
                    "tensor \"w\": a shape has at most 4 extents, not 5");
  CHECK_THROWS_WITH(to_float({"w", DType::F16, {4}, bytes}, two),
                    "tensor \"w\": 8 bytes of F16 for 2 elements");
}

TEST_CASE("what is written is what the reference implementation writes") {
  // From its own tests: one tensor, and one whose header needs padding.
  const std::vector<float> values = {0, 1, 2, 3, 4, 5};
  Safetensors content;
  content.tensors.push_back({"attn.0", DType::F32, {1, 2, 3}, std::as_bytes(std::span(values))});
  const auto expected = [&](std::string_view length, std::string_view header) {
    Bytes file = bytes_of(text(length, std::string(7, '\0'), header));
    const auto data = std::as_bytes(std::span(values));
    file.insert(file.end(), data.begin(), data.end());
    return file;
  };
  CHECK(write_safetensors(content) ==
        expected("@", R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})"));
  content.tensors[0].name = "attn0";
  content.tensors[0].shape = {1, 1, 2, 3};
  CHECK(
      write_safetensors(content) ==
      expected("H", R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       )"));
  CHECK(write_safetensors({}) == bytes_of("\x08\0\0\0\0\0\0\0{}      "s));
  CHECK(write_safetensors({{}, {{"framework", "pt"}}}) ==
        bytes_of("\x28\0\0\0\0\0\0\0{\"__metadata__\":{\"framework\":\"pt\"}}     "s));
}

TEST_CASE("tensors are written widest type first, then by name") {
  const Bytes bytes(8);
  const auto tensor = [&](const char* name, DType dtype, std::size_t size) {
    return StoredTensor{name, dtype, {1}, std::span(bytes).first(size)};
  };
  const Bytes file = write_safetensors({{tensor("a", DType::U8, 1), tensor("d", DType::F32, 4),
                                         tensor("b", DType::F32, 4), tensor("c", DType::I64, 8)},
                                        {}});
  CHECK(contents(parse_safetensors(file, "w")) ==
        std::vector<std::string>{"c I64 [1] 8 bytes", "b F32 [1] 4 bytes", "d F32 [1] 4 bytes",
                                 "a U8 [1] 1 bytes"});
}

TEST_CASE("reading what was written gives the same, and writing that the same file") {
  const std::vector<float> values = {1.5F, -2.0F};
  const std::vector<std::uint16_t> halves = {1, 2, 3};
  Safetensors content;
  content.tensors = {
      {"a\"\\\n\x01\x7F\xC3\xA9", DType::F32, {2, 1}, std::as_bytes(std::span(values))},
      {"none", DType::F32, {3, 0}, {}},
      {"scalar", DType::F32, {}, std::as_bytes(std::span(values).first(1))},
      {"h", DType::F16, {3}, std::as_bytes(std::span(halves))}};
  content.metadata = {
      {"z", "line\nline\ttab \b\f\r \0 end"s}, {"a", "\xF0\x9F\x90\x88 \"quoted\" \\"}, {"", ""}};
  const Bytes file = write_safetensors(content);
  const Safetensors read = parse_safetensors(file, "w");
  CHECK(read.metadata == content.metadata);
  CHECK(contents(read) == contents(content));
  for (std::size_t i = 0; i < content.tensors.size(); ++i) {
    const std::span<const std::byte> before = content.tensors[i].bytes,
                                     after = read.tensors[i].bytes;
    CHECK(Bytes(after.begin(), after.end()) == Bytes(before.begin(), before.end()));
  }
  CHECK(write_safetensors(read) == file);
}

TEST_CASE("the data of a written file begins at a multiple of 8") {
  for (std::size_t length = 0; length < 9; ++length) {
    const Bytes bytes(4);
    const Bytes file =
        write_safetensors({{{std::string(length, 'x'), DType::F32, {1}, bytes}}, {}});
    CHECK(file.size() % 8 == 4);
  }
}

TEST_CASE("a file that no reader would take is not written") {
  const Bytes bytes(8);
  const auto refused = [](const Safetensors& content) {
    try {
      write_safetensors(content);
      return ""s;
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(refused({{{"w", DType::F32, {3}, bytes}}, {}}) ==
        "tensor \"w\": data_offsets [0, 8] hold 8 bytes, shape [3] of F32 needs 12");
  CHECK_THAT(refused({{{"w", DType::F32, {-2}, bytes}}, {}}),
             Catch::Contains("not a non-negative integer"));
  CHECK_THAT(refused({{{"w", DType::F32, {2}, bytes}, {"w", DType::U8, {8}, bytes}}, {}}),
             Catch::Contains("duplicate key \"w\""));
  CHECK_THAT(refused({{}, {{"k", "1"}, {"k", "2"}}}), Catch::Contains("duplicate key \"k\""));
  CHECK_THAT(refused({{{"__metadata__", DType::F32, {2}, bytes}}, {}}),
             Catch::Contains("not a string"));
  CHECK_THAT(refused({{}, {{"k", "\xFF"}}}), Catch::Contains("not UTF-8"));
  CHECK(refused({{}, {{"k", std::string(100'000'000, 'x')}}}) ==
        "the header is 100000032 bytes long, more than the limit of 100000000 (raise "
        "LoadLimits::header_bytes)");
}

TEST_CASE("a saved file is read from its mapping, and again after its pages were released") {
  const ScratchFolder folder;
  const std::string path = folder.path("w.safetensors");
  const std::vector<float> values = {1, 2, 3};
  save_safetensors(path, one_tensor(values));
  MappedFile first(path);
  const MappedFile file = std::move(first);
  CHECK(first.bytes().empty());
  const Safetensors read = parse_safetensors(file.bytes(), path);
  for (int i = 0; i < 2; ++i) {
    const Tensor<float> tensor = to_float(read.tensors.at(0));
    CHECK(std::vector<float>(tensor.begin(), tensor.end()) == values);
    file.release_pages();
  }
}

TEST_CASE("a file can be replaced by what is read from its own mapping") {
  const ScratchFolder folder;
  const std::string path = folder.path("w.safetensors");
  const std::vector<float> values = {1, 2, 3};
  save_safetensors(path, one_tensor(values));
  const MappedFile file(path);
  const Bytes before(file.bytes().begin(), file.bytes().end());
  save_safetensors(path, parse_safetensors(file.bytes(), path));
  const MappedFile again(path);
  CHECK(Bytes(again.bytes().begin(), again.bytes().end()) == before);
  CHECK(folder.names().size() == 1);
}

TEST_CASE("what cannot be mapped, or read, says its path and why") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH(MappedFile(folder.path("none")),
                    folder.path("none") + ": No such file or directory");
#ifdef CAMLITE_NO_MMAP
  CHECK_THROWS_WITH(MappedFile(folder.path()), folder.path() + ": Is a directory");
#else
  CHECK_THROWS_WITH(MappedFile(folder.path()), folder.path() + " is a directory");
  CHECK_THROWS_WITH(MappedFile("/dev/null"), "/dev/null is not a regular file");
#endif
  write_text(folder.path("file"), "");
  CHECK(MappedFile(folder.path("file")).bytes().empty());
  // Without a mapping, files are read in pieces of this size.
  for (const std::size_t size :
       {(std::size_t{1} << 20) - 1, std::size_t{1} << 20, std::size_t{3} << 20}) {
    const std::string text(size, 'x');
    write_text(folder.path("large"), text);
    const auto limit = static_cast<camlite::Index>(size);
    const MappedFile large(folder.path("large"), limit);
    CHECK(std::ranges::equal(large.bytes(), std::as_bytes(std::span(text))));
    CHECK_THROWS_WITH(MappedFile(folder.path("large"), limit - 1),
                      Catch::Contains("more than the limit of " + std::to_string(limit - 1)));
  }
  CHECK_THROWS_WITH(MappedFile(folder.path("file/x")), folder.path("file/x") + ": Not a directory");
  std::filesystem::permissions(folder.path("file"), std::filesystem::perms::none);
  if (!std::ifstream(folder.path("file"))) {  // not as root
    CHECK_THROWS_WITH(MappedFile(folder.path("file")), folder.path("file") + ": Permission denied");
  }
}

TEST_CASE("what cannot be saved says its path and why, and leaves nothing behind") {
  const std::vector<float> values(100'000, 1.0F);
  const Safetensors content = one_tensor(values);
  const ScratchFolder folder;
  CHECK_THROWS_WITH(save_safetensors(folder.path("none/w"), content),
                    folder.path("none/w") + ": cannot write: No such file or directory");
  CHECK_THROWS_WITH(save_safetensors(folder.path(), content),
                    folder.path() + ": cannot write: Is a directory");
  if (std::filesystem::exists("/dev/full")) {
    CHECK_THROWS_WITH(save_safetensors("/dev/full", content),
                      "/dev/full: cannot write: No space left on device");
    // So little that it is only written out by the closing.
    CHECK_THROWS_WITH(save_safetensors("/dev/full", {}),
                      "/dev/full: cannot write: No space left on device");
    CHECK(std::filesystem::is_character_file("/dev/full"));
  }
  CHECK_THROWS_WITH(
      save_safetensors(folder.path("w"), {{{"w", DType::F32, {3}, {}}}, {}}),
      folder.path("w") +
          ": tensor \"w\": data_offsets [0, 0] hold 0 bytes, shape [3] of F32 needs 12");
  CHECK(folder.names().empty());
}

TEST_CASE("a disk that gets full while saving leaves the file that was there") {
  const ScratchFolder folder;
  const std::string path = folder.path("w");
  const std::vector<float> small = {1, 2};
  save_safetensors(path, one_tensor(small));

  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct ::rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct ::rlimit tight = before;
  tight.rlim_cur = 1000;
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const std::vector<float> large(1000);
  const std::string message = refusal([&] { save_safetensors(path, one_tensor(large)); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  CHECK(message == path + ": cannot write: File too large");
  CHECK(folder.names().size() == 1);
  const MappedFile file(path);
  CHECK(parse_safetensors(file.bytes(), path).tensors.at(0).bytes.size() == 8);
}
