// Every operator by itself, at the sizes that VGG16-GAP has at 224x224.
//
//   bench_ops --benchmark_filter=conv2d --benchmark_format=json
//
// The counters are rates: FLOP/s (two for each multiply-add) where the arithmetic bounds an
// operator, B/s of inputs, parameters and output, each once, where memory does. The last argument
// is the number of threads.
#include <camlite/model/operators.hpp>

#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace camlite;

// Not zeros, whose products a processor may find easier, and not so small that sums become
// denormal.
Tensor<float> filled(const Shape& shape) {
  Tensor<float> out = Tensor<float>::uninitialized(shape);
  unsigned state = 1;
  for (float& value : out) {
    state = state * 1664525U + 1013904223U;  // Numerical Recipes' generator
    value = static_cast<float>(state >> 8) / static_cast<float>(1U << 24) + 0.5F;
  }
  return out;
}

void count_flops(benchmark::State& state, Index multiply_adds) {
  state.counters["FLOP/s"] = benchmark::Counter(2 * static_cast<double>(multiply_adds),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

template <class Operator>
void run(benchmark::State& state, const Operator& op, const std::vector<Shape>& shapes) {
  const auto threads = static_cast<int>(state.range(0));
  std::vector<Tensor<float>> tensors;
  Index elements = 0;
  const auto make = [&](const Shape& shape) {
    tensors.push_back(filled(shape));
    elements += shape.size();
    return tensors.back().view();
  };
  std::vector<TensorView<const float>> inputs, parameters;
  for (const Shape& shape : shapes) inputs.push_back(make(shape));
  for (const Parameter& parameter : parameters_of(op, shapes))
    parameters.push_back(make(parameter.shape));
  const TensorView<float> output = make(op.output_shape(shapes));
  Tensor<float> scratch({scratch_of(op, shapes) * threads});

  for (auto _ : state) {
    op.run(Arguments<float>{inputs, parameters, output, scratch.data(), threads});
    benchmark::DoNotOptimize(output.data());
    benchmark::ClobberMemory();
  }
  if constexpr (std::is_same_v<Operator, Conv2d> || std::is_same_v<Operator, Linear>) {
    count_flops(state, op.multiply_adds(shapes));
  } else {
    state.SetBytesProcessed(state.iterations() * elements * Index{sizeof(float)});
  }
}

template <class Operator>
void add_operator(const std::string& what, const Operator& op, const std::vector<Shape>& shapes) {
  const std::string name = text(Operator::type, "/", what);
  auto* entry = benchmark::RegisterBenchmark(
      name.c_str(), [=](benchmark::State& state) { run(state, op, shapes); });
  entry->ArgName("threads")->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();
  if (default_threads() > 1) entry->Arg(default_threads());
}

struct Layer {
  Index map;  // height and width
  Index in_channels;
  Index out_channels;

  std::string str() const { return text(map, "x", map, "x", in_channels, "->", out_channels); }
};

constexpr std::initializer_list<Layer> layers = {
    {224, 3, 64},   {224, 64, 64},  {112, 64, 128}, {112, 128, 128}, {56, 128, 256},
    {56, 256, 256}, {28, 256, 512}, {28, 512, 512}, {14, 512, 512},  {14, 512, 1024}};

using Gemm = void (*)(Matrix<const float>, Matrix<const float>, Matrix<float>, bool);

// The whole convolution as one product: (positions, taps) * (out channels, taps).
void add_gemm(const std::string& backend, Gemm multiply, const Layer& layer) {
  const Index rows = layer.map * layer.map, depth = 9 * layer.in_channels;
  const Index columns = layer.out_channels;
  const auto body = [=](benchmark::State& state) {
    const Tensor<float> a = filled({rows, depth}), b = filled({columns, depth});
    Tensor<float> c({rows, columns});
    for (auto _ : state) {
      multiply({a.data(), rows, depth, depth}, {b.data(), columns, depth, depth},
               {c.data(), rows, columns, columns}, false);
      benchmark::DoNotOptimize(c.data());
      benchmark::ClobberMemory();
    }
    count_flops(state, rows * columns * depth);
  };
  const std::string name = text("gemm/", backend, "/", rows, "x", columns, "x", depth);
  benchmark::RegisterBenchmark(name.c_str(), body)->Unit(benchmark::kMillisecond)->UseRealTime();
}

void add_all() {
  for (const Layer& layer : layers) {
    add_operator(layer.str(), Conv2d{.out_channels = layer.out_channels, .kernel = 3, .padding = 1},
                 {{1, layer.map, layer.map, layer.in_channels}});
  }
  add_operator("14x14x512->1024 in 2 groups",
               Conv2d{.out_channels = 1024, .kernel = 3, .padding = 1, .groups = 2},
               {{1, 14, 14, 512}});
  add_operator("56x56x256->64 1x1", Conv2d{.out_channels = 64, .kernel = 1}, {{1, 56, 56, 256}});

  for (const Shape& map : {Shape{1, 224, 224, 64}, Shape{1, 112, 112, 128}, Shape{1, 56, 56, 256},
                           Shape{1, 28, 28, 512}}) {
    const std::string what = text(map[1], "x", map[2], "x", map[3]);
    add_operator(what, MaxPool2d{{.kernel = 2, .stride = 2}}, {map});
    add_operator(what, AvgPool2d{{.kernel = 2, .stride = 2}}, {map});
    add_operator(what, Relu{}, {map});
  }
  const Shape map{1, 56, 56, 256};
  add_operator("56x56x256", Relu6{}, {map});
  add_operator("56x56x256", Add{}, {map, map});
  add_operator("56x56x256 twice", Concat{}, {map, map});
  add_operator("56x56x256", BatchNorm{}, {map});
  add_operator("56x56x256", Lrn{.size = 5}, {map});
  add_operator("56x56x256", Flatten{}, {map});
  add_operator("14x14x1024", GlobalAvgPool{}, {{1, 14, 14, 1024}});
  add_operator("1024->1000", Linear{.out_features = 1000}, {{1, 1024}});
  add_operator("1000", Softmax{}, {{1, 1000}});

  for (const Layer& layer : {Layer{56, 128, 256}, Layer{56, 256, 256}}) {
    add_gemm("built-in", builtin_gemm<float>, layer);
    if (gemm_backend() != std::string("built-in")) add_gemm(gemm_backend(), gemm<float>, layer);
  }
}

}  // namespace

int main(int argc, char** argv) {
#if CAMLITE_BLAS
  openblas_set_num_threads(1);  // camlite deals out the work itself
#endif
  add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
