#include "dataset.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/model/json_text.hpp>

#include "../console.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

// What the words of a truth mean. No words are looked up twice.
class Classes {
 public:
  explicit Classes(const Model* model) : model_(model) {}

  // -1 if the model knows no such class. Throws Error if it knows several.
  Index of(const std::string& words) {
    const auto [entry, is_new] = known_.try_emplace(words, -1);
    if (!is_new) return entry->second;
    if (model_ == nullptr) return entry->second = std::ssize(known_) - 1;
    const std::vector<Index> named = classes_named(*model_, words);
    if (named.size() > 1) {
      fail("the class ", detail::in_quotes(words), " may be ", model_->label(named[0]), " or ",
           model_->label(named[1]), " of ", model_->source());
    }
    return entry->second = named.empty() ? -1 : named[0];
  }

  // By index: the model's labels; without a model, the words that were looked up.
  std::vector<std::string> names() const {
    if (model_ == nullptr) {
      std::vector<std::string> out(known_.size());
      for (const auto& [words, k] : known_) out[static_cast<std::size_t>(k)] = words;
      return out;
    }
    return model_->class_names();
  }

 private:
  const Model* model_;
  std::unordered_map<std::string, Index> known_;
};

// Where in the folders the file is; "" if it is in none.
std::string find_file(const std::vector<fs::path>& folders, const std::string& name) {
  std::error_code ignored;
  for (const fs::path& folder : folders) {
    const fs::path file = folder / name;
    if (fs::exists(file, ignored)) return file.string();
  }
  return "";
}

// Throws UsageError if there is no such folder, or none of the files was found in it.
void check_found(const std::vector<Example>& examples, const std::vector<fs::path>& folders,
                 std::string Example::*file, std::string_view suffix, std::string_view option) {
  const bool any = std::any_of(examples.begin(), examples.end(),
                               [&](const Example& one) { return !(one.*file).empty(); });
  if (any || examples.empty()) return;
  std::error_code ignored;
  if (!fs::is_directory(folders[0], ignored))
    throw UsageError(text(option, ' ', folders[0].string(), " is not a folder"));
  std::string looked_for;
  for (const fs::path& folder : folders)
    looked_for +=
        text(looked_for.empty() ? "" : " or ", (folder / examples[0].name).string(), suffix);
  throw UsageError(text("none of the truth's ", examples.size(), " pictures is in ", option, ' ',
                        folders[0].string(), ": there is no ", looked_for, ", and so on"));
}

}  // namespace

const std::string& Dataset::class_name(Index k) const {
  if (k < 0 || k >= std::ssize(class_names))
    fail("there is no class ", k, " among ", class_names.size());
  return class_names[static_cast<std::size_t>(k)];
}

Dataset make_dataset(std::vector<LabelledImage> truth, const EvaluateOptions& options,
                     const Model* model) {
  const std::vector<fs::path> pictures{options.images, fs::path(options.images) / "images"};
  const std::vector<fs::path> maps{options.score_maps};
  Classes classes(model);
  Dataset set;
  for (LabelledImage& image : truth) {
    Example example{std::move(image.name), {}, {}, {}, image.width, image.height};
    bool known = true;
    for (const LabelledBox& one : image.boxes) {
      Index k = 0;
      try {
        k = classes.of(one.class_words);
      } catch (const Error& error) {
        fail(image.where, ": ", error.what());
      }
      if (k < 0 && !options.known_classes) {
        fail(image.where, ": ", model->source(), " has no class ",
             detail::in_quotes(one.class_words),
             "; --known-classes leaves pictures of such classes out");
      }
      known = known && k >= 0;
      if (!example.truth.has(k)) example.truth.classes.push_back(k);
      example.truth.boxes.push_back({k, one.box});
    }
    if (!known) {
      ++set.left_out;
      continue;
    }
    if (!options.images.empty()) example.picture = find_file(pictures, example.name);
    if (!options.score_maps.empty()) example.score_map = find_file(maps, example.name + ".npy");
    set.examples.push_back(std::move(example));
  }
  set.class_names = classes.names();
  if (set.examples.empty())
    fail(options.truth, ": ", model->source(), " knows none of the classes");
  if (!options.images.empty())
    check_found(set.examples, pictures, &Example::picture, "", "--images");
  if (!options.score_maps.empty())
    check_found(set.examples, maps, &Example::score_map, ".npy", "--scoremaps");
  return set;
}

}  // namespace camlite::tool
