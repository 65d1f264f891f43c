// Models by name: files in the folders where a person keeps them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace camlite::tool {

constexpr std::string_view model_suffix = ".safetensors";

// Where an installation has its models: beside the program, where one that was moved keeps them,
// then where it was to be installed.
std::vector<std::string> data_folders();

// Where models are looked for by name, the first one first: $CAMLITE_MODELS or, without it,
// $XDG_DATA_HOME/camlite/models (~/.local/share/camlite/models); then data_folders().
std::vector<std::string> model_folders();

// A model that can be named: NAME.safetensors in one of the folders.
struct NamedModel {
  std::string name;
  std::string path;
};

// By name; of two with the same name, the one that a command would take.
std::vector<NamedModel> named_models();

// What --model means: the file of this path or, where there is none, the model of this name. Throws
// Error that says where it was looked for.
std::string find_model(const std::string& path_or_name);

}  // namespace camlite::tool
