// Operator: any of the operators that a graph may name. A new one is one more line here.
#pragma once

#include <variant>

#include <camlite/ops/activations.hpp>
#include <camlite/ops/arithmetic.hpp>
#include <camlite/ops/avg_pool2d.hpp>
#include <camlite/ops/batch_norm.hpp>
#include <camlite/ops/channel_shuffle.hpp>
#include <camlite/ops/concat.hpp>
#include <camlite/ops/constant.hpp>
#include <camlite/ops/conv2d.hpp>
#include <camlite/ops/dropout.hpp>
#include <camlite/ops/flatten.hpp>
#include <camlite/ops/global_avg_pool.hpp>
#include <camlite/ops/linear.hpp>
#include <camlite/ops/lrn.hpp>
#include <camlite/ops/max_pool2d.hpp>
#include <camlite/ops/pad.hpp>
#include <camlite/ops/prelu.hpp>
#include <camlite/ops/relu.hpp>
#include <camlite/ops/scale.hpp>
#include <camlite/ops/slice.hpp>
#include <camlite/ops/softmax.hpp>

namespace camlite {

// An operator of a graph with its attributes: one of these.
using Operator = std::variant<  //
    Add,                        //
    AvgPool2d,                  //
    BatchNorm,                  //
    ChannelShuffle,             //
    Clamp,                      //
    Concat,                     //
    Constant,                   //
    Conv2d,                     //
    Div,                        //
    Dropout,                    //
    Flatten,                    //
    GlobalAvgPool,              //
    HardSigmoid,                //
    HardSwish,                  //
    LeakyRelu,                  //
    Linear,                     //
    Lrn,                        //
    MaxPool2d,                  //
    Maximum,                    //
    Mul,                        //
    Pad,                        //
    Prelu,                      //
    Relu,                       //
    Relu6,                      //
    Scale,                      //
    Sigmoid,                    //
    Silu,                       //
    Slice,                      //
    Softmax,                    //
    Sub>;

// "conv2d", "relu", ...
inline std::string_view type_of(const Operator& op) {
  return std::visit([](const auto& o) { return std::decay_t<decltype(o)>::type; }, op);
}

// As the operators' own members: see ops/operator.hpp.
inline Shape output_shape_of(const Operator& op, std::span<const Shape> in) {
  return std::visit([&](const auto& o) { return o.output_shape(in); }, op);
}
inline std::vector<Parameter> parameters_of(const Operator& op, std::span<const Shape> in) {
  return std::visit([&](const auto& o) { return parameters_of(o, in); }, op);
}
inline Index multiply_adds_of(const Operator& op, std::span<const Shape> in) {
  return std::visit([&](const auto& o) { return multiply_adds_of(o, in); }, op);
}

}  // namespace camlite
