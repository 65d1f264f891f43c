// Which framework a file is from.
#pragma once

#include <string>
#include <string_view>

namespace camlite::tool {

enum class Format { camlite, state_dict, checkpoint, onnx, caffe };

std::string_view format_name(Format format);

// By the file's content; its name says nothing. Throws Error if it is none that can be read.
Format format_of(const std::string& path);

}  // namespace camlite::tool
