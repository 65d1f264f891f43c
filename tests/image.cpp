// Pictures in memory, resized, and in files. What Pillow makes of the same files and sizes is in
// tests/fixtures/ (make_image_fixtures.py).

// First: that it leaves nothing of stb's behind is among the things tested.
#include <camlite/image_io.hpp>

#if defined(STBIDEF) || defined(STBI_INCLUDE_STB_IMAGE_H) || defined(STBI_ASSERT) || \
    defined(FAST_BITS) || defined(INCLUDE_STB_IMAGE_WRITE_H) || defined(STB_IMAGE_IMPLEMENTATION)
#error "image_io.hpp leaves macros of stb defined"
#endif

// The program's own stb_image, configured otherwise, with external names.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNM
#if __has_include(<stb_image.h>)
#include <stb_image.h>
#else
#include <stb/stb_image.h>
#endif
#pragma GCC diagnostic pop

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <camlite/resize.hpp>
#include <catch2/catch.hpp>

#include "support/peak_memory.hpp"
#include "support/refusal.hpp"
#include "support/scratch_folder.hpp"

using camlite::Box;
using camlite::Error;
using camlite::Image;
using camlite::ImageFormat;
using camlite::Index;
using camlite::test::peak_kilobytes;
using camlite::test::refusal;
using camlite::test::ScratchFolder;
using Catch::Contains;
using Catch::StartsWith;

namespace {

const std::string fixtures = "tests/fixtures/";

// A P6 file as the generator writes it: the three numbers, one a line or two to a line, then bytes.
Image read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  Index width = 0, height = 0, most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  Image image(width, height);
  file.read(reinterpret_cast<char*>(image.data()), image.size());
  if (!file || magic != "P6" || most != 255) throw std::runtime_error(path);
  return image;
}

std::vector<std::byte> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  const auto* first = reinterpret_cast<const std::byte*>(chars.data());
  return {first, first + chars.size()};
}

Image noise(Index width, Index height, unsigned seed) {
  std::mt19937 engine(seed);
  Image image(width, height);
  for (Index i = 0; i < image.size(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(engine() >> 24);
  }
  return image;
}

// The largest difference of a level, and the mean one. 256 if the sizes differ.
struct Difference {
  int largest = 0;
  double mean = 0;
};
Difference difference(const Image& a, const Image& b) {
  if (a.width() != b.width() || a.height() != b.height()) return {256, 256};
  Difference out;
  for (Index i = 0; i < a.size(); ++i) {
    const int here = std::abs(a.data()[i] - b.data()[i]);
    out.largest = std::max(out.largest, here);
    out.mean += here / static_cast<double>(a.size());
  }
  return out;
}

void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

std::string error_of(const std::string& path, const camlite::DecodeOptions& options = {}) {
  return refusal([&] { camlite::read_image(path, options); });
}

}  // namespace

TEST_CASE("a new picture is black, and a value") {
  Image image(3, 2);
  CHECK(image.width() == 3);
  CHECK(image.height() == 2);
  CHECK(image.size() == 18);
  CHECK(std::all_of(image.data(), image.data() + 18, [](int level) { return level == 0; }));

  image.pixel(2, 1)[1] = 200;
  CHECK(image.data()[(1 * 3 + 2) * 3 + 1] == 200);
  CHECK(std::as_const(image).pixel(2, 1)[1] == 200);

  Image copy = image;
  CHECK(copy == image);
  copy.pixel(0, 0)[0] = 1;
  CHECK(copy != image);
  CHECK(image.pixel(0, 0)[0] == 0);

  const Image moved = std::move(copy);
  CHECK(moved.pixel(0, 0)[0] == 1);
  CHECK(Image(2, 3) != Image(3, 2));
  CHECK(Image() == Image(0, 0));
  CHECK(Image().size() == 0);
}

TEST_CASE("a picture that cannot be is refused") {
  CHECK_THROWS_WITH(Image(-1, 2), "a picture of -1 x 2 pixels cannot be");
  CHECK_THROWS_AS(Image(Index{1} << 40, Index{1} << 40), Error);
#ifndef NDEBUG
  Image image(3, 2);
  CHECK_THROWS_AS(image.pixel(3, 0), Error);
  CHECK_THROWS_AS(image.pixel(0, 2), Error);
  CHECK_THROWS_AS(image.pixel(-1, 0), Error);
#endif
}

TEST_CASE("crop gives the pixels inside of the box") {
  const Image image = noise(13, 9, 1);
  const Image part = camlite::crop(image, {4, 2, 5, 7});
  CHECK(part.width() == 5);
  CHECK(part.height() == 7);
  for (Index y = 0; y < 7; ++y) {
    for (Index x = 0; x < 5; ++x) {
      CHECK(std::equal(part.pixel(x, y), part.pixel(x, y) + 3, image.pixel(4 + x, 2 + y)));
    }
  }
  CHECK(camlite::crop(image, {0, 0, 13, 9}) == image);
  CHECK(camlite::crop(image, {13, 9, 0, 0}).size() == 0);
  CHECK_THROWS_WITH(camlite::crop(image, {9, 2, 5, 7}),
                    "crop: a box of 5 x 7 pixels at (9, 2) is not inside of a picture of 13 x 9");
  CHECK_THROWS_AS(camlite::crop(image, {0, 0, 13, 10}), Error);
  CHECK_THROWS_AS(camlite::crop(image, {-1, 0, 3, 3}), Error);
  CHECK_THROWS_AS(camlite::crop(image, {2, 2, -1, 3}), Error);
  CHECK_THROWS_AS(camlite::crop(image, {PTRDIFF_MAX, 0, 1, 1}), Error);
}

TEST_CASE("resize gives Pillow's pixels") {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures + "resize")) {
    const std::string path = entry.path().string();
    const std::size_t end = path.rfind('_');
    if (end == std::string::npos || end < fixtures.size()) continue;
    INFO(path);
    const Image expected = read_ppm(path);
    const Image source = read_ppm(path.substr(0, end) + ".ppm");
    const Image got = camlite::resize(source, expected.width(), expected.height());
    CHECK(difference(got, expected).largest == 0);
    ++cases;
  }
  CHECK(cases >= 15);
}

TEST_CASE("resize to the same size changes nothing, and a picture of one colour keeps it") {
  const Image image = noise(20, 11, 2);
  CHECK(camlite::resize(image, 20, 11) == image);
  Image plain(17, 5);
  for (Index i = 0; i < plain.size(); ++i) plain.data()[i] = static_cast<std::uint8_t>(i % 3 * 127);
  for (const auto& [width, height] : {std::pair<Index, Index>{1, 1}, {3, 40}, {100, 2}, {16, 6}}) {
    const Image resized = camlite::resize(plain, width, height);
    REQUIRE(resized.size() == 3 * width * height);
    for (Index i = 0; i < resized.size(); ++i) REQUIRE(resized.data()[i] == i % 3 * 127);
  }
}

TEST_CASE("resize refuses what has no pixels") {
  CHECK_THROWS_WITH(camlite::resize(Image(), 3, 3), "resize: the picture is empty");
  CHECK_THROWS_WITH(camlite::resize(Image(4, 4), 0, 3), "resize: to 0 x 3 pixels");
  CHECK_THROWS_AS(camlite::resize(Image(4, 4), 3, -1), Error);
}

TEST_CASE("PNG and BMP files of every kind are read as Pillow reads them") {
  const std::string name = GENERATE(
      "rgb.png", "rgba.png", "gray.png", "gray1.png", "gray_alpha.png", "palette.png",
      "palette_transparent.png", "palette4.png", "interlaced.png", "rgb16.png", "gray16.png",
      "rgba16_interlaced.png", "rgb.bmp", "rgba.bmp", "gray.bmp", "gray1.bmp", "top_down.bmp");
  INFO(name);
  const Image expected = read_ppm(fixtures + "pictures/" + name + ".ppm");
  CHECK(camlite::read_image(fixtures + "pictures/" + name) == expected);
}

TEST_CASE("JPEG files of every kind are read as Pillow reads them, but for rounding") {
  // The standard leaves the rounding of the inverse transform and the filter of the chroma open.
  const std::string name =
      GENERATE("rgb.jpg", "no_subsampling.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg");
  INFO(name);
  const Image got = camlite::read_image(fixtures + "pictures/" + name);
  const auto [largest, mean] = difference(got, read_ppm(fixtures + "pictures/" + name + ".ppm"));
  CHECK(largest <= 6);
  CHECK(mean < 0.6);
}

TEST_CASE("the content of a file says its format, not its name") {
  const ScratchFolder scratch;
  for (const std::string& name : std::vector<std::string>{"rgb.png", "rgb.bmp", "gray.jpg"}) {
    const std::string path = fixtures + "pictures/" + name;
    write_bytes(scratch.path("picture.jpg"), bytes_of(path));
    CHECK(camlite::read_image(scratch.path("picture.jpg")) == camlite::read_image(path));
    CHECK(camlite::decode_image(bytes_of(path)) == camlite::read_image(path));
  }
}

TEST_CASE("a file that cannot be read is named, with the reason") {
  const ScratchFolder scratch;
  const std::string path = scratch.path("x.png");
  CHECK(error_of(path) == path + ": cannot open: No such file or directory");
  CHECK(error_of(scratch.path("")) == scratch.path() + "/: cannot read: Is a directory");

  write_bytes(path, {});
  CHECK(error_of(path) == path + ": empty: no picture in 0 bytes");

  const auto bytes_from = [](std::string_view chars) { return std::as_bytes(std::span(chars)); };
  write_bytes(path, bytes_from("hello, I am a text"));
  CHECK(error_of(path) == path + ": not a JPEG, PNG or BMP picture");
  write_bytes(path, bytes_from("GIF89a..."));
  CHECK(error_of(path) == path + ": a GIF picture; only JPEG, PNG and BMP are read");
  write_bytes(path, bytes_from("RIFF....WEBPVP8 "));
  CHECK(error_of(path) == path + ": a WebP picture; only JPEG, PNG and BMP are read");

  CHECK(error_of(fixtures + "pictures/rgb.png", {.limits = {.file_bytes = 100}}) ==
        fixtures +
            "pictures/rgb.png: more than the limit of 100 bytes (raise "
            "ImageLimits::file_bytes)");
  CHECK_THAT(error_of("/dev/zero", {.limits = {.file_bytes = 1 << 20}}),
             Contains("more than the limit of 1048576 bytes"));
}

TEST_CASE("a file cut anywhere is an error that names it") {
  const std::string name = GENERATE("rgb.png", "interlaced.png", "palette.png", "rgb.bmp",
                                    "gray.bmp", "rgb.jpg", "progressive.jpg", "cmyk.jpg");
  const std::vector<std::byte> whole = bytes_of(fixtures + "pictures/" + name);
  REQUIRE(whole.size() > 100);
  // The padding of the last row of a BMP may be missing.
  const std::size_t padding = name == "rgb.bmp" ? 1 : name == "gray.bmp" ? 3 : 0;
  for (std::size_t size = 0; size < whole.size() - padding; ++size) {
    // A copy of that size, for the address sanitizer to watch its end.
    const std::vector<std::byte> cut(whole.data(), whole.data() + size);
    INFO(size << " of " << whole.size() << " bytes of " << name);
    CHECK_THROWS_WITH(camlite::decode_image(cut, "cut.picture"), StartsWith("cut.picture: "));
  }
}

TEST_CASE("bytes that were changed give a picture or an error, and nothing else") {
  const std::string name =
      GENERATE("rgb.png", "interlaced.png", "palette4.png", "rgb16.png", "rgb.bmp", "gray1.bmp",
               "rgb.jpg", "progressive.jpg", "cmyk.jpg");
  const std::vector<std::byte> whole = bytes_of(fixtures + "pictures/" + name);
  std::mt19937 engine(4);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::vector<std::byte> bytes = whole;
    for (unsigned n = engine() % 4 + 1; n > 0; --n) {
      bytes[engine() % bytes.size()] = static_cast<std::byte>(engine() >> 24);
    }
    try {
      const Image image = camlite::decode_image(bytes, "changed", {.limits = {.pixels = 100000}});
      CHECK(image.size() > 0);
    } catch (const Error& error) {
      CHECK_THAT(error.what(), StartsWith("changed: "));
      ++refused;
    }
  }
  INFO(name);
  // A PNG has checksums.
  if (name.ends_with(".png")) CHECK(refused >= 490);
}

TEST_CASE("too many pixels are refused before anything is decoded") {
  const Index before = peak_kilobytes();
  const std::string path = fixtures + "pictures/huge.png";
  const std::string how = " (raise ImageLimits::pixels, or the program's --max-pixels)";
  CHECK(error_of(path) == path + ": 60000 x 60000 pixels, more than the limit of 100000000" + how);
  CHECK(peak_kilobytes() - before < 10000);

  const std::string small = fixtures + "pictures/rgb.jpg";
  CHECK(camlite::read_image(small, {.limits = {.pixels = 37 * 29}}).width() == 37);
  CHECK(error_of(small, {.limits = {.pixels = 37 * 29 - 1}}) ==
        small + ": 37 x 29 pixels, more than the limit of 1072" + how);
}

TEST_CASE("an encoded picture has as many bytes as the limit says, and not one more") {
  const std::string path = fixtures + "pictures/rgb.jpg";
  const std::vector<std::byte> bytes = bytes_of(path);
  const Index size = std::ssize(bytes);
  CHECK(camlite::read_image(path, {.limits = {.file_bytes = size}}).width() == 37);
  CHECK(camlite::decode_image(bytes, "p", {.limits = {.file_bytes = size}}).width() == 37);
  CHECK(error_of(path, {.limits = {.file_bytes = size - 1}}) ==
        camlite::text(path, ": more than the limit of ", size - 1,
                      " bytes (raise ImageLimits::file_bytes)"));
  CHECK_THROWS_WITH(camlite::decode_image(bytes, "p", {.limits = {.file_bytes = size - 1}}),
                    camlite::text("p: ", size, " bytes, more than the limit of ", size - 1,
                                  " (raise ImageLimits::file_bytes)"));
}

TEST_CASE("a file above the limit is refused before there is memory for it") {
  const ScratchFolder scratch;
  const std::string path = scratch.path("sparse.jpg");
  std::ofstream(path).put('x');
  std::filesystem::resize_file(path, std::uintmax_t{1} << 31);
  const Index before = peak_kilobytes();
  CHECK_THAT(error_of(path), Contains("more than the limit of 1073741824 bytes"));
  CHECK(peak_kilobytes() - before < 10000);
  // Of a device, no more than the limit and one byte is read.
  CHECK_THAT(error_of("/dev/zero", {.limits = {.file_bytes = 10 << 20}}), Contains("limit"));
  CHECK(peak_kilobytes() - before < 100000);
}

TEST_CASE("a JPEG of more scans than encoders write is refused") {
  const std::vector<std::byte> whole = bytes_of(fixtures + "pictures/progressive.jpg");
  // Of no coefficient that is there: what matters is that it goes over all pixels.
  constexpr unsigned char scan[] = {0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x3f, 0x00};
  std::vector<std::byte> bytes(whole.begin(), whole.end() - 2);
  for (int i = 0; i < 101; ++i)
    for (unsigned char byte : scan) bytes.push_back(static_cast<std::byte>(byte));
  bytes.insert(bytes.end(), whole.end() - 2, whole.end());
  CHECK_THROWS_WITH(camlite::decode_image(bytes, "long.jpg"),
                    StartsWith("long.jpg: a JPEG of more than 100 scans"));
}

TEST_CASE("compressed data that inflates beyond the picture is refused") {
  CHECK_THAT(error_of(fixtures + "pictures/bomb.png"), Contains("damaged or unsupported PNG"));
}

TEST_CASE("what is written as PNG or BMP is read back the same") {
  const ScratchFolder scratch;
  for (const std::string& name : std::vector<std::string>{"a.png", "b.bmp", "c.PNG", "d.Bmp"}) {
    for (const auto& [width, height] : {std::pair<Index, Index>{1, 1}, {37, 29}, {2, 300}}) {
      const Image image = noise(width, height, 5);
      camlite::write_image(scratch.path(name), image);
      CHECK(camlite::read_image(scratch.path(name)) == image);
    }
  }
  CHECK(scratch.names().size() == 4);
}

TEST_CASE("photographs, plain pictures and long rows are written as PNG and read back the same") {
  Image stripes(300, 400);
  for (Index i = 0; i < stripes.size(); ++i)
    stripes.data()[i] = static_cast<std::uint8_t>(i / 900 % 7 == 0 ? i * i / 5000 : 77);
  for (const Image& image : {read_ppm(fixtures + "resize/scene.ppm"), Image(1000, 700), stripes,
                             noise(70000, 2, 9), noise(1, 50000, 10)}) {
    const std::vector<std::byte> file = camlite::encode_image(image, ImageFormat::png);
    CHECK(camlite::decode_image(file) == image);
  }
  const auto size_of = [](const Image& image) {
    return static_cast<Index>(camlite::encode_image(image, ImageFormat::png).size());
  };
  CHECK(size_of(Image(1000, 700)) < 12000);
  const Image worst = noise(300, 200, 11);
  CHECK(size_of(worst) < worst.size() + worst.size() / 100);
}

TEST_CASE("deflated data inflates to what it was") {
  std::mt19937 engine(12);
  std::vector<std::vector<std::uint8_t>> cases{{}, {0}, {255}, {1, 1, 1, 1}, {1, 1, 1, 1, 1}};
  // Runs of every length, separated by different bytes.
  cases.emplace_back();
  for (std::size_t length = 1; length < 600; ++length) {
    cases.back().insert(cases.back().end(), length, static_cast<std::uint8_t>(length % 251));
    cases.back().push_back(static_cast<std::uint8_t>(engine()));
  }
  // Around the size of a block, and zeros only.
  for (std::size_t size : std::vector<std::size_t>{131071, 131072, 131073, 400000}) {
    cases.emplace_back(size);
    for (std::uint8_t& byte : cases.back())
      byte = static_cast<std::uint8_t>(engine() % 4 == 0 ? engine() : 3);
  }
  cases.emplace_back(1000000);
  // Fibonacci numbers of every byte make a code of 25 bits, but deflate has 15 at most.
  cases.emplace_back();
  std::size_t before = 1, count = 1;
  for (int byte = 0; byte < 25; ++byte, before = std::exchange(count, before + count))
    cases.back().insert(cases.back().end(), count, static_cast<std::uint8_t>(byte * 10));
  std::shuffle(cases.back().begin(), cases.back().end(), engine);

  camlite::detail::stb::growth_limit = std::size_t{1} << 24;
  for (const std::vector<std::uint8_t>& data : cases) {
    const std::vector<std::uint8_t> deflated = camlite::detail::zlib_compress(data);
    int size = 0;
    const std::unique_ptr<char, decltype(&std::free)> inflated(
        camlite::detail::stb::stbi_zlib_decode_malloc(
            reinterpret_cast<const char*>(deflated.data()), static_cast<int>(deflated.size()),
            &size),
        std::free);
    INFO(data.size() << " bytes");
    REQUIRE(inflated != nullptr);
    REQUIRE(size == std::ssize(data));
    CHECK(std::equal(data.begin(), data.end(), inflated.get(),
                     [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }));
  }
}

TEST_CASE("the checksums are those of the standards") {
  const auto bytes = [](std::string_view text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  CHECK(camlite::detail::crc32(std::as_bytes(bytes("123456789"))) == 0xCBF43926);
  CHECK(camlite::detail::adler32(bytes("Wikipedia")) == 0x11E60398);
  const std::vector<std::uint8_t> ones(1000000, 255);  // by Python's zlib
  CHECK(camlite::detail::crc32(std::as_bytes(std::span(ones))) == 0x13FBDA0D);
  CHECK(camlite::detail::adler32(ones) == 0x3843E1BE);
}

TEST_CASE(
    "what is written as JPEG is read back about the same, the better the quality the nearer") {
  const ScratchFolder scratch;
  const Image image = read_ppm(fixtures + "resize/scene.ppm");
  double last = 256;
  for (int quality : {20, 60, 90, 100}) {
    camlite::write_image(scratch.path("x.jpeg"), image, {.jpeg_quality = quality});
    const Difference now = difference(camlite::read_image(scratch.path("x.jpeg")), image);
    CHECK(now.mean < last);
    last = now.mean;
  }
  CHECK(last < 1);
  camlite::write_image(scratch.path("x.JPG"), image);
  CHECK(bytes_of(scratch.path("x.JPG")) == camlite::encode_image(image, ImageFormat::jpeg));
}

TEST_CASE("a picture that cannot be written is an error that names the file, and leaves nothing") {
  const ScratchFolder scratch;
  const Image image = noise(64, 64, 6);
  const auto error = [&](const std::string& path, const Image& what,
                         const camlite::EncodeOptions& options = {}) {
    return refusal([&] { camlite::write_image(path, what, options); });
  };
  const std::string suffixes = ": the name of a picture to write ends in .jpg, .jpeg, .png or .bmp";
  for (const std::string& name :
       std::vector<std::string>{"x.gif", "x", "png", ".png/x", "x.png.", "x.pngg", ""}) {
    CHECK(error(scratch.path(name), image) == scratch.path(name) + suffixes);
  }
  const std::string path = scratch.path("x.png");
  CHECK(error(path, Image()) == path + ": encode_image: the picture is empty");
  CHECK_THAT(error(scratch.path("x.jpg"), image, {.jpeg_quality = 101}),
             Contains("1 to 100, not 101"));
  CHECK_THAT(error(scratch.path("x.jpg"), Image(1, 65536)),
             Contains("1 x 65536 pixels are too many"));
  CHECK(error(scratch.path("no/x.png"), image) ==
        scratch.path("no/x.png") + ": cannot write: No such file or directory");
  CHECK(scratch.names().empty());

  std::filesystem::create_directory(path);
  CHECK(error(path, image) == path + ": cannot write: Is a directory");
  CHECK(scratch.names() == std::vector<std::string>{"x.png"});
}

TEST_CASE("a full disk leaves the file as it was") {
  const ScratchFolder scratch;
  const std::string path = scratch.path("x.bmp");
  const Image first = noise(8, 8, 7);
  camlite::write_image(path, first);

  // No file may grow above 5000 bytes; the picture has 12342.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = 5000;
  setrlimit(RLIMIT_FSIZE, &limit);
  std::string message;
  try {
    camlite::write_image(path, noise(64, 64, 8));
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  CHECK(message == path + ": cannot write: File too large");
  CHECK(scratch.names() == std::vector<std::string>{"x.bmp"});
  CHECK(camlite::read_image(path) == first);
}

TEST_CASE("many threads read and write at once") {
  const std::vector<std::byte> good = bytes_of(fixtures + "pictures/progressive.jpg");
  std::vector<std::byte> bad = bytes_of(fixtures + "pictures/rgb.png");
  const Image expected = camlite::decode_image(good);
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (int& count : right) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        count += camlite::decode_image(good) == expected;
        const auto encoded = camlite::encode_image(expected, ImageFormat::png);
        count += camlite::decode_image(encoded) == expected;
        try {
          camlite::decode_image(std::span(bad).first(200));
        } catch (const Error&) {
          ++count;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == std::vector<int>(4, 150));
}

TEST_CASE("a program may compile its own stb_image behind image_io.hpp") {
  const std::string path = fixtures + "pictures/rgb.png";
  int width = 0, height = 0, channels = 0;
  stbi_uc* pixels = stbi_load((path + ".ppm").c_str(), &width, &height, &channels, 3);
  REQUIRE(pixels != nullptr);
  const Image expected = camlite::read_image(path);
  CHECK(width == expected.width());
  CHECK(height == expected.height());
  CHECK(std::equal(pixels, pixels + expected.size(), expected.data()));
  stbi_image_free(pixels);
  // That it reads this format does not change what camlite reads.
  CHECK_THROWS_WITH(camlite::read_image(path + ".ppm"),
                    path + ".ppm: not a JPEG, PNG or BMP picture");
}
