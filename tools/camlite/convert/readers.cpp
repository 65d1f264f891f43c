// Readers that are not there yet. Each goes from here when it comes.

#include "readers.hpp"

namespace camlite::tool {

Draft read_caffe(const std::string& path, const std::string&, ConversionReport&) {
  fail(path, ": Caffe models are not read yet");
}
bool is_caffe(std::span<const std::byte>) {
  return false;
}

Draft read_state_dict(const std::string& path, const std::string&, ConversionReport&) {
  fail(path, ": state dicts are not read yet");
}

}  // namespace camlite::tool
