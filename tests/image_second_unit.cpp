// Linked with tests/image.cpp: a second translation unit with image_io.hpp, and so with a second
// copy of stb, which behind it has a third one of its own, configured otherwise, with external
// names.
#include <camlite/image_io.hpp>

#pragma GCC system_header  // the warnings of stb_image

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNM
#if __has_include(<stb_image.h>)
#include <stb_image.h>
#else
#include <stb/stb_image.h>
#endif

namespace camlite::test {

Image read_in_second_unit(const std::string& path) {
  return read_image(path);
}

bool own_stb_reads_ppm(const std::string& path) {
  int width = 0, height = 0, channels = 0;
  stbi_uc* pixels = stbi_load(path.c_str(), &width, &height, &channels, 3);
  const Image expected = read_image(path.substr(0, path.size() - 4));  // the picture beside it
  const bool same = pixels != nullptr && width == expected.width() && height == expected.height() &&
                    std::equal(pixels, pixels + expected.size(), expected.data());
  stbi_image_free(pixels);
  return same;
}

}  // namespace camlite::test
