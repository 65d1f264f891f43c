// CaffeBuilder: the Draft of a Caffe network while its layers are gone through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "caffe_net.hpp"
#include "draft.hpp"

namespace camlite::tool {

// Blobs have names in the file, and a layer that works in place gives its output the name of its
// input; the draft's values have one name each. What throws, throws Error without naming the layer.
class CaffeBuilder {
 public:
  using Layer = caffe::LayerParameter;
  using Tensors = std::vector<std::pair<std::string, Tensor<float>>>;

  // `net` says which blobs are the picture and the labels, and where the weights are.
  CaffeBuilder(const CaffeNet& net, Draft& draft, ConversionReport& to);

  ConversionReport& report;

  // The draft's name of a layer's input, and its shape. Throw Error if it comes from no layer
  // before, or not from the picture.
  const std::string& input(const Layer& layer, int i = 0) const;
  const Shape& input_shape(const Layer& layer, int i = 0) const;
  std::vector<std::string> inputs(const Layer& layer) const;

  // Whether a blob does not come from the picture: labels, and what is made of them.
  bool is_other(const std::string& blob) const { return others_.contains(blob); }

  // The shape of a value that the draft calls so.
  const Shape& shape(const std::string& value) const { return draft_.shape(value); }

  static void require_one_input(const Layer& layer);
  static void require_one_output(const Layer& layer);
  // Throws Error if the axis is not that of the channels; a negative one counts from the end.
  void require_channel_axis(const Layer& layer, std::int64_t axis) const;
  static void require_blobs(const Layer& layer, int count);

  // One of the layer's blobs as a tensor; `what` is its name in messages.
  Tensor<float> blob(const Layer& layer, int i, const Shape& shape, std::string_view what) const;
  // weight and, if there is one, bias.
  Tensors weight_and_bias(const Layer& layer, const Shape& weight, bool has_bias) const;

  // Adds a node; returns the name that it got.
  std::string add(const std::string& name, const Operator& op, std::vector<std::string> from,
                  Tensors tensors = {});
  // The blob is from now on this value.
  void make(const std::string& blob, const std::string& value);
  // A layer that is one node with one output; with all its inputs, or its only one.
  void add_layer(const Layer& layer, const Operator& op, std::vector<std::string> from,
                 Tensors tensors = {});
  void add_layer(const Layer& layer, const Operator& op, Tensors tensors = {});
  // A layer whose output is its input.
  void pass_on(const Layer& layer, std::string why);
  // A layer that is left out, with all that reads it.
  void drop(const Layer& layer, std::string why);

  // The value of the last layer; empty if there is none.
  const std::string& result() const { return result_; }

 private:
  std::string free_name(const std::string& wanted);

  Draft& draft_;
  std::string weights_;  // the file that they are in, for messages, if the layers are in another
  std::unordered_map<std::string, std::string> values_;  // blobs, as the draft calls them
  std::unordered_set<std::string> others_;
  std::string result_;
};

}  // namespace camlite::tool
