// Which model a command uses: a file, a network by name with random weights, or the default model;
// and what depends on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <camlite/model/model.hpp>
#include <camlite/network.hpp>

namespace camlite::tool {

struct ModelChoice {
  std::string path;
  std::string arch;
  Index groups = 1;
  int threads = 0;
  Index memory_gb = 16;  // GiB that one forward pass may take

  // What reports call it: "vgg16-gap", "tiny_vgg_gap".
  std::string name() const;
};

// What --arch may be.
std::vector<std::string> architecture_choices();

// Adds --model (or, where `positional`, also MODEL without a flag), --arch, --groups, --threads and
// --max-memory.
void add_model_options(CLI::App& command, ModelChoice& choice, bool positional = false);

// In bytes.
Index memory_limit(const ModelChoice& choice);

// Throws Error; UsageError if there is no such architecture.
Model load(const ModelChoice& choice);
Network make_network(const ModelChoice& choice);

// The model's own input, or the one in the same proportion whose shorter side is `size` (0: its
// own): (batch, height, width, channels). Throws Error if it does not fit into 63 bits.
Shape input_shape(const Model& model, Index batch, Index size);

// Adds --threshold; without it, `threshold` stays empty.
CLI::Option* add_threshold_option(CLI::App& command, std::optional<float>& threshold,
                                  const std::string& description);

// How maps become boxes: as was asked, else as the model asks for.
BoxOptions box_options(const std::optional<float>& threshold, const Model& model);

// Where the default model is, for --version.
std::string default_model_text();

// The classes that the words name in full: by index, label, the label's WordNet id or one of its
// synonyms ("n02123045 tabby, tabby cat"); upper and lower case are the same.
std::vector<Index> classes_named(const Model& model, std::string_view words);

// The class that the words name: its index, its label, the label's WordNet id or one of its
// synonyms ("n02123045 tabby, tabby cat"), or a part of just one label; upper and lower case are
// the same. Throws UsageError, with the candidates, if that is none or more than one.
Index find_class(const Model& model, const std::string& words);

}  // namespace camlite::tool
