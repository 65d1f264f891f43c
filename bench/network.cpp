// Whole networks over threads and batch, and loading. What comes before and after: pictures.cpp.
//
//   build/bench/bench_network --benchmark_filter=forward --benchmark_format=json
#include <camlite/camlite.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>
#if CAMLITE_BLAS
#include <cblas.h>
#endif

namespace {

using camlite::Index;
using camlite::Network;
using camlite::Tensor;

const char* const default_model = "weights/tiny_vgg_gap.safetensors";

Tensor<float> noise(const camlite::Shape& shape) {
  Tensor<float> tensor = Tensor<float>::uninitialized(shape);
  std::uint32_t state = 1;
  for (float& value : tensor) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1;
  }
  return tensor;
}

camlite::Image noise_picture(Index width, Index height) {
  camlite::Image image(width, height);
  std::uint32_t state = 1;
  for (Index i = 0; i < image.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    image.data()[i] = static_cast<std::uint8_t>(state >> 24);
  }
  return image;
}

camlite::Model model_named(const std::string& name) {
  return name == "default" ? camlite::load_model(default_model)
                           : camlite::random_architecture(name);
}

void forward(benchmark::State& state, const std::string& name) {
  const auto threads = static_cast<int>(state.range(0));
  const Network net(model_named(name), {.threads = threads});
  const Tensor<float> input = noise(net.model().input_shape(state.range(1)));
  camlite::Workspace workspace;
  net.forward(input, workspace);
  for (auto _ : state) benchmark::DoNotOptimize(net.forward(input, workspace).logits.data());
  Index multiply_adds = 0;
  for (const camlite::LayerInfo& layer : net.layers(input.shape()))
    multiply_adds += layer.multiply_adds;
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * static_cast<double>(multiply_adds) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}

void threads_and_batch(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"threads", "batch"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (int threads : {1, 2}) {
    for (int batch : {1, 8}) bench->Args({threads, batch});
  }
}
BENCHMARK_CAPTURE(forward, tiny_vgg_gap, std::string("default"))->Apply(threads_and_batch);
BENCHMARK_CAPTURE(forward, vgg16_gap, std::string("vgg16-gap"))->Apply(threads_and_batch);

// From the file (in the page cache) to a network that is ready, and to its first prediction.
void load(benchmark::State& state) {
  const bool predict = state.range(0) == 1;
  const camlite::Image photo = noise_picture(64, 64);
  for (auto _ : state) {
    const Network net(camlite::load_model(default_model));
    if (predict) benchmark::DoNotOptimize(net.predict(photo));
  }
}
BENCHMARK(load)->ArgName("predict")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
#if CAMLITE_BLAS
  openblas_set_num_threads(1);  // camlite deals out the work itself
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    benchmark::RunSpecifiedBenchmarks();
  } catch (const camlite::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
