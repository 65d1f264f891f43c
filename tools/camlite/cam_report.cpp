#include "cam_report.hpp"

#include <utility>

#include "batch/html.hpp"
#include "batch/page.hpp"
#include "batch/stop_signal.hpp"
#include "console.hpp"

namespace camlite::tool {

namespace {

std::string caption_of(const std::string& picture, const SeenPicture& seen) {
  std::string out = text("<span class=\"file\">", html(picture), "</span>");
  for (std::size_t i = 0; i < seen.findings.size(); ++i) {
    const ClassScore& score = seen.findings[i].score;
    const std::string name = html(score.label);
    const std::string line =
        text(fixed(100 * static_cast<double>(score.probability), 1), "%: ", name);
    out += text("<span class=\"label\" title=\"", name, "\">",
                i == seen.shown ? text("<b>", line, "</b>") : line, "</span>");
  }
  return out;
}

}  // namespace

std::string write_cam_report(const std::string& folder, const std::string& model,
                             const std::string& about, const std::vector<std::string>& pictures,
                             const std::function<SeenPicture(const std::string&)>& look,
                             const std::function<void(const std::string&, const char*)>& failed) {
  std::string body =
      text("<p class=\"muted\">", html(about),
           "</p>\n<p class=\"muted\">Laid over "
           "each picture is the map of the class in bold; <span class=\"key\" "
           "style=\"background:#f0f\"></span> is its box.</p>\n<div class=\"gallery\">\n");
  for (const std::string& picture : pictures) {
    if (StopSignal::requested()) return "";
    SeenPicture seen;
    std::string caption;
    body += figure(
        html(picture) + " with its class activation map",
        [&] {
          seen = look(picture);
          return seen.drawn;
        },
        [&] { return caption_of(picture, seen); }, [&](const char* why) { failed(picture, why); });
  }
  return write_page(folder, "camlite cam: " + html(model), body + "</div>\n");
}

}  // namespace camlite::tool
