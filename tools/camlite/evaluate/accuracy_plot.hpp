// Localization accuracy against the threshold, as a plot.
#pragma once

#include <string>

#include "figures.hpp"

namespace camlite::tool {

// An <svg> element: for each of MaxBoxAcc::overlaps the share of the pictures whose map has a box
// of that overlap, at each threshold; the best threshold is marked, and what the best centred box
// gets at 0.5. Its colours are the page's: --series-0 to --series-2, --ink, --muted, --grid.
std::string accuracy_plot(const Figures& figures);

}  // namespace camlite::tool
