#include "caffe_builder.hpp"

#include <camlite/model/text.hpp>

#include "caffe_blob.hpp"

namespace camlite::tool {

CaffeBuilder::CaffeBuilder(const CaffeNet& net, Draft& draft, ConversionReport& to)
    : report(to), draft_(draft), weights_(net.weights == net.definition ? "" : net.weights) {
  values_[net.picture.blob] = "input";
  others_.insert(net.labels.begin(), net.labels.end());
  others_.erase(net.picture.blob);
}

const std::string& CaffeBuilder::input(const Layer& layer, int i) const {
  const auto found = values_.find(layer.bottom(i));
  if (found != values_.end()) return found->second;
  if (is_other(layer.bottom(i)))
    fail("it reads ", layer.bottom(i), ", which does not come from the picture");
  fail("it reads ", layer.bottom(i), ", which no layer before it makes");
}

const Shape& CaffeBuilder::input_shape(const Layer& layer, int i) const {
  return shape(input(layer, i));
}

std::vector<std::string> CaffeBuilder::inputs(const Layer& layer) const {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(layer.bottom_size()));
  for (int i = 0; i < layer.bottom_size(); ++i) names.push_back(input(layer, i));
  return names;
}

void CaffeBuilder::require_one_input(const Layer& layer) {
  if (layer.bottom_size() != 1) fail("it reads ", layer.bottom_size(), " blobs, not one");
}

void CaffeBuilder::require_one_output(const Layer& layer) {
  if (layer.top_size() != 1) fail("it makes ", layer.top_size(), " blobs, not one");
}

void CaffeBuilder::require_channel_axis(const Layer& layer, std::int64_t axis) const {
  const int rank = input_shape(layer).rank();
  if (axis != 1 && axis != 1 - rank)
    fail("it works along axis ", axis, " of ", rank, ", camlite only along the channels, axis 1");
}

void CaffeBuilder::require_blobs(const Layer& layer, int count) {
  if (layer.blobs_size() != count)
    fail("it has ", layer.blobs_size(), " blobs of weights, and should have ", count);
}

Tensor<float> CaffeBuilder::blob(const Layer& layer, int i, const Shape& shape,
                                 std::string_view what) const {
  return tensor_from_blob(layer.blobs(i), shape,
                          weights_.empty() ? what : text(what, " in ", weights_));
}

CaffeBuilder::Tensors CaffeBuilder::weight_and_bias(const Layer& layer, const Shape& weight,
                                                    bool has_bias) const {
  require_blobs(layer, has_bias ? 2 : 1);
  Tensors tensors;
  tensors.emplace_back("weight", blob(layer, 0, weight, "weight"));
  if (has_bias) tensors.emplace_back("bias", blob(layer, 1, {weight[0]}, "bias"));
  return tensors;
}

// A name that no node has yet.
std::string CaffeBuilder::free_name(const std::string& wanted) {
  if (!draft_.has(wanted)) return wanted;
  for (int number = 2;; ++number) {
    std::string name = text(wanted, '_', number);
    if (draft_.has(name)) continue;
    report.changed(name, text("was called \"", wanted, "\" in the file"));
    return name;
  }
}

std::string CaffeBuilder::add(const std::string& name, const Operator& op,
                              std::vector<std::string> from, Tensors tensors) {
  draft_.add({free_name(name), op, std::move(from), std::move(tensors)}, report);
  return draft_.nodes().back().name;
}

void CaffeBuilder::make(const std::string& blob, const std::string& value) {
  others_.erase(blob);
  values_[blob] = value;
  result_ = value;
}

void CaffeBuilder::add_layer(const Layer& layer, const Operator& op, std::vector<std::string> from,
                             Tensors tensors) {
  require_one_output(layer);
  make(layer.top(0), add(layer.name(), op, std::move(from), std::move(tensors)));
}

void CaffeBuilder::add_layer(const Layer& layer, const Operator& op, Tensors tensors) {
  require_one_input(layer);
  add_layer(layer, op, {input(layer)}, std::move(tensors));
}

void CaffeBuilder::pass_on(const Layer& layer, std::string why) {
  require_one_input(layer);
  const std::string value = input(layer);
  report.dropped(layer.name(), std::move(why));
  for (const std::string& top : layer.top()) make(top, value);
}

void CaffeBuilder::drop(const Layer& layer, std::string why) {
  report.dropped(layer.name(), std::move(why));
  for (const std::string& top : layer.top()) {
    values_.erase(top);
    others_.insert(top);
  }
}

}  // namespace camlite::tool
