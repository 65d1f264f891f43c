// Preprocessing: what was done to pictures before the network saw them in training.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <camlite/model/attributes.hpp>
#include <camlite/model/json_text.hpp>
#include <camlite/model/text.hpp>
#include <camlite/ops/operator.hpp>

namespace camlite {

// From an RGB picture of bytes to the network's input:
//
//   input(y, x, c) = (scale * pixel(y, x, channel c) - mean(c)) / std(c)
//
// after the picture was resized and its centre cut out. `mean` and `std` are in the order of
// `channels`. The default is torchvision's, with ImageNet's statistics.
struct Preprocessing {
  enum class Channels { rgb, bgr };
  // `shorter_side`: to `resize` pixels, the longer side in proportion
  // (torchvision.transforms.Resize(int)). `exact`: to `resize` whatever the picture's proportions
  // (Caffe, Resize((h, w))).
  enum class Fit { shorter_side, exact };

  static constexpr Index most_extent = 1 << 16;  // of `resize` and `crop`

  Fit fit = Fit::shorter_side;
  // Both extents are the same for `shorter_side`; 0: the picture stays as it is.
  Size2d resize = 256;
  Size2d crop = 224;  // the centre of the resized picture; 0: all of it
  Channels channels = Channels::rgb;
  double scale = 1.0 / 255;
  std::array<double, 3> mean{0.485, 0.456, 0.406};
  std::array<double, 3> std{0.229, 0.224, 0.225};

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

namespace detail {

inline std::array<double, 3> parse_triple(std::string_view list, std::string_view key) {
  if (std::count(list.begin(), list.end(), ',') != 2)
    fail(key, " must be three numbers with commas between, not ", in_quotes(list));
  std::array<double, 3> values{};
  for (double& value : values) value = parse_number<double>(next_piece(list, ','), key);
  return values;
}

inline void check(const Preprocessing& p, std::string_view source) try {
  constexpr Index most = Preprocessing::most_extent;
  for (const Size2d& size : {p.resize, p.crop}) {
    if (size.height < 0 || size.width < 0 || size.height > most || size.width > most) {
      fail("resize and crop must be between 0 and ", most, ", not ", size.str());
    }
  }
  if ((p.resize.height == 0) != (p.resize.width == 0)) fail("resize must not be ", p.resize.str());
  if ((p.crop.height == 0) != (p.crop.width == 0)) fail("crop must not be ", p.crop.str());
  if (p.fit == Preprocessing::Fit::shorter_side && p.resize.height != p.resize.width)
    fail("the shorter side is resized to one extent, not to ", p.resize.str());
  if (p.resize != Size2d(0) && (p.crop.height > p.resize.height || p.crop.width > p.resize.width)) {
    fail("a crop of ", p.crop.str(), " does not fit into pictures resized to ", p.resize.str());
  }
  for (double value : p.std) {
    if (value == 0) fail("std must not be 0");
  }
} catch (const Error& error) {
  fail(source, ": preprocessing: ", error.what());
}

inline void read_preprocessing_line(Preprocessing& p, std::string_view line) {
  const std::string_view key = next_piece(line, '=');
  if (key == "resize") {
    p.fit = line.find('x') == std::string_view::npos ? Preprocessing::Fit::shorter_side
                                                     : Preprocessing::Fit::exact;
    read_value(p.resize, line, key);
  } else if (key == "crop") {
    read_value(p.crop, line, key);
  } else if (key == "channels") {
    if (line != "rgb" && line != "bgr") fail("channels must be rgb or bgr, not ", in_quotes(line));
    p.channels = line == "rgb" ? Preprocessing::Channels::rgb : Preprocessing::Channels::bgr;
  } else if (key == "scale") {
    p.scale = parse_number<double>(line, key);
  } else if (key == "mean") {
    p.mean = parse_triple(line, key);
  } else if (key == "std") {
    p.std = parse_triple(line, key);
  } else {
    fail("there is no setting ", in_quotes(key));
  }
}

}  // namespace detail

// From its text: `key=value` a line, with the keys resize (256, or 256x256 for `exact`), crop,
// channels (rgb or bgr), scale, mean and std (three numbers, comma between). What is not said has
// its default. Throws Error naming `source` and the line.
inline Preprocessing parse_preprocessing(std::string_view text,
                                         std::string_view source = "preprocessing") {
  Preprocessing p;
  detail::for_each_line(text, [&](std::string_view line, int number) {
    if (line.empty()) return;
    try {
      detail::read_preprocessing_line(p, line);
    } catch (const Error& error) {
      fail(source, ": preprocessing line ", number, ": ", error.what());
    }
  });
  detail::check(p, source);
  return p;
}

// The text from which parse_preprocessing makes the same.
inline std::string preprocessing_text(const Preprocessing& p) {
  const auto triple = [](const std::array<double, 3>& v) {
    return text(v[0], ',', v[1], ',', v[2]);
  };
  const bool exact = p.fit == Preprocessing::Fit::exact;
  return text("resize=", exact ? text(p.resize.height, 'x', p.resize.width) : text(p.resize.height),
              "\ncrop=", p.crop.str(),
              "\nchannels=", p.channels == Preprocessing::Channels::rgb ? "rgb" : "bgr",
              "\nscale=", p.scale, "\nmean=", triple(p.mean), "\nstd=", triple(p.std), "\n");
}

}  // namespace camlite
