// The EXIF orientation of JPEG files: all eight, and data that is broken or lies.
#include <camlite/exif.hpp>
#include <camlite/image_io.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/results.hpp"

using camlite::exif_orientation;
using camlite::Image;
using camlite::Index;
using camlite::turned;
using camlite::test::Random;
using camlite::test::random_picture;

namespace {

using Bytes = std::vector<std::byte>;

// rgb.jpg has no EXIF data.
Bytes plain_jpeg() {
  std::ifstream file("tests/fixtures/pictures/rgb.jpg", std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  const auto* first = reinterpret_cast<const std::byte*>(chars.data());
  return {first, first + chars.size()};
}

void append(Bytes& bytes, unsigned value, int size, bool little) {
  for (int i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::byte>(value >> 8 * (little ? i : size - 1 - i)));
}

void append(Bytes& bytes, const std::string& text) {
  for (char c : text) bytes.push_back(static_cast<std::byte>(c));
}

struct Tag {
  unsigned tag = 0x0112, type = 3, count = 1, value = 1;
};

// A TIFF file of one directory, `gap` bytes behind the header.
Bytes tiff(const std::vector<Tag>& tags, bool little, unsigned gap = 0) {
  Bytes out;
  append(out, little ? "II" : "MM");
  append(out, 42, 2, little);
  append(out, 8 + gap, 4, little);
  out.resize(out.size() + gap);
  append(out, static_cast<unsigned>(tags.size()), 2, little);
  for (const Tag& tag : tags) {
    append(out, tag.tag, 2, little);
    append(out, tag.type, 2, little);
    append(out, tag.count, 4, little);
    const int size = tag.type == 3 ? 2 : 4;
    append(out, tag.value, size, little);
    append(out, 0, 4 - size, little);
  }
  append(out, 0, 4, little);
  return out;
}

Bytes segment(unsigned marker, const std::string& name, const Bytes& content) {
  Bytes out;
  append(out, 0xff00 + marker, 2, false);
  append(out, static_cast<unsigned>(2 + name.size() + content.size()), 2, false);
  append(out, name);
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

const std::string exif = std::string("Exif\0\0", 6);

// The JPEG with segments behind its first marker.
Bytes with(const Bytes& jpeg, const std::vector<Bytes>& segments) {
  Bytes out(jpeg.begin(), jpeg.begin() + 2);
  for (const Bytes& one : segments) out.insert(out.end(), one.begin(), one.end());
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

Bytes with_orientation(unsigned value, bool little = false) {
  return with(plain_jpeg(), {segment(0xe1, exif, tiff({{.value = value}}, little))});
}

// The table of the EXIF standard: on which side of the picture that people see the first stored row
// and the first stored column are.
enum class Side { top, bottom, left, right };
using enum Side;
constexpr std::array<std::pair<Side, Side>, 8> standard{{{top, left},
                                                         {top, right},
                                                         {bottom, right},
                                                         {bottom, left},
                                                         {left, top},
                                                         {right, top},
                                                         {right, bottom},
                                                         {left, bottom}}};

Image by_standard(const Image& stored, int orientation) {
  const auto [row_side, column_side] = standard[static_cast<std::size_t>(orientation - 1)];
  const bool sideways = row_side == left || row_side == right;
  Image out(sideways ? stored.height() : stored.width(),
            sideways ? stored.width() : stored.height());
  for (Index row = 0; row < stored.height(); ++row) {
    for (Index column = 0; column < stored.width(); ++column) {
      Index x = 0, y = 0;
      const auto away_from = [&](Side side, Index distance) {
        if (side == top) y = distance;
        if (side == bottom) y = out.height() - 1 - distance;
        if (side == left) x = distance;
        if (side == right) x = out.width() - 1 - distance;
      };
      away_from(row_side, row);
      away_from(column_side, column);
      std::copy_n(stored.pixel(column, row), 3, out.pixel(x, y));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("pictures are turned as the table of the EXIF standard says") {
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    const Image stored = random_picture(random, random.between(1, 100), random.between(1, 100));
    for (int orientation = 1; orientation <= 8; ++orientation) {
      CAPTURE(orientation, stored.width(), stored.height());
      CHECK(turned(stored, orientation) == by_standard(stored, orientation));
    }
  }
  CHECK(turned(Image(), 6) == Image());
  CHECK_THROWS_WITH(turned(Image(), 0), "turned: orientation is 1 to 8, not 0");
  CHECK_THROWS_WITH(turned(Image(), 9), "turned: orientation is 1 to 8, not 9");
}

TEST_CASE("a JPEG is read the way up that its EXIF data says, or as it is stored") {
  const Image stored = camlite::decode_image(plain_jpeg());
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (bool little : {false, true}) {
      CAPTURE(orientation, little);
      const Bytes file = with_orientation(static_cast<unsigned>(orientation), little);
      CHECK(exif_orientation(file) == orientation);
      CHECK(camlite::decode_image(file) == by_standard(stored, orientation));
      CHECK(camlite::decode_image(file, "file", {.upright = false}) == stored);
    }
  }
}

TEST_CASE("the orientation is found among other segments and other tags") {
  const Bytes jpeg = plain_jpeg();
  const Tag wanted{.value = 6}, width{.tag = 0x0100, .type = 4, .value = 8};
  for (bool little : {false, true}) {
    const Bytes data =
        tiff({width, {.tag = 0x010f, .type = 2, .count = 9, .value = 99}, wanted}, little, 13);
    const Bytes found = segment(0xe1, exif, data);
    CHECK(exif_orientation(with(jpeg, {found})) == 6);
    CHECK(exif_orientation(with(jpeg, {segment(0xe0, "JFIF", {}),
                                       segment(0xfe, "comment", {}),
                                       segment(0xe1, "http://ns.adobe.com/xap/1.0/", data),
                                       {std::byte{0xff}},
                                       found})) == 6);
    // The first one counts.
    const Bytes other = segment(0xe1, exif, tiff({{.value = 3}}, little));
    CHECK(exif_orientation(with(jpeg, {found, other})) == 6);
  }
  // What looks like it behind the start of the scan is picture.
  Bytes scan;
  append(scan, 0xffda, 2, false);
  append(scan, 2, 2, false);
  CHECK(exif_orientation(with(jpeg, {scan, segment(0xe1, exif, tiff({wanted}, true))})) == 1);
}

TEST_CASE("EXIF data that is broken or lies leaves the picture as it is stored") {
  const Bytes jpeg = plain_jpeg();
  const Image stored = camlite::decode_image(jpeg);
  CHECK(exif_orientation(jpeg) == 1);
  CHECK(exif_orientation({}) == 1);
  const auto ignored = [&](const Bytes& data) {
    const Bytes file = with(jpeg, {segment(0xe1, exif, data)});
    return exif_orientation(file) == 1 && camlite::decode_image(file) == stored;
  };
  for (bool little : {false, true}) {
    for (unsigned value : {0U, 9U, 255U, 0x0600U, 0xffffU})
      CHECK(ignored(tiff({{.value = value}}, little)));
    CHECK(ignored(tiff({{.type = 4, .value = 6}}, little)));
    CHECK(ignored(tiff({{.count = 0, .value = 6}}, little)));
    CHECK(ignored(tiff({{.count = 0xffffffff, .value = 6}}, little)));
    CHECK(ignored(tiff({}, little)));

    const Bytes good = tiff({{.tag = 0x0100}, {.value = 6}}, little);
    CHECK_FALSE(ignored(good));
    // An entry counts if all of it is there; behind the last one are four bytes.
    for (std::size_t size = 0; size < good.size() - 4; ++size)
      CHECK(ignored({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}));
    const auto changed = [&](std::size_t at, unsigned value, int size) {
      Bytes bytes, number;
      append(number, value, size, little);
      bytes = good;
      std::copy(number.begin(), number.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
      return bytes;
    };
    for (unsigned offset : {0U, 7U, 0x7fffffffU, 0xfffffff0U, 0xffffffffU})
      CHECK(ignored(changed(4, offset, 4)));
    CHECK(ignored(changed(2, 43, 2)));
    CHECK(ignored(changed(8, 1, 2)));             // one entry: not ours
    CHECK_FALSE(ignored(changed(8, 0xffff, 2)));  // more than there are
  }
  // Cut in a segment's length, or a segment longer than the file.
  const Bytes file = with_orientation(6);
  for (std::size_t size = 0; size < 24; ++size) {
    const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(exif_orientation(cut) == 1);
  }
}

TEST_CASE("changed bytes of EXIF data give one of the eight orientations") {
  std::mt19937 engine(2);
  const Bytes good = tiff({{.tag = 0x0100}, {.value = 6}, {.tag = 0x0200}}, true);
  for (int i = 0; i < 20000; ++i) {
    Bytes data(good.begin(),
               good.begin() + static_cast<std::ptrdiff_t>(engine() % (good.size() + 1)));
    for (unsigned n = engine() % 4; n > 0 && !data.empty(); --n)
      data[engine() % data.size()] = static_cast<std::byte>(engine() >> 24);
    // Of exactly this size, for the address sanitizer to watch its end.
    Bytes file;
    append(file, 0xffd8, 2, false);
    const Bytes found = segment(0xe1, exif, data);
    file.insert(file.end(), found.begin(), found.end());
    file.shrink_to_fit();
    const int orientation = exif_orientation(file);
    REQUIRE((orientation >= 1 && orientation <= 8));
  }
}
