// What is the same file, whatever its name.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

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

}  // namespace camlite::tool
