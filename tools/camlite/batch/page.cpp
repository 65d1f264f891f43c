#include "page.hpp"

#include <filesystem>
#include <span>

#include <camlite/error.hpp>
#include <camlite/output_file.hpp>

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

}  // namespace

std::string write_page(const std::string& folder, std::string_view title, std::string_view body) {
  const std::string page =
      text(page_head, "<title>", title, "</title>\n", style, "</head>\n<body>\n<h1>", title,
           "</h1>\n", body, "</body>\n</html>\n");
  std::string path = (fs::path(folder) / "index.html").string();
  OutputFile file(path);
  file.write(std::as_bytes(std::span(page)));
  file.commit();
  return path;
}

}  // namespace camlite::tool
