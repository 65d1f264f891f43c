// Model files: loaded within limits, and run where that is cheap.
#include <camlite/model/model_file.hpp>

#include "run_network.hpp"
#include "target.hpp"

namespace camlite::fuzz {

void fuzz_model(Bytes file) {
  const Model model = load_model(file, "fuzz", {.tensors = 1000, .graph_lines = 200});
  const std::vector<std::byte> written = write_safetensors(model_content(model));
  require(graph_text(load_model(written).graph()) == graph_text(model.graph()),
          "a model that was saved is read as the same");
  if (work_of(model.graph(), model.input_shape()) > most_work) return;
  run_network(model);
}

}  // namespace camlite::fuzz
