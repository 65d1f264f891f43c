// CaffeNet: what a Caffe network's files say, whatever their style.
//
//   .caffemodel [, .prototxt] --read_caffe_net--> CaffeNet --read_caffe--> Draft
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caffe.pb.h>

#include "draft.hpp"

namespace camlite::tool {

// Where the pictures come in.
struct CaffePicture {
  std::string blob;                 // empty: the files do not say
  std::vector<std::int64_t> shape;  // (N, C, H, W); empty: they do not say
  // What the data layer does to pictures, where there is one.
  std::optional<caffe::TransformationParameter> transform;
};

// A network as it is when it is tested: layers of today's style, with their weights.
struct CaffeNet {
  std::string definition;  // the path of the file that says the layers
  std::string weights;     // and that of the file that has the weights: the same, or another
  CaffePicture picture;
  std::vector<std::string> labels;  // blobs that do not come from pictures
  std::vector<caffe::LayerParameter> layers;
};

// Reads a .caffemodel and, unless it is empty, the .prototxt that then says the layers, which get
// their weights by name. Layers that are not there when the network is tested are dropped, as
// `report` then says. Throws Error that names the file and what is wrong with it.
CaffeNet read_caffe_net(const std::string& path, const std::string& prototxt,
                        ConversionReport& report);

}  // namespace camlite::tool
