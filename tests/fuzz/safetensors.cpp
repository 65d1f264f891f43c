// Safetensors files: what is accepted lies inside of the file, and can be written and read again.
#include <camlite/model/safetensors.hpp>

#include <camlite/model/safetensors_writer.hpp>

#include "target.hpp"

namespace camlite::fuzz {

void fuzz_safetensors(Bytes file) {
  const Safetensors content = parse_safetensors(file, "fuzz");
  for (const StoredTensor& tensor : content.tensors) {
    require(tensor.bytes.empty() ||
                (tensor.bytes.data() >= file.data() &&
                 tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size()),
            "a tensor's bytes are in the file");
    if (tensor.shape.size() > Shape::max_rank) continue;
    try {
      to_float(tensor);
    } catch (const Error&) {  // not a type of weights
    }
  }
  const std::vector<std::byte> written = write_safetensors(content);
  const Safetensors again = parse_safetensors(written, "written");
  require(again.tensors.size() == content.tensors.size(), "no tensor is lost by writing");
  require(again.metadata == content.metadata, "metadata is as it was after writing");
}

}  // namespace camlite::fuzz
