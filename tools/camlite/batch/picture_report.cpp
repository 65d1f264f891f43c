#include "picture_report.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <camlite/error.hpp>

#include "../console.hpp"
#include "../json.hpp"

namespace camlite::tool {

namespace {

// A name of a file: bytes, which JSON cannot have unless they are UTF-8.
void put_name(Json& json, const std::string& key, const std::string& name) {
  json[key] = name;
  if (Json::parse(json_line(Json(name))) == Json(name)) return;
  constexpr const char* digits = "0123456789abcdef";
  std::string hex;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4];
    hex += digits[byte & 0xF];
  }
  json[key + "_hex"] = hex;
}

std::string csv_field(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == value.npos) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    out += c;
    if (c == '"') out += c;
  }
  return out + '"';
}

std::string to_text(const Report& report) {
  if (!report.error.empty()) return "";
  constexpr std::size_t label_width = 48;
  using enum Table::Align;
  Table table("  ", {right, left, left});
  for (const Finding& finding : report.findings) {
    std::string where;
    if (report.located) {
      const auto& box = finding.box;
      where = box ? text("box ", box->x, ',', box->y, ' ', box->width, 'x', box->height)
                  : "no box: its map is nowhere above the threshold";
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

std::string to_json_line(const Report& report) {
  Json json = Json::object();
  put_name(json, "image", report.path);
  if (!report.error.empty()) {
    json["error"] = report.error;
    return json_line(json);
  }
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
  json["top"] = std::move(top);
  if (!report.overlay.empty()) {
    put_name(json, "overlay", report.overlay);
    json["overlay_class"] = report.overlay_class;
  }
  return json_line(json);
}

std::string csv_header(const CsvColumns& columns) {
  std::string out = "image,error";
  if (columns.drawn) out += ",overlay,overlay_class";
  for (std::size_t k = 1; k <= columns.classes; ++k) {
    out += text(",class_", k, ",label_", k, ",probability_", k);
    if (columns.located) out += text(",x_", k, ",y_", k, ",width_", k, ",height_", k);
  }
  return out + "\r\n";
}

std::string to_csv_line(const Report& report, const CsvColumns& columns) {
  std::string out = csv_field(report.path) + ',' + csv_field(report.error);
  if (columns.drawn) {
    out += ',' + csv_field(report.overlay) + ',';
    if (!report.overlay.empty()) out += text(report.overlay_class);
  }
  for (std::size_t k = 0; k < columns.classes; ++k) {
    if (k >= report.findings.size()) {
      out += std::string(columns.located ? 7 : 3, ',');
      continue;
    }
    const auto& [score, box] = report.findings[k];
    out += text(',', score.index, ',', csv_field(score.label), ',');
    if (!std::isnan(score.probability)) out += Json(score.probability).dump();
    if (!columns.located) continue;
    out += box ? text(',', box->x, ',', box->y, ',', box->width, ',', box->height) : ",,,,";
  }
  return out + "\r\n";
}

}  // namespace

const char* RecordFormat::name() const {
  return kind == Kind::text ? "text" : kind == Kind::json ? "json" : "csv";
}

std::string RecordFormat::header() const {
  return kind == Kind::csv ? csv_header(columns) : "";
}

std::string RecordFormat::record(const Report& report) const {
  switch (kind) {
    case Kind::text:
      return to_text(report);
    case Kind::json:
      return to_json_line(report);
    case Kind::csv:
      return to_csv_line(report, columns);
  }
  fail("no such format");
}

}  // namespace camlite::tool
