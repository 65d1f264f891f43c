// Class activation maps: where in the picture a class is.
//
// Zhou, Khosla, Lapedriza, Oliva, Torralba, "Learning Deep Features for Discriminative
// Localization", CVPR 2016.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include <camlite/ops/gemm.hpp>
#include <camlite/prediction.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// The maps of some classes of any network, in one pass over its features.
//
//   map(i, y, x) = sum over c of weight(classes[i], c) * features(y, x, c)          (equation 2)
//
// features (h, w, C): the last convolution's output; weight (K, C): the linear layer behind global
// average pooling; out (number of classes, h, w). The mean of a map is its class's logit without
// the bias. Throws Error if the shapes do not fit together or there is no such class.
template <class T>
Tensor<T> class_activation_maps(TensorView<const T> features, TensorView<const T> weight,
                                std::span<const Index> classes) {
  if (features.rank() != 3 || weight.rank() != 2 || features.extent(2) != weight.extent(1)) {
    fail("class_activation_maps: features must be (h, w, C) and weight (K, C), they are ",
         features.shape().str(), " and ", weight.shape().str());
  }
  const Index positions = features.extent(0) * features.extent(1), channels = features.extent(2);
  const auto count = static_cast<Index>(classes.size());
  Tensor<T> chosen = Tensor<T>::uninitialized({count, channels});
  for (Index i = 0; i < count; ++i) {
    const Index k = classes[static_cast<std::size_t>(i)];
    if (k < 0 || k >= weight.extent(0)) fail("there is no class ", k, " among ", weight.extent(0));
    std::copy_n(weight.data() + k * channels, channels, chosen.data() + i * channels);
  }
  Tensor<T> maps = Tensor<T>::uninitialized({count, features.extent(0), features.extent(1)});
  gemm<T>({chosen.data(), count, channels, channels},
          {features.data(), positions, channels, channels},
          {maps.data(), count, positions, positions});
  return maps;
}

// The maps of some classes of a prediction: (number of classes, h, w), covering prediction.view().
// Throws Error if the network has no CAM head, or no such class.
inline Tensor<float> class_activation_maps(const Prediction& prediction,
                                           std::span<const Index> classes) {
  const Head& head = prediction.head();
  const Tensor<float>& features = prediction.features();
  if (head.weight.size() > 0) return class_activation_maps<float>(features, head.weight, classes);
  // Without a linear layer, the channels are the classes.
  Tensor<float> maps =
      Tensor<float>::uninitialized({std::ssize(classes), features.extent(0), features.extent(1)});
  float* out = maps.data();
  for (Index k : classes) {
    if (k < 0 || k >= head.classes) fail("there is no class ", k, " among ", head.classes);
    for (Index i = k; i < features.size(); i += head.classes) *out++ = features.data()[i];
  }
  return maps;
}

// The map of one class: (h, w).
inline Tensor<float> class_activation_map(const Prediction& prediction, Index k) {
  const Tensor<float> maps = class_activation_maps(prediction, std::array{k});
  const TensorView<const float> map = maps.view()[0];
  return Tensor<float>(map.shape(), {map.data(), static_cast<std::size_t>(map.size())});
}

}  // namespace camlite
