// What an evaluation was asked, so that one that goes on can tell whether it is the same.
#pragma once

#include <nlohmann/json.hpp>

#include <camlite/model/model.hpp>

#include "dataset.hpp"
#include "options.hpp"

namespace camlite::tool {

// All that records depend on: the truth and the model (null: score maps) as hashes of their
// content, the folders, and the options, as members of an object.
nlohmann::ordered_json fingerprint(const EvaluateOptions& options, const Dataset& set,
                                   const Model* model);

}  // namespace camlite::tool
