// preprocess: from a picture to the network's input.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <camlite/box.hpp>
#include <camlite/image.hpp>
#include <camlite/model/preprocessing.hpp>
#include <camlite/resize.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// What the network will see of a picture.
struct PreparedView {
  Size2d resized;  // the whole picture, brought to this size
  Box crop;        // the part of the resized picture that is the input
  Box view;        // the same part in the picture itself, to whole pixels
};

namespace detail {

// A box of the resized picture as the same part of the original: the edges rounded to nearest, or
// the pixel around the box's centre where that leaves nothing.
inline Box part_of_original(const Box& box, const Size2d& resized, const Size2d& original) {
  struct Part {
    Index first;
    Index count;
  };
  const auto part = [](Index first, Index count, Index from, Index to) -> Part {
    const auto edge = [&](Index position) { return (position * to * 2 + from) / (from * 2); };
    const Index start = edge(first), end = edge(first + count);
    if (start < end) return {start, end - start};
    return {(first * 2 + count) * to / (from * 2), 1};
  };
  const Part across = part(box.x, box.width, resized.width, original.width);
  const Part down = part(box.y, box.height, resized.height, original.height);
  return {across.first, down.first, across.count, down.count};
}

}  // namespace detail

// How a picture of width x height is resized and cut.
//
// `shorter_side`: the shorter side becomes `resize`, the longer one floor(resize * longer /
// shorter), as in torchvision; the crop is centred, at round-half-even((extent - crop) / 2). Throws
// Error for an empty picture, or one so long and thin that its resized side passes 2^20.
inline PreparedView prepared_view(Index width, Index height, const Preprocessing& p) {
  if (width < 1 || height < 1) fail("a picture of ", width, " x ", height, " pixels shows nothing");
  Size2d resized = p.resize;
  if (p.resize == Size2d(0)) {
    resized = {height, width};
  } else if (p.fit == Preprocessing::Fit::shorter_side) {
    const Index side = p.resize.height;
    const auto in_proportion = [&](Index longer, Index shorter) {
      return checked_product(side, longer) / shorter;
    };
    resized = width < height ? Size2d{in_proportion(height, width), side}
                             : Size2d{side, in_proportion(width, height)};
    if (std::max(resized.height, resized.width) > (1 << 20)) {
      fail("a picture of ", width, " x ", height, " pixels is too long and thin to be resized to ",
           side);
    }
  }
  const Size2d crop = p.crop == Size2d(0) ? resized : p.crop;
  if (crop.height > resized.height || crop.width > resized.width) {
    fail("a crop of ", crop.str(), " does not fit into a picture of ", resized.str(),
         " (height x width)");
  }
  const auto centred = [](Index extent, Index part) {
    return static_cast<Index>(std::nearbyint(static_cast<double>(extent - part) / 2));
  };
  const Box box{centred(resized.width, crop.width), centred(resized.height, crop.height),
                crop.width, crop.height};
  return {resized, box, detail::part_of_original(box, resized, {height, width})};
}

// The picture as the network sees it: resized, cut, channels in order, normalized. out (1, h, w,
// 3), h x w the crop of `prepared`, which prepared_view(image.width(), image.height(), p) made. In
// one pass over the picture: no more of it is resized than is cut out. For threads, see resize.
// Throws Error if out has another size, or the crop is not inside of the resized picture.
inline void preprocess_into(const Image& image, const Preprocessing& p,
                            const PreparedView& prepared, TensorView<float> out, int threads = 1) {
  const Box& crop = prepared.crop;
  detail::check_inside("preprocess_into", crop, prepared.resized.width, prepared.resized.height);
  if (out.size() != Image::channels * crop.height * crop.width) {
    fail("preprocess_into: a crop of ", crop.height, " x ", crop.width,
         " pixels does not make an input of ", out.shape().str());
  }
  // The input of every byte, channel by channel: a load where it took a conversion and a product.
  std::array<std::array<float, 256>, 3> values;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto scale = static_cast<float>(p.scale / p.std[c]);
    const auto shift = static_cast<float>(-p.mean[c] / p.std[c]);
    for (std::size_t level = 0; level < 256; ++level)
      values[c][level] = static_cast<float>(level) * scale + shift;
  }
  const Index first = p.channels == Preprocessing::Channels::rgb ? 0 : 2;
  const Index width = crop.width;
  detail::resize_rows(image, prepared.resized.width, prepared.resized.height, crop, threads,
                      [&](Index y, const std::uint8_t* pixel) {
                        float* value = out.data() + 3 * width * y;
                        for (Index x = 0; x < width; ++x, pixel += 3, value += 3) {
                          value[0] = values[0][pixel[first]];
                          value[1] = values[1][pixel[1]];
                          value[2] = values[2][pixel[2 - first]];
                        }
                      });
}

// The same as a tensor of its own, (1, h, w, 3).
inline Tensor<float> preprocess(const Image& image, const Preprocessing& p, int threads = 1) {
  const PreparedView prepared = prepared_view(image.width(), image.height(), p);
  Tensor<float> out =
      Tensor<float>::uninitialized({1, prepared.crop.height, prepared.crop.width, 3});
  preprocess_into(image, p, prepared, out.view(), threads);
  return out;
}

}  // namespace camlite
