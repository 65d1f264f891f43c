// What is the same file, whatever its name.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace camlite::tool {

// One spelling for each file or folder, whether or not it is there.
inline std::string identity(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, error);
  return (error ? std::filesystem::absolute(path, error).lexically_normal() : canonical).string();
}

}  // namespace camlite::tool
