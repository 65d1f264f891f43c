// camlite bench: how long a forward pass takes, and how much memory the program took for it.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <camlite/network.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "json.hpp"
#include "model_choice.hpp"

namespace camlite::tool {

namespace {

struct BenchOptions {
  ModelChoice model;
  Index batch = 1;
  Index size = 0;
  Index runs = 0;  // 0: as many as fit into `seconds`
  double seconds = 3;
  bool json = false;
  bool layers = false;
};

// The largest that the process has been in memory, in MB of 2^20 bytes.
double peak_resident_mb() {
  // Not getrusage where there is this: a process starts with the peak of the one that started it.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    long kilobytes = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %ld kB", &kilobytes) == 1) {
      return static_cast<double>(kilobytes) / 1024;
    }
  }
  struct ::rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Before it is allocated: the model or --size may ask for any size.
void check_memory(const Network& network, const Shape& input) {
  const Index limit = network.memory_limit();
  const Index workspace = network.memory(input).workspace;
  const Index bytes = checked_product(input.size(), sizeof(float));
  if (bytes > limit || workspace > limit - bytes) {
    fail(network.model().source(), ": an input of ", input.str(), " needs ", bytes >> 20, " + ",
         workspace >> 20, " MB of memory, the limit is ", limit >> 20,
         " MB (raise it with --max-memory)");
  }
}

Tensor<float> random_input(const Shape& shape) {
  Tensor<float> input = Tensor<float>::uninitialized(shape);
  std::minstd_rand numbers(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& value : input) value = uniform(numbers);
  return input;
}

// Milliseconds of each forward pass, shortest first. One more goes before them: it finds the
// memory.
std::vector<double> times(const Network& network, const Tensor<float>& input,
                          const BenchOptions& options) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t least_runs = 3;
  Workspace workspace;
  network.forward(input, workspace);
  std::vector<double> list;
  const Clock::time_point begin = Clock::now();
  const auto go_on = [&] {
    if (options.runs > 0) return std::ssize(list) < options.runs;
    const std::chrono::duration<double> passed = Clock::now() - begin;
    return list.size() < least_runs || passed.count() < options.seconds;
  };
  while (go_on()) {
    const Clock::time_point start = Clock::now();
    network.forward(input, workspace);
    list.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(list.begin(), list.end());
  return list;
}

double median(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// One layer's share of a pass.
struct LayerTime {
  LayerInfo layer;
  double median_ms = 0;
  double gflops = 0;  // of the products that the algorithm takes
};

std::vector<LayerTime> layer_times(const Network& network, const Tensor<float>& input,
                                   std::size_t runs) {
  Workspace workspace;
  std::vector<LayerTime> list;
  for (LayerInfo& layer : network.layers(input.shape())) list.push_back({std::move(layer), 0, 0});
  std::vector<std::vector<double>> seconds(list.size());
  network.forward(input, workspace);
  for (std::size_t run = 0; run < runs; ++run) {
    const std::vector<double> one = network.layer_times(input, workspace);
    for (std::size_t i = 0; i < list.size(); ++i) seconds[i].push_back(one[i]);
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::sort(seconds[i].begin(), seconds[i].end());
    list[i].median_ms = 1e3 * median(seconds[i]);
    list[i].gflops = 2e-6 * static_cast<double>(list[i].layer.computed) / list[i].median_ms;
  }
  return list;
}

void print_layers(const std::vector<LayerTime>& list, double total_ms) {
  using enum Table::Align;
  Table table("  ", {left, left, left, right, right, right});
  table.row({"layer", "operator", "algorithm", "ms", "share", "GFLOP/s"});
  for (const LayerTime& one : list) {
    table.row({printable(one.layer.name), one.layer.type, one.layer.algorithm,
               fixed(one.median_ms, 3), fixed(100 * one.median_ms / total_ms, 1) + "%",
               one.layer.computed > 0 ? fixed(one.gflops, 1) : ""});
  }
  print(table.str());
}

int bench(const BenchOptions& options) {
  const Network network = make_network(options.model);
  const Shape shape = input_shape(network.model(), options.batch, options.size);
  check_memory(network, shape);
  Index multiply_adds = 0;
  for (const LayerInfo& layer : network.layers(shape)) multiply_adds += layer.multiply_adds;
  const Tensor<float> input = random_input(shape);
  const std::vector<double> sorted = times(network, input, options);
  std::vector<LayerTime> by_layer;
  if (options.layers) by_layer = layer_times(network, input, sorted.size());
  const double typical = median(sorted);
  const double gflops = 2 * static_cast<double>(multiply_adds) / (typical * 1e6);

  if (options.json) {
    const auto rounded = [](double value) {
      return static_cast<float>(std::round(value * 1000) / 1000);
    };
    Json line = {{"network", options.model.name()},
                 {"threads", network.threads()},
                 {"batch", options.batch},
                 {"isa", isa_name(network.isa())},
                 {"median_ms", rounded(typical)},
                 {"best_ms", rounded(sorted.front())},
                 {"gflops", rounded(gflops)},
                 {"peak_rss_mb", rounded(peak_resident_mb())},
                 {"height", shape[1]},
                 {"width", shape[2]},
                 {"runs", sorted.size()}};
    for (const LayerTime& one : by_layer) {
      line["layers"].push_back({{"name", one.layer.name},
                                {"operator", one.layer.type},
                                {"algorithm", one.layer.algorithm},
                                {"median_ms", rounded(one.median_ms)},
                                {"gflops", rounded(one.gflops)}});
    }
    print(json_line(line));
    return all_done;
  }
  print(text(printable(options.model.name()), ", input ", shape.str(), ", ",
             counted(network.threads(), "thread"), ", ", isa_name(network.isa()), "\n  median ",
             fixed(typical, 2), " ms, best ", fixed(sorted.front(), 2), " ms of ",
             counted(sorted.size(), "run"), "\n  ", fixed(gflops, 1),
             " GFLOP/s at the median (2 x ", fixed(static_cast<double>(multiply_adds) / 1e9, 3),
             " G multiply-adds)\n  ", fixed(peak_resident_mb(), 1), " MB peak resident memory\n"));
  if (options.layers) print_layers(by_layer, typical);
  return all_done;
}

}  // namespace

void add_bench(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("bench", "time of a forward pass, and peak memory");
  auto options = std::make_shared<BenchOptions>();
  add_model_options(*command, options->model);
  command->add_option("--batch", options->batch, "pictures in one pass")
      ->type_name("N")
      ->capture_default_str()
      ->check(in_range(1, 65536));
  command
      ->add_option("--size", options->size,
                   "for an input with this shorter side, in pixels, instead of the model's")
      ->type_name("S")
      ->check(in_range(1, 65536));
  auto* runs = command->add_option("--runs", options->runs, "how many passes are timed")
                   ->type_name("N")
                   ->check(in_range(1, 1000000));
  command
      ->add_option("--seconds", options->seconds,
                   "time passes for so long, without --runs; at least three")
      ->type_name("T")
      ->capture_default_str()
      ->check(in_range(0.0, 86400.0))
      ->excludes(runs);
  command->add_flag("--layers", options->layers, "also the time of each layer");
  command->add_flag("--json", options->json, "one JSON object");
  command->footer(
      "A pass is the whole network on a batch of random input, after one pass that is not "
      "counted.\n"
      "GFLOP/s are 2 x multiply-adds over the median; a layer's are those of the products that "
      "its\n"
      "algorithm takes. Peak memory is the whole process's.\n\n"
      "Examples:\n"
      "  camlite bench --arch vgg16-gap --threads 1\n"
      "  camlite bench --model my.safetensors --batch 8 --seconds 10 --json");
  command->callback([options, &status] { status = bench(*options); });
}

}  // namespace camlite::tool
