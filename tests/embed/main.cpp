// A program as somebody writes who has the headers and a compiler, and nothing else: one
// translation unit of two.
//
//   embed MODEL
#include <camlite/camlite.hpp>

#include <cmath>
#include <cstdio>
#include <exception>

camlite::Image stripes(camlite::Index width, camlite::Index height);  // in other.cpp

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const camlite::Network net(camlite::load_model(argv[1]));
    const camlite::Image photo = stripes(90, 70);
    const camlite::Prediction seen = net.predict(photo);
    const camlite::ClassScore best = seen.top(1)[0];
    const camlite::Tensor<float> map = camlite::class_activation_map(seen, best.index);

    double mean = 0;
    for (float value : map) mean += static_cast<double>(value) / static_cast<double>(map.size());
    const float bias = seen.head().bias.size() > 0 ? seen.head().bias(best.index) : 0;
    const double difference =
        std::abs(mean + static_cast<double>(bias) - static_cast<double>(best.logit));
    if (difference > 1e-3) {
      std::printf("the mean of the map and the logit differ by %g\n", difference);
      return 1;
    }
    // All bits: builds of the same headers must agree.
    for (float value : seen.logits()) std::printf("%a ", static_cast<double>(value));
    for (float value : map) std::printf("%a ", static_cast<double>(value));
    const camlite::Image blend = camlite::overlay(photo, map, seen.view());
    std::printf("\n%.1f%% %s, %d boxes, %dx%d\n", static_cast<double>(100 * best.probability),
                best.label.c_str(), static_cast<int>(camlite::boxes(map, seen.view()).size()),
                static_cast<int>(blend.width()), static_cast<int>(blend.height()));
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
