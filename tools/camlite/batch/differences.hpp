// What differs between what a run was asked and what it is asked now.
#pragma once

#include <string>

#include <camlite/error.hpp>

namespace camlite::tool {

// Of each member of the object `asked` that is not the same in `found`, a line behind a line feed:
//
//   top: 5 there, 3 now
template <class Object>
std::string differences(const Object& found, const Object& asked) {
  std::string out;
  for (const auto& [key, value] : asked.items()) {
    const auto then = found.find(key);
    if (then != found.end() && *then == value) continue;
    out += text("\n  ", key, ": ", then == found.end() ? "not said" : then->dump(), " there, ",
                value.dump(), " now");
  }
  return out;
}

}  // namespace camlite::tool
