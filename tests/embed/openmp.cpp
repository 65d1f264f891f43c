// A process with two OpenMP libraries. Exit status 0 if a network has the same bits on several
// threads as on one, in the regions of the other library, too, whose file is the argument; 77 if
// there is no other.
#include <camlite/camlite.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <utility>

namespace {

camlite::Tensor<float> maps(int threads, int round) {
  const camlite::Network network(camlite::random_model("input channels=3 height=48 width=40\n"
                                                       "c1 conv2d input out_channels=16 kernel=3\n"
                                                       "c2 conv2d c1 out_channels=24 kernel=3\n"
                                                       "c3 conv2d c2 out_channels=24 kernel=5\n"
                                                       "gap global_avg_pool c3\n"
                                                       "fc linear gap out_features=7\n"),
                                 {.threads = threads});
  camlite::Image image(48, 40);
  for (camlite::Index i = 0; i < image.size(); ++i)
    image.data()[i] = static_cast<std::uint8_t>((i * i + round) % 251);
  return class_activation_map(network.predict(image), 3);
}

bool same_bits() {
  for (int round = 0; round < 10; ++round) {
    const camlite::Tensor<float> alone = maps(1, round);
    for (const int threads : {2, 3, 8}) {
      const camlite::Tensor<float> got = maps(threads, round);
      if (!std::equal(alone.begin(), alone.end(), got.begin(), got.end())) return false;
    }
  }
  return true;
}

// Regions of the other library's threads, around ours. Both know GCC's name for starting one.
int beside(const char* library) {
  void* other = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (other == nullptr) return 77;
  using Region = void(void (*body)(void*), void* data, unsigned threads, unsigned flags);
  auto* region = reinterpret_cast<Region*>(dlsym(other, "GOMP_parallel"));
  if (region == nullptr) return 77;
  std::atomic<int> calls{0}, same{0};
  std::pair counts(&calls, &same);
  region(
      [](void* data) {
        const auto& [called, right] = *static_cast<decltype(counts)*>(data);
        ++*called;
        *right += same_bits() ? 1 : 0;
      },
      &counts, 3, 0);
  std::printf("%d of %d threads of %s\n", same.load(), calls.load(), library);
  return calls == 3 && same == 3 && same_bits() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (!same_bits()) return 1;
  return argc < 2 ? 0 : beside(argv[1]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
