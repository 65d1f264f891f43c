// The pictures that a command line names: files, folders, patterns and lists.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "shard.hpp"

namespace camlite::tool {

// What the program itself draws: NAME.cam.png.
constexpr const char* overlay_suffix = ".cam.png";

struct Input {
  std::string path;
  std::size_t below_at = 0;  // of the path

  // Relative to the folder, or to the part before the first wildcard, by which it was found; its
  // last component if it was named itself.
  std::string below() const { return path.substr(below_at); }
};

struct Inputs {
  Listed listed;                // all of them
  std::vector<Input> pictures;  // each file once; and folders that cannot be read, as broken ones
  std::unordered_map<std::string, std::string> unreadable;  // why these folders cannot
  std::size_t overlays_left_out = 0;                        // of those that were named one by one
  std::vector<std::string> unanswered;                      // why arguments name no picture
};

// Each argument is one of
//
//   a file      whatever it is called, and whether or not it is there
//   a folder    the pictures in it and below it
//   a pattern   what is not there, and has *, ?, [...] or ** in it: the pictures that it fits, and
//               those in folders that it fits. As in a shell, a wildcard stays within one component
//               of a path, and does not stand for its leading dot; ** is any number of folders
//   "-"         the files that standard input lists, one a line (LF or CR LF), or each with a NUL
//               behind it
//
// in the order given; those of a folder or a pattern by path, bytewise. Pictures found in folders
// and by patterns are those whose name ends in .jpg, .jpeg, .png or .bmp, in small or capital
// letters; hidden files and folders, overlays and links to folders are passed over. Overlays named
// one by one, as a shell does it, are left out where a picture that they may be of is among the
// files.
//
// Those of other shards than `kept` are counted, and no more: where the only argument is a folder,
// their paths take no memory. Throws Error if the list cannot be read.
Inputs find_inputs(const std::vector<std::string>& arguments, bool nul_separated,
                   const Shard& kept);

}  // namespace camlite::tool
