#include "draft.hpp"

#include <algorithm>

#include <camlite/model/text.hpp>

namespace camlite::tool {

Tensor<float>& DraftNode::tensor(std::string_view suffix) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const auto& pair) { return pair.first == suffix; });
  if (found == tensors.end()) fail(name, ": there is no tensor ", name, ".", suffix);
  return found->second;
}

}  // namespace camlite::tool
