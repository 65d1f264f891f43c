// camlite manual: the manual page camlite(1), from the options themselves.

#include <string>
#include <string_view>
#include <vector>

#include <camlite/model/text.hpp>
#include <camlite/version.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "option_tree.hpp"

namespace camlite::tool {

namespace {

// As roff reads it: its escape character, its commands at the beginning of lines, and hyphens that
// are typed.
std::string roff(std::string_view words) {
  std::string out;
  bool line_begins = true;
  for (const char c : words) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

std::string bold(std::string_view words) {
  return "\\fB" + roff(words) + "\\fR";
}
std::string italic(std::string_view words) {
  return "\\fI" + roff(words) + "\\fR";
}

// Text whose lines stay as they are, with a blank line between paragraphs.
std::string as_it_is(std::string_view words) {
  return text(".PP\n.nf\n", roff(words), "\n.fi\n");
}

// What --help has for an option.
std::string option_entry(const OptionPage& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += names.empty() ? "" : ", ";
    names += option.positional() ? italic(name) : bold(name);
  }
  if (option.takes_value && !option.positional()) names += " " + italic(option.value);
  std::string out = text(".TP\n", names, "\n", roff(option.description));
  if (!option.default_value.empty()) out += " (" + roff(option.default_value) + ")";
  return out + "\n";
}

std::string usage(const CommandPage& page) {
  std::string out = bold("camlite " + page.name) + " [" + italic("options") + "]";
  for (const OptionPage& option : page.options) {
    if (!option.positional()) continue;
    const std::string name = italic(option.names.front()) + (option.many ? "..." : "");
    out += option.required ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string manual(const CLI::App& program) {
  const std::vector<CommandPage> pages = command_pages(program);
  std::string out =
      text(".TH CAMLITE 1 \"\" \"camlite ", CAMLITE_VERSION, "\" \"User Commands\"\n",
           ".SH NAME\ncamlite \\- class activation maps of pictures: which class, and where\n",
           ".SH SYNOPSIS\n");
  for (const CommandPage& page : pages)
    out += (&page == &pages.front() ? "" : ".br\n") + usage(page) + "\n";
  out += ".SH DESCRIPTION\n" + roff(program.get_description()) + "\n" +
         as_it_is(program.get_footer()) + ".SH COMMANDS\n";
  for (const CommandPage& page : pages) {
    out += text(".SS camlite ", page.name, "\n", roff(page.summary), "\n");
    for (const OptionPage& option : page.options) {
      if (option.names.back() != "--help") out += option_entry(option);
    }
    if (!page.footer.empty()) out += as_it_is(page.footer);
  }
  out += ".SH ENVIRONMENT\n";
  const auto variable = [&](std::string_view name, std::string_view what) {
    out += text(".TP\n", bold(name), "\n", roff(what), "\n");
  };
  variable("CAMLITE_MODEL", "the default model, a file or a name");
  variable("CAMLITE_ISA",
           "portable, avx2 or avx512: lowers the choice of instructions that the processor has");
  variable("OMP_NUM_THREADS", "how many threads, where --threads does not say it");
  variable("CAMLITE_MODELS",
           "the folder of the models that have names: camlite models lists them; without it "
           "$XDG_DATA_HOME/camlite/models");
  variable("XDG_DATA_HOME", "the folder of a person's data; without it ~/.local/share");
  return out;
}

}  // namespace

void add_manual(CLI::App& program, int&) {
  CLI::App* command = program.add_subcommand("manual", "print the manual page");
  command->footer(
      "  camlite manual | man -l -                        reads it\n"
      "  camlite manual > ~/.local/share/man/man1/camlite.1");
  command->callback([&program] { print(manual(program)); });
}

}  // namespace camlite::tool
