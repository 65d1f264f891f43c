#include "report.hpp"

#include <camlite/error.hpp>

#include "../batch/html.hpp"
#include "../batch/page.hpp"
#include "../console.hpp"
#include "accuracy_plot.hpp"
#include "class_table.hpp"
#include "gallery.hpp"

namespace camlite::tool {

namespace {

// Makes the heads of the table's columns buttons that sort it: numbers downwards first, words
// upwards.
constexpr const char* script = R"(<script>
const table = document.getElementById("classes"), body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const was = head.getAttribute("aria-sort");
    const down = was ? was === "ascending" : column > 0;
    const key = (row) => row.cells[column].textContent;
    const compare = column > 0 ? (a, b) => parseFloat(key(a)) - parseFloat(key(b))
                               : (a, b) => key(a).localeCompare(key(b), undefined, {numeric: true});
    const rows = [...body.rows].sort((a, b) => down ? compare(b, a) : compare(a, b));
    body.append(...rows);
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  });
});
</script>
)";

std::string figures_table(const Figures& figures) {
  std::string out =
      "<div class=\"wide\"><table id=\"figures\">\n<thead><tr><th scope=\"col\"></th>"
      "<th scope=\"col\">value</th><th scope=\"col\">95% interval</th>"
      "<th scope=\"col\">whole picture</th><th scope=\"col\">centred box</th>"
      "<th scope=\"col\"></th></tr></thead>\n<tbody>\n";
  const auto cell = [](const std::optional<double>& share) {
    return text("<td>", share ? percent(*share) : "", "</td>");
  };
  for (const NamedFigure& one : named(figures)) {
    const Figure& figure = *one.figure;
    out += text("<tr id=\"", one.name, "\"><th scope=\"row\">", one.title, "</th><td><b>",
                percent(figure.value), "</b></td><td>", percent(figure.interval.low), " to ",
                percent(figure.interval.high), "</td>", cell(figure.whole_picture),
                cell(figure.centred_box), "<td class=\"remark\">", one.remark, "</td></tr>\n");
  }
  return text(out,
              "</tbody>\n</table></div>\n<p class=\"muted\">The columns &quot;whole "
              "picture&quot; and &quot;centred box&quot; need no network: the picture's whole "
              "as every box, and the best box of one size in the middle of every picture, here ",
              percent(figures.centred.width), " of its width and ", percent(figures.centred.height),
              " of its height. Intervals are by 1000 bootstrap resamples.</p>\n");
}

}  // namespace

std::string write_report(const ReportContent& content, std::vector<std::string>& unread) {
  const EvaluateOptions& options = content.options;
  const Figures& figures = content.figures;
  const std::string title = "camlite evaluate: " + html(content.method);
  const bool network = content.network != nullptr;
  std::string body =
      text("<p class=\"muted\">", html(content.pictures), "</p>\n<h2>Figures</h2>\n",
           figures_table(figures), "<h2>Localization accuracy against threshold</h2>\n",
           accuracy_plot(figures),
           "<p class=\"muted\">A picture is right if the box of the true class's map, cut at the "
           "threshold, overlaps a true one (intersection over union) by at least as much. The best "
           "threshold over the set is marked: the mean over the three is MaxBoxAccV2, that at 0.5 "
           "MaxBoxAcc.</p>\n<h2>Classes</h2>\n<div class=\"scroll\">",
           class_table(content.set, content.records, figures), "</div>\n");
  body += text(
      "<p class=\"muted\">A click on the head of a column sorts. Overlap is that of the box of the "
      "true class",
      network ? "" : text(", at threshold ", fixed(figures.thresholds[1], 2)),
      "; it is an error below 0.5.</p>\n<h2>Pictures</h2>\n<p class=\"muted\">The map of the true "
      "class is laid over, <span class=\"key\" style=\"background:#f0f\"></span> is the box found, "
      "<span class=\"key\" style=\"background:#fff\"></span> the true one, over "
      "it. The number is the overlap of the two.</p>\n",
      gallery(content.set, content.records, figures, options, content.network,
              options.report_pictures, unread),
      script);
  return write_page(options.report, title, body);
}

}  // namespace camlite::tool
