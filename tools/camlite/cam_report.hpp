// What camlite cam saw, as a page to look at.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <camlite/image.hpp>

#include "batch/picture_report.hpp"

namespace camlite::tool {

struct SeenPicture {
  Image drawn;                    // with the map of one of the findings, and its box
  std::vector<Finding> findings;  // the most probable first
  std::size_t shown = 0;          // which of them
};

// Writes DIR/index.html with the pictures, and returns its path. Each is looked at again, so that
// it may be of an earlier run; where look(path) throws, the page says why in its place, and
// failed(path, why) is called. `about` (text) says what was looked at, and how. "", and no page,
// where StopSignal asks for it before the last picture. Throws Error.
std::string write_cam_report(const std::string& folder, const std::string& model,
                             const std::string& about, const std::vector<std::string>& pictures,
                             const std::function<SeenPicture(const std::string&)>& look,
                             const std::function<void(const std::string&, const char*)>& failed);

}  // namespace camlite::tool
