// Runs the corpora, which hold every finding so far, through their targets:
//
//   replay FOLDER [TARGET...]      FOLDER has a folder of files for each target
//
// Prints what was done. Fails where a target has no inputs, and ends where it has a finding.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "target.hpp"

namespace {

namespace fs = std::filesystem;
using camlite::fuzz::Target;

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files.push_back(fs::absolute(entry.path()));
  std::sort(files.begin(), files.end());
  return files;
}

// Where a run is cut off, its last line names the file.
void replay(const Target& target, const std::vector<fs::path>& files) {
  std::size_t refused = 0;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    std::fprintf(stderr, "%s: %s\n", std::string(target.name).c_str(), file.c_str());
    try {
      target.run(std::as_bytes(std::span(bytes)));
    } catch (const camlite::Error& error) {
      std::fprintf(stderr, "  refused: %s\n", error.what());
      ++refused;
    }
  }
  std::fprintf(stderr, "%s: %zu inputs, %zu of them refused\n", std::string(target.name).c_str(),
               files.size(), refused);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: replay FOLDER [TARGET...]\n", stderr);
    return 2;
  }
  const fs::path corpora = fs::absolute(argv[1]);
  const std::vector<std::string_view> named(argv + 2, argv + argc);
  for (std::string_view name : named) {
    if (camlite::fuzz::find_target(name) != nullptr) continue;
    std::fprintf(stderr, "replay: there is no target %s\n", std::string(name).c_str());
    return 2;
  }
  for (const Target& target : camlite::fuzz::targets) {
    if (!named.empty() && std::find(named.begin(), named.end(), target.name) == named.end())
      continue;
    const std::vector<fs::path> files = files_in(corpora / target.name);
    if (files.empty()) {
      std::fprintf(stderr, "replay: no inputs in %s\n", (corpora / target.name).c_str());
      return 1;
    }
    replay(target, files);
  }
  return 0;
}
