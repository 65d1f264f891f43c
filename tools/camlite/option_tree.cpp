#include "option_tree.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include <camlite/model/text.hpp>

namespace camlite::tool {

namespace {

// "NAME:{paper,authors}", which is how CLI11 writes a value with a choice: the words in braces.
std::vector<std::string> choices_in(std::string_view type) {
  std::vector<std::string> words;
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open == type.npos || close == type.npos) return words;
  std::string_view inside = type.substr(open + 1, close - open - 1);
  while (!inside.empty()) words.emplace_back(detail::next_piece(inside, ','));
  return words;
}

OptionPage page_of(const CLI::Option& option) {
  OptionPage page;
  for (const std::string& name : option.get_snames()) page.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) page.names.push_back("--" + name);
  if (page.names.empty()) page.names.push_back(option.get_name());
  const std::string type = option.get_type_name();
  page.value = type.substr(0, type.find(':'));
  page.choices = choices_in(type);
  page.description = description_of(option);
  page.default_value = option.get_default_str();
  page.required = option.get_required();
  page.takes_value = option.get_items_expected_max() > 0;
  page.many = option.get_items_expected_max() > 1;
  page.folder = page.value == "DIR";
  return page;
}

// In how many characters two words differ: put in, left out, or another one. Source: Levenshtein,
// "Binary codes capable of correcting deletions, insertions, and reversals", 1966.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // from the beginning of `a` so far
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t before = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t other = before + (a[i] == b[j] ? 0 : 1);
      before = row[j + 1];
      row[j + 1] = std::min({other, before + 1, row[j] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string description_of(const CLI::Option& option) {
  std::string out = option.get_description();
  const char* before = "; one of ";
  for (const std::string& choice : choices_in(option.get_type_name())) {
    out += before + choice;
    before = ", ";
  }
  return out;
}

std::string OptionPage::summary() const {
  const std::string_view all = description;
  std::size_t end = all.find_first_of(";:(\n");
  if (end == all.npos) end = all.size();
  const std::size_t sentence = all.find(". ");
  if (sentence < end) end = sentence;
  std::string_view first = all.substr(0, end);
  while (first.ends_with(' ')) first.remove_suffix(1);
  return std::string(first.empty() ? all : first);
}

std::vector<CommandPage> command_pages(const CLI::App& program) {
  std::vector<CommandPage> pages;
  const auto all = [](const CLI::App*) { return true; };
  for (const CLI::App* command : program.get_subcommands(all)) {
    CommandPage page{command->get_name(), command->get_description(), command->get_footer(), {}};
    for (const CLI::Option* option : command->get_options())
      page.options.push_back(page_of(*option));
    pages.push_back(std::move(page));
  }
  return pages;
}

std::string about_unknown(const CLI::App& program, const CLI::App& command, std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  if (!name.starts_with("--")) return "";
  std::string owners, alike;
  std::size_t least = std::min<std::size_t>(3, 1 + name.size() / 4);  // short ones differ by less
  for (const CommandPage& page : command_pages(program)) {
    for (const OptionPage& option : page.options) {
      for (const std::string& its : option.names) {
        if (its == name) owners += (owners.empty() ? "camlite " : ", camlite ") + page.name;
        if (page.name != command.get_name() || distance(its, name) >= least) continue;
        least = distance(its, name);
        alike = its;
      }
    }
  }
  const std::string none = text("camlite ", command.get_name(), " has no ", name, "; ");
  if (!owners.empty()) return none + "that is an option of " + owners;
  return alike.empty() ? "" : none + "did you mean " + alike + "?";
}

}  // namespace camlite::tool
