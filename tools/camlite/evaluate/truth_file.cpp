#include "truth_file.hpp"

#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <camlite/error.hpp>
#include <camlite/file.hpp>
#include <camlite/model/text.hpp>

#include "../words.hpp"

namespace camlite::tool {

namespace {

namespace fs = std::filesystem;

constexpr Index most_of_truth = Index{1} << 30;  // of a file
constexpr Index most_pixels = 1 << 20;           // a side of a picture

// Calls body with the fields of each line that is not empty, and with "FILE: line N". Errors get
// that in front of them.
template <std::size_t Fields, class Body>
void for_each_record(const std::string& path, char separator,
                     const std::array<std::string_view, Fields>& names, const Body& body) {
  const std::vector<std::byte> bytes = read_file(path, most_of_truth);
  detail::for_each_line(as_text(bytes), [&](std::string_view line, int number) {
    if (line.empty()) return;
    const std::string where = text(path, ": line ", number);
    try {
      std::array<std::string_view, Fields> fields;
      std::size_t found = 0;
      for (std::string_view rest = line; found <= Fields; ++found) {
        const bool last = rest.find(separator) == std::string_view::npos;
        const std::string_view piece = detail::next_piece(rest, separator);
        if (found < Fields) fields[found] = piece;
        if (last) break;
      }
      if (found + 1 != Fields) {
        std::string needed;
        for (std::string_view name : names) needed += text(needed.empty() ? "" : ", ", name);
        fail(found < Fields ? text("only ", found + 1) : text("more than ", Fields),
             " fields with a ", separator == '\t' ? "tab" : "comma", " between, it must be ",
             Fields, ": ", needed);
      }
      body(fields, where);
    } catch (const Error& error) {
      fail(where, ": ", error.what());
    }
  });
}

Index parse_pixels(std::string_view digits, std::string_view what, Index least) {
  const auto value = detail::parse_number<Index>(digits, what);
  if (value < least || value > most_pixels)
    fail(what, " must be ", least, " to ", most_pixels, ", not ", value);
  return value;
}

Box parse_box(std::string_view x0, std::string_view y0, std::string_view x1, std::string_view y1) {
  const Index left = parse_pixels(x0, "x0", 0), top = parse_pixels(y0, "y0", 0);
  const Index right = parse_pixels(x1, "x1", 0), bottom = parse_pixels(y1, "y1", 0);
  return box_of_corners(left, top, right, bottom);
}

// Throws Error unless it names something inside of a folder.
void check_name(std::string_view name) {
  bool inside =
      !name.empty() && !name.starts_with('/') && name.find('\0') == std::string_view::npos;
  for (std::string_view rest = name; inside && !rest.empty();)
    inside = detail::next_piece(rest, '/') != "..";
  if (!inside)
    fail(detail::in_quotes(name), " cannot be a picture's name inside of a folder of pictures");
}

// Pictures in the order in which they are first named.
class Images {
 public:
  // The picture of this name; a new one is at `where`.
  LabelledImage& named(std::string_view name, const std::string& where) {
    const auto [entry, is_new] = index_.try_emplace(std::string(name), images_.size());
    if (is_new) {
      check_name(name);
      images_.push_back({entry->first, where, {}});
    }
    return images_[entry->second];
  }

  // Null if there is none.
  LabelledImage* find(std::string_view name) {
    const auto found = index_.find(std::string(name));
    return found == index_.end() ? nullptr : &images_[found->second];
  }

  // Throws Error if there are none.
  std::vector<LabelledImage> take(const std::string& path) {
    if (images_.empty()) fail(path, ": names no pictures");
    return std::move(images_);
  }

 private:
  std::vector<LabelledImage> images_;
  std::unordered_map<std::string, std::size_t> index_;
};

std::vector<LabelledImage> read_table(const std::string& path) {
  Images images;
  constexpr std::array<std::string_view, 6> names{"image", "class", "x0", "y0", "x1", "y1"};
  for_each_record(path, '\t', names, [&](const auto& field, const std::string& where) {
    if (field[1].empty()) fail("the class is empty");
    const Box box = parse_box(field[2], field[3], field[4], field[5]);
    images.named(field[0], where).boxes.push_back({std::string(field[1]), box});
  });
  return images.take(path);
}

std::vector<LabelledImage> read_benchmark(const fs::path& folder) {
  Images images;
  const std::string boxes = folder / "localization.txt", classes = folder / "class_labels.txt",
                    sizes = folder / "image_sizes.txt";
  constexpr std::array<std::string_view, 5> box_names{"image", "x0", "y0", "x1", "y1"};
  for_each_record(boxes, ',', box_names, [&](const auto& field, const std::string& where) {
    const Box box = parse_box(field[1], field[2], field[3], field[4]);
    images.named(field[0], where).boxes.push_back({"", box});
  });
  const auto known = [&](std::string_view name) -> LabelledImage& {
    LabelledImage* image = images.find(name);
    if (image == nullptr) fail(detail::in_quotes(name), " has no box in ", boxes);
    return *image;
  };
  constexpr std::array<std::string_view, 2> class_names{"image", "class"};
  for_each_record(classes, ',', class_names, [&](const auto& field, const std::string&) {
    LabelledImage& image = known(field[0]);
    if (!image.boxes[0].class_words.empty())
      fail("a second class for ", detail::in_quotes(field[0]));
    detail::parse_number<Index>(field[1], "the class");
    for (LabelledBox& one : image.boxes) one.class_words = field[1];
  });
  constexpr std::array<std::string_view, 3> size_names{"image", "width", "height"};
  for_each_record(sizes, ',', size_names, [&](const auto& field, const std::string&) {
    LabelledImage& image = known(field[0]);
    if (image.width != 0) fail("a second size for ", detail::in_quotes(field[0]));
    image.width = parse_pixels(field[1], "width", 1);
    image.height = parse_pixels(field[2], "height", 1);
  });
  std::vector<LabelledImage> list = images.take(boxes);
  for (const LabelledImage& image : list) {
    if (image.boxes[0].class_words.empty())
      fail(image.where, ": ", detail::in_quotes(image.name), " has no class in ", classes);
    if (image.width == 0)
      fail(image.where, ": ", detail::in_quotes(image.name), " has no size in ", sizes);
  }
  return list;
}

}  // namespace

std::vector<LabelledImage> read_truth(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    if (!fs::exists(fs::path(path) / "localization.txt", ignored)) {
      fail(path,
           ": a folder without localization.txt; name the truth's file itself, or a folder "
           "with localization.txt, class_labels.txt and image_sizes.txt");
    }
    return read_benchmark(path);
  }
  const fs::path file(path);
  if (file.filename() == "localization.txt") return read_benchmark(file.parent_path());
  return read_table(path);
}

}  // namespace camlite::tool
