#include "pictures.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include <camlite/image_io.hpp>

#include "arguments.hpp"
#include "console.hpp"
#include "json.hpp"

namespace camlite::tool {

namespace {

Image read_picture(const std::string& path, const ImageLimits& limits) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail(path, ": is a directory; name the pictures in it");
  }
  return read_image(path, {.limits = limits});
}

Json to_json(const Report& report) {
  Json top = Json::array();
  for (const Finding& finding : report.findings) {
    Json one{{"class", finding.score.index},
             {"label", finding.score.label},
             {"probability", finding.score.probability}};
    if (report.located) {
      const auto& box = finding.box;
      one["box"] = box ? Json{box->x, box->y, box->width, box->height} : Json(nullptr);
    }
    top.push_back(std::move(one));
  }
  Json json{{"image", report.path}, {"top", std::move(top)}};
  if (!report.overlay.empty()) {
    json["overlay"] = report.overlay;
    json["overlay_class"] = report.overlay_class;
  }
  return json;
}

std::string to_text(const Report& report) {
  constexpr std::size_t label_width = 48;
  using enum Table::Align;
  Table table("  ", {right, left, left});
  for (const Finding& finding : report.findings) {
    std::string where;
    if (report.located) {
      const auto& box = finding.box;
      where = box ? text("box ", box->x, ',', box->y, ' ', box->width, 'x', box->height)
                  : "no box: its map is nowhere positive";
    }
    table.row({fixed(100.0 * static_cast<double>(finding.score.probability), 1) + "%",
               shortened(printable(finding.score.label), label_width), where});
  }
  std::string out = text(printable(report.path), " (", report.width, 'x', report.height, ")\n");
  out += table.str();
  if (!report.overlay.empty()) {
    const auto shown = std::find_if(
        report.findings.begin(), report.findings.end(),
        [&](const Finding& finding) { return finding.score.index == report.overlay_class; });
    out += text("  overlay: ", printable(report.overlay), " (",
                shortened(printable(shown->score.label), label_width), ")\n");
  }
  return out;
}

}  // namespace

void add_view_options(CLI::App& command, PredictOptions& predict, Index& crops) {
  auto* size =
      command
          .add_option(
              "--size", predict.size,
              "the shorter side, in pixels, of what the network gets, instead of the model's: "
              "twice the size gives a map twice as fine, and classes that the network knows "
              "less well, since it was trained at its own")
          ->type_name("S")
          ->check(in_range(1, 65536));
  auto* whole = command.add_flag("--whole", predict.whole_picture,
                                 "look at the whole picture instead of the square in its centre");
  command
      .add_option("--crops", crops,
                  "10: look at the four corners, the centre and their mirror images of the whole "
                  "picture made square, average the probabilities and merge the maps, as the "
                  "paper's authors do; takes ten times as long")
      ->type_name("N")
      ->capture_default_str()
      ->check([](const std::string& count) {
        return count == "1" || count == "10" ? "" : text("it must be 1 or 10, not ", count);
      })
      ->excludes(size)
      ->excludes(whole);
}

void add_limit_options(CLI::App& command, ImageLimits& limits) {
  command
      .add_option("--max-pixels", limits.pixels,
                  "the largest picture that is read, width times height")
      ->type_name("N")
      ->capture_default_str()
      ->check(in_range<Index>(1, std::numeric_limits<int>::max()));
}

void add_picture_options(CLI::App& command, PictureOptions& options) {
  command.add_option("IMAGE", options.paths, "pictures: JPEG, PNG or BMP files")
      ->required()
      ->type_name("");
  add_model_options(command, options.model);
  command.add_option("--top", options.top, "the K most probable classes")
      ->type_name("K")
      ->capture_default_str()
      ->check(in_range(1, 1000000));
  add_view_options(command, options.predict, options.crops);
  add_limit_options(command, options.limits);
  command.add_flag("--json", options.json, "one JSON object a line instead of text");
}

std::string to_string(const Report& report, bool json) {
  return json ? json_line(to_json(report)) : to_text(report);
}

int for_each_picture(const PictureOptions& options,
                     const std::function<Report(std::size_t, const Image&)>& work) {
  int status = all_done;
  Progress progress(options.paths.size());
  for (std::size_t i = 0; i < options.paths.size(); ++i) {
    const std::string& path = options.paths[i];
    const auto refuse = [&](const std::string& why) {
      progress.clear();
      complain(why.starts_with(path) ? why : text(path, ": ", why));
      status = some_failed;
    };
    progress.next(path);
    try {
      const Image picture = read_picture(path, options.limits);
      Report report = work(i, picture);
      report.path = path;
      report.width = picture.width();
      report.height = picture.height();
      const std::string lines = to_string(report, options.json);
      progress.clear();
      print(lines);
    } catch (const UsageError&) {
      throw;  // the same for every picture
    } catch (const std::bad_alloc&) {
      refuse("not enough memory");
    } catch (const std::exception& error) {
      refuse(error.what());
    }
  }
  return status;
}

}  // namespace camlite::tool
