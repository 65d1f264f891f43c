// What a program around camlite may have set, and where its files may lie: locales with a decimal
// comma, names with blanks, line breaks and any other bytes, files beyond 4 GiB.
#include <camlite/image_io.hpp>

#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <locale>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <camlite/model/model_file.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>

#include "support/peak_memory.hpp"
#include "support/random.hpp"
#include "support/results.hpp"
#include "support/scratch_folder.hpp"

using camlite::Error;
using camlite::Image;
using camlite::Index;
using camlite::load_model;
using camlite::Model;
using camlite::Network;
using camlite::test::same_bits;
using camlite::test::ScratchFolder;

namespace {

const std::string graph =
    "input channels=3 height=12 width=12\n"
    "c1 conv2d input out_channels=6 kernel=3\n"
    "l1 lrn c1 size=5 alpha=0.00125 beta=0.75 k=1.5\n"
    "r1 leaky_relu l1 negative_slope=0.125\n"
    "gap global_avg_pool r1\n"
    "fc linear gap out_features=4\n"
    "prob softmax fc\n";

Image picture() {
  camlite::test::Random random(71);
  return camlite::test::random_picture(random, 20, 15);
}

// Numbers as 1.234,5.
struct Commas : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// The C++ locale, and that of C: one of the system's, or one that its localedef makes from Debian's
// package locales.
class CommaLocale {
 public:
  CommaLocale() {
    for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "pl_PL.UTF-8"})
      if (std::setlocale(LC_NUMERIC, name) != nullptr) return;
    const std::string make = "localedef -i de_DE -f UTF-8 " + folder_.path("de_DE.UTF-8");
    if (std::system((make + " 2>/dev/null").c_str()) != 0) return;
    ::setenv("LOCPATH", folder_.path().c_str(), 1);
    std::setlocale(LC_NUMERIC, "de_DE.UTF-8");
    ::unsetenv("LOCPATH");
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;
  ~CommaLocale() {
    std::locale::global(before_);
    std::setlocale(LC_NUMERIC, before_in_c_.c_str());
  }

  bool in_c() const { return *std::localeconv()->decimal_point == ','; }

 private:
  ScratchFolder folder_;
  std::locale before_ = std::locale::global(std::locale(std::locale(), new Commas));
  std::string before_in_c_ = std::setlocale(LC_NUMERIC, nullptr);
};

// A safetensors file: this header, a hole of `hole` bytes, which reads as zeros, and behind it the
// numbers. Takes little of the disk.
void write_behind_a_hole(const std::string& path, const std::string& header, std::uint64_t hole,
                         const std::vector<float>& numbers) {
  std::ofstream file(path, std::ios::binary);
  const std::uint64_t length = header.size();
  file.write(reinterpret_cast<const char*>(&length), sizeof(length));
  file << header;
  file.seekp(static_cast<std::streamoff>(hole), std::ios::cur);
  file.write(reinterpret_cast<const char*>(numbers.data()),
             static_cast<std::streamsize>(numbers.size() * sizeof(float)));
  if (!file) camlite::fail(path, ": the system makes no file of this size");
}

}  // namespace

TEST_CASE("a locale with a decimal comma changes nothing") {
  const ScratchFolder folder;
  const std::string path = folder.path("m.safetensors"), other = folder.path("n.safetensors");
  const Model model = camlite::random_model(graph);
  save_model(path, model);
  const camlite::Tensor<float> logits = Network(model).predict(picture()).logits();
  const std::string text = preprocessing_text(model.preprocessing());
  {
    const CommaLocale commas;
    REQUIRE(std::use_facet<std::numpunct<char>>(std::locale()).decimal_point() == ',');
    if (!commas.in_c()) WARN("NOT TESTED: a locale of C with a decimal comma: there is none");
    const Model read = load_model(path);
    CHECK(same_bits(Network(read).predict(picture()).logits(), logits));
    CHECK(preprocessing_text(read.preprocessing()) == text);
    save_model(other, read);
    CHECK(camlite::text(1234.5, ' ', 1234567) == "1234.5 1234567");
    CHECK_THROWS_WITH(camlite::parse_graph("input channels=3 height=8 width=8\n"
                                           "l lrn input size=5 alpha=0,5\n",
                                           "m"),
                      Catch::Contains("must be a number, not \"0,5\""));
  }
  std::ifstream first(path, std::ios::binary), second(other, std::ios::binary);
  const std::string before{std::istreambuf_iterator<char>(first), {}};
  const std::string after{std::istreambuf_iterator<char>(second), {}};
  CHECK(before == after);
}

TEST_CASE("a file that is replaced keeps its place and who may read it") {
  namespace fs = std::filesystem;
  const ScratchFolder folder;
  const std::string path = folder.path("there/m.safetensors"), link = folder.path("m.safetensors");
  fs::create_directory(folder.path("there"));
  const Model model = camlite::random_model(graph);
  save_model(path, model);
  const auto owner_alone = fs::perms::owner_read | fs::perms::owner_write;
  fs::permissions(path, owner_alone);
  fs::create_symlink("there/m.safetensors", link);
  const auto before = fs::file_size(path);
  save_model(link,
             camlite::random_model("input channels=3 height=2 width=2\ng global_avg_pool input\n"));
  CHECK(fs::is_symlink(link));
  CHECK(fs::status(path).permissions() == owner_alone);
  CHECK(fs::file_size(path) < before);
  // A link that leads nowhere becomes the file.
  const std::string broken = folder.path("broken.safetensors");
  fs::create_symlink("nowhere/m.safetensors", broken);
  save_model(broken, model);
  CHECK(fs::is_regular_file(fs::symlink_status(broken)));
}

TEST_CASE("files may have any name") {
  const ScratchFolder folder;
  const Model model = camlite::random_model(graph);
  for (const std::string name : {"a b", "\xC3\xA4\xE2\x82\xAC", "two\nlines", "tab\t", "-x", "%s%n",
                                 "\xFF\xFE", "quote\"'", "back\\slash", "*?[a]"}) {
    const std::string below = folder.path(name);
    std::filesystem::create_directory(below);
    const std::string file = below + "/" + name;
    save_model(file + ".safetensors", model);
    CHECK(load_model(file + ".safetensors").classes() == 4);
    write_image(file + ".png", picture());
    CHECK(camlite::read_image(file + ".png").width() == 20);
    CHECK_THROWS_WITH(load_model(file + ".none"), Catch::StartsWith(file + ".none: "));
    CHECK_THROWS_WITH(camlite::read_image(file + ".none"), Catch::StartsWith(file + ".none: "));
  }
}

TEST_CASE("a model whose weights lie beyond 4 GiB is loaded, and they are read where they are") {
  constexpr std::uint64_t channels = 1'100'000'000, hole = 4 * channels;
  const ScratchFolder folder;
  const std::string path = folder.path("large.safetensors");
  write_behind_a_hole(
      path,
      camlite::text(R"({"__metadata__":{"camlite.version":"1","camlite.graph":")",
                    R"(input channels=3 height=1 width=1\nlarge constant - channels=)", channels,
                    R"(\nsome slice large end=3\nsum add input,some\ngap global_avg_pool sum\n)",
                    R"(fc linear gap out_features=2 bias=0\n"},"large.value":{"dtype":"F32",)",
                    R"("shape":[)", channels, R"(,1,1],"data_offsets":[0,)", hole,
                    R"(]},"fc.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[)", hole, ',',
                    hole + 24, "]}}"),
      hole, {1, 2, 3, 4, 5, 6});
  const Index before = camlite::test::peak_kilobytes();
  const Model model = load_model(path);
  CHECK(model.classes() == 2);
  const camlite::Tensor<float> weight = to_float(model.tensor("fc.weight"));
  CHECK(std::vector<float>(weight.begin(), weight.end()) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(camlite::test::peak_kilobytes() - before < 50'000);
}

TEST_CASE("tensors and offsets beyond 4 GiB are read where they are") {
  const ScratchFolder folder;
  const std::string path = folder.path("large.safetensors");
  const std::uint64_t hole = GENERATE(std::uint64_t{5} << 30, (std::uint64_t{1} << 32) + 3);
  write_behind_a_hole(
      path,
      camlite::text(R"({"large":{"dtype":"U8","shape":[)", hole, R"(],"data_offsets":[0,)", hole,
                    R"(]},"small":{"dtype":"F32","shape":[4],"data_offsets":[)", hole, ',',
                    hole + 16, "]}}"),
      hole, {1, 2, 3, 4});
  const Index before = camlite::test::peak_kilobytes();
  const camlite::MappedFile file(path);
  const camlite::Safetensors read = camlite::parse_safetensors(file.bytes(), path);
  REQUIRE(read.tensors.size() == 2);
  CHECK(read.tensors[0].bytes.size() == hole);
  CHECK(read.tensors[0].bytes.back() == std::byte{0});
  const camlite::Tensor<float> small = to_float(read.tensors[1]);
  CHECK(std::vector<float>(small.begin(), small.end()) == std::vector<float>{1, 2, 3, 4});
  CHECK(camlite::test::peak_kilobytes() - before < 50'000);
  // A model's file is looked at as a whole: here, it has none in it.
  CHECK_THROWS_WITH(load_model(path), Catch::StartsWith(path + ": a safetensors file, but not"));
  CHECK_THROWS_WITH(load_model(path, {.file_bytes = Index{1} << 32}),
                    Catch::Contains(camlite::text(std::filesystem::file_size(path),
                                                  " bytes, more than the limit of 4294967296")));
}
