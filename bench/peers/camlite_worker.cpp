// camlite's side of bench/peers: loads a network and runs it when told to. The first lines of
// worker.py have the commands.
//
//   camlite_worker MODEL THREADS N,C,H,W INPUT     INPUT is raw float32 of this shape
//   camlite_worker --random NAME MODEL             writes a network with random weights

#include <camlite/camlite.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#if CAMLITE_BLAS
#include <cblas.h>
#endif

namespace {

using camlite::Index;
using camlite::Tensor;
using camlite::TensorView;
using camlite::text;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The largest that this process has been in memory: of Linux's /proc.
long peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  long kilobytes = 0;
  for (std::string line; std::getline(status, line);) {
    if (std::sscanf(line.c_str(), "VmHWM: %ld kB", &kilobytes) == 1) break;
  }
  return kilobytes;
}

// "N,C,H,W" as (N, H, W, C). Throws camlite::Error.
camlite::Shape shape_of(const std::string& words) {
  std::array<Index, 4> extent{};
  std::istringstream in(words);
  char comma = ',';
  for (Index& one : extent) {
    if (comma != ',' || !(in >> one)) camlite::fail("not a shape: ", words);
    in >> comma;
  }
  return {extent[0], extent[2], extent[3], extent[1]};
}

// A raw (N, C, H, W) file as the (N, H, W, C) tensor that camlite reads.
Tensor<float> read_pictures(const std::string& path, const camlite::Shape& shape) {
  Tensor<float> file = Tensor<float>::uninitialized(shape);
  std::ifstream in(path, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(file.data()),
               file.size() * static_cast<Index>(sizeof(float)))) {
    camlite::fail(path, ": cannot read ", file.size(), " numbers");
  }
  Tensor<float> pictures = Tensor<float>::uninitialized(shape);
  const float* from = file.data();
  for (Index n = 0; n < shape[0]; ++n) {
    for (Index c = 0; c < shape[3]; ++c) {
      for (Index y = 0; y < shape[1]; ++y) {
        for (Index x = 0; x < shape[2]; ++x) pictures.view()(n, y, x, c) = *from++;
      }
    }
  }
  return pictures;
}

// (N, H, W, C) or (N, K) as a raw file, channels outermost.
void write_values(const std::string& path, TensorView<const float> values) {
  const bool is_map = values.rank() == 4;
  const Index pictures = values.extent(0);
  const Index channels = values.extent(values.rank() - 1);
  const Index positions = is_map ? values.extent(1) * values.extent(2) : 1;
  std::ofstream out(path, std::ios::binary);
  for (Index n = 0; n < pictures; ++n) {
    for (Index c = 0; c < channels; ++c) {
      for (Index p = 0; p < positions; ++p) {
        const float* value = values.data() + (n * positions + p) * channels + c;
        out.write(reinterpret_cast<const char*>(value), sizeof *value);
      }
    }
  }
  if (!out.flush()) camlite::fail(path, ": cannot write");
}

class Worker {
 public:
  Worker(std::string model, int threads, const camlite::Shape& shape, std::string input)
      : model_(std::move(model)), input_(std::move(input)), threads_(threads), shape_(shape) {}

  // The answer to one line. Throws camlite::Error.
  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "import") return text(0.0, ' ', peak_kilobytes());
    if (command == "load") return load();
    if (command == "run") {
      int warm = 0;
      int timed = 0;
      words >> warm >> timed;
      return run(warm, timed);
    }
    if (command == "outputs") {
      std::string folder;
      std::getline(words >> std::ws, folder);
      if (network_->has_cam_head()) write_values(folder + "/features.f32", outputs_.features);
      write_values(folder + "/logits.f32", outputs_.logits);
      return "";
    }
    if (command == "version") return "this checkout";
    if (command == "memory") return text(peak_kilobytes());
    camlite::fail("unknown command ", line);
  }

 private:
  // The input is not part of the time: each engine has it ready.
  std::string load() {
    const Clock::time_point start = Clock::now();
    network_ = std::make_unique<camlite::Network>(camlite::load_model(model_),
                                                  camlite::NetworkOptions{.threads = threads_});
    const double loading = milliseconds_since(start);
    pictures_ = read_pictures(input_, shape_);
    const Clock::time_point first = Clock::now();
    outputs_ = network_->forward(pictures_, workspace_);
    return text(loading, ' ', milliseconds_since(first));
  }

  std::string run(int warm, int timed) {
    std::string list;
    for (int i = -warm; i < timed; ++i) {
      const Clock::time_point start = Clock::now();
      outputs_ = network_->forward(pictures_, workspace_);
      const double passed = milliseconds_since(start);
      if (i >= 0) list += text(passed, ' ');
    }
    return list;
  }

  std::string model_;
  std::string input_;
  int threads_;
  camlite::Shape shape_;  // (N, H, W, C)
  std::unique_ptr<camlite::Network> network_;
  camlite::Workspace workspace_;
  camlite::Outputs outputs_;  // of the last pass, in the workspace
  Tensor<float> pictures_;
};

}  // namespace

int main(int argc, char** argv) try {
#if CAMLITE_BLAS
  openblas_set_num_threads(1);  // camlite deals out the work itself
#endif
  if (argc == 4 && std::string_view(argv[1]) == "--random") {
    camlite::save_model(argv[3], camlite::random_architecture(argv[2]));
    return 0;
  }
  if (argc != 5) {
    std::fprintf(stderr, "usage: camlite_worker MODEL THREADS N,C,H,W INPUT\n");
    return 2;
  }
  Worker worker(argv[1], std::stoi(argv[2]), shape_of(argv[3]), argv[4]);
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << "ok " << worker.answer(line) << std::endl;
    } catch (const camlite::Error& error) {
      std::cout << "error " << error.what() << std::endl;
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "camlite_worker: %s\n", error.what());
  return 1;
}
