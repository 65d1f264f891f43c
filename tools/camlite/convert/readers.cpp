// Readers that are not there yet. Each goes from here when it comes.

#include "readers.hpp"

namespace camlite::tool {

Draft read_state_dict(const std::string& path, const std::string&, ConversionReport&) {
  fail(path, ": state dicts are not read yet");
}

}  // namespace camlite::tool
