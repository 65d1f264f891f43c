// The files of other frameworks, as Drafts. Every file is untrusted: whatever is wrong with one, or
// is not supported, is an Error that names the file, the layer and the numbers.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "draft.hpp"

namespace camlite::tool {

// A camlite model once more: for other labels, preprocessing or type.
Draft read_camlite(const std::string& path, ConversionReport& report);

// A network trained with Caffe: the weights (.caffemodel) and, unless it is empty, the path of the
// network's definition (.prototxt), which then says the layers; else those of the weights' file do.
Draft read_caffe(const std::string& path, const std::string& prototxt, ConversionReport& report);
bool is_caffe(std::span<const std::byte> bytes);

// The mean of each channel of a mean picture (.binaryproto), in the file's order, which is that of
// the network's input.
std::array<double, 3> read_caffe_mean(const std::string& path);

// An ONNX model, with initializers in it or in the files beside it that it names.
Draft read_onnx(const std::string& path, ConversionReport& report);
bool is_onnx(std::span<const std::byte> bytes);

// Weights saved by PyTorch as safetensors, for a network that camlite knows by name.
Draft read_state_dict(const std::string& path, const std::string& architecture,
                      ConversionReport& report);

}  // namespace camlite::tool
