// What comes before and after the network: preprocessing, class activation maps, overlays, boxes
// and PNG files. Its share of a prediction is meant to be small: the top five overlays of VGG16-GAP
// at 224 x 224 should take at most 2 % of the network's own time.
//
//   build/bench/bench_pictures --benchmark_filter=overlay --benchmark_format=json
#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/evaluate/max_box_acc.hpp>
#include <camlite/evaluate/score_map.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/image_io.hpp>
#include <camlite/preprocess.hpp>

#include <cstdint>
#include <cstdio>
#include <numeric>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#if CAMLITE_BLAS
#include <cblas.h>
#endif

namespace {

using camlite::Image;
using camlite::Index;
using camlite::Preprocessing;
using camlite::Size2d;
using camlite::Tensor;

Tensor<float> noise(const camlite::Shape& shape) {
  Tensor<float> tensor = Tensor<float>::uninitialized(shape);
  std::uint32_t state = 1;
  for (float& value : tensor) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1;
  }
  return tensor;
}

// The photograph of the README (600 x 400) at this size.
Image photo(Index width, Index height) {
  return camlite::resize(camlite::read_image("docs/pictures/coffee.jpg"), width, height);
}

// A map with a few hills, as large networks make them: 14 x 14 from 4 x 4 random values.
Tensor<float> hills() {
  return camlite::upsample(noise({4, 4}), 14, 14);
}

void count_pixels(benchmark::State& state, Index width, Index height) {
  state.counters["pixels/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(width) *
                             static_cast<double>(height),
                         benchmark::Counter::kIsRate);
}

using Sizes = std::vector<std::pair<Index, Index>>;

// One run for each of the sizes.
template <class Benchmark>
void sizes(const Benchmark& bench, const Sizes& list) {
  bench->ArgNames({"width", "height"})->Unit(benchmark::kMicrosecond)->UseRealTime();
  for (const auto& [width, height] : list) bench->Args({width, height});
}
void small_and_large(benchmark::internal::Benchmark* bench) {
  sizes(bench, {{224, 224}, {1024, 1024}, {4000, 3000}});
}
void pictures(benchmark::internal::Benchmark* bench) {
  sizes(bench, {{224, 224}, {600, 400}, {4000, 3000}});
}

void pictures_and_threads(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"width", "height", "threads"})->Unit(benchmark::kMicrosecond)->UseRealTime();
  for (const auto& [width, height] : Sizes{{224, 224}, {600, 400}, {4000, 3000}})
    bench->Args({width, height, 1});
  bench->Args({4000, 3000, 2});
}

// To the network's input of 224 x 224, by torchvision's rule (a crop of 256) and by Caffe's.
void preprocess(benchmark::State& state, const Preprocessing& how) {
  const Image image = photo(state.range(0), state.range(1));
  const auto threads = static_cast<int>(state.range(2));
  for (auto _ : state) benchmark::DoNotOptimize(camlite::preprocess(image, how, threads));
  count_pixels(state, image.width(), image.height());
}
BENCHMARK_CAPTURE(preprocess, torchvision, Preprocessing{})->Apply(pictures_and_threads);
BENCHMARK_CAPTURE(preprocess, caffe,
                  Preprocessing{.fit = Preprocessing::Fit::exact,
                                .resize = Size2d(224),
                                .channels = Preprocessing::Channels::bgr,
                                .scale = 1,
                                .mean = {104, 117, 123},
                                .std = {1, 1, 1}})
    ->Apply(pictures_and_threads);

void resize_to_256(benchmark::State& state) {
  const Image image = photo(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(camlite::resize(image, 256, 256));
  count_pixels(state, image.width(), image.height());
}
BENCHMARK(resize_to_256)->Apply(pictures);

// VGG16-GAP's features, 14 x 14 x 1024, and its 1000 classes.
void maps(benchmark::State& state) {
  const Tensor<float> features = noise({14, 14, 1024});
  const Tensor<float> weight = noise({1000, 1024});
  std::vector<Index> classes(static_cast<std::size_t>(state.range(0)));
  std::iota(classes.begin(), classes.end(), Index{0});
  for (auto _ : state) {
    benchmark::DoNotOptimize(camlite::class_activation_maps<float>(features, weight, classes));
  }
}
BENCHMARK(maps)->ArgName("classes")->Arg(1)->Arg(5)->Arg(10)->Arg(100)->Arg(1000)->Unit(
    benchmark::kMicrosecond);

void normalized(benchmark::State& state) {
  const Tensor<float> map = hills();
  for (auto _ : state) benchmark::DoNotOptimize(camlite::normalized(map));
}
BENCHMARK(normalized)->Unit(benchmark::kMicrosecond);

void upsample(benchmark::State& state) {
  const Tensor<float> map = hills();
  for (auto _ : state) {
    benchmark::DoNotOptimize(camlite::upsample(map, state.range(1), state.range(0)));
  }
  count_pixels(state, state.range(0), state.range(1));
}
BENCHMARK(upsample)->Apply(small_and_large);

void palette(benchmark::State& state) {
  auto colormap = static_cast<camlite::Colormap>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(colormap);
    benchmark::DoNotOptimize(camlite::Palette(colormap)(0.5F));
  }
}
BENCHMARK(palette)->ArgName("colormap")->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

void heatmap(benchmark::State& state) {
  const Tensor<float> map = hills();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        camlite::heatmap(map, {.width = state.range(0), .height = state.range(1)}));
  }
  count_pixels(state, state.range(0), state.range(1));
}
BENCHMARK(heatmap)->Apply(small_and_large);

void overlay(benchmark::State& state) {
  const Image image = photo(state.range(0), state.range(1));
  const Tensor<float> map = hills();
  for (auto _ : state) {
    benchmark::DoNotOptimize(camlite::overlay(image, map, {0, 0, image.width(), image.height()}));
  }
  count_pixels(state, image.width(), image.height());
}
BENCHMARK(overlay)->Apply(small_and_large);

// All that `camlite cam --top 5` computes behind VGG16-GAP, but for the files.
void top_five_overlays(benchmark::State& state) {
  const Tensor<float> features = noise({14, 14, 1024});
  const Tensor<float> weight = noise({1000, 1024});
  const std::vector<Index> classes{281, 282, 285, 287, 292};
  const Image image = photo(state.range(0), state.range(1));
  for (auto _ : state) {
    const Tensor<float> five = camlite::class_activation_maps<float>(features, weight, classes);
    for (Index i = 0; i < five.extent(0); ++i) {
      benchmark::DoNotOptimize(
          camlite::overlay(image, five.view()[i], {0, 0, image.width(), image.height()}));
    }
  }
}
BENCHMARK(top_five_overlays)->Apply(pictures);

void boxes(benchmark::State& state) {
  const Tensor<float> map = hills();
  for (auto _ : state) {
    benchmark::DoNotOptimize(camlite::boxes(map, {0, 0, state.range(0), state.range(1)}));
  }
  count_pixels(state, state.range(0), state.range(1));
}
BENCHMARK(boxes)->Apply(small_and_large);

// MaxBoxAcc of a picture: a map brought to 224 x 224, then its boxes at a hundred thresholds.
void max_box_acc(benchmark::State& state) {
  const Tensor<float> map = hills();
  const std::vector<camlite::Box> truth{{50, 50, 100, 100}};
  for (auto _ : state)
    benchmark::DoNotOptimize(camlite::best_overlaps(camlite::score_map(map), truth));
}
BENCHMARK(max_box_acc)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Of an overlay; `bytes` is the size of the file.
void write_png(benchmark::State& state) {
  const Image image = photo(state.range(0), state.range(1));
  const Image picture = camlite::overlay(image, hills(), {0, 0, image.width(), image.height()});
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = camlite::encode_image(picture, camlite::ImageFormat::png).size();
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  count_pixels(state, image.width(), image.height());
}
BENCHMARK(write_png)->Apply(pictures);

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
