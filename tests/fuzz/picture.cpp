// Pictures: decoded, turned, resized, prepared, and written and read again without a loss.
#include <camlite/image_io.hpp>

#include <algorithm>

#include <camlite/preprocess.hpp>
#include <camlite/resize.hpp>

#include "target.hpp"

namespace camlite::fuzz {

void fuzz_picture(Bytes file) {
  const int orientation = exif_orientation(file);
  require(orientation >= 1 && orientation <= 8, "an orientation is 1 to 8");
  constexpr Index most_pixels = 1 << 13;
  const Image picture = decode_image(file, "fuzz", {.limits = {.pixels = most_pixels}});
  require(picture.width() * picture.height() <= most_pixels, "no more pixels than the limit");
  const std::vector<std::byte> png = encode_image(picture, ImageFormat::png);
  const Image again = decode_image(png);
  require(again.width() == picture.width() && again.height() == picture.height() &&
              std::equal(picture.data(), picture.data() + picture.size(), again.data()),
          "a picture written as PNG is read as the same");
  const Image small = resize(picture, 19, 13);
  require(small.size() == Index{19} * 13 * 3, "resized to what was asked for");
  preprocess(small, {.resize = 16, .crop = 12});
}

}  // namespace camlite::fuzz
