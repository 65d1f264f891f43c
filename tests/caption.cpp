// Captions: what they say, where they stand, and that they are inside of the picture.
#include <camlite/caption.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"

using camlite::Box;
using camlite::Caption;
using camlite::captioned;
using camlite::Image;
using camlite::Index;
using camlite::Rgb;
using camlite::test::Random;

namespace {

// No pixel of a caption has this colour.
Image gray(Index width, Index height) {
  Image image(width, height);
  camlite::fill_box(image, {0, 0, width, height}, {90, 100, 110});
  return image;
}

// The tightest box around the pixels that differ.
std::optional<Box> changed(const Image& before, const Image& after) {
  Index left = before.width(), right = 0, top = before.height(), bottom = 0;
  for (Index y = 0; y < before.height(); ++y) {
    for (Index x = 0; x < before.width(); ++x) {
      if (std::equal(before.pixel(x, y), before.pixel(x, y) + 3, after.pixel(x, y))) continue;
      left = std::min(left, x), right = std::max(right, x + 1);
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
    }
  }
  if (right == 0) return std::nullopt;
  return Box{left, top, right - left, bottom - top};
}

// The line on its black ground, `room` pixels from the left and half of that from the top.
Image line_on_black(const std::string& line, Index width, Index height, Index scale) {
  Image image(width, height);
  camlite::draw_text(image, 2 * scale, scale, line, {255, 255, 255}, scale);
  return image;
}

std::size_t characters(const std::string& text) {
  return camlite::detail::decode_utf8(text).size();
}

std::string many_words() {
  std::string words;
  for (int i = 0; i < 5000; ++i) words += "a ";
  return words;
}

const std::vector<std::string> hostile{"",
                                       " ",
                                       std::string(10240, 'w'),
                                       std::string(10240, '\xFF'),
                                       std::string(10240, ' '),
                                       many_words(),
                                       "\x1B[31m\r\n\t" + std::string(3, '\0'),
                                       "a\xC3",
                                       ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,",
                                       "n02123045 ",
                                       "n02123045",
                                       "\xF0\x9F\x90\x88 cat, \xE4\xB8\xAD\xE6\x96\x87"};

}  // namespace

TEST_CASE("labels are shortened after a synonym, without their WordNet id") {
  using camlite::short_label;
  CHECK(short_label("n07920052 espresso", 20) == "espresso");
  CHECK(short_label("espresso", 8) == "espresso");
  CHECK(short_label("espresso", 7) == "espr...");
  CHECK(short_label("n02124075 Egyptian cat, Felis domesticus", 20) == "Egyptian cat, ...");
  CHECK(short_label("Egyptian cat, Felis domesticus", 17) == "Egyptian cat, ...");
  CHECK(short_label("Egyptian cat, Felis domesticus", 16) == "Egyptian cat,...");
  CHECK(short_label("tabby, tabby cat, Felis", 21) == "tabby, tabby cat, ...");
  CHECK(short_label("tabby, tabby cat, Felis", 20) == "tabby, ...");
  CHECK(short_label("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 4) == "\xC3\xA9...");
  CHECK(short_label("espresso", 2) == "..");
  CHECK(short_label("espresso", 0).empty());
  CHECK(short_label("n07920052", 20) == "n07920052");
  CHECK(short_label("n0792005x espresso", 20) == "n0792005x espresso");
}

TEST_CASE("probabilities are read as per cent") {
  CHECK(camlite::percent(0.846F) == "84.6 %");
  CHECK(camlite::percent(0.05F) == "5.0 %");
  CHECK(camlite::percent(1) == "100 %");
  CHECK(camlite::percent(0.9994F) == "99.9 %");
  CHECK(camlite::percent(0.9996F) == "100 %");
  CHECK(camlite::percent(0.0001F) == "<0.1 %");
  CHECK(camlite::percent(0) == "0.0 %");
  CHECK(camlite::percent(std::numeric_limits<float>::quiet_NaN()) == "?");
  CHECK(camlite::percent(-1) == "?");
  CHECK(camlite::percent(std::numeric_limits<float>::infinity()) == "?");
}

TEST_CASE("a caption's line has label and probability, as long as there is room") {
  using camlite::caption_line;
  const Caption cat{"n02124075 Egyptian cat, Felis domesticus", 0.846F};
  CHECK(caption_line(cat, 80) == "Egyptian cat, Felis domesticus 84.6 %");
  CHECK(caption_line(cat, 30) == "Egyptian cat, ... 84.6 %");
  CHECK(caption_line(cat, 12) == "Eg... 84.6 %");
  CHECK(caption_line(cat, 11) == "Egyptian...");
  CHECK(caption_line({"", 0.5F}, 80) == "50.0 %");
  for (const std::string& label : hostile) {
    for (std::size_t most = 0; most < 50; ++most) {
      CHECK(characters(caption_line({label, 0.5F}, most)) <= most);
    }
  }
}

TEST_CASE("the caption is above its box, else below, else in it") {
  const Image before = gray(600, 400);  // text twice as large: a tag is 30 pixels high
  const std::string line = "espresso 84.6 %";
  const Index width = 15 * 12 + 8, height = 30;
  const auto tag = [&](const std::optional<Box>& box) {
    const Image after = captioned(before, {"n07920052 espresso", 0.846F}, box);
    REQUIRE(after.width() == 600);
    REQUIRE(after.height() == 400);
    const std::optional<Box> where = changed(before, after);
    REQUIRE(where);
    CHECK(camlite::crop(after, *where) == line_on_black(line, width, height, 2));
    return *where;
  };
  CHECK(tag(Box{100, 50, 300, 200}) == Box{100, 20, width, height});
  CHECK(tag(Box{100, 30, 300, 200}) == Box{100, 0, width, height});
  CHECK(tag(Box{100, 29, 300, 200}) == Box{100, 229, width, height});
  CHECK(tag(Box{100, 0, 300, 370}) == Box{100, 370, width, height});
  CHECK(tag(Box{100, 5, 300, 370}) == Box{100, 5, width, height});
  CHECK(tag(Box{550, 50, 50, 200}) == Box{600 - width, 20, width, height});
  CHECK(tag(std::nullopt) == Box{0, 0, width, height});
}

TEST_CASE("captions stay inside of pictures of every size, and off the box where there is room") {
  Random random(9);
  for (int i = 0; i < 400; ++i) {
    const Image before = gray(random.between(128, 420), random.between(128, 420));
    Box box{random.between(0, before.width() - 1), random.between(0, before.height() - 1), 0, 0};
    box.width = random.between(1, before.width() - box.x);
    box.height = random.between(1, before.height() - box.y);
    const std::string label(static_cast<std::size_t>(random.between(0, 90)), 'm');
    const Image after = captioned(before, {label, 0.123F}, box);
    REQUIRE(after.width() == before.width());
    REQUIRE(after.height() == before.height());
    const std::optional<Box> where = changed(before, after);
    REQUIRE(where);
    const Index height = 15 * camlite::text_scale(before.width(), before.height());
    CHECK(where->height == height);
    const bool room = box.y >= height || before.height() - box.y - box.height >= height;
    CHECK((camlite::common_pixels(*where, box) == 0) == room);
    CHECK(where->x <= box.x);
  }
}

TEST_CASE("small pictures get their caption on a strip below, of up to three lines") {
  const auto strip = [](const Image& before, const std::string& label) {
    const Image after = captioned(before, {label, 0.846F}, Box{1, 1, 9, 9});
    REQUIRE(after.width() == before.width());
    REQUIRE(after.height() > before.height());
    CHECK(camlite::crop(after, {0, 0, before.width(), before.height()}) == before);
    return camlite::crop(after,
                         {0, before.height(), before.width(), after.height() - before.height()});
  };
  CHECK(strip(gray(100, 127), "cat") == line_on_black("cat 84.6 %", 100, 15, 1));
  CHECK(strip(gray(1000, 30), "cat") == line_on_black("cat 84.6 %", 1000, 15, 1));
  // 64 pixels have room for ten characters.
  const auto check = [&](const std::string& label, const std::vector<std::string>& lines) {
    INFO(label);
    const Image below = strip(gray(64, 64), label);
    REQUIRE(below.height() == 15 * static_cast<Index>(lines.size()));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      CHECK(camlite::crop(below, {0, 15 * static_cast<Index>(i), 64, 15}) ==
            line_on_black(lines[i], 64, 15, 1));
    }
  };
  check("n1 cat", {"n1 cat", "84.6 %"});
  check("ox", {"ox 84.6 %"});
  check("n01443537 goldfish, Carassius auratus", {"goldfish", "84.6 %"});
  check("ox, Bos taurus", {"ox 84.6 %"});
  check("n02124075 Egyptian cat", {"Egyptian", "cat 84.6 %"});
  check("Persian kitten", {"Persian", "kitten", "84.6 %"});
  check("water jug of the king", {"water jug", "of the ...", "84.6 %"});
  check("extraordinarily long", {"extraor...", "long", "84.6 %"});
  check("", {"84.6 %"});
  CHECK(captioned(gray(39, 64), {"cat", 0.5F}, Box{1, 1, 9, 9}) == gray(39, 64));
  CHECK(captioned(Image(), {"cat", 0.5F}) == Image());
}

TEST_CASE("hostile labels on pictures of every size") {
  for (const std::string& label : hostile) {
    for (const auto& [width, height] : {std::pair<Index, Index>{1, 1},
                                        {1, 900},
                                        {900, 1},
                                        {40, 30},
                                        {41, 500},
                                        {127, 127},
                                        {128, 128},
                                        {128, 2000},
                                        {500, 300}}) {
      const Image before = gray(width, height);
      for (const std::optional<Box>& box :
           {std::optional<Box>(), std::optional(Box{0, 0, width, height}),
            std::optional(Box{width - 1, height - 1, 1, 1})}) {
        const Image after = captioned(before, {label, 0.5F}, box);
        CHECK(after.width() == width);
        CHECK(after.height() >= height);
        CHECK(after.height() <= height + 45);
      }
    }
  }
}
