#include "inputs.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/model/text.hpp>

#include "../words.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffixes[] = {".jpg", ".jpeg", ".png", ".bmp"};
constexpr const char* what_counts =
    "files named .jpg, .jpeg, .png or .bmp; hidden ones and overlays (.cam.png) do not count";

bool is_hidden(std::string_view name) {
  return name.starts_with('.');
}

bool is_picture_name(std::string_view name) {
  const std::string small = lower_case(name);
  return !is_hidden(name) && !small.ends_with(overlay_suffix) &&
         std::any_of(std::begin(suffixes), std::end(suffixes),
                     [&](std::string_view suffix) { return small.ends_with(suffix); });
}

bool has_wildcard(std::string_view word) {
  return word.find_first_of("*?[") != word.npos;
}

// Of "photos/2024/" the text "photos/2024/", of "photos" "photos/", of "" "".
std::string as_prefix(const std::string& folder) {
  return folder.empty() || folder.ends_with('/') ? folder : folder + '/';
}

// What comes of a search, in whatever order.
struct Search {
  std::function<void(std::string)> take;                     // what was found
  std::unordered_map<std::string, std::string>& unreadable;  // folders, and why
};

// What is in a folder, "" being the current one. One that cannot be read is taken as a picture that
// fails.
std::vector<fs::directory_entry> entries_of(const std::string& path, const Search& search) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  const std::string folder = path.empty() ? "." : path;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) entries.push_back(*at);
  if (error) {
    search.unreadable.emplace(folder, text("cannot read the folder: ", error.message()));
    search.take(folder);
  }
  return entries;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

bool is_link(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_symlink(ignored);
}

// Not a pipe, a socket or a device, whatever its name: reading it could wait for ever. (A link to
// one was put there on purpose.)
bool is_picture(const fs::directory_entry& entry, std::string_view name) {
  std::error_code ignored;
  const bool is_special = entry.is_fifo(ignored) || entry.is_socket(ignored) ||
                          entry.is_character_file(ignored) || entry.is_block_file(ignored);
  return is_picture_name(name) && (is_link(entry) || !is_special);
}

void search_folder(const std::string& folder, const Search& search) {
  for (const fs::directory_entry& entry : entries_of(folder, search)) {
    const std::string name = entry.path().filename().string();
    const std::string path = as_prefix(folder) + name;
    if (is_folder(entry)) {
      if (!is_link(entry) && !is_hidden(name)) search_folder(path, search);
    } else if (is_picture(entry, name)) {
      search.take(path);
    }
  }
}

// What the rest of a pattern, its components from `at` on, fits below a folder.
void search_pattern(const std::string& folder, const std::vector<std::string>& components,
                    std::size_t at, const Search& search) {
  std::error_code ignored;
  if (at == components.size()) return search_folder(folder, search);
  const std::string& component = components[at];
  const bool last = at + 1 == components.size();
  if (component != "**" && !has_wildcard(component)) {
    const std::string path = as_prefix(folder) + component;
    if (fs::is_directory(path, ignored)) {
      search_pattern(path, components, at + 1, search);
    } else if (last && fs::exists(path, ignored) &&
               is_picture(fs::directory_entry(path, ignored), component)) {
      search.take(path);
    }
    return;
  }
  if (component == "**") search_pattern(folder, components, at + 1, search);
  if (component == "**" && last) return;  // that was all of them
  for (const fs::directory_entry& entry : entries_of(folder, search)) {
    const std::string name = entry.path().filename().string();
    const std::string path = as_prefix(folder) + name;
    if (component == "**") {
      if (is_folder(entry) && !is_link(entry) && !is_hidden(name))
        search_pattern(path, components, at, search);
    } else if (::fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) == 0) {
      if (is_folder(entry)) {
        search_pattern(path, components, at + 1, search);
      } else if (last && is_picture(entry, name)) {
        search.take(path);
      }
    }
  }
}

// All of standard input.
std::string read_list() {
  std::string all;
  char block[1 << 16];
  while (const std::size_t count = std::fread(block, 1, sizeof(block), stdin))
    all.append(block, count);
  if (std::ferror(stdin) != 0) fail("standard input: cannot read the list of pictures");
  return all;
}

std::string no_picture_below(const std::string& folder) {
  return text(folder, ": no picture in it or below it (", what_counts, ")");
}

class Collection {
 public:
  explicit Collection(bool nul_separated)
      : nul_separated_(nul_separated), here_(as_prefix(fs::current_path().string())) {}

  void add(const std::string& argument) {
    std::error_code ignored;
    if (argument == "-") {
      add_list();
    } else if (fs::is_directory(argument, ignored)) {
      std::vector<std::string> found;
      search_folder(argument, to(found));
      if (found.empty()) unanswered_.push_back(no_picture_below(argument));
      add_found(std::move(found), as_prefix(argument).size());
    } else if (!fs::exists(argument, ignored) && has_wildcard(argument)) {
      add_fitting(argument);
    } else {
      add_named(argument);
    }
  }

  // Of other shards than `kept`, no more than their number.
  Inputs take(const Shard& kept) {
    std::unordered_set<std::string> stems;
    const auto is_overlay = [](const Input& one) {
      return lower_case(one.below()).ends_with(overlay_suffix);
    };
    if (std::any_of(all_.begin(), all_.end(), is_overlay))
      for (const Input& one : all_) stems.insert(fs::path(one.path).stem().string());
    const auto is_own = [&](const Input& one) {
      if (!is_overlay(one)) return false;
      std::string of = one.below();
      of.resize(of.size() - std::string_view(overlay_suffix).size());
      if (stems.contains(of)) return true;
      const std::size_t dash = of.find_last_not_of("0123456789");  // NAME-2.cam.png
      return dash != of.npos && dash + 1 < of.size() && of[dash] == '-' &&
             stems.contains(of.substr(0, dash));
    };
    const std::size_t left_out = std::erase_if(all_, is_own);
    Listed listed;
    for (const Input& one : all_) listed.add(one.path);
    std::erase_if(all_, [&](const Input& one) { return !holds(kept, one.path); });
    return {listed, std::move(all_), std::move(unreadable_), left_out, std::move(unanswered_)};
  }

 private:
  Search to(std::vector<std::string>& found) {
    return {[&](std::string path) { found.push_back(std::move(path)); }, unreadable_};
  }

  void add_list() {
    const std::string list = read_list();
    if (!nul_separated_ && list.find('\0') != list.npos)
      fail("standard input: there are NULs in the list of paths; with -0 they end the paths");
    std::string_view rest = list;
    const std::size_t before = all_.size();
    while (!rest.empty()) {
      std::string path(detail::next_piece(rest, nul_separated_ ? '\0' : '\n'));
      std::error_code ignored;
      if (path.ends_with('\r') && !fs::exists(path, ignored))
        path.pop_back();  // of a list of Windows
      if (!path.empty()) add_named(std::move(path));
    }
    if (all_.size() == before)
      unanswered_.emplace_back("standard input: no picture in the list of paths");
  }

  void add_fitting(const std::string& pattern) {
    const std::size_t slash = pattern.find_last_of('/', pattern.find_first_of("*?["));
    const std::string folder = slash == pattern.npos ? "" : pattern.substr(0, slash + 1);
    std::string_view rest = std::string_view(pattern).substr(folder.size());
    std::vector<std::string> components;
    while (!rest.empty()) {
      const std::string_view component = detail::next_piece(rest, '/');
      if (!component.empty()) components.emplace_back(component);
    }
    std::vector<std::string> found;
    std::error_code ignored;
    if (folder.empty() || fs::is_directory(folder, ignored))
      search_pattern(folder, components, 0, to(found));
    if (found.empty())
      unanswered_.push_back(text(pattern, ": no picture fits (", what_counts, ")"));
    add_found(std::move(found), folder.size());
  }

  // Those of a folder or a pattern, whose path has `prefix` characters.
  void add_found(std::vector<std::string> found, std::size_t prefix) {
    std::sort(found.begin(), found.end());
    for (std::string& path : found) {
      const std::size_t below_at = std::min(prefix, path.size());
      add_once({std::move(path), below_at});
    }
  }

  void add_named(std::string path) {
    const std::size_t below_at = path.rfind('/') + 1;  // 0 without one
    add_once({std::move(path), below_at});
  }

  void add_once(Input input) {
    const fs::path absolute = input.path.starts_with('/') ? input.path : here_ + input.path;
    if (seen_.insert(absolute.lexically_normal().string()).second) all_.push_back(std::move(input));
  }

  bool nul_separated_;
  std::string here_;
  std::vector<Input> all_;
  std::unordered_map<std::string, std::string> unreadable_;
  std::vector<std::string> unanswered_;
  std::unordered_set<std::string> seen_;
};

// All pictures of one folder, each of which is found once.
Inputs find_in_folder(const std::string& folder, const Shard& kept) {
  Inputs inputs;
  const std::size_t prefix = as_prefix(folder).size();
  const auto take = [&](std::string path) {
    inputs.listed.add(path);
    const std::size_t below_at = std::min(prefix, path.size());
    if (holds(kept, path)) inputs.pictures.push_back({std::move(path), below_at});
  };
  search_folder(folder, {take, inputs.unreadable});
  if (inputs.listed.pictures == 0) inputs.unanswered.push_back(no_picture_below(folder));
  std::sort(inputs.pictures.begin(), inputs.pictures.end(),
            [](const Input& a, const Input& b) { return a.path < b.path; });
  return inputs;
}

}  // namespace

Inputs find_inputs(const std::vector<std::string>& arguments, bool nul_separated,
                   const Shard& kept) {
  std::error_code ignored;
  if (arguments.size() == 1 && arguments.front() != "-" &&
      fs::is_directory(arguments.front(), ignored))
    return find_in_folder(arguments.front(), kept);
  Collection collection(nul_separated);
  for (const std::string& argument : arguments) collection.add(argument);
  return collection.take(kept);
}

}  // namespace camlite::tool
