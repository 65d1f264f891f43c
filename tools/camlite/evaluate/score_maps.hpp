// Score maps of pictures, as figures are made of them, and their files.
#pragma once

#include <string>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/evaluate/max_box_acc.hpp>
#include <camlite/evaluate/score_map.hpp>
#include <camlite/evaluate/truth.hpp>
#include <camlite/tensor.hpp>

namespace camlite::tool {

// The score map (see camlite::score_map) of a picture of width x height pixels, made of the map of
// the part `view` of it: at the place of that part, with 0 outside of it. In float32, as it is
// saved.
Tensor<float> picture_score_map(TensorView<const float> map, const Box& view, Index width,
                                Index height);

// The boxes that a score map is held against, those of the first true class, in its pixels. Throws
// Error if one is not inside of the picture.
std::vector<Box> boxes_on_score_map(const Truth& truth, Index width, Index height);

// What best_overlaps gives for the score map in a .npy file: float32 or float64, (h, w), from 0 to
// 1. Of another size than score_map_size in both, it is upsampled to that, bilinearly, in float32.
// Throws Error, naming the file, if it is something else.
std::vector<double> best_overlaps_of_file(const std::string& path,
                                          const std::vector<Box>& true_boxes,
                                          const MaxBoxAccOptions& options);

// A score map to look at, and its boxes at each threshold.
struct BoxedScoreMap {
  Tensor<float> map;  // at score_map_size
  std::vector<std::vector<Box>> boxes;
};

// That of such a file; the boxes are those that best_overlaps_of_file judges. Throws as it does.
BoxedScoreMap read_score_map(const std::string& path, const MaxBoxAccOptions& options);

// Writes a score map to a .npy file, and makes the folder that it is in. Throws Error.
void write_score_map(const std::string& path, const Tensor<float>& map);

}  // namespace camlite::tool
