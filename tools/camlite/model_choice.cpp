#include "model_choice.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <camlite/model/architectures.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/text.hpp>

#include "arguments.hpp"
#include "config.hpp"
#include "console.hpp"
#include "convert/format.hpp"
#include "model_folders.hpp"
#include "words.hpp"

#if CAMLITE_EMBEDDED_MODEL
// From embedded_model.S.
extern "C" const std::byte camlite_embedded_model[];
extern "C" const std::byte camlite_embedded_model_end[];
#endif

namespace camlite::tool {

namespace {

// The one that is part of the program; empty if there is none.
std::span<const std::byte> embedded_model() {
#if CAMLITE_EMBEDDED_MODEL
  return {camlite_embedded_model, camlite_embedded_model_end};
#else
  return {};
#endif
}

struct Place {
  std::string path;
  std::string_view name;
};

// Where it may lie as a file, if it is not part of the program. What is installed takes what was
// installed with it; what is in a build folder the model of its source tree, whatever is installed.
std::vector<Place> default_places() {
  std::vector<Place> places;
  for (const std::string& folder : data_folders())
    places.push_back({text(folder, "/" CAMLITE_MODEL_NAME ".safetensors"), "the data directory"});
  const bool is_installed = places.size() == 1;
  places.insert(is_installed ? places.end() : places.begin() + 1,
                {CAMLITE_SOURCE_MODEL, "the source tree"});
  return places;
}

// Whether a file is from another framework, and which one. Nothing if that cannot be told.
std::optional<Format> foreign_format(const std::string& path) {
  try {
    const Format format = format_of(path);
    if (format != Format::camlite && format != Format::state_dict) return format;
  } catch (const Error&) {  // what is wrong with it has been said
  }
  return {};
}

// The model in a file. Throws Error that, of another framework's file, says what makes a model of
// it.
Model load_file(const std::string& path, const LoadLimits& limits) try {
  return load_model(path, limits);
} catch (const Error&) {
  const std::optional<Format> format = foreign_format(path);
  if (!format) throw;
  const bool by_python = *format == Format::checkpoint;
  fail(path, ": this is a file of the format ", format_name(*format), "; ",
       by_python ? "tools/convert/from_torch.py" : "camlite convert",
       " makes a camlite model of it");
}

struct DefaultModel {
  enum class Kind { none, embedded, file, named };
  Kind kind = Kind::none;
  std::string path;  // or, if it was named, perhaps a name
  std::string origin;
};

DefaultModel find_default_model() {
  using Kind = DefaultModel::Kind;
  const char* named = std::getenv("CAMLITE_MODEL");
  if (named != nullptr && *named != '\0') {
    return {Kind::named, named, "named by the environment variable CAMLITE_MODEL"};
  }
  if (!embedded_model().empty()) return {Kind::embedded, CAMLITE_MODEL_NAME, "part of the program"};
  for (const Place& place : default_places()) {
    std::error_code ignored;
    if (std::filesystem::exists(place.path, ignored)) {
      return {Kind::file, place.path, text("found in ", place.name)};
    }
  }
  return {};
}

Model load_default_model(const LoadLimits& limits) {
  const DefaultModel found = find_default_model();
  if (found.kind == DefaultModel::Kind::embedded) {
    return load_model(embedded_model(), found.path, limits);
  }
  if (found.kind == DefaultModel::Kind::named) {
    try {
      return load_file(find_model(found.path), limits);
    } catch (const Error& error) {
      fail(error.what(), "\n(", found.path, " is ", found.origin, ")");
    }
  }
  if (found.kind == DefaultModel::Kind::file) return load_model(found.path, limits);
  std::string message = "there is no default model; looked for";
  for (const Place& place : default_places()) message += text("\n  ", place.path);
  fail(message, "\nName one with --model FILE, or in the environment variable CAMLITE_MODEL.");
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), is_digit);
}

// Whether the label, its WordNet id or one of its synonyms is `words`. Both in lower case.
bool is_name_of(std::string_view words, std::string_view label) {
  if (words == label) return true;
  std::string_view synonyms = label;
  const std::string_view id = detail::next_piece(synonyms, ' ');
  if (detail::is_wordnet_id(id)) {
    if (words == id || words == synonyms) return true;
  } else {
    synonyms = label;
  }
  while (!synonyms.empty()) {
    std::string_view synonym = detail::next_piece(synonyms, ',');
    synonym.remove_prefix(std::min(synonym.find_first_not_of(' '), synonym.size()));
    if (words == synonym) return true;
  }
  return false;
}

[[noreturn]] void fail_ambiguous(const Model& model, const std::string& words,
                                 const std::vector<Index>& candidates) {
  constexpr std::size_t most = 10;
  std::string message = text("the class \"", words, "\" may be any of these ", candidates.size(),
                             "; give its number or more of its name:");
  for (std::size_t i = 0; i < std::min(most, candidates.size()); ++i) {
    message += text("\n  ", candidates[i], "  ", model.label(candidates[i]));
  }
  if (candidates.size() > most) message += text("\n  and ", candidates.size() - most, " others");
  throw UsageError(message);
}

// Whether `words` stands in the label as whole words: "cat" in "tabby cat", not in "catfish".
bool has_words(const std::string& label, const std::string& words) {
  const auto is_part = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c); };
  for (std::size_t at = label.find(words); at != label.npos; at = label.find(words, at + 1)) {
    const std::size_t end = at + words.size();
    if ((at == 0 || !is_part(label[at - 1])) && (end == label.size() || !is_part(label[end]))) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string ModelChoice::name() const {
  if (!arch.empty()) return groups == 1 ? arch : text(arch, " groups=", groups);
  const std::filesystem::path file(path.empty() ? find_default_model().path : path);
  return (file.extension() == model_suffix ? file.stem() : file.filename()).string();
}

std::vector<std::string> architecture_choices() {
  std::vector<std::string> names(std::size(architectures));
  std::transform(std::begin(architectures), std::end(architectures), names.begin(),
                 [](const Architecture& one) { return std::string(one.name); });
  return names;
}

void add_model_options(CLI::App& command, ModelChoice& choice, bool positional) {
  auto* model =
      command
          .add_option(
              positional ? "MODEL,--model" : "--model", choice.path,
              "the model, by file or by name (camlite models); without it the default model")
          ->type_name("FILE|NAME");
  auto* arch =
      command.add_option("--arch", choice.arch, "instead of a file a network with random weights")
          ->type_name("NAME")
          ->check(CLI::IsMember(architecture_choices()))
          ->excludes(model);
  command
      .add_option("--groups", choice.groups,
                  "of the convolutions that the paper adds, in --arch vgg16-gap, vgg16-bn-gap, "
                  "alexnet-gap, alexnet-star-gap and googlenet-gap: 1, or the authors' 2")
      ->type_name("N")
      ->needs(arch);
  command.add_option("--threads", choice.threads, "how many threads; without it OpenMP decides")
      ->type_name("N")
      ->check(in_range(1, 4096));
  command
      .add_option("--max-memory", choice.memory_gb,
                  "GiB that the network's weights, and one pass, may take; a model that needs more "
                  "is refused")
      ->type_name("GB")
      ->capture_default_str()
      ->check(in_range(1, 1 << 20));
}

Index memory_limit(const ModelChoice& choice) {
  return choice.memory_gb << 30;
}

Model load(const ModelChoice& choice) {
  if (choice.arch.empty()) {
    const Index elements = memory_limit(choice) / static_cast<Index>(sizeof(float));
    const LoadLimits limits{.elements = elements, .all_elements = 16 * elements};
    return choice.path.empty() ? load_default_model(limits)
                               : load_file(find_model(choice.path), limits);
  }
  try {
    return random_architecture(choice.arch, {.groups = choice.groups});
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

Network make_network(const ModelChoice& choice) {
  return Network(load(choice), {.threads = choice.threads, .memory_limit = memory_limit(choice)});
}

Shape input_shape(const Model& model, Index batch, Index size) {
  const Shape own = model.input_shape(batch);
  if (size == 0) return own;
  const Index shorter = std::min(own[1], own[2]);
  return {batch, checked_product(own[1], size) / shorter, checked_product(own[2], size) / shorter,
          own[3]};
}

CLI::Option* add_threshold_option(CLI::App& command, std::optional<float>& threshold,
                                  const std::string& description) {
  return command
      .add_option(
          "--threshold", threshold,
          text(description, "; without it what the model asks for, else ", BoxOptions().threshold))
      ->type_name("T")
      ->check(in_range(0.0F, 1.0F));
}

BoxOptions box_options(const std::optional<float>& threshold, const Model& model) {
  BoxOptions options = model.box_options();
  if (threshold) options.threshold = *threshold;
  return options;
}

std::string default_model_text() {
  const DefaultModel found = find_default_model();
  if (found.kind != DefaultModel::Kind::none) return text(found.path, " (", found.origin, ")");
  std::string out = "none, looked for";
  for (const Place& place : default_places())
    out += text("\n  ", place.path, " (", place.name, ")");
  return out;
}

std::vector<Index> classes_named(const Model& model, std::string_view words) {
  std::vector<Index> named;
  if (is_number(words)) {
    // 18 digits fit into 63 bits; more are beyond any model's classes.
    const Index k =
        words.size() > 18 ? model.classes() : detail::parse_number<Index>(words, "class");
    if (k < model.classes()) named.push_back(k);
    return named;
  }
  const std::string wanted = lower_case(words);
  for (Index k = 0; k < model.classes() && !wanted.empty(); ++k) {
    if (is_name_of(wanted, lower_case(model.label(k)))) named.push_back(k);
  }
  return named;
}

Index find_class(const Model& model, const std::string& words) {
  const std::vector<Index> named = classes_named(model, words);
  if (named.empty() && is_number(words)) {
    throw UsageError(text("there is no class ", words, ": ", model.source(), " has ",
                          model.classes(), ", numbered from 0"));
  }
  const std::string wanted = lower_case(words);
  std::vector<Index> worded, similar;  // the closest kind that there is counts
  for (Index k = 0; k < model.classes() && !wanted.empty(); ++k) {
    const std::string label = lower_case(model.label(k));
    if (has_words(label, wanted)) worded.push_back(k);
    if (label.find(wanted) != label.npos) similar.push_back(k);
  }
  const std::vector<Index>& candidates = !named.empty()    ? named
                                         : !worded.empty() ? worded
                                                           : similar;
  if (candidates.size() == 1) return candidates[0];
  if (candidates.size() > 1) fail_ambiguous(model, words, candidates);
  throw UsageError(text("no class of ", model.source(), " is called \"", words, "\"",
                        model.labels().empty() ? "; it has no labels, only numbers"
                                               : "; camlite info --labels lists them"));
}

}  // namespace camlite::tool
