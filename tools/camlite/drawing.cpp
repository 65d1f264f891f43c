#include "drawing.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <camlite/caption.hpp>
#include <camlite/draw.hpp>

#include "arguments.hpp"

namespace camlite::tool {

namespace {

constexpr std::pair<const char*, Colormap> colormaps[] = {{"jet", Colormap::jet},
                                                          {"turbo", Colormap::turbo},
                                                          {"viridis", Colormap::viridis},
                                                          {"gray", Colormap::gray}};

auto find_colormap(const std::string& name) {
  return std::find_if(std::begin(colormaps), std::end(colormaps),
                      [&](const auto& one) { return name == one.first; });
}

}  // namespace

void add_drawing_options(CLI::App& command, DrawingOptions& options, CLI::Option* no_overlay) {
  command.add_option("--colormap", options.colormap, "jet, turbo, viridis or gray")
      ->type_name("NAME")
      ->capture_default_str()
      ->check([](const std::string& name) {
        return find_colormap(name) != std::end(colormaps)
                   ? std::string()
                   : text("there is no colormap \"", name, "\"; jet, turbo, viridis and gray are");
      });
  command.add_option("--alpha", options.alpha, "share of the heatmap in the overlay, 0 to 1")
      ->type_name("A")
      ->capture_default_str()
      ->check(in_range(0.0F, 1.0F));
  auto* no_caption = command.add_flag("--no-caption", options.no_caption,
                                      "overlays without the name and the probability of the class");
  command
      .add_flag("--plain", options.plain,
                "overlays without caption and box: the heatmap over the picture alone")
      ->excludes(no_caption)
      ->excludes(no_overlay);
  no_caption->excludes(no_overlay);
}

Image drawing(const Image& picture, TensorView<const float> maps, const Box& view,
              const std::vector<Finding>& findings, std::size_t shown,
              const DrawingOptions& options) {
  const auto& [score, box] = findings[shown];
  const OverlayOptions look{.alpha = options.alpha,
                            .colormap = find_colormap(options.colormap)->second};
  Image out = overlay(picture, maps[static_cast<Index>(shown)], view, look);
  if (options.plain) return out;
  if (box) outline_box(out, *box);
  if (options.no_caption) return out;
  return captioned(std::move(out), {score.label, score.probability}, box);
}

}  // namespace camlite::tool
