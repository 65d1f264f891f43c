// read_image, write_image: pictures from files and to files; decode_image, encode_image: the same
// in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/exif.hpp>
#include <camlite/file.hpp>
#include <camlite/image.hpp>
#include <camlite/image_format.hpp>
#include <camlite/limits.hpp>
#include <camlite/output_file.hpp>
#include <camlite/png.hpp>
#include <camlite/stb.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// What a picture file may ask for, and which way up it is read.
struct DecodeOptions {
  ImageLimits limits = {};
  // Turn a JPEG as its EXIF orientation says, as viewers do. false: the pixels as they are stored,
  // as MATLAB, OpenCV's IMREAD_IGNORE_ORIENTATION and Pillow's Image.open give them.
  bool upright = true;
};

namespace detail {

struct FreePixels {
  void operator()(stb::stbi_uc* pixels) const { std::free(pixels); }
};

}  // namespace detail

// A JPEG (baseline or progressive; gray, YCbCr, RGB, CMYK or YCCK), PNG (any) or BMP (not
// compressed) picture that lies in memory, as 8-bit RGB. The format is told by the content. As
// Pillow's convert("RGB") does, gray is repeated, a palette looked up, alpha dropped (a transparent
// pixel keeps the colour below) and CMYK multiplied out; 16-bit samples keep their upper 8 bits.
// Colour profiles and gamma are not applied, the EXIF orientation of a JPEG is (see DecodeOptions).
// Throws Error, whose message starts with `name`, if the data is empty, of another format,
// truncated or damaged, or the picture is above a limit.
inline Image decode_image(std::span<const std::byte> data, std::string_view name = "image",
                          const DecodeOptions& options = {}) {
  const ImageFormat format = detail::image_format_of(data, name);
  const Index bytes = static_cast<Index>(data.size());
  constexpr Index most_counted = std::numeric_limits<int>::max();
  const Index most = std::min(options.limits.file_bytes, most_counted);
  if (bytes > most) {
    fail(name, ": ", bytes, " bytes", detail::above_limit(most, "ImageLimits::file_bytes"));
  }

  const auto [width, height] =
      detail::inspect(format, data, std::min(options.limits.pixels, most_counted), name);

  // What may grow is the compressed data of a PNG, which is in the file, and what it inflates to:
  // at most 16-bit RGBA, and eight bytes a row for the filters of the seven passes. stb_image
  // doubles a buffer that is too small.
  const Index inflated = 8 * width * height + 8 * (width + height);
  detail::stb::growth_limit = 2 * static_cast<std::size_t>(bytes + inflated) + 4096;

  // Both calls to stb are in this function, since the reason is in a variable of the translation
  // unit.
  int columns = 0;
  int rows = 0;
  int channels = 0;
  const std::unique_ptr<detail::stb::stbi_uc, detail::FreePixels> pixels(
      detail::stb::stbi_load_from_memory(reinterpret_cast<const detail::stb::stbi_uc*>(data.data()),
                                         static_cast<int>(bytes), &columns, &rows, &channels,
                                         Image::channels));
  if (!pixels) {
    fail(name, ": a damaged or unsupported ", name_of(format), " (",
         detail::stb::stbi_failure_reason(), ")");
  }
  if (columns != width || rows != height) {
    fail(name, ": a damaged ", name_of(format), ": ", columns, " x ", rows,
         " pixels, its header says ", width, " x ", height);
  }
  Image image(width, height);
  std::copy_n(pixels.get(), image.size(), image.data());
  if (format == ImageFormat::jpeg && options.upright) {
    const int orientation = exif_orientation(data);
    if (orientation != 1) return turned(image, orientation);
  }
  return image;
}

// The picture in a file; see decode_image. Throws Error, naming the file, also if it cannot be
// read.
inline Image read_image(const std::string& path, const DecodeOptions& options = {}) {
  return decode_image(read_file(path, options.limits.file_bytes, "ImageLimits::file_bytes"), path,
                      options);
}

// How good a written picture is; PNG and BMP are always exact.
struct EncodeOptions {
  int jpeg_quality = 90;  // 1 to 100; above 90 without chroma subsampling
};

// The picture as the bytes of a JPEG, PNG or BMP file. PNG and BMP keep every pixel as it is.
// Throws Error if the picture is empty or too large for the format (JPEG: 65535 pixels a side; all:
// 512 MiB of pixels), or the quality is not 1 to 100.
inline std::vector<std::byte> encode_image(const Image& image, ImageFormat format,
                                           const EncodeOptions& options = {}) {
  constexpr Index most_bytes = Index{1}
                               << 29;  // stb_image_write counts in int, and doubles its buffers
  const Index side = format == ImageFormat::jpeg ? 65535 : most_bytes;
  if (image.size() == 0) fail("encode_image: the picture is empty");
  if (image.size() + image.height() > most_bytes ||
      std::max(image.width(), image.height()) > side) {
    fail("encode_image: ", image.width(), " x ", image.height(), " pixels are too many for a ",
         name_of(format));
  }
  const int quality = options.jpeg_quality;
  if (quality < 1 || quality > 100) fail("encode_image: jpeg_quality is 1 to 100, not ", quality);

  // Exceptions must not pass through stb, which would not free its memory.
  struct Sink {
    std::vector<std::byte> bytes;
    bool full = false;
  } sink;
  const auto append = [](void* context, void* data, int size) {
    auto& to = *static_cast<Sink*>(context);
    const auto* first = static_cast<const std::byte*>(data);
    try {
      to.bytes.insert(to.bytes.end(), first, first + size);
    } catch (const std::bad_alloc&) {
      to.full = true;
    }
  };
  const int width = static_cast<int>(image.width());
  const int height = static_cast<int>(image.height());
  constexpr int channels = Image::channels;
  int done = 0;
  switch (format) {
    case ImageFormat::jpeg:
      done = detail::stb::stbi_write_jpg_to_func(append, &sink, width, height, channels,
                                                 image.data(), quality);
      break;
    case ImageFormat::png:
      return detail::encode_png(image);
    case ImageFormat::bmp:
      done =
          detail::stb::stbi_write_bmp_to_func(append, &sink, width, height, channels, image.data());
      break;
  }
  if (done == 0 || sink.full) throw std::bad_alloc();
  return std::move(sink.bytes);
}

// Writes the picture to a file, as JPEG, PNG or BMP by the suffix of its name (.jpg, .jpeg, .png,
// .bmp, in upper or lower case), first to a new file beside it and then under its name. Throws
// Error, naming the file, if the suffix is another, the picture cannot be encoded (see
// encode_image) or the file not be written; the file is then as it was before, and no other is left
// behind.
inline void write_image(const std::string& path, const Image& image,
                        const EncodeOptions& options = {}) {
  const ImageFormat format = image_format_of_path(path);
  std::vector<std::byte> bytes;
  try {
    bytes = encode_image(image, format, options);
  } catch (const Error& error) {
    fail(path, ": ", error.what());
  }
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace camlite
