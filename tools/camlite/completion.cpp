// camlite completion: what shells need to complete camlite's command lines, from the options
// themselves.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/model/text.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "option_tree.hpp"

namespace camlite::tool {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// 'as one word of a shell': these texts have no control characters.
std::string shell_word(std::string_view words) {
  std::string out = "'";
  for (const char c : words) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// $'word\nword': one a line, as bash splits lists where names may hold blanks.
std::string bash_list(const std::vector<std::string>& words) {
  std::string out = "$'";
  for (const std::string& word : words) out += (out.size() > 2 ? "\\n" : "") + word;
  return out + "'";
}

std::vector<std::string> command_names(const std::vector<CommandPage>& pages) {
  std::vector<std::string> names;
  names.reserve(pages.size());
  for (const CommandPage& page : pages) names.push_back(page.name);
  return names;
}

std::string bash(const std::vector<CommandPage>& pages) {
  std::string flags, values;
  for (const CommandPage& page : pages) {
    std::vector<std::string> names;
    for (const OptionPage& option : page.options) {
      if (option.positional() && option.choices.empty()) continue;
      std::string patterns;
      if (option.positional()) {  // the first word behind the command
        patterns = page.name + "," + page.name;
      } else {
        names.insert(names.end(), option.names.begin(), option.names.end());
        if (!option.takes_value) continue;
        for (const std::string& name : option.names)
          patterns += (patterns.empty() ? "" : "|") + page.name + "," + name;
      }
      const std::string choices = option.choices.empty()
                                      ? option.folder ? "compgen -d" : "compgen -f"
                                      : "compgen -W " + bash_list(option.choices);
      values += text("    ", patterns, ") COMPREPLY=($(", choices, " -- \"$word\")); return ;;\n");
    }
    flags += text("    ", page.name, ") flags=", bash_list(names), " ;;\n");
  }
  std::vector<std::string> first = command_names(pages);
  first.insert(first.end(), {"--help", "--version"});
  return text(
      "# bash completion of camlite; made by: camlite completion bash\n"
      "_camlite() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command=${COMP_WORDS[1]} flags= IFS=$'\\n'\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W ",
      bash_list(first),
      " -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case $command,$before in\n",
      values,
      "  esac\n"
      "  case $command in\n",
      flags,
      "  esac\n"
      "  case $word in\n"
      "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
      "  esac\n"
      "}\n"
      "complete -o filenames -F _camlite camlite\n");
}

std::string zsh(const std::vector<CommandPage>& pages) {
  // In a description of _arguments, brackets and colons have a meaning.
  const auto plain = [](std::string_view words) {
    std::string out;
    for (const char c : words) {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  std::string commands, cases;
  for (const CommandPage& page : pages) {
    commands += text("    ", shell_word(page.name + ":" + plain(page.summary)), "\n");
    cases += text("    ", page.name, ")\n      _arguments -s \\\n");
    std::string words = "*:file:_files";
    for (const OptionPage& option : page.options) {
      if (option.positional()) {
        if (!option.choices.empty())
          words = text("1:", plain(option.value), ":(", joined(option.choices), ")");
        continue;
      }
      const std::string value =
          !option.takes_value ? ""
                              : ":" + plain(option.value) + ":" +
                                    (!option.choices.empty() ? "(" + joined(option.choices) + ")"
                                     : option.folder         ? "_files -/"
                                                             : "_files");
      for (const std::string& name : option.names) {
        cases +=
            text("        ", shell_word(text('*', name, '[', plain(option.summary()), ']', value)),
                 " \\\n");
      }
    }
    cases += text("        ", shell_word(words), " ;;\n");
  }
  return text(
      "#compdef camlite\n"
      "# zsh completion of camlite; made by: camlite completion zsh\n"
      "_camlite() {\n"
      "  local -a commands=(\n",
      commands,
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n",
      cases,
      "  esac\n"
      "}\n"
      "if [ \"$funcstack[1]\" = _camlite ]; then _camlite \"$@\"; else compdef _camlite camlite; "
      "fi\n");
}

std::string fish(const std::vector<CommandPage>& pages) {
  std::string out =
      "# fish completion of camlite; made by: camlite completion fish\n"
      "complete -c camlite -n __fish_use_subcommand -f\n";
  for (const CommandPage& page : pages) {
    out += text("complete -c camlite -n __fish_use_subcommand -a ", page.name, " -d ",
                shell_word(page.summary), "\n");
    for (const OptionPage& option : page.options) {
      if (option.positional() && option.choices.empty()) continue;
      out += text("complete -c camlite -n '__fish_seen_subcommand_from ", page.name, "'");
      if (option.positional()) {
        out += " -f -a " + shell_word(joined(option.choices)) + "\n";
        continue;
      }
      for (const std::string& name : option.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      out += " -d " + shell_word(option.summary());
      if (!option.choices.empty()) {
        out += " -x -a " + shell_word(joined(option.choices));
      } else if (option.takes_value) {
        out += option.folder ? " -x -a '(__fish_complete_directories)'" : " -r";
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace

void add_completion(CLI::App& program, int&) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      program.add_subcommand("completion", "print a script that completes camlite's command lines");
  command->add_option("SHELL", *shell, "for which shell")
      ->type_name("NAME")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "An installed camlite has them in the places where the shells look. Without that:\n"
      "  source <(camlite completion bash)                in ~/.bashrc\n"
      "  source <(camlite completion zsh)                 in ~/.zshrc, after compinit\n"
      "  camlite completion fish | source                 in ~/.config/fish/config.fish");
  command->callback([&program, shell] {
    const std::vector<CommandPage> pages = command_pages(program);
    print(*shell == "bash" ? bash(pages) : *shell == "zsh" ? zsh(pages) : fish(pages));
  });
}

}  // namespace camlite::tool
