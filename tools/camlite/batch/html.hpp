// Words and pictures as parts of an HTML page.
#pragma once

#include <string>
#include <string_view>

#include <camlite/image.hpp>

namespace camlite::tool {

// The text where an element or a quoted attribute has it: & < > " and ' as character references,
// control characters as '?'. Bytes that are not UTF-8 stay; browsers show them as U+FFFD.
std::string html(std::string_view text);

// The picture as a JPEG in a "data:" address, for <img src="...">.
std::string data_address(const Image& picture);

}  // namespace camlite::tool
