#include "onnx_operators.hpp"

#include <unordered_map>

namespace camlite::tool::onnx {

namespace {

const std::unordered_map<std::string_view, Import> operators{
    {"Add", import_add},
    {"AveragePool", import_average_pool},
    {"BatchNormalization", import_batch_normalization},
    {"Cast", import_cast},
    {"Clip", import_clip},
    {"Concat", import_concat},
    {"Conv", import_conv},
    {"Div", import_div},
    {"Dropout", import_dropout},
    {"Flatten", import_reshape},
    {"Gemm", import_gemm},
    {"GlobalAveragePool", import_global_average_pool},
    {"GlobalMaxPool", import_global_max_pool},
    {"HardSigmoid", import_hard_sigmoid},
    {"HardSwish", import_hard_swish},
    {"Identity", import_identity},
    {"LRN", import_lrn},
    {"LeakyRelu", import_leaky_relu},
    {"MatMul", import_mat_mul},
    {"Max", import_max},
    {"MaxPool", import_max_pool},
    {"Min", import_min},
    {"Mul", import_mul},
    {"Neg", import_neg},
    {"PRelu", import_prelu},
    {"Pad", import_pad},
    {"ReduceMax", import_reduce_max},
    {"ReduceMean", import_reduce_mean},
    {"Relu", import_relu},
    {"Reshape", import_reshape},
    {"Sigmoid", import_sigmoid},
    {"Slice", import_slice},
    {"Softmax", import_softmax},
    {"Split", import_split},
    {"Squeeze", import_squeeze},
    {"Sub", import_sub},
    {"Sum", import_add},
    {"Swish", import_swish},
    {"Transpose", import_transpose},
    {"Unsqueeze", import_unsqueeze},
};

}  // namespace

Import find_operator(std::string_view type) {
  const auto found = operators.find(type);
  return found == operators.end() ? nullptr : found->second;
}

}  // namespace camlite::tool::onnx
