// What the paper's authors published, where it is at hand.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

namespace camlite::test {

// The folder with a slash behind it; without it, a warning that the test does not run.
inline std::optional<std::string> authors_data() {
  const char* shared = std::getenv("CAMLITE_SHARED");
  std::string folder = std::string(shared ? shared : "../shared") + "/reference/cam2016/";
  if (std::filesystem::exists(folder)) return folder;
  WARN("NOT TESTED: " << folder << " is missing; CAMLITE_SHARED names the folder above");
  return {};
}

}  // namespace camlite::test
