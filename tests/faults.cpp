// Everything that can fail fails once, in turn: each allocation, each call of the file system, and
// files that end early. What remains is an error that names the file, and what was there before.
#include <camlite/image_io.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <camlite/boxes.hpp>
#include <camlite/c_api.hpp>
#include <camlite/cam.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>
#include <camlite/parallel.hpp>
#include <camlite/ten_crop.hpp>

#include "support/allocations.hpp"
#include "support/c_allocations.hpp"
#include "support/file_faults.hpp"
#include "support/scratch_folder.hpp"

using camlite::Error;
using camlite::Image;
using camlite::load_model;
using camlite::Model;
using camlite::Network;
using camlite::Prediction;
using camlite::test::file_faults;
using camlite::test::ScratchFolder;
using Catch::EndsWith;
using Catch::StartsWith;

namespace {

using Bytes = std::vector<std::byte>;

// Has all kinds of steps and memory: convolutions of several algorithms, a concat, a constant.
const std::string graph =
    "input channels=3 height=24 width=20\n"
    "c1 conv2d input out_channels=8 kernel=3 padding=1\n"
    "r1 relu c1\n"
    "p1 max_pool2d r1 kernel=2\n"
    "c2 conv2d p1 out_channels=16 kernel=3 padding=1\n"
    "d2 conv2d p1 out_channels=8 kernel=5 padding=2 groups=8\n"
    "both concat c2,d2\n"
    "n batch_norm both\n"
    "gap global_avg_pool n\n"
    "fc linear gap out_features=5\n"
    "prob softmax fc\n";

Image picture() {
  Image image(40, 30);
  for (camlite::Index i = 0; i < image.size(); ++i)
    image.data()[i] = static_cast<std::uint8_t>((i * i) % 251);
  return image;
}

Bytes bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

// Runs the work with its first allocation failing, then its second, ..., until it needs no more of
// them. Returns how many there were.
template <class Work>
long fail_each_allocation(const Work& work) {
  using camlite::test::living;
  using camlite::test::until_failure;
  // LLVM's OpenMP makes itself at its first use, by operator new: where that fails, its lock stays
  // taken, and whoever comes next waits for ever.
  static const bool openmp_is_made = [] {
    camlite::parallel_for(2, 2, [](camlite::Index, int) {});
    return true;
  }();
  REQUIRE(openmp_is_made);
  for (long n = 0;; ++n) {
    const long before = living;
    bool done = false, other = false;
    until_failure = n;
    try {
      work();
      done = true;
    } catch (const std::bad_alloc&) {
    } catch (const Error&) {  // such as a workspace that cannot be had
    } catch (...) {
      other = true;
    }
    const bool failed = until_failure < 0;
    until_failure = -1;
    const long after = living;
    if (other || after != before) {
      FAIL("allocation " << n << ": " << (other ? "another exception" : "a leak of ")
                         << after - before);
    }
    if (!failed) {
      REQUIRE(done);
      return n;
    }
  }
}

// The same with each call of the file system. refused(message) looks at what is left.
template <class Work, class Refused>
long fail_each_call(const Work& work, const Refused& refused) {
  for (long n = 0;; ++n) {
    file_faults = {.fail_at = n};
    std::optional<std::string> message;
    try {
      work();
    } catch (const Error& error) {
      message = error.what();
    }
    const bool failed = file_faults.calls > n;
    file_faults = {};
    INFO("call " << n);
    if (!failed) {
      CHECK_FALSE(message);
      return n;
    }
    if (message) refused(*message);
  }
}

}  // namespace

TEST_CASE("each allocation of loading a model and of making a network fails: nothing leaks") {
  const ScratchFolder folder;
  const std::string path = folder.path("m.safetensors");
  save_model(path, camlite::random_model(graph));
  CHECK(fail_each_allocation([&] { load_model(path); }) > 50);
  const Model model = load_model(path);
  const int threads = GENERATE(1, 2);
  CHECK(fail_each_allocation([&] { Network(model, {.threads = threads}); }) > 50);
}

TEST_CASE("each allocation of a prediction fails: the network goes on to give the same bits") {
  const Model model = camlite::random_model(graph);
  const Image image = picture();
  const int threads = GENERATE(1, 2);
  const Network network(model, {.threads = threads});
  const Prediction expected = network.predict(image);
  const auto check_same = [&](const Prediction& seen) {
    REQUIRE(seen.logits().shape() == expected.logits().shape());
    CHECK(std::equal(seen.logits().begin(), seen.logits().end(), expected.logits().begin()));
    CHECK(std::equal(seen.features().begin(), seen.features().end(), expected.features().begin()));
  };
  // In new memory each time: what the network keeps for the next call is not a leak.
  CHECK(fail_each_allocation([&] {
          camlite::Workspace workspace;
          network.predict(image, workspace);
        }) > 10);
  check_same(network.predict(image));
  CHECK(fail_each_allocation([&] {
          camlite::Workspace workspace;
          camlite::predict_ten_crops(network, image, workspace);
        }) > 10);
  check_same(network.predict(image));
}

TEST_CASE("each allocation of a prediction in a network's own memory fails: nothing leaks") {
  const Model model = camlite::random_model(graph);
  const Image image = picture();
  const int threads = GENERATE(1, 2);
  const Prediction expected = Network(model, {.threads = threads}).predict(image);
  const auto same = [&](const Prediction& seen) {
    return std::equal(seen.logits().begin(), seen.logits().end(), expected.logits().begin());
  };
  // After each failure the network is asked again, then goes with all that it has kept.
  long failures = 0;
  CHECK(fail_each_allocation([&] {
          const Network network(model, {.threads = threads});
          try {
            network.predict(image);
          } catch (const std::exception&) {
            ++failures;
            if (!same(network.predict(image))) FAIL("other logits behind failure " << failures);
            throw;
          }
        }) > 50);
  CHECK(failures > 10);
}

TEST_CASE("each allocation of the C interface fails: no result, the reason, and no leak") {
  const Bytes file = write_safetensors(model_content(camlite::random_model(graph)));
  const Image image = picture();
  const auto checked = [](bool done) {
    if (done) return;
    CHECK(std::string(camlite_last_error()).size() > 10);
    throw std::bad_alloc();
  };
  CHECK(fail_each_allocation([&] {
          const std::unique_ptr<camlite_network, decltype(&camlite_free_network)> network(
              camlite_load_memory(file.data(), file.size(), 1), camlite_free_network);
          checked(network != nullptr);
          const std::unique_ptr<camlite_prediction, decltype(&camlite_free_prediction)> seen(
              camlite_predict(network.get(), image.data(), image.width(), image.height(),
                              image.width() * 3),
              camlite_free_prediction);
          checked(seen != nullptr);
          camlite_class top{};
          checked(camlite_top(seen.get(), &top, 1) == 1);
          std::vector<float> map(24 * 20);
          checked(camlite_map(seen.get(), top.index, map.data(), std::ssize(map)) == 0);
          camlite_box box{};
          checked(camlite_boxes(seen.get(), top.index, 0.2F, &box, 1) >= 0);
        }) > 100);
}

TEST_CASE("a workspace whose growth failed is as good as before") {
  const Network network(camlite::random_model(graph), {.threads = 1});
  const Image image = picture();
  const Prediction expected = network.predict(image);
  for (long n = 0; n < 200; ++n) {
    camlite::Workspace workspace;
    network.predict(image, workspace);
    camlite::test::until_failure = n;
    try {
      network.predict(image, workspace, {.size = 64});
    } catch (const std::bad_alloc&) {
    } catch (const Error&) {
    }
    camlite::test::until_failure = -1;
    const Prediction seen = network.predict(image, workspace);
    if (!std::equal(seen.logits().begin(), seen.logits().end(), expected.logits().begin()))
      FAIL("other logits behind the failure of allocation " << n);
  }
}

TEST_CASE("each allocation of what is made of a prediction fails: nothing leaks") {
  const Network network(camlite::random_model(graph), {.threads = 1});
  const Image image = picture();
  const Prediction seen = network.predict(image);
  CHECK(fail_each_allocation([&] {
          const auto map = camlite::class_activation_map(seen, seen.top(1)[0].index);
          camlite::boxes(map, seen.view());
          camlite::overlay(image, map, seen.view());
        }) > 5);
}

TEST_CASE("each allocation of reading and writing a picture fails: nothing leaks or is left") {
  const ScratchFolder folder;
  const std::string format = GENERATE("png", "jpg", "bmp");
  const std::string path = folder.path("p." + format);
  const Image image = picture();
  CHECK(fail_each_allocation([&] { write_image(path, image); }) > 1);
  CHECK(folder.names().size() == 1);
  // stb_image's by malloc among them: one for a BMP, more for the others.
  CHECK(fail_each_allocation([&] { camlite::read_image(path); }) > (format == "bmp" ? 3 : 5));
}

TEST_CASE("each call that reads a file fails: an error that names it") {
  const ScratchFolder folder;
  const std::string model = folder.path("m.safetensors"), photo = folder.path("p.png");
  save_model(model, camlite::random_model(graph));
  write_image(photo, picture());
  const auto names = [](const std::string& path) {
    return [path](const std::string& message) { CHECK_THAT(message, StartsWith(path + ": ")); };
  };
  CHECK(fail_each_call([&] { load_model(model); }, names(model)) == 3);  // open, fstat, mmap
  CHECK(fail_each_call([&] { camlite::read_image(photo); }, names(photo)) >= 4);
}

TEST_CASE("reads that give a few bytes at a time give the same picture") {
  const ScratchFolder folder;
  const std::string path = folder.path("p.png");
  const Image image = picture();
  write_image(path, image);
  file_faults = {.most_read = 7};
  const Image read = camlite::read_image(path);
  const long calls = file_faults.calls;
  file_faults = {};
  CHECK(calls > 100);
  CHECK(std::equal(image.data(), image.data() + image.size(), read.data()));
}

TEST_CASE("each call that writes a file fails: an error that names it, and the file as it was") {
  const ScratchFolder folder;
  const std::string name = GENERATE("m.safetensors", "p.png", "p.jpg", "p.bmp");
  const std::string path = folder.path(name);
  const Model model = camlite::random_model(graph);
  const Image image = picture();
  const auto write = [&] {
    if (name == "m.safetensors") {
      save_model(path, model);
    } else {
      write_image(path, image);
    }
  };
  const Bytes before(1000, std::byte{7});
  const auto reset = [&] {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(before.data()), 1000);
  };
  reset();
  long refusals = 0;
  const long calls = fail_each_call(write, [&](const std::string& message) {
    ++refusals;
    CHECK_THAT(message, StartsWith(path + ": cannot write: "));
    CHECK(bytes_of(path) == before);
    CHECK(folder.names().size() == 1);
  });
  CHECK(calls >= 4);  // fopen, fwrite, fclose, rename
  CHECK(refusals == calls);
  CHECK(bytes_of(path) != before);
}

TEST_CASE("a model on a full disk, or in a folder where nothing can be made") {
  const ScratchFolder folder;
  const std::string path = folder.path("m.safetensors");
  const Model model = camlite::random_model(graph);
  ::rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::rlimit limit = before;
  limit.rlim_cur = 3000;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  CHECK_THROWS_WITH(save_model(path, model), StartsWith(path + ": cannot write: "));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(folder.names().empty());

  // Where not even the superuser makes files.
  for (const std::string& nowhere :
       {std::string("/proc/camlite.safetensors"), folder.path("missing/m.safetensors")}) {
    CHECK_THROWS_WITH(save_model(nowhere, model), StartsWith(nowhere + ": cannot write: "));
  }
  CHECK_THROWS_WITH(save_model("/dev/full", model), StartsWith("/dev/full: cannot write: "));
}

TEST_CASE("a model file that is shorter by any number of bytes is refused") {
  const std::string name = GENERATE("identity_head", "every_operator_gap");
  const Bytes whole = bytes_of("tests/fixtures/networks/" + name + ".safetensors");
  REQUIRE(whole.size() > 1000);
  CHECK_NOTHROW(load_model(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of that size, for the address sanitizer to watch its end.
    const Bytes cut(whole.data(), whole.data() + size);
    std::string message;
    try {
      load_model(cut, "cut");
    } catch (const Error& error) {
      message = error.what();
    }
    if (!message.starts_with("cut: ")) FAIL(size << " of " << whole.size() << " bytes are read");
  }
}

TEST_CASE("a model file that is changed while it is mapped: an error that names it, not a signal") {
  namespace fs = std::filesystem;
  const ScratchFolder folder;
  const std::string path = folder.path("m.safetensors");
  save_model(path, camlite::random_model(graph));
  const Model model = load_model(path);
  const auto size = fs::file_size(path);
  std::string reason;

  SECTION("cut off within its last page") {
    fs::resize_file(path, size - 1);
    reason = camlite::text(size - 1, " bytes instead of ", size);
  }
  SECTION("cut off to nothing") {
    fs::resize_file(path, 0);
    reason = camlite::text("0 bytes instead of ", size);
  }
  SECTION("appended to") {
    std::ofstream(path, std::ios::app) << "more";
    reason = camlite::text(size + 4, " bytes instead of ", size);
  }
  SECTION("written again in place") {
    const auto mapped_at = fs::last_write_time(path);
    const Bytes whole = bytes_of(path);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(whole.data()),
               static_cast<std::streamsize>(whole.size()));
    // As soon afterwards as a system's clock tells apart.
    fs::last_write_time(path, mapped_at + std::chrono::milliseconds(20));
    reason = "in use";
  }
  const auto starts = StartsWith(path + ": was changed while it was in use");
  const auto ends = EndsWith(reason);
  CHECK_THROWS_WITH(Network(model), starts && ends);
  CHECK_THROWS_WITH(model.tensor("c1.weight"), starts && ends);
  CHECK_THROWS_WITH(save_model(folder.path("copy.safetensors"), model), starts && ends);
  CHECK(folder.names().size() == 1);
}

TEST_CASE("bytes that a mapped file no longer has are an error, whoever else has written to it") {
#ifdef MADV_POPULATE_READ
  const ScratchFolder folder;
  const std::string path = folder.path("file");
  std::ofstream(path) << std::string(20'000, 'x');
  const camlite::MappedFile file(path);
  if (::madvise(const_cast<std::byte*>(file.bytes().data()), 1, MADV_POPULATE_READ) != 0) {
    WARN("this system does not look: Linux before 5.14");
    return;
  }
  // Under another name, so that its size cannot be seen under its own.
  std::filesystem::rename(path, folder.path("other"));
  std::filesystem::resize_file(folder.path("other"), 100);
  CHECK_NOTHROW(file.fetch(file.bytes().first(100)));
  CHECK_THROWS_WITH(file.fetch(file.bytes().subspan(9'000, 10'000)),
                    path + ": 10000 bytes of it cannot be read any more");
#endif
}

TEST_CASE("a model file may be replaced or removed while it is mapped") {
  const ScratchFolder folder;
  const std::string path = folder.path("m.safetensors");
  const Model made = camlite::random_model(graph);
  save_model(path, made);
  const Model model = load_model(path);
  const Prediction before = Network(model).predict(picture());
  SECTION("replaced") {
    save_model(path, camlite::random_model(graph, 2));
  }
  SECTION("removed") {
    std::filesystem::remove(path);
  }
  const Prediction after = Network(model).predict(picture());
  CHECK(std::ranges::equal(before.logits(), after.logits()));
}
