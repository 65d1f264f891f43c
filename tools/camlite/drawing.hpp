// What camlite cam draws: the overlay with box and caption.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <camlite/heatmap.hpp>
#include <camlite/image.hpp>
#include <camlite/tensor.hpp>

#include "pictures.hpp"

namespace camlite::tool {

struct DrawingOptions {
  std::string colormap = "jet";
  float alpha = OverlayOptions().alpha;
  bool no_caption = false;
  bool plain = false;
};

// Adds --colormap, --alpha, --no-caption and --plain, which `no_overlay` excludes.
void add_drawing_options(CLI::App& command, DrawingOptions& options, CLI::Option* no_overlay);

// The overlay of the finding at `shown`, whose map is that of the (K, h, w) maps, over the `view`
// of the picture.
Image drawing(const Image& picture, TensorView<const float> maps, const Box& view,
              const std::vector<Finding>& findings, std::size_t shown,
              const DrawingOptions& options);

}  // namespace camlite::tool
