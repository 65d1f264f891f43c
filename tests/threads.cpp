// One network and many threads: the same bits as alone. Under ThreadSanitizer without OpenMP, too,
// whose threads it does not know.
#include <camlite/cam.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/network.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/results.hpp"

using camlite::Error;
using camlite::Image;
using camlite::Index;
using camlite::Network;
using camlite::Prediction;
using camlite::Tensor;
using camlite::Workspace;
using camlite::test::copy;
using camlite::test::Random;
using camlite::test::same_bits;

namespace {

const std::string graph =
    "input channels=3 height=16 width=16\n"
    "conv1 conv2d input out_channels=6 kernel=3 padding=1\n"
    "norm1 batch_norm conv1\n"
    "relu1 relu norm1\n"
    "pool1 max_pool2d relu1 kernel=2\n"
    "conv2 conv2d pool1 out_channels=10 kernel=3 padding=1 groups=2\n"
    "join concat pool1,conv2\n"
    "lrn1 lrn join size=5\n"
    "gap global_avg_pool lrn1\n"
    "drop dropout gap\n"
    "fc linear drop out_features=5\n"
    "prob softmax fc\n";

constexpr int threads = 8;
constexpr int rounds = 25;

// Calls work(t) for every thread number, all at the same time.
template <class Work>
void on_all_threads(const Work& work, int count = threads) {
  std::atomic<int> waiting{count};
  std::vector<std::thread> list;
  for (int t = 0; t < count; ++t) {
    list.emplace_back([&, t] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      work(t);
    });
  }
  for (std::thread& thread : list) thread.join();
}

Image random_picture(Random& random) {
  return camlite::test::random_picture(random, random.between(10, 40), random.between(10, 40));
}

}  // namespace

TEST_CASE("threads with a workspace each get the same bits from one network as alone") {
  const Network network(camlite::random_model(graph));
  Random random(31);
  std::vector<Tensor<float>> inputs, logits, features;
  Workspace alone;
  for (int i = 0; i < 6; ++i) {
    inputs.push_back(random.tensor<float>({random.between(1, 3), random.between(8, 20), 16, 3}));
    const camlite::Outputs got = network.forward(inputs.back(), alone);
    logits.push_back(copy(got.logits));
    features.push_back(copy(got.features));
  }
  std::atomic<int> wrong{0};
  on_all_threads([&](int t) {
    Workspace workspace;
    for (int round = 0; round < rounds; ++round) {
      const auto i = static_cast<std::size_t>(t + round) % inputs.size();
      const camlite::Outputs got = network.forward(inputs[i], workspace);
      if (!same_bits(got.logits, logits[i]) || !same_bits(got.features, features[i])) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("threads that share the network's own workspaces get the same bits as alone") {
  const Network network(camlite::random_model(graph));
  Random random(32);
  std::vector<Image> pictures;
  std::vector<Prediction> alone;
  std::vector<Tensor<float>> maps;
  for (int i = 0; i < 5; ++i) {
    pictures.push_back(random_picture(random));
    alone.push_back(network.predict(pictures.back()));
    maps.push_back(class_activation_map(alone.back(), 2));
  }
  std::atomic<int> wrong{0};
  on_all_threads([&](int t) {
    for (int round = 0; round < rounds; ++round) {
      const auto i = static_cast<std::size_t>(t + round) % pictures.size();
      const Prediction seen = network.predict(pictures[i], {.size = 0});
      if (!same_bits(seen.logits(), alone[i].logits()) ||
          seen.top(1)[0].index != alone[i].top(1)[0].index ||
          !same_bits(class_activation_map(seen, 2), maps[i])) {
        ++wrong;
      }
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("an error on one thread does not disturb the others") {
  const Network network(camlite::random_model(graph));
  Random random(33);
  const Image picture = random_picture(random);
  const Prediction alone = network.predict(picture);
  std::atomic<int> wrong{0}, refused{0};
  on_all_threads([&](int t) {
    for (int round = 0; round < rounds; ++round) {
      try {
        const Prediction seen = network.predict(t % 2 == 0 ? picture : Image());
        if (!same_bits(seen.logits(), alone.logits())) ++wrong;
      } catch (const Error&) {
        ++refused;
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(refused == threads / 2 * rounds);
}

TEST_CASE("a prediction may be read by many threads, and copies of a model by many networks") {
  const camlite::Model model = camlite::random_model(graph);
  Random random(34);
  const Image picture = random_picture(random);
  const Prediction seen = Network(model).predict(picture);
  const Tensor<float> map = class_activation_map(seen, 1);
  std::atomic<int> wrong{0};
  on_all_threads([&](int) {
    const Network own(model);
    if (!same_bits(own.predict(picture).logits(), seen.logits())) ++wrong;
    for (int round = 0; round < rounds; ++round) {
      if (!same_bits(class_activation_map(seen, 1), map)) ++wrong;
      if (seen.top(5).size() != 5) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("64 threads over one network and many, which come and go meanwhile") {
  constexpr int many = 64;
  const camlite::Model model = camlite::random_model(graph);
  const auto shared = std::make_shared<const Network>(model);
  Random random(35);
  const Image picture = random_picture(random);
  const Tensor<float> alone = copy<float>(shared->predict(picture).logits());
  std::mutex hand_over;
  std::shared_ptr<const Network> passed = std::make_shared<const Network>(model);
  std::atomic<int> wrong{0};
  on_all_threads(
      [&](int t) {
        for (int round = 0; round < 4; ++round) {
          if (!same_bits(shared->predict(picture).logits(), alone)) ++wrong;
          std::shared_ptr<const Network> other;
          {
            const std::scoped_lock lock(hand_over);
            other = passed;
            // The network that others may still be using goes with the last of them.
            if ((t + round) % 4 == 0) passed.reset();
          }
          if (!other) {
            other = std::make_shared<const Network>(model);
            const std::scoped_lock lock(hand_over);
            passed = other;
          }
          if (!same_bits(other->predict(picture).logits(), alone)) ++wrong;
        }
      },
      many);
  CHECK(wrong == 0);
}
