// save_onnx: a camlite model as an ONNX file, for other programs.
#pragma once

#include <string>

#include <camlite/model/model.hpp>

namespace camlite::tool {

struct OnnxExport {
  std::string input;                 // the picture, (N, C, H, W)
  std::vector<std::string> outputs;  // as they are called in the file
  std::size_t nodes = 0;
  Index bytes = 0;
};

// Writes the model with the operators of opset 14, weights as float32. The input is called "input",
// float (N, C, H, W) with N open; the outputs are "logits" (N, K), where the graph ends with
// softmax "probabilities" (N, K), and with `features` the maps (N, C, h, w) that are pooled,
// "features". Labels, preprocessing and notes go into metadata_props under their names in a camlite
// model.
//
// The file appears whole or not at all. Throws Error if an operator cannot be said in ONNX, the
// file would be larger than protobuf can be, or `features` is asked of a model without a CAM head.
OnnxExport save_onnx(const std::string& path, const Model& model, bool features);

}  // namespace camlite::tool
