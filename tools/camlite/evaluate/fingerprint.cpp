#include "fingerprint.hpp"

#include <string>

#include <camlite/error.hpp>
#include <camlite/kernels/isa.hpp>
#include <camlite/version.hpp>

#include "../batch/hash.hpp"
#include "../paths.hpp"

namespace camlite::tool {

namespace {

std::string hash_of(const Dataset& set) {
  Hash hash;
  for (const Example& example : set.examples) {
    hash.add(example.name);
    for (Index number : {example.width, example.height, std::ssize(example.truth.boxes)})
      hash.add(number);
    for (const TrueBox& one : example.truth.boxes) {
      for (Index number : {one.class_index, one.box.x, one.box.y, one.box.width, one.box.height})
        hash.add(number);
    }
  }
  return hash.str();
}

std::string folder(const std::string& path) {
  return path.empty() ? "none" : identity(path);
}

}  // namespace

nlohmann::ordered_json fingerprint(const EvaluateOptions& options, const Dataset& set,
                                   const Model* model) {
  nlohmann::ordered_json asked{{"version", CAMLITE_VERSION},
                               {"pictures", set.examples.size()},
                               {"truth", hash_of(set)},
                               {"images", folder(options.images)}};
  if (model == nullptr) {
    asked["scoremaps"] = folder(options.score_maps);
  } else {
    asked["model"] = options.model.name();
    asked["weights"] = hash_of(*model);
    asked["isa"] = isa_name(default_isa());  // each rounds in its own way
    asked["crops"] = options.crops;
    asked["size"] = options.predict.size;
    asked["whole"] = options.predict.whole_picture ? "yes" : "no";
    asked["rule"] = options.rule;
    if (options.is_papers_rule())
      asked["threshold"] = text(box_options(options.threshold, *model).threshold);
    asked["save-maps"] = folder(options.save_maps);
  }
  asked["multi-region"] = options.multi_region ? "yes" : "no";
  return asked;
}

}  // namespace camlite::tool
