// Thumbnail: a picture brought to a given size, with maps and boxes that are told in its own
// pixels.
#pragma once

#include <algorithm>
#include <utility>

#include <camlite/box.hpp>
#include <camlite/draw.hpp>
#include <camlite/error.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/image.hpp>
#include <camlite/resize.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// A picture resized so that its longer side is `side` pixels, larger or smaller than it was. What
// is drawn on it is told in the pixels of a frame: of the picture as it was, or of another size
// that stands for the same view, such as that of a score map. A value: copied whole, so that one
// resized picture serves for several drawings.
class Thumbnail {
 public:
  // The frame is the picture. Throws Error if the picture is empty or the side is not positive.
  Thumbnail(const Image& picture, Index side)
      : Thumbnail(picture, side, picture.width(), picture.height()) {}

  // Throws Error if the picture or the frame is empty, or the side is not positive.
  Thumbnail(const Image& picture, Index side, Index frame_width, Index frame_height)
      : frame_width_(frame_width), frame_height_(frame_height) {
    if (frame_width < 1 || frame_height < 1) {
      fail("thumbnail: a frame of ", frame_width, " x ", frame_height, " pixels");
    }
    const Box shown = whole(picture.width(), picture.height(), side);
    image_ = resize(picture, shown.width, shown.height);
  }

  // The box of all pixels of the thumbnail of a width x height picture: the longer side is `side`,
  // the other in proportion, rounded, at least one pixel. Throws Error unless all are positive.
  static Box whole(Index width, Index height, Index side) {
    if (width < 1 || height < 1 || side < 1) {
      fail("thumbnail: of ", side, " pixels, of a picture of ", width, " x ", height);
    }
    const Index longer = std::max(width, height);
    const auto shown = [&](Index length) {
      return std::max<Index>(1, (length * side + longer / 2) / longer);
    };
    return {0, 0, shown(width), shown(height)};
  }

  // Lays the heatmap of the (h, w) map over `view`, a box of the frame. Throws Error unless the
  // view has at least one pixel and lies inside of the frame; see overlay for what else.
  void add_map(TensorView<const float> map, const Box& view, const OverlayOptions& options = {}) {
    detail::check_inside("thumbnail", view, frame_width_, frame_height_);
    if (view.area() == 0) fail("thumbnail: a map over a view of no pixels");
    image_ = overlay(image_, map, scaled(view), options);
  }

  // Outlines a box of the frame (see outline_box), of at least one pixel on the thumbnail; one
  // without pixels of its own is left out.
  void add_box(const Box& box, Rgb color, Index thickness) {
    if (box.width > 0 && box.height > 0) outline_box(image_, scaled(box), color, thickness);
  }

  const Image& image() const { return image_; }

  // A box of the frame on the thumbnail: its edges rounded to whole pixels, at least one pixel
  // between them.
  Box scaled(const Box& box) const {
    const auto [x, width] = scaled(box.x, box.width, frame_width_, image_.width());
    const auto [y, height] = scaled(box.y, box.height, frame_height_, image_.height());
    return {x, y, width, height};
  }

 private:
  static std::pair<Index, Index> scaled(Index first, Index count, Index from, Index to) {
    const auto edge = [&](Index position) { return (position * to * 2 + from) / (from * 2); };
    const Index begin = std::clamp<Index>(edge(first), 0, to - 1);
    const Index end = std::clamp(edge(first + count), begin + 1, to);
    return {begin, end - begin};
  }

  Index frame_width_, frame_height_;
  Image image_;
};

}  // namespace camlite
