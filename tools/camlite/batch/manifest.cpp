#include "manifest.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <camlite/error.hpp>
#include <camlite/file.hpp>
#include <camlite/output_file.hpp>
#include <camlite/version.hpp>

#include "../words.hpp"
#include "differences.hpp"
#include "hash.hpp"

namespace camlite::tool {

namespace {

constexpr const char* mark = "camlite_results";  // the first member
constexpr Index largest_manifest = Index{1} << 20;

// What makes records of two runs alike.
Json likeness(const Asked& asked) {
  Json all{{"command", asked.command}, {"model_hash", asked.model_hash}, {"format", asked.format}};
  all.update(asked.options);
  return all;
}

std::uint64_t whole_number(const Json& object, const char* name) {
  const Json& value = object.at(name);
  if (!value.is_number_unsigned()) fail('"', name, "\" is no whole number from 0");
  return value.get<std::uint64_t>();
}

Manifest from_json(const Json& json) {
  Manifest manifest;
  Asked& asked = manifest.asked;
  asked.command = json.at("command").get<std::string>();
  asked.model = json.at("model").get<std::string>();
  asked.model_hash = json.at("model_hash").get<std::string>();
  asked.format = json.at("format").get<std::string>();
  asked.options = json.at("options");
  if (!asked.options.is_object()) fail("\"options\" is no object");
  if (const auto shard = json.find("shard"); shard != json.end()) {
    asked.shard.number = whole_number(*shard, "number");
    asked.shard.count = whole_number(*shard, "of");
    if (asked.shard.number < 1 || asked.shard.number > asked.shard.count)
      fail("there is no shard ", asked.shard.number, " of ", asked.shard.count);
  }
  const Json& pictures = json.at("pictures");
  manifest.listed.pictures = whole_number(pictures, "listed");
  manifest.listed.hash = from_hex(pictures.at("listed_hash").get<std::string>());
  manifest.done = whole_number(pictures, "done");
  manifest.failed = whole_number(pictures, "failed");
  manifest.complete = json.at("complete").get<bool>();
  manifest.replaces = json.value("replaces", false);
  return manifest;
}

}  // namespace

std::string manifest_path(const std::string& results) {
  return results + ".manifest.json";
}

Manifest read_manifest(const std::string& results) {
  const std::string path = manifest_path(results);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    fail(path, ": is not there, so that nobody knows of what run ", results, " is");
  const std::vector<std::byte> bytes = read_file(path, largest_manifest);
  const Json found = parse_json(as_text(bytes));
  if (!found.is_object() || !found.contains(mark)) fail(path, ": is not the manifest of a run");
  const auto version = found.find("version");
  const bool told = version != found.end() && version->is_string();
  const std::string written_by = told ? version->get<std::string>() : "?";
  if (written_by != CAMLITE_VERSION) {
    fail(path, ": of camlite ", written_by, ", and this is ", CAMLITE_VERSION,
         ": records of two versions may differ");
  }
  try {
    return from_json(found);
  } catch (const Json::exception& error) {
    fail(path, ": is not the manifest of a run: ", error.what());
  } catch (const Error& error) {
    fail(path, ": is not the manifest of a run: ", error.what());
  }
}

void write_manifest(const std::string& results, const Manifest& manifest) {
  const Asked& asked = manifest.asked;
  Json json{{mark, 1},
            {"version", CAMLITE_VERSION},
            {"command", asked.command},
            {"model", asked.model},
            {"model_hash", asked.model_hash},
            {"format", asked.format},
            {"options", asked.options}};
  if (asked.shard.count > 1)
    json["shard"] = {{"number", asked.shard.number}, {"of", asked.shard.count}};
  json["pictures"] = {{"listed", manifest.listed.pictures},
                      {"listed_hash", to_hex(manifest.listed.hash)},
                      {"done", manifest.done},
                      {"failed", manifest.failed}};
  json["complete"] = manifest.complete;
  if (manifest.replaces) json["replaces"] = true;
  const std::string content = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  OutputFile file(manifest_path(results));
  file.write(std::as_bytes(std::span(content)));
  file.commit();
}

std::string differences(const Asked& found, const Asked& asked) {
  const Json then = likeness(found), now = likeness(asked);
  std::string out = differences(then, now);
  for (const auto& [name, value] : then.items()) {
    if (!now.contains(name)) out += text("\n  ", name, ": ", value.dump(), " there, not said now");
  }
  return out;
}

}  // namespace camlite::tool
