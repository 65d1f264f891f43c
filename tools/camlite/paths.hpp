// Files and folders: what is the same one, whatever its name; folders that are made.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "console.hpp"

namespace camlite::tool {

// One spelling for each file or folder, the same before it is made and after.
inline std::string identity(const std::filesystem::path& path) {
  std::error_code error;
  // weakly_canonical would leave a relative path relative if nothing of it is there.
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(absolute, error);
  const std::filesystem::path known = (error ? absolute : canonical).lexically_normal();
  return (known.has_filename() ? known : known.parent_path()).string();  // "maps" of "maps/"
}

// Makes the folder, and those above it; "" is the current one. Throws CannotWrite, naming it.
inline void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error)
    throw CannotWrite(text(folder.string(), ": cannot make the folder: ", error.message()));
}

}  // namespace camlite::tool
