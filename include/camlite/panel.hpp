// panel: what a network sees in a picture, class by class: picture, heatmap and boxes side by side,
// as in the figures of Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR
// 2016.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/caption.hpp>
#include <camlite/draw.hpp>
#include <camlite/error.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/image.hpp>
#include <camlite/tensor.hpp>
#include <camlite/text.hpp>
#include <camlite/thumbnail.hpp>

namespace camlite {

// A class of the panel.
struct PanelRow {
  Caption caption;
  TensorView<const float> map;  // (h, w); what it views must live until the panel is drawn
  std::vector<Box> boxes;  // in the picture's pixels; the first is drawn thick, the others thin
};

// How large a panel is, and how its heatmaps look.
struct PanelOptions {
  Index side = 256;             // of each picture, in pixels: the longer one
  OverlayOptions overlay = {};  // of the heatmaps
};

// Where everything is on a panel, in its pixels.
class PanelLayout {
 public:
  static constexpr Index columns = 3;  // the picture itself, its heatmap, its boxes

  // For a width x height picture. Throws Error if it is empty, there are no rows, or the side is
  // not 32 to 8192.
  PanelLayout(Index width, Index height, Index rows, const PanelOptions& options = {})
      : rows_(rows), side_(options.side) {
    if (rows < 1) fail("panel: there are no classes");
    if (side_ < 32 || side_ > 8192) fail("panel: the side is 32 to 8192 pixels, not ", side_);
    shown_ = Thumbnail::whole(width, height, side_);
  }

  Index width() const { return gap() + columns * (column_width() + gap()); }
  Index height() const { return rows_ * (row_height() + 2 * gap()); }

  // The line of words above the pictures of a row.
  Box words(Index row) const {
    return {gap(), gap() + row * (row_height() + 2 * gap()), width() - 2 * gap(),
            text_height(text_size())};
  }

  // A picture of a row, in the middle of its column.
  Box picture(Index row, Index column) const {
    const Box line = words(row);
    const Index x = gap() + column * (column_width() + gap());
    return {x + (column_width() - shown_.width) / 2, line.y + line.height + gap() / 2, shown_.width,
            shown_.height};
  }

  Index text_size() const { return std::max<Index>(1, side_ / 128); }  // see draw_text
  Index line_width() const { return std::max<Index>(1, side_ / 85); }  // of boxes

 private:
  Index gap() const { return std::max<Index>(4, side_ / 32); }
  // Tall pictures leave room for words all the same.
  Index column_width() const { return std::max(shown_.width, side_ / 2); }
  Index row_height() const { return text_height(text_size()) + gap() / 2 + shown_.height; }

  Index rows_;
  Index side_;
  Box shown_;
};

// A picture for people: for each class its name and probability and, below, the picture, the
// heatmap over the picture and the boxes on the picture, on white. All pictures are brought to one
// size, small ones enlarged (see PanelOptions and Thumbnail); PanelLayout says where they are.
// `view` is the part of the picture that the maps cover. Throws Error if there are no rows, the
// picture is empty, the side is not 32 to 8192, or a map, the view or alpha is not as overlay needs
// it.
inline Image panel(const Image& picture, std::span<const PanelRow> rows, const Box& view,
                   const PanelOptions& options = {}) {
  const PanelLayout layout(picture.width(), picture.height(), static_cast<Index>(rows.size()),
                           options);
  constexpr Rgb white{255, 255, 255}, black{0, 0, 0};
  Image out(layout.width(), layout.height());
  fill_box(out, {0, 0, out.width(), out.height()}, white);
  const auto put = [&](Index row, Index column, const Thumbnail& thumbnail) {
    const Box place = layout.picture(row, column);
    draw_image(out, place.x, place.y, thumbnail.image());
  };
  const Thumbnail bare(picture, options.side);
  for (Index i = 0; i < static_cast<Index>(rows.size()); ++i) {
    const PanelRow& row = rows[static_cast<std::size_t>(i)];
    const Box words = layout.words(i);
    const auto most = static_cast<std::size_t>(words.width / text_width("x", layout.text_size()));
    draw_text(out, words.x, words.y, caption_line(row.caption, most), black, layout.text_size());

    Thumbnail heat = bare, boxed = bare;
    heat.add_map(row.map, view, options.overlay);
    for (std::size_t n = row.boxes.size(); n-- > 0;) {  // the first on top
      boxed.add_box(row.boxes[n], white, n == 0 ? layout.line_width() : 1);
    }
    put(i, 0, bare);
    put(i, 1, heat);
    put(i, 2, boxed);
  }
  return out;
}

}  // namespace camlite
