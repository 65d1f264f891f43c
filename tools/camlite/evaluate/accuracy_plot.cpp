#include "accuracy_plot.hpp"

#include <cstddef>
#include <optional>
#include <vector>

#include <camlite/evaluate/max_box_acc.hpp>

#include "../console.hpp"

namespace camlite::tool {

namespace {

// Where things are, in the units of the viewBox.
struct PlotArea {
  static constexpr double width = 760, height = 400;
  static constexpr double left = 62, right = 560, top = 14, bottom = 346;
  static constexpr double legend = 584;

  static double x(double threshold) { return left + threshold * (right - left); }
  static double y(double share) { return bottom - share * (bottom - top); }
};

// With one decimal, a tenth of a unit is finer than a pixel.
std::string unit(double position) {
  return fixed(position, 1);
}

std::string svg_line(double x0, double y0, double x1, double y1, const std::string& style) {
  return text("<line x1=\"", unit(x0), "\" y1=\"", unit(y0), "\" x2=\"", unit(x1), "\" y2=\"",
              unit(y1), "\" style=\"", style, "\"/>\n");
}

std::string svg_text(double x, double y, const std::string& words, const std::string& style) {
  return text("<text x=\"", unit(x), "\" y=\"", unit(y), "\" style=\"", style, "\">", words,
              "</text>\n");
}

std::string axes() {
  std::string out;
  constexpr int steps = 5;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    const double x = PlotArea::x(share), y = PlotArea::y(share);
    out += svg_line(PlotArea::left, y, PlotArea::right, y,
                    text("stroke:var(", i == 0 ? "--muted" : "--grid", ")"));
    out += svg_text(PlotArea::left - 8, y + 4, fixed(100 * share, 0) + "%",
                    "fill:var(--muted);text-anchor:end");
    out += svg_line(x, PlotArea::bottom, x, PlotArea::bottom + 5, "stroke:var(--muted)");
    out +=
        svg_text(x, PlotArea::bottom + 20, fixed(share, 1), "fill:var(--muted);text-anchor:middle");
  }
  out +=
      svg_text((PlotArea::left + PlotArea::right) / 2, PlotArea::height - 10,
               "threshold, as a share of the map's maximum", "fill:var(--ink);text-anchor:middle");
  const std::string middle = unit((PlotArea::top + PlotArea::bottom) / 2);
  out += text("<text transform=\"translate(14 ", middle,
              ") rotate(-90)\" style=\"fill:var(--ink);text-anchor:middle\">pictures with a right "
              "box</text>\n");
  return out;
}

// A line of the legend, with the line that it explains.
std::string legend(double y, const std::string& stroke, const std::string& what,
                   const std::string& value) {
  return svg_line(PlotArea::legend, y - 4, PlotArea::legend + 24, y - 4, stroke) +
         svg_text(PlotArea::legend + 32, y, what, "fill:var(--ink)") +
         svg_text(PlotArea::legend + 32, y + 17, value, "fill:var(--muted)");
}

// One curve, its best threshold, its part of the legend.
std::string curve(std::size_t i, const std::vector<double>& shares, double best_threshold) {
  const std::string color = text("var(--series-", i, ")");
  const std::string stroke = text("fill:none;stroke:", color, ";stroke-width:2");
  const std::vector<double> thresholds = map_thresholds();
  std::string points;
  double best = 0;
  for (std::size_t t = 0; t < shares.size(); ++t) {
    if (thresholds[t] == best_threshold) best = shares[t];
    points += text(t == 0 ? "" : " ", unit(PlotArea::x(thresholds[t])), ',',
                   unit(PlotArea::y(shares[t])));
  }
  const double x = PlotArea::x(best_threshold), y = PlotArea::y(best);
  const std::string at = text(percent(best), " at ", fixed(best_threshold, 2));
  const std::string name = text("overlap ", fixed(MaxBoxAcc::overlaps[i], 1));
  return text("<polyline points=\"", points, "\" style=\"", stroke, ";stroke-linejoin:round\"/>\n",
              svg_line(x, y, x, PlotArea::bottom, text("stroke:", color, ";stroke-dasharray:3 3")),
              "<circle cx=\"", unit(x), "\" cy=\"", unit(y), "\" r=\"5\" style=\"fill:", color,
              ";stroke:var(--page);stroke-width:2\"><title>", name, ": ", at, "</title></circle>\n",
              legend(PlotArea::top + 26 + 50 * static_cast<double>(i), stroke, name, at));
}

}  // namespace

std::string accuracy_plot(const Figures& figures) {
  std::string out = text("<svg viewBox=\"0 0 ", PlotArea::width, ' ', PlotArea::height,
                         "\" role=\"img\" aria-label=\"Localization accuracy against threshold\" "
                         "font-size=\"13\">\n",
                         axes());
  if (const std::optional<double>& centred = figures.max_box_acc.centred_box) {
    const std::string stroke = "stroke:var(--muted);stroke-width:1.5;stroke-dasharray:6 4";
    const double y = PlotArea::y(*centred);
    out += svg_line(PlotArea::left, y, PlotArea::right, y, stroke);
    out += legend(PlotArea::top + 26 + 150, stroke, "best centred box",
                  text(percent(*centred), " at overlap 0.5"));
  }
  for (std::size_t i = 0; i < MaxBoxAcc::overlaps.size(); ++i)
    out += curve(i, figures.curves[i], figures.thresholds[i]);
  return out + "</svg>\n";
}

}  // namespace camlite::tool
