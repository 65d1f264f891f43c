// soak PREDICTIONS MODEL: so many predictions of pictures of changing sizes, with errors of all
// kinds between them and the model loaded anew now and then. Prints memory and time after each
// tenth. Exit status 1 if a picture's results change, an error is none, or in the second half a
// file stays open or mapped, or memory grows: that which is allocated while no network is there,
// and the most that is resident and of no file; from 100,000 predictions on also if the last tenth
// took the processor much longer than the second.
#include <camlite/image_io.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/network.hpp>

#include "../support/random.hpp"
#include "../support/results.hpp"
#include "../support/scratch_folder.hpp"

using camlite::Image;
using camlite::Index;
using camlite::Network;
using camlite::Prediction;

namespace {

// kB in the second half: what an allocator shifts about. Of what is allocated, nothing, since its
// stores of freed pieces, which count as allocated, are off (GLIBC_TUNABLES, in the test's
// command).
constexpr Index resident_may_grow = 2048;
constexpr Index allocated_may_grow = 4;

// The last tenth may take so many times as long as the second: other programs on the machine take
// time, too. What grows with each prediction takes more.
constexpr double may_slow_down = 1.3;
constexpr long judged_from = 100'000;  // predictions; a short run is noise

// What is allocated, in kB, in all arenas.
Index allocated_kilobytes() {
  const auto now = mallinfo2();
  return static_cast<Index>(now.uordblks + now.hblkhd) / 1024;
}

// What is resident, in kB, without the pages of files: how many of a mapped file's the system
// brings at once (4 kB to 2 MB) depends on how they came to its cache.
Index resident_kilobytes() {
  Index size = 0, resident = 0, of_files = 0;  // pages
  std::ifstream("/proc/self/statm") >> size >> resident >> of_files;
  return (resident - of_files) * (sysconf(_SC_PAGESIZE) / 1024);
}

Index open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

Index mapped_files() {
  std::ifstream maps("/proc/self/maps");
  Index count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find('/') != line.npos;
  return count;
}

struct Held {
  Index allocated;  // kB
  Index open_files, mapped_files;
};

// Of the processor, all threads together.
double microseconds() {
  return 1e6 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// What the process has while no network is there.
Held held(std::optional<Network>& network, const std::string& model) {
  network.reset();
  const Held now{allocated_kilobytes(), open_files(), mapped_files()};
  network.emplace(camlite::load_model(model));
  return now;
}

struct Input {
  Image picture;
  camlite::PredictOptions options;
  std::optional<camlite::Tensor<float>> logits, map;  // of the first time
};

std::vector<Input> inputs() {
  camlite::test::Random random(51);
  std::vector<Input> list;
  // The largest first, so that all later ones fit into memory that is there.
  list.push_back({camlite::test::random_picture(random, 500, 375), {.size = 96}, {}, {}});
  for (int i = 0; i < 60; ++i) {
    const Index width = random.between(1, 320), height = random.between(1, 320);
    list.push_back({camlite::test::random_picture(random, width, height), {}, {}, {}});
    if (i % 4 == 0) list.back().options.size = random.between(48, 96);
    if (i % 8 == 0 && width < 2 * height && height < 2 * width)
      list.back().options.whole_picture = true;
  }
  return list;
}

// Whether the results are those of the first time.
bool same(Input& input, const Network& network, const std::string& folder) {
  const Prediction seen = network.predict(input.picture, input.options);
  const camlite::Tensor<float> map = class_activation_map(seen, seen.top(1)[0].index);
  const std::string path = folder + "/overlay.png";
  if (input.picture.width() < 100) {
    write_image(path, overlay(input.picture, map, seen.view()));
    std::filesystem::remove(path);
  }
  boxes(map, seen.view());
  if (!input.logits) {
    input.logits = camlite::test::copy<float>(seen.logits());
    input.map = map;
  }
  return camlite::test::same_bits(seen.logits(), *input.logits) &&
         camlite::test::same_bits(map, *input.map);
}

int soak(long predictions, const std::string& model) {
  const camlite::test::ScratchFolder folder;
  std::vector<Input> list = inputs();
  std::optional<Network> network(std::in_place, camlite::load_model(model));
  std::ifstream file(model, std::ios::binary);
  const std::vector<char> whole{std::istreambuf_iterator<char>(file), {}};
  file.close();
  const auto bytes = std::as_bytes(std::span(whole));
  std::ofstream(folder.path("broken.jpg")) << "\xff\xd8\xff no picture";
  std::ofstream(folder.path("cut.safetensors"), std::ios::binary).write(whole.data(), 5000);
  const std::vector<std::function<void()>> mistakes = {
      [&] { network->predict(Image()); },
      [&] { network->predict(list[0].picture, {.size = -1}); },
      [&] { network->predict(list[0].picture, {.size = 1'000'000}); },
      [&] { class_activation_map(network->predict(list[1].picture), 100'000); },
      [&] { Network(camlite::load_model(folder.path("cut.safetensors"))); },
      [&] { camlite::load_model(bytes.first(bytes.size() - 1), "cut"); },
      [&] { camlite::load_model(folder.path("none.safetensors")); },
      [&] { camlite::read_image(folder.path("broken.jpg")); },
      [&] { write_image(folder.path("none/x.png"), list[1].picture); },
  };

  std::printf("%12s %10s %12s %14s %14s\n", "predictions", "errors", "resident MB", "allocated kB",
              "us a picture");
  long errors = 0, other_results = 0, missed = 0;
  Held warm{}, now{};
  Index resident = 0, resident_warm = 0;    // the most until now, and until the half
  double second_tenth = 0, last_tenth = 0;  // microseconds a picture
  double since = microseconds();
  const long tenth = predictions / 10;
  for (long i = 0; i < 10 * tenth; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!same(list[at % list.size()], *network, folder.path())) ++other_results;
    if (i % 5 == 0) {
      try {
        mistakes[at / 5 % mistakes.size()]();
        ++missed;
      } catch (const camlite::Error&) {
        ++errors;
      }
    }
    if (i % 97 == 0) network.emplace(camlite::load_model(model));
    resident = std::max(resident, resident_kilobytes());
    if ((i + 1) % tenth == 0) {
      last_tenth = (microseconds() - since) / static_cast<double>(tenth);
      if (i + 1 == 2 * tenth) second_tenth = last_tenth;
      now = held(network, model);
      if (i + 1 == 5 * tenth) {
        warm = now;
        resident_warm = resident;
      }
      std::printf("%12ld %10ld %12.1f %14ld %14.0f\n", i + 1, errors,
                  1e-3 * static_cast<double>(resident), static_cast<long>(now.allocated),
                  last_tenth);
      std::fflush(stdout);
      since = microseconds();
    }
  }

  const Index resident_grew = resident - resident_warm;
  const Index allocated_grew = now.allocated - warm.allocated;
  const Index kept_open = now.open_files - warm.open_files;
  const bool slower = predictions >= judged_from && last_tenth > may_slow_down * second_tenth;
  const Index kept_mapped = now.mapped_files - warm.mapped_files;
  std::printf(
      "%ld results that changed, %ld mistakes that were no errors; more in the second half: "
      "%ld kB resident, %ld kB allocated, %ld open files, %ld mapped files; the last tenth took "
      "%.2f "
      "times as long as the second\n",
      other_results, missed, static_cast<long>(resident_grew), static_cast<long>(allocated_grew),
      static_cast<long>(kept_open), static_cast<long>(kept_mapped), last_tenth / second_tenth);
  const bool good = other_results == 0 && missed == 0 && resident_grew <= resident_may_grow &&
                    allocated_grew <= allocated_may_grow && kept_open == 0 && kept_mapped == 0 &&
                    !slower;
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const long predictions = argc == 3 ? std::atol(argv[1]) : 0;
  if (predictions < 10) {
    std::fprintf(stderr, "usage: soak PREDICTIONS MODEL, at least 10\n");
    return 2;
  }
  // One arena for all threads: how many there are, and how large, is else a matter of timing.
  mallopt(M_ARENA_MAX, 1);
  // Nor pages of 2 MB, of which the system gives as many as it has.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  try {
    return soak(predictions, argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soak: %s\n", error.what());
    return 1;
  }
}
