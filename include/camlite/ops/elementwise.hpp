// What operators share that compute each element of their output from the same element of their
// input.
#pragma once

#include <algorithm>

#include <camlite/ops/activation.hpp>
#include <camlite/ops/operator.hpp>
#include <camlite/parallel.hpp>

namespace camlite::detail {

// out[i] = function(in[i])
template <class T, class Function>
void for_each_element(const Arguments<T>& arguments, const Function& function) {
  const TensorView<const T> in = arguments.inputs[0];
  constexpr Index piece = 1 << 14;
  parallel_for((in.size() + piece - 1) / piece, arguments.threads, [&](Index i, int) {
    const Index end = std::min((i + 1) * piece, in.size());
    for (Index j = i * piece; j < end; ++j) arguments.output.data()[j] = function(in.data()[j]);
  });
}

template <class T>
void for_each_activated(const Arguments<T>& arguments, const Activation& activation) {
  for_each_element(arguments, [&](T x) { return activated(x, activation); });
}

// out(..., c) = function(in(..., c), c), over the last extent
template <class T, class Function>
void for_each_channel_element(const Arguments<T>& arguments, const Function& function) {
  const TensorView<const T> in = arguments.inputs[0];
  const Index channels = in.extent(in.rank() - 1);
  parallel_for(in.size() / channels, arguments.threads, [&](Index pixel, int) {
    const T* value = in.data() + pixel * channels;
    T* out = arguments.output.data() + pixel * channels;
    for (Index c = 0; c < channels; ++c) out[c] = function(value[c], c);
  });
}

}  // namespace camlite::detail
