// captioned: a picture with the name of a class and its probability written on it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/draw.hpp>
#include <camlite/image.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/text.hpp>
#include <camlite/tensor.hpp>
#include <camlite/text.hpp>

namespace camlite {

// What is written on a picture: a class and its probability, 0 to 1.
struct Caption {
  std::string label;  // UTF-8, one line
  float probability = 0;
};

// A label in at most `most` characters. A longer one ends in "...", after a comma if there is one,
// since labels are lists of synonyms: "tabby, tabby cat" in 14 is "tabby, ...". Its WordNet id
// ("n02123045 tabby") is left out. Bytes that are not UTF-8 become U+FFFD where the label is cut.
inline std::string short_label(std::string_view label, std::size_t most) {
  std::string_view name = label;
  if (detail::is_wordnet_id(detail::next_piece(name, ' ')) && !name.empty()) label = name;
  std::u32string characters = detail::decode_utf8(label);
  if (characters.size() <= most) return std::string(label);
  constexpr std::u32string_view dots = U"...", more = U", ...";
  const auto cut = [&](std::size_t kept, std::u32string_view end) {
    characters.replace(kept, characters.npos, end.substr(0, most - kept));
  };
  const std::size_t comma = most < more.size() ? 0 : characters.rfind(U',', most - more.size());
  if (comma != 0 && comma != characters.npos) {
    cut(comma, more);
  } else {
    cut(most - std::min(most, dots.size()), dots);
  }
  std::string out;
  for (char32_t code : characters) detail::append_utf8(out, code);
  return out;
}

// A probability as people read it: "84.6 %", "100 %", "<0.1 %"; at most 6 characters. "?" unless it
// is 0 to 1.
inline std::string percent(float probability) {
  if (!(probability >= 0 && probability <= 1)) return "?";
  const long tenths = std::lround(1000 * static_cast<double>(probability));
  if (tenths == 1000) return "100 %";
  if (tenths == 0 && probability > 0) return "<0.1 %";
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " %";
}

// "espresso 84.6 %", the label shortened so that there are at most `most` characters. Where fewer
// than 12 fit, the probability is left out.
inline std::string caption_line(const Caption& caption, std::size_t most) {
  const std::string value = percent(caption.probability);
  if (most < 12) return short_label(caption.label, most);
  const std::string label = short_label(caption.label, most - value.size() - 1);
  return label.empty() ? value : label + ' ' + value;
}

namespace detail {

// Text in white on a black tag, with room around it.
struct Tag {
  explicit Tag(Index text_size) : scale(text_size) {}

  Index scale;
  Index side() const { return 2 * scale; }  // room at the left and at the right
  Index above() const { return scale; }     // and above and below
  Index height() const { return text_height(scale) + 2 * above(); }

  // How many characters there is room for.
  std::size_t characters(Index width) const {
    return static_cast<std::size_t>(std::max<Index>(0, width - 2 * side()) /
                                    text_width("x", scale));
  }

  Index width(std::string_view line) const { return text_width(line, scale) + 2 * side(); }

  void draw(Image& image, Index x, Index y, std::string_view line) const {
    fill_box(image, {x, y, width(line), height()}, {0, 0, 0});
    draw_text(image, x + side(), y + above(), line, {255, 255, 255}, scale);
  }
};

// A caption in lines of at most `most` characters: one if it fits; else the first synonym alone, in
// one line or two, and the probability, behind it if there is room.
inline std::vector<std::string> caption_lines(const Caption& caption, std::size_t most) {
  const std::string value = percent(caption.probability);
  const std::string whole = caption_line(caption, caption.label.size() + value.size() + 12);
  if (decode_utf8(whole).size() <= most) return {whole};

  const std::string label = short_label(caption.label, caption.label.size());
  std::string_view synonyms = label;
  std::string_view words = next_piece(synonyms, ',');
  std::vector<std::string> lines{""};
  const auto fits = [&](std::string_view more) {
    return decode_utf8(lines.back() + ' ' + std::string(more)).size() <= most;
  };
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (lines.back().empty()) {
      lines.back() = word;
    } else if (lines.size() == 2 || fits(word)) {
      lines.back().append(" ").append(word);
    } else {
      lines.emplace_back(word);
    }
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  for (std::string& line : lines) line = short_label(line, most);
  if (fits(value)) {
    lines.back().append(" ").append(value);
  } else {
    lines.push_back(value);
  }
  return lines;
}

// A strip below a picture on which text would hide too much.
inline Image with_strip(const Image& picture, const Caption& caption) {
  const Tag tag(1);
  const std::vector<std::string> lines = caption_lines(caption, tag.characters(picture.width()));
  Image out(picture.width(), picture.height() + static_cast<Index>(lines.size()) * tag.height());
  draw_image(out, 0, 0, picture);
  Index y = picture.height();
  for (const std::string& line : lines) {
    tag.draw(out, 0, y, line);
    y += tag.height();
  }
  return out;
}

}  // namespace detail

// Pictures whose shorter side is less get their caption on a strip below, in the smallest size of
// the face; those narrower than smallest_captioned get none: nothing legible fits.
inline constexpr Index smallest_written_on = 128;
inline constexpr Index smallest_captioned = 40;

// The picture with the class's name and probability, in white on black, in a size that suits the
// picture (see text_scale), shortened to fit it:
//
// - above the box, beginning at its left edge; below it if there is no room above; inside of it, at
//   the top, if there is none below either. Without a box, in the top left corner.
// - on a strip added below a picture whose shorter side is less than 128 pixels, so that text does
//   not hide what the picture shows: the result is higher by up to three lines of 15 pixels,
//   the picture's own pixels are as they were. A picture less than 40 pixels wide stays as it is.
inline Image captioned(Image picture, const Caption& caption, const std::optional<Box>& box = {}) {
  if (picture.width() < smallest_captioned) return picture;
  if (std::min(picture.width(), picture.height()) < smallest_written_on) {
    return detail::with_strip(picture, caption);
  }
  const detail::Tag tag(text_scale(picture.width(), picture.height()));
  const std::string line = caption_line(caption, tag.characters(picture.width()));
  const Box at = box.value_or(Box{0, 0, picture.width(), picture.height()});
  const Index x = std::clamp<Index>(at.x, 0, picture.width() - tag.width(line));
  Index y = at.y - tag.height();
  if (y < 0) y = at.y + at.height;
  if (y + tag.height() > picture.height()) y = std::max<Index>(at.y, 0);
  tag.draw(picture, x, y, line);
  return picture;
}

}  // namespace camlite
