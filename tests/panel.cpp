// Panels: every part of one is what it is when computed apart, and all else is white.
#include <camlite/panel.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <camlite/resize.hpp>
#include <catch2/catch.hpp>

#include "support/random.hpp"

using camlite::Box;
using camlite::Image;
using camlite::Index;
using camlite::PanelLayout;
using camlite::PanelRow;
using camlite::Shape;
using camlite::Tensor;
using camlite::Thumbnail;
using camlite::test::Random;

namespace {

constexpr camlite::Rgb white{255, 255, 255}, black{0, 0, 0};

Image noise(Random& random, Index width, Index height) {
  Image image(width, height);
  for (Index i = 0; i < image.size(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(random.between(0, 254));
  }
  return image;
}

Image blank(Index width, Index height) {
  Image image(width, height);
  camlite::fill_box(image, {0, 0, width, height}, white);
  return image;
}

bool inside(const Box& box, Index width, Index height) {
  return box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 &&
         box.x + box.width <= width && box.y + box.height <= height;
}

}  // namespace

TEST_CASE("a thumbnail's longer side is as asked, its boxes where they were") {
  CHECK(Thumbnail::whole(600, 400, 256) == Box{0, 0, 256, 171});
  CHECK(Thumbnail::whole(400, 600, 256) == Box{0, 0, 171, 256});
  CHECK(Thumbnail::whole(64, 64, 256) == Box{0, 0, 256, 256});
  CHECK(Thumbnail::whole(9000, 1, 256) == Box{0, 0, 256, 1});
  CHECK_THROWS_WITH(Thumbnail::whole(0, 5, 256), "thumbnail: of 256 pixels, of a picture of 0 x 5");

  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const Image picture = noise(random, random.between(1, 90), random.between(1, 90));
    const Index side = random.between(1, 120);
    const Index width = random.between(1, 300), height = random.between(1, 300);
    const Thumbnail thumbnail(picture, side, width, height);
    const Image& image = thumbnail.image();
    CHECK(std::max(image.width(), image.height()) == side);
    CHECK(image == camlite::resize(picture, image.width(), image.height()));
    Box box{random.between(0, width - 1), random.between(0, height - 1), 0, 0};
    box.width = random.between(1, width - box.x);
    box.height = random.between(1, height - box.y);
    const Box scaled = thumbnail.scaled(box);
    CHECK(inside(scaled, image.width(), image.height()));
    // Half a pixel from where it was; more where less than a pixel is made one.
    const auto check = [](Index first, Index count, Index from, Index to, Index begin, Index end) {
      const double scale = static_cast<double>(to) / static_cast<double>(from);
      const double off = scale * static_cast<double>(count) >= 1 ? 0.5 : 1.5;
      CHECK(std::abs(static_cast<double>(begin) - scale * static_cast<double>(first)) <= off);
      CHECK(std::abs(static_cast<double>(end) - scale * static_cast<double>(first + count)) <= off);
    };
    check(box.x, box.width, width, image.width(), scaled.x, scaled.x + scaled.width);
    check(box.y, box.height, height, image.height(), scaled.y, scaled.y + scaled.height);
    CHECK(thumbnail.scaled({0, 0, width, height}) == Box{0, 0, image.width(), image.height()});
  }
}

TEST_CASE("the parts of a panel are on it, and apart from each other") {
  Random random(2);
  for (int i = 0; i < 100; ++i) {
    const Index rows = random.between(1, 6), side = random.between(32, 600);
    const PanelLayout layout(random.between(1, 5000), random.between(1, 5000), rows,
                             {.side = side});
    std::vector<Box> parts;
    for (Index row = 0; row < rows; ++row) {
      parts.push_back(layout.words(row));
      for (Index column = 0; column < PanelLayout::columns; ++column) {
        parts.push_back(layout.picture(row, column));
        CHECK(std::max(parts.back().width, parts.back().height) == side);
      }
    }
    for (std::size_t a = 0; a < parts.size(); ++a) {
      CHECK(inside(parts[a], layout.width(), layout.height()));
      for (std::size_t b = 0; b < a; ++b) CHECK(camlite::common_pixels(parts[a], parts[b]) == 0);
    }
  }
}

TEST_CASE("a panel is picture, overlay and boxes, class by class, under their names") {
  Random random(3);
  for (const auto& [width, height] :
       {std::pair<Index, Index>{64, 48}, {40, 64}, {20, 13}, {150, 90}}) {
    const Image picture = noise(random, width, height);
    const Box view{width / 8, 0, width - width / 8, height};
    const Tensor<float> maps = random.tensor<float>({2, 5, 6});
    const std::vector<Box> boxes{{2, 3, width / 2, height / 2},
                                 {width / 3, 1, width / 3, height / 4}};
    const std::vector<PanelRow> rows{
        {{"n02124075 cat, \xC3\xA9", 0.5F}, maps.view()[0], boxes},
        {{std::string(100, 'w'), 0.25F}, maps.view()[1], {}},
    };
    const camlite::OverlayOptions look{.alpha = 0.7F, .colormap = camlite::Colormap::viridis};
    const Image seen = camlite::panel(picture, rows, view, {.side = 64, .overlay = look});

    const PanelLayout layout(width, height, 2, {.side = 64});
    const Box whole = Thumbnail::whole(width, height, 64);
    const Image small = camlite::resize(picture, whole.width, whole.height);
    const Thumbnail thumbnail(picture, 64);
    Image expected = blank(layout.width(), layout.height());
    for (Index row = 0; row < 2; ++row) {
      const auto draw = [&](Index column, const Image& part) {
        const Box at = layout.picture(row, column);
        camlite::draw_image(expected, at.x, at.y, part);
      };
      Image boxed = small;
      if (row == 0) {
        camlite::outline_box(boxed, thumbnail.scaled(boxes[1]), white, 1);
        camlite::outline_box(boxed, thumbnail.scaled(boxes[0]), white, layout.line_width());
      }
      draw(0, small);
      draw(1, camlite::overlay(small, maps.view()[row], thumbnail.scaled(view), look));
      draw(2, boxed);
      const Box words = layout.words(row);
      const auto most = static_cast<std::size_t>(words.width / 6);
      const std::string line =
          row == 0 ? "cat, \xC3\xA9 50.0 %" : std::string(most - 10, 'w') + "... 25.0 %";
      camlite::draw_text(expected, words.x, words.y, line, black);
    }
    CHECK(seen == expected);
    if (std::max(width, height) == 64) {  // its own size: the picture's own pixels
      const Box at = layout.picture(1, 2);
      CHECK(camlite::crop(seen, at) == picture);
      CHECK(camlite::crop(seen, layout.picture(0, 1)) ==
            camlite::overlay(picture, maps.view()[0], view, look));
    }
  }
}

TEST_CASE("panels of hostile labels, the smallest and the longest pictures") {
  Random random(4);
  const Tensor<float> map = random.tensor<float>({3, 3});
  for (const std::string& label : {std::string(), std::string(10240, '\xFF'),
                                   std::string("\x1B[2J\n\0", 6), std::string("a\xC3")}) {
    for (const auto& [width, height] : {std::pair<Index, Index>{1, 1}, {1, 3000}, {3000, 1}}) {
      const std::vector<PanelRow> rows{{{label, 0.5F}, map, {{0, 0, width, height}, {0, 0, 0, 0}}}};
      const Image seen = camlite::panel(noise(random, width, height), rows, {0, 0, width, height});
      const PanelLayout layout(width, height, 1);
      CHECK(seen.width() == layout.width());
      CHECK(seen.height() == layout.height());
    }
  }
}

TEST_CASE("panels that cannot be") {
  Random random(5);
  const Image picture = noise(random, 20, 10);
  const Tensor<float> map = random.tensor<float>({3, 3});
  const std::vector<PanelRow> rows{{{"cat", 0.5F}, map, {}}};
  CHECK_THROWS_WITH(camlite::panel(picture, {}, {0, 0, 20, 10}), "panel: there are no classes");
  CHECK_THROWS_WITH(camlite::panel(picture, rows, {0, 0, 20, 10}, {.side = 31}),
                    "panel: the side is 32 to 8192 pixels, not 31");
  CHECK_THROWS_WITH(camlite::panel(Image(), rows, {0, 0, 0, 0}),
                    "thumbnail: of 256 pixels, of a picture of 0 x 0");
  CHECK_THROWS_WITH(
      camlite::panel(picture, rows, {0, 0, 21, 10}),
      "thumbnail: a box of 21 x 10 pixels at (0, 0) is not inside of a picture of 20 x 10");
  CHECK_THROWS_WITH(camlite::panel(picture, rows, {3, 3, 0, 2}),
                    "thumbnail: a map over a view of no pixels");
  CHECK_THROWS_AS(camlite::panel(picture, rows, {0, 0, 20, 10}, {.overlay = {.alpha = 2}}),
                  camlite::Error);
}
