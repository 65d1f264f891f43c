// What camlite cam draws: the overlay with box and caption, or a panel of the top classes.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <camlite/heatmap.hpp>
#include <camlite/image.hpp>
#include <camlite/tensor.hpp>

#include "json.hpp"
#include "pictures.hpp"

namespace camlite::tool {

struct DrawingOptions {
  std::string colormap = "jet";
  float alpha = OverlayOptions().alpha;
  bool no_caption = false;
  bool plain = false;
  bool panel = false;

  // Whether a kind of overlay was asked for.
  bool asked() const { return no_caption || plain || panel; }
};

// What overlays look like, as members of an object.
Json to_json(const DrawingOptions& options);

// Adds --colormap, --alpha, --no-caption, --plain and --panel; the last three and `no_overlay`
// exclude each other.
void add_drawing_options(CLI::App& command, DrawingOptions& options, CLI::Option* no_overlay);

// How heatmaps are laid over pictures.
OverlayOptions overlay_options(const DrawingOptions& options);

// The overlay of the finding at `shown`, or all of them as a panel. The (K, h, w) maps are theirs,
// over the `view` of the picture.
Image drawing(const Image& picture, TensorView<const float> maps, const Box& view,
              const std::vector<Finding>& findings, std::size_t shown,
              const DrawingOptions& options);

}  // namespace camlite::tool
