#include "model_folders.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>

#include <camlite/error.hpp>

#include "config.hpp"
#include "console.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

// The value of an environment variable; empty if it is not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string personal_folder() {
  if (std::string named = environment("CAMLITE_MODELS"); !named.empty()) return named;
  if (const std::string data = environment("XDG_DATA_HOME"); !data.empty())
    return (fs::path(data) / "camlite/models").string();
  const std::string home = environment("HOME");
  return home.empty() ? "" : (fs::path(home) / ".local/share/camlite/models").string();
}

}  // namespace

std::vector<std::string> data_folders() {
  const std::string installed = fs::path(CAMLITE_DATA_MODEL).parent_path().string();
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {installed};
  const std::string beside = (program.parent_path().parent_path() / "share/camlite").string();
  if (beside == installed) return {installed};
  return {beside, installed};
}

std::vector<std::string> model_folders() {
  std::vector<std::string> folders = data_folders();
  if (const std::string own = personal_folder(); !own.empty()) folders.insert(folders.begin(), own);
  return folders;
}

std::vector<NamedModel> named_models() {
  std::map<std::string, std::string> found;
  for (const std::string& folder : model_folders()) {
    std::error_code error;
    for (fs::directory_iterator file(folder, error), end; !error && file != end;
         file.increment(error)) {
      const fs::path& path = file->path();
      if (path.extension() == model_suffix) found.emplace(path.stem().string(), path.string());
    }
    // One that is not there has no models; one that cannot be read may have.
    if (error && error != std::errc::no_such_file_or_directory)
      complain(text(folder, ": cannot list: ", error.message()));
  }
  std::vector<NamedModel> models;
  models.reserve(found.size());
  for (auto& [name, path] : found) models.push_back({name, path});
  return models;
}

std::string find_model(const std::string& path_or_name) {
  std::error_code ignored;
  const bool is_path = path_or_name.find('/') != std::string::npos;
  if (is_path || fs::exists(path_or_name, ignored)) return path_or_name;
  for (const NamedModel& model : named_models()) {
    if (model.name == path_or_name) return model.path;
  }
  std::string folders;
  for (const std::string& folder : model_folders()) folders += text("\n  ", folder);
  fail(path_or_name, ": there is no such file, and no model of this name in", folders,
       "\ncamlite models lists those that are there");
}

}  // namespace camlite::tool
