// ONNX's operators as camlite's.
#pragma once

#include <string_view>
#include <vector>

#include "onnx_builder.hpp"

namespace camlite::tool::onnx {

// A node's outputs, or as many of the first ones as there can be.
using Values = std::vector<Value>;

// Adds the layers that compute a node, all of whose inputs are there. Throws Error if it cannot be
// done.
using Import = Values (*)(Builder&, const Call&);

// Null if there is no such operator.
Import find_operator(std::string_view type);

// onnx_elementwise.cpp: activations and arithmetic
Values import_relu(Builder&, const Call&);
Values import_clip(Builder&, const Call&);
Values import_leaky_relu(Builder&, const Call&);
Values import_prelu(Builder&, const Call&);
Values import_sigmoid(Builder&, const Call&);
Values import_hard_sigmoid(Builder&, const Call&);
Values import_hard_swish(Builder&, const Call&);
Values import_swish(Builder&, const Call&);
Values import_add(Builder&, const Call&);
Values import_sub(Builder&, const Call&);
Values import_mul(Builder&, const Call&);
Values import_div(Builder&, const Call&);
Values import_max(Builder&, const Call&);
Values import_min(Builder&, const Call&);
Values import_neg(Builder&, const Call&);

// onnx_layers.cpp: layers with weights, normalization, softmax
Values import_conv(Builder&, const Call&);
Values import_batch_normalization(Builder&, const Call&);
Values import_gemm(Builder&, const Call&);
Values import_mat_mul(Builder&, const Call&);
Values import_softmax(Builder&, const Call&);
Values import_lrn(Builder&, const Call&);

// onnx_windows.cpp: pooling, reductions over space, padding
Values import_max_pool(Builder&, const Call&);
Values import_average_pool(Builder&, const Call&);
Values import_global_average_pool(Builder&, const Call&);
Values import_global_max_pool(Builder&, const Call&);
Values import_reduce_mean(Builder&, const Call&);
Values import_reduce_max(Builder&, const Call&);
Values import_pad(Builder&, const Call&);

// onnx_structure.cpp: what moves numbers and computes none
Values import_identity(Builder&, const Call&);
Values import_cast(Builder&, const Call&);
Values import_dropout(Builder&, const Call&);
Values import_reshape(Builder&, const Call&);
Values import_squeeze(Builder&, const Call&);
Values import_unsqueeze(Builder&, const Call&);
Values import_transpose(Builder&, const Call&);
Values import_concat(Builder&, const Call&);
Values import_split(Builder&, const Call&);
Values import_slice(Builder&, const Call&);

}  // namespace camlite::tool::onnx
