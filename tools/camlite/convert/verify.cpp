#include "verify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "../npy.hpp"

namespace camlite::tool {

namespace {

// Infinite where one is no number.
double relative_error(std::span<const float> is, std::span<const float> should) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < is.size(); ++i) {
    const double d = std::abs(static_cast<double>(is[i]) - should[i]);
    if (!std::isfinite(d)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, d);
    largest = std::max(largest, std::abs(static_cast<double>(should[i])));
  }
  return difference == 0 ? 0 : difference / largest;
}

}  // namespace

Verified verify(const Network& network, const std::string& x, const std::string& y) {
  const NpyReader pictures(x), results(y);
  const Shape& shape = pictures.shape();
  const Index channels = network.model().graph().channels, classes = network.model().classes();
  if (shape.rank() != 4 || shape[1] != channels || shape[0] < 1)
    fail(x, ": verifying takes (N, ", channels, ", H, W), this is ", shape.str());
  if (results.shape().size() != checked_product(shape[0], classes) ||
      results.shape()[0] != shape[0])
    fail(y, ": for ", shape[0], " pictures and ", classes, " classes this should be (", shape[0],
         ", ", classes, "), it is ", results.shape().str());
  const Index positions = shape[2] * shape[3], size = channels * positions;
  Tensor<float> planes = Tensor<float>::uninitialized({channels, positions});
  Tensor<float> pixels = Tensor<float>::uninitialized({1, shape[2], shape[3], channels});
  std::vector<float> should(static_cast<std::size_t>(classes));
  Workspace workspace;
  double logits = 0, probabilities = 0;
  for (Index n = 0; n < shape[0]; ++n) {
    pictures.read(n * size, {planes.begin(), planes.end()});
    for (Index c = 0; c < channels; ++c) {
      for (Index i = 0; i < positions; ++i) pixels.data()[i * channels + c] = planes(c, i);
    }
    const Prediction seen = network.prediction(network.forward(pixels.view(), workspace), 0,
                                               {0, 0, shape[3], shape[2]});
    results.read(n * classes, should);
    logits = std::max(logits, relative_error({seen.logits().begin(), seen.logits().end()}, should));
    probabilities = std::max(
        probabilities,
        relative_error({seen.probabilities().begin(), seen.probabilities().end()}, should));
  }
  return probabilities < logits ? Verified{shape[0], probabilities, "probabilities"}
                                : Verified{shape[0], logits, "logits"};
}

}  // namespace camlite::tool
