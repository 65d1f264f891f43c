#include "option_tree.hpp"

#include <string_view>

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

}  // namespace camlite::tool
