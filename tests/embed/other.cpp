// The second translation unit, which includes the same headers, image_io.hpp too.
#include <camlite/camlite.hpp>
#include <camlite/image_io.hpp>

camlite::Image stripes(camlite::Index width, camlite::Index height);

camlite::Image stripes(camlite::Index width, camlite::Index height) {
  camlite::Image image(width, height);
  for (camlite::Index y = 0; y < height; ++y) {
    for (camlite::Index x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c)
        image.pixel(x, y)[c] = static_cast<std::uint8_t>((x * (c + 3) + y * 5) % 256);
    }
  }
  // Through a file's bytes and back, without loss.
  return camlite::decode_image(camlite::encode_image(image, camlite::ImageFormat::png));
}
