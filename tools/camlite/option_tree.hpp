// The program's commands and their options, as those need them who write them down: the manual page
// and the completion of shells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace camlite::tool {

struct OptionPage {
  std::vector<std::string> names;    // "-h", "--help"; of a positional one just its name
  std::string value;                 // what stands for the value: "FILE", "N", ...
  std::string description;           // with the choices
  std::vector<std::string> choices;  // the values that there are, if they are so few
  std::string default_value;         // "" without one
  bool required = false;
  bool takes_value = false;
  bool many = false;    // may be given more than once, or with several values
  bool folder = false;  // the value is a folder

  bool positional() const { return !names.front().starts_with('-'); }

  /// The description's first part, a line for a menu.
  std::string summary() const;
};

struct CommandPage {
  std::string name;
  std::string summary;
  std::string footer;
  std::vector<OptionPage> options;
};

/// What an option says of itself, with the values that it may have, if they are so few.
std::string description_of(const CLI::Option& option);

/// What each subcommand of the program says of itself, in the order of --help.
std::vector<CommandPage> command_pages(const CLI::App& program);

/// Of a word that the command does not know: which commands have such an option, or which of its
/// own is spelled alike. "" of a word that is no option, or is like none.
std::string about_unknown(const CLI::App& program, const CLI::App& command, std::string_view word);

}  // namespace camlite::tool
