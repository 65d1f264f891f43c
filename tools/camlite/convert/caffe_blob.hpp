// Numbers in Caffe's files.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caffe.pb.h>

#include <camlite/tensor.hpp>

namespace camlite::tool {

std::vector<std::int64_t> caffe_extents(const caffe::BlobShape& shape);

// The number that is written as this one is: 0.0001, not 9.999999747378752e-05. Throws Error if it
// is not finite.
double decimal(float value);

// (64, 3, 11, 11), of any rank and with any numbers.
std::string caffe_shape_text(std::span<const std::int64_t> extents);

// A layer's weights as a tensor of this shape; extents of 1 before the others do not count, of
// which the old style has some. Throws Error if the blob's shape is another, or it has not as many
// numbers as its shape has elements.
Tensor<float> tensor_from_blob(const caffe::BlobProto& blob, const Shape& shape,
                               std::string_view what);

}  // namespace camlite::tool
