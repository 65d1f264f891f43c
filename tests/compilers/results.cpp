// Prints what networks, maps, boxes and preprocessing give: a line a result, its name and its
// numbers. For run.sh, which compiles it in many ways and compares.
#include <camlite/camlite.hpp>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

using camlite::Index;

void print(const std::string& name, camlite::TensorView<const float> values) {
  std::printf("%s", name.c_str());
  for (float value : values) std::printf(" %.9g", static_cast<double>(value));
  std::printf("\n");
}

camlite::Image picture(Index width, Index height) {
  camlite::Image image(width, height);
  std::uint32_t state = 7;
  for (Index i = 0; i < image.size(); ++i) {
    state = state * 1664525 + 1013904223;
    image.data()[i] = static_cast<std::uint8_t>(state >> 24);
  }
  return image;
}

// Every way in which a convolution is computed, and most of the other operators.
const char* const networks[] = {
    "input channels=3 height=40 width=32\n"
    "c1 conv2d input out_channels=16 kernel=3 padding=1\n"
    "n1 batch_norm c1\n"
    "r1 relu n1\n"
    "c2 conv2d r1 out_channels=24 kernel=3 padding=1\n"
    "p2 max_pool2d c2 kernel=2\n"
    "c3 conv2d p2 out_channels=24 kernel=5 padding=2 stride=2\n"
    "l3 lrn c3 size=5\n"
    "c4 conv2d l3 out_channels=32 kernel=1\n"
    "gap global_avg_pool c4\n"
    "fc linear gap out_features=9\n"
    "prob softmax fc\n",
    "input channels=3 height=33 width=33\n"
    "c1 conv2d input out_channels=12 kernel=3 stride=2\n"
    "h1 hard_swish c1\n"
    "d2 conv2d h1 out_channels=12 kernel=3 padding=1 groups=12\n"
    "s2 sigmoid d2\n"
    "m2 mul d2,s2\n"
    "c3 conv2d m2 out_channels=18 kernel=3 padding=1 groups=3\n"
    "a3 avg_pool2d c3 kernel=2\n"
    "k3 concat a3,a3\n"
    "x3 add k3,k3\n"
    "gap global_avg_pool x3\n"
    "fc linear gap out_features=5\n"
    "prob softmax fc\n",
};

// What is no number must be seen as that, whatever the compiler was told of numbers.
void print_refusals() {
  const auto infinity = std::bit_cast<float>(0x7F800000U), nan = std::bit_cast<float>(0x7FC00000U);
  const float values[] = {1.0F, nan, 3.0F, -infinity, infinity, 2.0F};
  const camlite::Tensor<float> map(camlite::Shape{2, 3}, values);
  print("normalized", normalized(map));
  std::printf("order");
  for (Index i : camlite::detail::greatest_first(map.view().reshaped({6}), 6))
    std::printf(" %lld", static_cast<long long>(i));
  std::printf("\n");
  for (const char* number : {"nan", "inf", "1e999", "0.5"}) {
    bool read = true;
    try {
      const camlite::Graph graph =
          camlite::parse_graph(camlite::text("input channels=3 height=8 width=8\n"
                                             "l lrn input size=5 alpha=",
                                             number, "\n"));
      infer_shapes(graph, {1, graph.height, graph.width, graph.channels});
    } catch (const camlite::Error&) {
      read = false;
    }
    std::printf("alpha=%s %d\n", number, read ? 1 : 0);
  }
}

}  // namespace

int main() {
  const camlite::Image photo = picture(75, 50);
  for (const char* graph : networks) {
    const camlite::Network network(camlite::random_model(graph), {.threads = 1});
    const camlite::Prediction seen = network.predict(photo);
    print("features", seen.features());
    print("logits", seen.logits());
    print("probabilities", seen.probabilities());
    const camlite::Tensor<float> map = class_activation_map(seen, 3);
    print("map", map);
    print("normalized", normalized(map));
    std::printf("boxes");
    for (const camlite::Box& box : boxes(map, seen.view()))
      std::printf(" %lld %lld %lld %lld", static_cast<long long>(box.x),
                  static_cast<long long>(box.y), static_cast<long long>(box.width),
                  static_cast<long long>(box.height));
    std::printf("\n");
  }
  const float corners[] = {0, 1, 2, 3};
  const camlite::Tensor<float> slope(camlite::Shape{2, 2}, corners);
  const camlite::Image heat = overlay(photo, slope, {0, 0, photo.width(), photo.height()});
  std::printf("overlay");
  for (Index i = 0; i < heat.size(); i += 101) std::printf(" %d", heat.data()[i]);
  std::printf("\n");
  print_refusals();
}
