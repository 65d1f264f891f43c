// .npy arrays, and the files that say what is in pictures and what classes are called.
#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <camlite/model/model_file.hpp>

#include "../../tools/camlite/console.hpp"
#include "../../tools/camlite/evaluate/truth_file.hpp"
#include "../../tools/camlite/npy.hpp"
#include "../support/scratch_folder.hpp"
#include "memory_file.hpp"
#include "target.hpp"

namespace camlite::fuzz {

void fuzz_npy(Bytes file) {
  using tool::NpyReader;
  const MemoryFile array(file);
  const NpyReader reader(array.path(), NpyReader::Elements::float32_or_float64);
  const auto count = static_cast<std::size_t>(reader.shape().size());
  require(count * sizeof(float) <= file.size(), "the values are in the file");
  if (reader.is_float64()) {
    std::vector<double> values(count);
    reader.read(0, values);
  } else {
    std::vector<float> values(count);
    reader.read(0, values);
  }
}

// A table; or the benchmark's three files.
void fuzz_truth(Bytes files) {
  const std::vector<Bytes> parts = parts_of(files);
  std::vector<tool::LabelledImage> images;
  if (parts.size() < 3) {
    images = tool::read_truth(MemoryFile(parts.front()).path());
  } else {
    const test::ScratchFolder folder;
    constexpr const char* names[] = {"localization.txt", "class_labels.txt", "image_sizes.txt"};
    for (std::size_t i = 0; i < std::size(names); ++i) {
      std::ofstream(folder.path(names[i]), std::ios::binary) << as_text(parts[i]);
    }
    images = tool::read_truth(folder.path());
  }
  for (const tool::LabelledImage& image : images) {
    require(!image.boxes.empty(), "a picture of the truth has a box");
    require(
        !image.name.starts_with('/') && ("/" + image.name + "/").find("/../") == std::string::npos,
        "names stay inside of their folder");
    for (const tool::LabelledBox& one : image.boxes)
      require(one.box.width >= 1 && one.box.height >= 1, "a box holds pixels");
  }
}

void fuzz_labels(Bytes file) {
  for (const std::string& label : detail::parse_labels(as_text(file))) {
    require(label.find('\n') == std::string::npos, "a label is a line");
    const std::string shown = tool::printable(label);
    require(std::none_of(shown.begin(), shown.end(),
                         [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }),
            "no control character reaches the terminal");
    require(tool::printable(shown) == shown, "what can be shown stays as it is");
    constexpr std::size_t most = 9, bytes_a_character = 4;
    require(tool::shortened(shown, most).size() <= most * bytes_a_character,
            "a label that was shortened is short");
  }
}

}  // namespace camlite::fuzz
