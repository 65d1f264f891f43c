// Class names, as a model's author may have written them, on pictures of all sizes.
#include <algorithm>
#include <string>

#include <camlite/caption.hpp>
#include <camlite/panel.hpp>

#include "target.hpp"

namespace camlite::fuzz {

// A byte each for width, height, probability, and the box's place and extent; then the name.
void fuzz_captions(Bytes input) {
  constexpr std::size_t head = 5;
  if (input.size() < head) return;
  const auto byte = [&](std::size_t i) { return std::to_integer<Index>(input[i]); };
  constexpr Index most_pixels = 160;  // some are written on, the others get a strip
  const Image picture(1 + byte(0) % most_pixels, 1 + byte(1) % most_pixels);
  std::string name(as_text(input.subspan(head)));
  std::replace(name.begin(), name.end(), '\n', ' ');
  const Caption caption{name, static_cast<float>(byte(2)) / 250};  // and above 1
  const Box box{byte(3) - 20, byte(3) - 40, byte(4), 255 - byte(4)};

  for (std::size_t most : {0, 1, 4, 11, 12, 13, 30}) {
    require(detail::decode_utf8(short_label(name, most)).size() <= most, "a short label is short");
    require(detail::decode_utf8(caption_line(caption, most)).size() <= most, "a line fits");
  }
  const Image written =
      byte(4) % 2 == 0 ? captioned(picture, caption) : captioned(picture, caption, box);
  constexpr Index lines = 3, line = 15;
  require(written.width() == picture.width() && written.height() >= picture.height() &&
              written.height() <= picture.height() + lines * line,
          "a caption adds a strip of three lines at most");

  // A panel takes as long as many of these.
  if (!is_chosen(input, 32)) return;
  Tensor<float> map({2, 2});
  std::fill(map.begin(), map.end(), 1.0F);
  const Box view{0, 0, picture.width(), picture.height()};
  const PanelRow row{caption, map.view(), {box}};
  const PanelOptions options{.side = 32 + byte(3)};
  const PanelLayout layout(picture.width(), picture.height(), 1, options);
  const Image shown = panel(picture, std::span(&row, 1), view, options);
  require(shown.width() == layout.width() && shown.height() == layout.height(),
          "a panel has the size that its layout says");
}

}  // namespace camlite::fuzz
