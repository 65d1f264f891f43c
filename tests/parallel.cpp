// parallel_for, and networks where OpenMP's threads are not camlite's alone: regions of others
// around them, pools of threads, forked processes.
#include <camlite/parallel.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <camlite/model/architectures.hpp>
#include <camlite/network.hpp>

#include "support/random.hpp"
#include "support/results.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

using camlite::Image;
using camlite::Index;
using camlite::Network;
using camlite::parallel_for;
using camlite::Tensor;
using camlite::test::copy;
using camlite::test::same_bits;

namespace {

// Winograd, implicit gemm, im2col, a matrix product: each deals out its work in its own way.
const std::string graph =
    "input channels=3 height=32 width=32\n"
    "c1 conv2d input out_channels=16 kernel=3 padding=1\n"
    "r1 relu c1\n"
    "c2 conv2d r1 out_channels=24 kernel=3 padding=1\n"
    "p2 max_pool2d c2 kernel=2\n"
    "c3 conv2d p2 out_channels=24 kernel=3 padding=1 stride=2\n"
    "c4 conv2d c3 out_channels=40 kernel=1\n"
    "d4 conv2d c4 out_channels=40 kernel=3 padding=1 groups=40\n"
    "gap global_avg_pool d4\n"
    "fc linear gap out_features=9\n"
    "prob softmax fc\n";

Image picture() {
  camlite::test::Random random(41);
  return camlite::test::random_picture(random, 50, 40);
}

Tensor<float> logits(const Network& network, const Image& image) {
  return copy<float>(network.predict(image).logits());
}

// The status of a process that is a copy of this one: 0 if work() is true there, 1 if not, 128 +
// the signal that ended it. A signal ends it after 30 seconds.
template <class Work>
int in_a_fork(const Work& work) {
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    bool good = false;
    try {
      good = work();
    } catch (...) {
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("every piece comes once, in equal runs, each with the number of one thread") {
  const Index count = GENERATE(0, 1, 2, 3, 7, 64, 1001);
  const int threads = GENERATE(-1, 0, 1, 2, 3, 8);
  std::vector<int> times(static_cast<std::size_t>(count)), thread_of(times);
  std::vector<Index> pieces(static_cast<std::size_t>(std::max(threads, 1)));
  parallel_for(count, threads, [&](Index i, int thread) {
    ++times[static_cast<std::size_t>(i)];
    thread_of[static_cast<std::size_t>(i)] = thread;
    ++pieces.at(static_cast<std::size_t>(thread));  // of this thread alone
  });
  CHECK(std::ranges::all_of(times, [](int n) { return n == 1; }));
  CHECK(std::ranges::is_sorted(thread_of));
#ifdef _OPENMP
  const auto [fewest, most] = std::ranges::minmax(pieces);
  if (count >= threads) CHECK(most - fewest <= 1);
#endif
}

TEST_CASE("after an exception the other pieces are done, and it is thrown again") {
  const int threads = GENERATE(2, 3);
  std::atomic<int> done{0};
  const auto work = [&](Index i, int) {
    if (i == 4) throw std::runtime_error("piece 4");
    ++done;
  };
#ifdef _OPENMP
  CHECK_THROWS_WITH(parallel_for(20, threads, work), "piece 4");
  CHECK(done == 19);
#else
  CHECK_THROWS_WITH(parallel_for(20, threads, work), "piece 4");
#endif
}

TEST_CASE("a network has the same bits in a process that was forked after it was used") {
  const int threads = GENERATE(1, 2, 4);
  const Network network(camlite::random_model(graph), {.threads = threads});
  const Image image = picture();
  const Tensor<float> alone = logits(network, image);
  CHECK(in_a_fork([&] { return same_bits(logits(network, image), alone); }) == 0);
  CHECK(in_a_fork([&] {
          const Network own(camlite::random_model(graph), {.threads = 2});
          return same_bits(logits(own, image), alone);
        }) == 0);
  // A thread there, and a process of that process.
  CHECK(in_a_fork([&] {
          std::atomic<bool> same = false;
          std::thread([&] { same = same_bits(logits(network, image), alone); }).join();
          return same && in_a_fork([&] { return same_bits(logits(network, image), alone); }) == 0;
        }) == 0);
  CHECK(same_bits(logits(network, image), alone));
}

#ifdef _OPENMP
TEST_CASE("networks have the same bits within parallel regions, nested or not") {
  const int threads = GENERATE(1, 2, 3);
  const int levels = GENERATE(1, 2);
  const Network network(camlite::random_model(graph), {.threads = threads});
  const Image image = picture();
  const Tensor<float> alone = logits(network, image);
  const int before = omp_get_max_active_levels();
  omp_set_max_active_levels(levels);
  std::atomic<int> wrong{0}, done{0};
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 16; ++i) {
    if (!same_bits(logits(network, image), alone)) ++wrong;
    ++done;
  }
#pragma omp parallel num_threads(2)
  {
#pragma omp single
    for (int i = 0; i < 8; ++i) {
#pragma omp task
      {
        if (!same_bits(logits(network, image), alone)) ++wrong;
        ++done;
      }
    }
  }
  omp_set_max_active_levels(before);
  CHECK(wrong == 0);
  CHECK(done == 24);
}

TEST_CASE("networks have the same bits on a pool's threads, whatever OpenMP was told") {
  const Network network(camlite::random_model(graph), {.threads = 3});
  const Image image = picture();
  const Tensor<float> alone = logits(network, image);
  const int before = omp_get_max_threads();
  std::atomic<int> wrong{0};
  std::vector<std::thread> pool;
  for (int t = 0; t < 6; ++t) {
    pool.emplace_back([&, t] {
      omp_set_num_threads(1 + t);
      omp_set_dynamic(t % 2);
      for (int round = 0; round < 10; ++round)
        if (!same_bits(logits(network, image), alone)) ++wrong;
    });
  }
  for (std::thread& thread : pool) thread.join();
  omp_set_num_threads(before);
  CHECK(wrong == 0);
}
#endif
