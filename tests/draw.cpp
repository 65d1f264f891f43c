// Boxes, pictures and text drawn on pictures.
#include <camlite/draw.hpp>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <camlite/model/json_text.hpp>
#include <camlite/text.hpp>
#include <catch2/catch.hpp>

#include "support/random.hpp"

using camlite::Box;
using camlite::Image;
using camlite::Index;
using camlite::Rgb;
using camlite::test::Random;

namespace {

constexpr Rgb green{0, 255, 0};

Rgb color_at(const Image& image, Index x, Index y) {
  const std::uint8_t* pixel = image.pixel(x, y);
  return {pixel[0], pixel[1], pixel[2]};
}

Image noise(Random& random, Index width, Index height) {
  Image image(width, height);
  for (Index i = 0; i < image.size(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(random.between(0, 255));
  }
  return image;
}

// draw(canvas, x, y) at (x, y) of the picture is what it is well inside of a larger one, cut.
template <class Draw>
Image drawn_on_larger(const Image& image, Index x, Index y, Index border, const Draw& draw) {
  Image larger(image.width() + 2 * border, image.height() + 2 * border);
  for (Index row = 0; row < image.height(); ++row) {
    std::copy_n(image.pixel(0, row), 3 * image.width(), larger.pixel(border, border + row));
  }
  draw(larger, x + border, y + border);
  return camlite::crop(larger, {border, border, image.width(), image.height()});
}

// Rows of '.' and '#', for each code point of the face.
std::map<char32_t, std::vector<std::string>> face_of_freetype() {
  std::ifstream file("tests/fixtures/face.txt");
  std::map<char32_t, std::vector<std::string>> face;
  std::string code;
  while (file >> code) {
    std::vector<std::string> rows(13);
    for (std::string& row : rows) file >> row;
    REQUIRE(file);
    face[static_cast<char32_t>(std::stoul(code, nullptr, 16))] = rows;
  }
  return face;
}

std::string utf8(char32_t code) {
  std::string out;
  camlite::detail::append_utf8(out, code);
  return out;
}

// Text as rows of '.' and '#'.
std::vector<std::string> rows_of(const std::string& text, Index scale = 1) {
  Image image(camlite::text_width(text, scale), camlite::text_height(scale));
  camlite::draw_text(image, 0, 0, text, green, scale);
  std::vector<std::string> rows;
  for (Index y = 0; y < image.height(); ++y) {
    rows.emplace_back();
    for (Index x = 0; x < image.width(); ++x) {
      const Rgb color = color_at(image, x, y);
      REQUIRE((color == green || color == Rgb()));
      rows.back() += color == green ? '#' : '.';
    }
  }
  return rows;
}

// A glyph enlarged: every pixel a block, and, where two pixels touch at a corner only, a triangle
// in each of the other two blocks at that corner.
std::vector<std::string> enlarged(const std::vector<std::string>& glyph, Index scale) {
  const auto height = static_cast<Index>(glyph.size());
  const auto width = static_cast<Index>(glyph[0].size());
  const auto at = [](auto& rows, Index x, Index y) -> auto& {
    return rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)];
  };
  std::vector<std::string> out(static_cast<std::size_t>(scale * height),
                               std::string(static_cast<std::size_t>(scale * width), '.'));
  for (Index y = 0; y < scale * height; ++y) {
    for (Index x = 0; x < scale * width; ++x) at(out, x, y) = at(glyph, x / scale, y / scale);
  }
  for (Index y = 1; y < height; ++y) {
    for (Index x = 1; x < width; ++x) {
      const bool a = at(glyph, x - 1, y - 1) == '#', b = at(glyph, x, y - 1) == '#';
      const bool c = at(glyph, x - 1, y) == '#', d = at(glyph, x, y) == '#';
      if (a != d || b != c || a == b) continue;
      for (Index i = 0; i < scale / 2; ++i) {
        for (Index j = 0; i + j < scale / 2; ++j) {
          at(out, scale * x + i, scale * y - 1 - j) = '#';
          at(out, scale * x - 1 - i, scale * y + j) = '#';
          at(out, scale * x + i, scale * y + j) = '#';
          at(out, scale * x - 1 - i, scale * y - 1 - j) = '#';
        }
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("draw_box paints the outermost pixels of the box, as far as they are in the picture") {
  Random random(4);
  for (int i = 0; i < 300; ++i) {
    Image image(12, 10);
    const Box box{random.between(-6, 12), random.between(-6, 10), random.between(0, 15),
                  random.between(0, 15)};
    const Index thickness = random.between(1, 4);
    camlite::draw_box(image, box, green, thickness);
    bool right = true;
    for (Index y = 0; y < 10; ++y) {
      for (Index x = 0; x < 12; ++x) {
        // How many pixels lie between this one and the nearest outside of the box.
        const Index depth =
            std::min({x - box.x, y - box.y, box.x + box.width - 1 - x, box.y + box.height - 1 - y});
        right &= color_at(image, x, y) == (depth >= 0 && depth < thickness ? green : Rgb{0, 0, 0});
      }
    }
    INFO(box.x << " " << box.y << " " << box.width << " " << box.height << ", " << thickness);
    CHECK(right);
  }
  Image image(3, 3);
  CHECK_THROWS_WITH(camlite::draw_box(image, {0, 0, 3, 3}, green, 0),
                    "draw_box: a line 0 pixels thick");
  CHECK_THROWS_WITH(camlite::outline_box(image, {0, 0, 2, 3}, green, 0),
                    "outline_box: a line 0 pixels thick");
}

TEST_CASE("an outline is a line between two black ones, all inside of the box") {
  for (const auto& [thickness, edge] : {std::pair<Index, Index>{1, 1}, {3, 1}, {8, 2}, {20, 5}}) {
    Random random(5);
    const Image before = noise(random, 90, 80);
    Image image = before;
    const Box box{7, 9, 75, 66};
    camlite::outline_box(image, box, green, thickness);
    bool right = true;
    for (Index y = 0; y < image.height(); ++y) {
      for (Index x = 0; x < image.width(); ++x) {
        const Index depth = std::min({x - 7, y - 9, 7 + 75 - 1 - x, 9 + 66 - 1 - y});
        const bool outside = depth < 0 || depth >= thickness + 2 * edge;
        const bool line = depth >= edge && depth < edge + thickness;
        right &= color_at(image, x, y) == (outside ? color_at(before, x, y)
                                           : line  ? green
                                                   : Rgb{0, 0, 0});
      }
    }
    INFO(thickness);
    CHECK(right);
  }
}

TEST_CASE("outlines of boxes of every size, as thick as suits the picture") {
  CHECK(camlite::line_width(40, 30) == 1);
  CHECK(camlite::line_width(600, 400) == 2);
  CHECK(camlite::line_width(3000, 4000) == 20);
  // However small the box, only its own pixels change.
  for (Index width = 0; width < 6; ++width) {
    for (Index height = 0; height < 6; ++height) {
      Image image(10, 10);
      camlite::fill_box(image, {0, 0, 10, 10}, green);
      camlite::outline_box(image, {2, 3, width, height});
      Index changed = 0;
      for (Index y = 0; y < 10; ++y) {
        for (Index x = 0; x < 10; ++x) {
          const bool inside = x >= 2 && x < 2 + width && y >= 3 && y < 3 + height;
          if (!inside) CHECK(color_at(image, x, y) == green);
          changed += color_at(image, x, y) != green;
        }
      }
      CHECK(changed == width * height);
    }
  }
}

TEST_CASE("fill_box and draw_image leave out what is outside") {
  Random random(6);
  for (int i = 0; i < 2000; ++i) {
    const Image before = noise(random, random.between(1, 9), random.between(1, 9));
    const Image other = noise(random, random.between(0, 12), random.between(0, 12));
    const Index x = random.between(-13, 10), y = random.between(-13, 10);
    const auto paste = [&](Image& on, Index at_x, Index at_y) {
      camlite::draw_image(on, at_x, at_y, other);
    };
    const auto fill = [&](Image& on, Index at_x, Index at_y) {
      camlite::fill_box(on, {at_x, at_y, other.width(), other.height()}, green);
    };
    Image pasted = before, filled = before;
    paste(pasted, x, y);
    fill(filled, x, y);
    REQUIRE(pasted == drawn_on_larger(before, x, y, 30, paste));
    REQUIRE(filled == drawn_on_larger(before, x, y, 30, fill));
  }
  Image image(20, 20);
  const Image other = noise(random, 5, 4);
  camlite::draw_image(image, 3, 7, other);
  CHECK(camlite::crop(image, {3, 7, 5, 4}) == other);
}

TEST_CASE("every glyph is as FreeType reads it from X.Org's file") {
  const auto face = face_of_freetype();
  REQUIRE(face.size() == 95 + 95);
  for (const auto& [code, rows] : face) {
    INFO("U+" << std::hex << static_cast<std::uint32_t>(code));
    CHECK(rows_of(utf8(code)) == rows);
    for (const Index scale : {2, 3, 4, 7})
      CHECK(rows_of(utf8(code), scale) == enlarged(rows, scale));
  }
}

TEST_CASE("an A, and its slopes smoothed when it is twice as large") {
  CHECK(rows_of("A") == std::vector<std::string>{"......", "......", "..#...", ".#.#..", "#...#.",
                                                 "#...#.", "#...#.", "#####.", "#...#.", "#...#.",
                                                 "#...#.", "......", "......"});
  const std::vector<std::string> larger = rows_of("A", 2);
  CHECK(std::vector<std::string>(larger.begin() + 4, larger.begin() + 10) ==
        std::vector<std::string>{"....##......",  //
                                 "...####.....",  //
                                 "..######....",  //
                                 ".###..###...",  //
                                 "###....###..",  //
                                 "##......##.."});
}

TEST_CASE("characters stand side by side, each in a cell of its own") {
  const std::string text = "\xC3\x86on: 84.6 %";  // begins with the letter AE
  const auto rows = rows_of(text);
  const auto face = face_of_freetype();
  const std::u32string codes = U"\u00C6on: 84.6 %";
  REQUIRE(rows[0].size() == 6 * codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    for (std::size_t y = 0; y < 13; ++y) CHECK(rows[y].substr(6 * i, 6) == face.at(codes[i])[y]);
  }
}

TEST_CASE("what the face lacks is an empty frame, and typographic signs are those of ASCII") {
  const std::vector<std::string> frame = rows_of("\xE4\xB8\xAD");  // U+4E2D
  CHECK(frame[2] == "#####.");
  CHECK(frame[6] == "#...#.");
  for (const char* lacking :
       {"\n", "\t", "\x1B", "\x7F", "\xC2\x9F", "\xC4\x80", "\xF0\x9F\x90\x88"}) {
    CHECK(rows_of(lacking) == frame);
  }
  CHECK(rows_of(std::string(1, '\0')) == frame);
  CHECK(rows_of("\xE2\x80\x99") == rows_of("'"));
  CHECK(rows_of("\xE2\x80\x9C") == rows_of("\""));
  CHECK(rows_of("\xE2\x80\x93") == rows_of("-"));
}

TEST_CASE("bytes that are not UTF-8 are one frame each") {
  const auto decoded = [](const std::string& bytes) { return camlite::detail::decode_utf8(bytes); };
  CHECK(decoded("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x88z") == U"a\u00E9\u20AC\U0001F408z");
  CHECK(decoded("").empty());
  CHECK(decoded("\xFF") == U"\uFFFD");
  CHECK(decoded("a\xC3") == U"a\uFFFD");
  CHECK(decoded("a\xE2\x82z") == U"a\uFFFD\uFFFDz");
  CHECK(decoded("\xC0\x80") == U"\uFFFD\uFFFD");            // overlong
  CHECK(decoded("\xED\xA0\x80") == U"\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(decoded("\xF4\x90\x80\x80").size() == 4);           // above U+10FFFF
  CHECK(decoded("\xC3\xA9\x80\xC3\xA9") == U"\u00E9\uFFFD\u00E9");
  // What was encoded comes back, and random bytes never give more characters than bytes.
  Random random(7);
  for (int i = 0; i < 3000; ++i) {
    std::u32string codes;
    std::string bytes, junk;
    for (Index n = random.between(0, 20); n > 0; --n) {
      auto code = static_cast<char32_t>(random.between(0, random.between(0, 1) ? 0x2FF : 0x10FFFF));
      if (code >= 0xD800 && code < 0xE000) code -= 0x800;
      codes += code;
      bytes += utf8(code);
      junk += static_cast<char>(random.between(-128, 127));
    }
    REQUIRE(decoded(bytes) == codes);
    REQUIRE(decoded(junk).size() <= junk.size());
  }
}

TEST_CASE("text is cut at the picture's borders wherever it stands") {
  Random random(8);
  for (int i = 0; i < 3000; ++i) {
    const Image before = noise(random, random.between(1, 30), random.between(1, 30));
    const Index scale = random.between(1, 4);
    const std::string text =
        std::string("Wg\xC3\x96\xFF{|}~").substr(0, static_cast<std::size_t>(random.between(0, 9)));
    const auto write = [&](Image& on, Index x, Index y) {
      camlite::draw_text(on, x, y, text, green, scale);
    };
    const Index x = random.between(-camlite::text_width(text, scale) - 3, before.width() + 3);
    const Index y = random.between(-camlite::text_height(scale) - 3, before.height() + 3);
    Image image = before;
    write(image, x, y);
    INFO(text << " at " << x << ", " << y << " x " << scale);
    REQUIRE(image == drawn_on_larger(before, x, y, 260, write));
  }
  Image image(5, 5);
  camlite::draw_text(image, -1000000000000, -1000000000000, "far away", green, 4096);
  camlite::draw_text(image, 1000000000000, 1000000000000, "far away", green, 4096);
  CHECK(image == Image(5, 5));
  Image nothing;
  camlite::draw_text(nothing, 0, 0, "text", green);
  CHECK_THROWS_WITH(camlite::draw_text(image, 0, 0, "a", green, 0),
                    "text: the scale is 1 to 4096, not 0");
  CHECK_THROWS_AS(camlite::text_width("a", 5000), camlite::Error);
}

TEST_CASE("text grows with the picture") {
  CHECK(camlite::text_scale(64, 64) == 1);
  CHECK(camlite::text_scale(224, 224) == 1);
  CHECK(camlite::text_scale(600, 400) == 2);
  CHECK(camlite::text_scale(4000, 3000) == 14);
  CHECK(camlite::text_scale(0, 0) == 1);
}
