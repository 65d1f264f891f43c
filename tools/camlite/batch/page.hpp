// A page to look at: one file that needs no other, and nothing from elsewhere.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/image.hpp>

#include "html.hpp"

namespace camlite::tool {

// What pictures on pages look like.
constexpr Index page_picture_side = 256;  // the longer one
constexpr Index page_box_line = 3;
constexpr OverlayOptions page_heat{.alpha = 0.4F};
constexpr Rgb found_box_color{255, 0, 255};

// A picture of a gallery with its caption (HTML, as `alt` is). draw() returns the Image; where it
// throws, the reason stands in its place, and is given to failed(). caption() is called after that.
template <class Draw, class Caption, class Failed>
std::string figure(std::string_view alt, const Draw& draw, const Caption& caption,
                   const Failed& failed) {
  std::string out = "<figure>";
  try {
    out += text("<img alt=\"", alt, "\" src=\"", data_address(draw()), "\">");
  } catch (const std::exception& error) {
    out += text("<p class=\"unread\">", html(error.what()), "</p>");
    failed(error.what());
  }
  return text(out, "<figcaption>", caption(), "</figcaption></figure>\n");
}

// Writes index.html, whole or not at all, to a folder that is there, and returns its path: the
// title (HTML) as its head, then the body (HTML). Light or dark as the reader has it. Throws Error.
std::string write_page(const std::string& folder, std::string_view title, std::string_view body);

}  // namespace camlite::tool
