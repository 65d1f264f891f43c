#include <camlite/model/model_file.hpp>

#include "readers.hpp"

namespace camlite::tool {

Draft read_camlite(const std::string& path, ConversionReport& report) {
  const Model model = load_model(path);
  Draft draft = to_draft(model.graph(), path, report,
                         [&](const std::string& name) { return to_float(model.tensor(name)); });
  draft.labels = model.labels();
  draft.preprocessing = model.preprocessing();
  draft.boxes = model.box_options();
  draft.notes = model.notes();
  return draft;
}

}  // namespace camlite::tool
