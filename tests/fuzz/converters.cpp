// Files of other frameworks, converted, saved as camlite's and as ONNX, and run where that is
// cheap.
#include <string>

#include <camlite/model/model_file.hpp>

#include "../../tools/camlite/convert/readers.hpp"
#include "memory_file.hpp"
#include "run_network.hpp"
#include "target.hpp"

namespace camlite::fuzz {

namespace {

void use(tool::Draft draft, tool::ConversionReport& report) {
  tool::simplify(draft, report);
  const Model model = tool::to_model(std::move(draft));
  load_model(write_safetensors(model_content(model)));
  if (work_of(model.graph(), model.input_shape()) <= most_work) run_network(model);
}

}  // namespace

// The weights (.caffemodel); or, in front of them, the definition (.prototxt).
void fuzz_caffe(Bytes files) {
  const std::vector<Bytes> parts = parts_of(files);
  const MemoryFile weights(parts.back());
  tool::ConversionReport report;
  if (parts.size() == 1) return use(tool::read_caffe(weights.path(), "", report), report);
  const MemoryFile definition(parts.front());
  use(tool::read_caffe(weights.path(), definition.path(), report), report);
}

void fuzz_onnx(Bytes file) {
  const MemoryFile onnx(file);
  tool::ConversionReport report;
  use(tool::read_onnx(onnx.path(), report), report);
}

// Of the network with the fewest parameters.
void fuzz_weights(Bytes file) {
  const MemoryFile weights(file);
  tool::ConversionReport report;
  use(tool::read_state_dict(weights.path(), "squeezenet1_1", report), report);
}

}  // namespace camlite::fuzz
