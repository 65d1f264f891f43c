// The layers of Caffe that camlite has operators for.
#pragma once

#include <string_view>

#include "caffe_builder.hpp"

namespace camlite::tool {

struct CaffeLayerType {
  std::string_view name;  // Caffe's, or that of a layer which others brought
  // Adds the layer. Throws Error, without its name, if it is not supported as it is.
  void (*add)(CaffeBuilder& net, const caffe::LayerParameter& layer);
  bool has_weights;
};

// Null if there is none of this name.
const CaffeLayerType* find_caffe_layer(std::string_view name);

}  // namespace camlite::tool
