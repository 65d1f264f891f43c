#include "drawing.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <camlite/caption.hpp>
#include <camlite/draw.hpp>
#include <camlite/panel.hpp>

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

Json to_json(const DrawingOptions& options) {
  return {{"colormap", options.colormap},
          {"alpha", options.alpha},
          {"caption", !options.no_caption},
          {"plain", options.plain},
          {"panel", options.panel}};
}

void add_drawing_options(CLI::App& command, DrawingOptions& options, CLI::Option* no_overlay) {
  std::vector<std::string> names;
  for (const auto& one : colormaps) names.emplace_back(one.first);
  command.add_option("--colormap", options.colormap, "the colours of the heatmap")
      ->type_name("NAME")
      ->capture_default_str()
      ->check(CLI::IsMember(names));
  command.add_option("--alpha", options.alpha, "share of the heatmap in the overlay, 0 to 1")
      ->type_name("A")
      ->capture_default_str()
      ->check(in_range(0.0F, 1.0F));
  auto* no_caption = command.add_flag("--no-caption", options.no_caption,
                                      "overlays without the name and the probability of the class");
  auto* plain =
      command.add_flag("--plain", options.plain,
                       "overlays without caption and box: the heatmap over the picture alone");
  auto* panel = command.add_flag(
      "--panel", options.panel,
      "instead of the overlay, a picture for people: for each of the classes listed, the picture, "
      "its heatmap and its box side by side");
  CLI::Option* const ways[] = {no_overlay, no_caption, plain, panel};
  for (auto* one : ways) {
    for (auto* other : ways) {
      if (one != other) one->excludes(other);
    }
  }
}

OverlayOptions overlay_options(const DrawingOptions& options) {
  return {.alpha = options.alpha, .colormap = find_colormap(options.colormap)->second};
}

Image drawing(const Image& picture, TensorView<const float> maps, const Box& view,
              const std::vector<Finding>& findings, std::size_t shown,
              const DrawingOptions& options) {
  const OverlayOptions look = overlay_options(options);
  if (options.panel) {
    std::vector<PanelRow> rows;
    for (const auto& [score, box] : findings) {
      rows.push_back({.caption = {score.label, score.probability},
                      .map = maps[static_cast<Index>(rows.size())],
                      .boxes = {}});
      if (box) rows.back().boxes.push_back(*box);
    }
    return panel(picture, rows, view, {.overlay = look});
  }
  const auto& [score, box] = findings[shown];
  Image out = overlay(picture, maps[static_cast<Index>(shown)], view, look);
  if (options.plain) return out;
  if (box) outline_box(out, *box);
  if (options.no_caption) return out;
  return captioned(std::move(out), {score.label, score.probability}, box);
}

}  // namespace camlite::tool
