// What the program wrote itself, as far as it knows: results, their manifest, and the records of an
// evaluation.
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "../../tools/camlite/batch/manifest.hpp"
#include "../../tools/camlite/batch/record_reader.hpp"
#include "../../tools/camlite/evaluate/records_file.hpp"
#include "../support/scratch_folder.hpp"
#include "target.hpp"

namespace camlite::fuzz {

namespace {

void results(std::string_view content, std::string_view kind) {
  const tool::ResultsText text = tool::results_text(content, kind, "fuzz");
  std::vector<tool::RecordLine> lines;
  tool::add_lines(text.records, text.format, "fuzz", lines);
  std::string together;
  for (const tool::RecordLine& line : lines) {
    require(!line.picture.empty(), "a record is of a picture");
    together += line.record;
  }
  require(together == text.records, "the records are the whole file");
}

void manifest(std::string_view content, const std::string& results) {
  std::ofstream(tool::manifest_path(results), std::ios::binary) << content;
  const tool::Manifest read = tool::read_manifest(results);
  tool::write_manifest(results, read);
  const tool::Manifest again = tool::read_manifest(results);
  require(tool::differences(again.asked, read.asked).empty() && again.listed == read.listed &&
              again.done == read.done && again.failed == read.failed &&
              again.complete == read.complete && again.replaces == read.replaces,
          "a manifest that was written is read as the same");
}

void evaluation(std::string_view content, const std::string& path) {
  std::ofstream(path, std::ios::binary) << content;
  constexpr std::size_t pictures = 8;
  constexpr Index classes = 5;
  tool::RecordsFile file(path, {{"crops", 1}}, pictures, classes);
  for (const tool::Record& record : file.take_known()) {
    require(record.place < pictures, "a record is of a picture");
    const std::string line = tool::to_line(record);
    require(tool::to_line(tool::parse_record(line.substr(0, line.size() - 1))) == line,
            "a record that was written is read as the same");
  }
}

}  // namespace

// Results alone; or results, manifest, records of an evaluation. Refused if one of them is, after
// all were tried.
void fuzz_records(Bytes files) {
  const std::vector<Bytes> parts = parts_of(files);
  std::exception_ptr refused;
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const Error&) {
      refused = std::current_exception();
    }
  };
  const std::string_view content = as_text(parts[0]);
  attempt([&] { results(content, content.starts_with('{') ? "json" : "csv"); });
  if (parts.size() >= 3) {
    const test::ScratchFolder folder;
    attempt([&] { manifest(as_text(parts[1]), folder.path("o")); });
    attempt([&] { evaluation(as_text(parts[2]), folder.path("r")); });
  }
  if (refused) std::rethrow_exception(refused);
}

}  // namespace camlite::fuzz
