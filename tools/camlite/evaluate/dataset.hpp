// The pictures of an evaluation, with their truth and their files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <camlite/evaluate/truth.hpp>
#include <camlite/model/model.hpp>

#include "options.hpp"
#include "truth_file.hpp"

namespace camlite::tool {

struct Example {
  std::string name;
  std::string picture;    // its file; empty if there is none
  std::string score_map;  // likewise
  Truth truth;
  Index width = 0;  // in pixels, as the truth says; 0: it does not say
  Index height = 0;
};

struct Dataset {
  std::vector<Example> examples;
  std::vector<std::string> class_names;  // by index: the model's labels, or the truth's words
  std::size_t left_out = 0;              // pictures of classes that the model does not know

  // Throws Error if there is no such class.
  const std::string& class_name(Index k) const;
};

// Puts the truth, the folders of the options and the model's classes (null: every word of the truth
// is a class of its own) together. Throws Error naming the line if the model does not know a class,
// unless such pictures are to be left out; UsageError if a folder has none of the files.
Dataset make_dataset(std::vector<LabelledImage> truth, const EvaluateOptions& options,
                     const Model* model);

}  // namespace camlite::tool
