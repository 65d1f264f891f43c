#include "npy.hpp"

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <camlite/model/text.hpp>

#include "words.hpp"

namespace camlite::tool {

namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Header {
  std::string_view type;
  bool fortran_order = false;
  std::vector<Index> shape;
};

// Reads the dictionary of a header, a Python literal:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 8, 8), }
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  Header header() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !type_) {
        type_ = type();
      } else if (key == "fortran_order" && !fortran_order_) {
        fortran_order_ = boolean();
      } else if (key == "shape" && !shape_) {
        shape_ = tuple();
      } else {
        fail("the header has '", key, "' twice, or that does not belong there");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (!rest_.empty()) fail("the header does not end with its dictionary");
    if (!type_ || !fortran_order_ || !shape_)
      fail("the header needs descr, fortran_order and shape");
    return {*type_, *fortran_order_, std::move(*shape_)};
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
  }

  bool accept(char sign) {
    skip_blanks();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char sign) {
    if (accept(sign)) return;
    const std::string_view found = rest_.substr(0, 20);
    fail("a '", sign, "' is missing in the header",
         found.empty() ? std::string(" at its end") : text(" before \"", found, "\""));
  }

  std::string_view string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const std::size_t end = rest_.find(quote);
    if (end == rest_.npos) fail("a string in the header has no end");
    const std::string_view content = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return content;
  }

  std::string_view type() {
    skip_blanks();
    if (rest_.starts_with('[')) fail("a structured array; float32 is needed");
    return string();
  }

  bool boolean() {
    skip_blanks();
    for (bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    fail("fortran_order must be True or False");
  }

  std::vector<Index> tuple() {
    std::vector<Index> extents;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      extents.push_back(detail::parse_number<Index>(rest_.substr(0, digits), "an extent"));
      rest_.remove_prefix(digits);
      if (extents.size() > Shape::max_rank) {
        fail("an array of more than ", Shape::max_rank, " extents");
      }
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return extents;
  }

  std::string_view rest_;
  std::optional<std::string_view> type_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<Index>> shape_;
};

// Whether the elements are float64. Throws Error if that is not allowed, or they are something
// else.
bool is_double(std::string_view type, NpyReader::Elements allowed) {
  if (type == "<f4" || type == "=f4") return false;
  if (allowed == NpyReader::Elements::float32_or_float64 && (type == "<f8" || type == "=f8"))
    return true;
  if (type == ">f4") {
    fail("big-endian float32; save it with numpy.save(path, array.astype('<f4'))");
  }
  const std::string_view name = type == "<f8" || type == ">f8"   ? "float64"
                                : type == "<f2" || type == ">f2" ? "float16"
                                                                 : "elements";
  fail(name, " of type '", type,
       "'; float32 is needed: save it with numpy.save(path, array.astype('float32'))");
}

}  // namespace

NpyReader::NpyReader(const std::string& path, Elements allowed) : file_(path) {
  try {
    const std::span<const std::byte> bytes = file_.bytes();
    const std::string_view all = as_text(bytes);
    if (!all.starts_with(magic)) {
      fail(all.empty() ? "empty: no array in 0 bytes" : "not a .npy file");
    }
    if (all.size() < magic.size() + 2) fail("truncated after ", all.size(), " bytes");
    const int version = std::to_integer<int>(bytes[magic.size()]);
    if (version < 1 || version > 3) fail("version ", version, " of the format; 1 to 3 are read");
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    const std::size_t start = magic.size() + 2 + length_bytes;
    if (all.size() < start) fail("truncated after ", all.size(), " bytes");
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) {
      length |= std::to_integer<std::size_t>(bytes[magic.size() + 2 + i]) << (8 * i);
    }
    if (length > all.size() - start) {
      fail("truncated: a header of ", length, " bytes reaches beyond the file's ", all.size());
    }
    const Header header = HeaderReader(all.substr(start, length)).header();
    is_float64_ = is_double(header.type, allowed);
    if (header.fortran_order && header.shape.size() > 1) {
      fail("Fortran order; save it with numpy.save(path, numpy.ascontiguousarray(array))");
    }
    shape_ = Shape(header.shape);
    values_ = bytes.subspan(start + length);
    const Index needed = checked_product(shape_.size(), static_cast<Index>(element()));
    if (std::ssize(values_) != needed) {
      fail(std::ssize(values_) < needed ? "truncated: " : "", "shape ", shape_.str(), " needs ",
           needed, " bytes of values, there are ", values_.size());
    }
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
}

void NpyReader::copy(Index first, std::span<std::byte> out) const {
  if (out.empty()) return;
  const std::byte* from = values_.data() + static_cast<std::size_t>(first) * element();
  std::memcpy(out.data(), from, out.size());
}

NpyWriter::NpyWriter(const std::string& path, const Shape& shape) : file_(path) {
  // Values start at a multiple of 64, as NumPy writes it.
  constexpr std::size_t granule = 64, before = magic.size() + 4;
  std::string header =
      text("{'descr': '<f4', 'fortran_order': False, 'shape': ", shape.str(), ", }");
  while ((before + header.size() + 1) % granule != 0) header += ' ';
  header += '\n';
  const char version_and_length[] = {1, 0, static_cast<char>(header.size() & 0xFF),
                                     static_cast<char>(header.size() >> 8)};
  header = std::string(magic) + std::string(version_and_length, 4) + header;
  file_.write(std::as_bytes(std::span<const char>(header)));
}

void NpyWriter::append(TensorView<const float> values) {
  file_.write(std::as_bytes(std::span<const float>(values.begin(), values.end())));
}

}  // namespace camlite::tool
