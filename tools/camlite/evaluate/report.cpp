#include "report.hpp"

#include <filesystem>
#include <span>
#include <system_error>

#include <camlite/error.hpp>
#include <camlite/output_file.hpp>

#include "../batch/html.hpp"
#include "../console.hpp"
#include "accuracy_plot.hpp"
#include "class_table.hpp"
#include "gallery.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

constexpr const char* page_head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
)";

constexpr const char* style = R"(<style>
:root {
  color-scheme: light dark;
  --page: #fff; --panel: #f5f6f8; --ink: #1b1f24; --muted: #5c6470; --grid: #dfe3e8;
  --good: #11683a; --bad: #a8261c;
  --series-0: #69a5ea; --series-1: #2468c0; --series-2: #0e346b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --panel: #1d2126; --ink: #e6e9ed; --muted: #9aa4b0; --grid: #343a42;
    --good: #6fcf97; --bad: #f2887e;
    --series-0: #3f7fcb; --series-1: #7fb3f3; --series-2: #d3e5fd;
  }
}
body {
  background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  margin: 0 auto; padding: 1.5rem; max-width: 74rem;
}
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .5rem; }
p { margin: .3rem 0; max-width: 50rem; }
.muted { color: var(--muted); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .8rem; text-align: right; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; }
th[scope=row] { font-weight: normal; }
th:first-child { text-align: left; padding-left: .4rem; }
td:last-child.remark { text-align: left; color: var(--muted); }
.scroll { overflow: auto; max-height: 30rem; border: 1px solid var(--grid); border-radius: 6px; }
.wide { overflow-x: auto; }
.classes { width: 100%; border-collapse: separate; border-spacing: 0; }
.classes thead th { position: sticky; top: 0; background: var(--panel); vertical-align: bottom; }
.classes tfoot th, .classes tfoot td {
  position: sticky; bottom: 0; background: var(--panel); font-weight: 600;
}
.classes [aria-sort=ascending]::before { content: "\25B2  "; }
.classes [aria-sort=descending]::before { content: "\25BC  "; }
.classes button { all: unset; cursor: pointer; display: inline; }
.classes button:hover { text-decoration: underline; }
.classes button:focus-visible { outline: 2px solid var(--series-1); }
svg { display: block; width: 100%; max-width: 48rem; height: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .8rem; }
figure { margin: 0; padding: .5rem; background: var(--panel); border-radius: 6px; min-width: 0; }
figure img { display: block; width: 100%; height: 11rem; object-fit: contain; }
figcaption { font-size: .8rem; line-height: 1.35; margin-top: .4rem; overflow-wrap: anywhere; }
.file, .unread { color: var(--muted); }
.unread { height: 11rem; margin: 0; font-size: .8rem; overflow: auto; overflow-wrap: anywhere; }
.label {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
}
.right { color: var(--good); }
.wrong { color: var(--bad); }
.key { display: inline-block; width: .9em; height: .9em; vertical-align: -.1em; border: 2px solid #000;
  outline: 1px solid var(--muted); }
</style>
)";

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

void make_report_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(folder, ": cannot make the directory: ", error.message());
}

std::string write_report(const ReportContent& content) {
  const EvaluateOptions& options = content.options;
  const Figures& figures = content.figures;
  const std::string title = "camlite evaluate: " + html(content.method);
  const bool network = content.network != nullptr;
  std::string page =
      text(page_head, "<title>", title, "</title>\n", style, "</head>\n<body>\n<h1>", title,
           "</h1>\n<p class=\"muted\">", html(content.pictures), "</p>\n<h2>Figures</h2>\n",
           figures_table(figures), "<h2>Localization accuracy against threshold</h2>\n",
           accuracy_plot(figures),
           "<p class=\"muted\">A picture is right if the box of the true class's map, cut at the "
           "threshold, overlaps a true one (intersection over union) by at least as much. The best "
           "threshold over the set is marked: the mean over the three is MaxBoxAccV2, that at 0.5 "
           "MaxBoxAcc.</p>\n<h2>Classes</h2>\n<div class=\"scroll\">",
           class_table(content.set, content.records, figures), "</div>\n");
  page += text(
      "<p class=\"muted\">A click on the head of a column sorts. Overlap is that of the box of the "
      "true class",
      network ? "" : text(", at threshold ", fixed(figures.thresholds[1], 2)),
      "; it is an error below 0.5.</p>\n<h2>Pictures</h2>\n<p class=\"muted\">The map of the true "
      "class is laid over, <span class=\"key\" style=\"background:#f0f\"></span> is the box found, "
      "<span class=\"key\" style=\"background:#fff\"></span> the true one, over "
      "it. The number is the overlap of the two.</p>\n",
      gallery(content.set, content.records, figures, options, content.network,
              options.report_pictures),
      script, "</body>\n</html>\n");
  std::string path = (fs::path(options.report) / "index.html").string();
  OutputFile file(path);
  file.write(std::as_bytes(std::span(page)));
  file.commit();
  return path;
}

}  // namespace camlite::tool
