#include "record_reader.hpp"

#include <vector>

#include <camlite/error.hpp>

#include "../json.hpp"

namespace camlite::tool {

namespace {

// The bytes of hexadecimal digits.
std::string unhexed(const std::string& digits) {
  const auto value = [&](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    fail('"', digits, "\" are no hexadecimal digits");
  };
  if (digits.size() % 2 != 0) fail('"', digits, "\" is half a byte too long");
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out += static_cast<char>(value(digits[i]) << 4 | value(digits[i + 1]));
  return out;
}

std::string string_member(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  if (found == json.end()) return "";
  if (!found->is_string()) fail("\"", key, "\" is no string");
  return found->get<std::string>();
}

// A name of a file, whose bytes may be in another member.
std::string name_member(const Json& json, const std::string& key) {
  const std::string bytes = unhexed(string_member(json, key + "_hex"));
  return bytes.empty() ? string_member(json, key) : bytes;
}

KnownRecord from_json(std::string_view line) {
  const Json json = parse_json(line);
  if (!json.is_object()) fail("not an object of JSON");
  return {name_member(json, "image"), json.contains("error"), name_member(json, "overlay")};
}

// Where the record that the text begins with ends, behind its line feed; 0 if it is cut off.
std::size_t end_of_csv(std::string_view records) {
  bool quoted = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i] == '"') quoted = !quoted;  // a quote in a field is two
    if (records[i] == '\n' && !quoted) return i + 1;
  }
  return 0;
}

// Of a whole record.
std::vector<std::string> csv_fields(std::string_view record) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    if (c == '"') {
      // The second of two is a quote of the field.
      if (!quoted && i > 0 && record[i - 1] == '"') fields.back() += c;
      quoted = !quoted;
    } else if (quoted || (c != ',' && c != '\r' && c != '\n')) {
      fields.back() += c;
    } else if (c == ',') {
      fields.emplace_back();
    }
  }
  return fields;
}

KnownRecord from_csv(std::string_view record, const CsvColumns& columns) {
  const std::vector<std::string> fields = csv_fields(record);
  if (fields.size() != columns.count()) fail(fields.size(), " fields, and not ", columns.count());
  return {fields[0], !fields[1].empty(), columns.drawn ? fields[2] : ""};
}

}  // namespace

std::size_t for_each_record(std::string_view records, const RecordFormat& format,
                            const std::string& name,
                            const std::function<void(const KnownRecord&, std::string_view)>& use) {
  const bool csv = format.kind == RecordFormat::Kind::csv;
  std::size_t at = 0;
  for (std::size_t number = 1; at < records.size(); ++number) {
    const std::string_view rest = records.substr(at);
    const std::size_t size = csv ? end_of_csv(rest) : rest.find('\n') + 1;  // npos + 1 is 0
    if (size == 0) break;
    const std::string_view record = rest.substr(0, size);
    try {
      const KnownRecord known = csv ? from_csv(record, format.columns) : from_json(record);
      if (known.picture.empty()) fail("it names no picture");
      use(known, record);
    } catch (const Error& error) {
      fail(name, ": record ", number, ": ", error.what());
    }
    at += size;
  }
  return at;
}

ResultsText results_text(std::string_view content, std::string_view kind, const std::string& name) {
  if (kind == "json") return {{RecordFormat::Kind::json, {}}, content};
  if (kind != "csv") fail(name, ": of no format that there is: ", kind);
  const std::string_view header = content.substr(0, content.find('\n') + 1);
  CsvColumns columns;
  for (const std::string& field : csv_fields(header)) {
    if (field.starts_with("class_")) ++columns.classes;
    if (field == "overlay") columns.drawn = true;
    if (field == "x_1") columns.located = true;
  }
  const RecordFormat format{RecordFormat::Kind::csv, columns};
  if (format.header() != header)
    fail(name, ": its first line is none of a file of results: ", header);
  return {format, content.substr(header.size())};
}

void add_lines(std::string_view records, const RecordFormat& format, const std::string& name,
               std::vector<RecordLine>& lines) {
  const std::size_t whole =
      for_each_record(records, format, name, [&](const KnownRecord& one, std::string_view record) {
        lines.push_back({one.picture, one.overlay, record});
      });
  if (whole != records.size()) fail(name, ": its last record is cut off");
}

}  // namespace camlite::tool
