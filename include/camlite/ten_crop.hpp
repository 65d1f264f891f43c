// Ten crops: the four corners and the centre of a picture and their mirror images, seen one by one
// and put together, as the paper's authors test their networks.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/cam.hpp>
#include <camlite/cubic.hpp>
#include <camlite/error.hpp>
#include <camlite/image.hpp>
#include <camlite/network.hpp>
#include <camlite/prediction.hpp>
#include <camlite/preprocess.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// Where the crops are. The picture is resized to the frame whatever its proportions. Crops 0 to 4
// are top left, top right, bottom left, bottom right and centre; crops 5 to 9 are their mirror
// images, left and right exchanged: the order of Caffe's oversample.
struct TenCrops {
  static constexpr Index count = 10;

  Size2d frame;  // of the resized picture: 256 x 256 in the paper
  Size2d crop;   // 224 x 224 in the paper

  static bool is_mirrored(Index i) { return i >= count / 2; }

  // Crop i in the frame. The centre of an odd margin is rounded up, as in Caffe's MATLAB interface.
  Box box(Index i) const {
    const Index place = i % (count / 2);
    const Index right = frame.width - crop.width, bottom = frame.height - crop.height;
    if (place == 4) return {(right + 1) / 2, (bottom + 1) / 2, crop.width, crop.height};
    return {place % 2 == 1 ? right : 0, place >= 2 ? bottom : 0, crop.width, crop.height};
  }

  // Throws Error unless there are pixels in the crops, and the crops are inside of the frame.
  void check() const {
    if (crop.height < 1 || crop.width < 1 || crop.height > frame.height || crop.width > frame.width)
      fail("ten crops of ", crop.str(), " are not inside of ", frame.str());
  }

  friend bool operator==(const TenCrops&, const TenCrops&) = default;
};

// The ten crops for a model: of the size of its input, from a frame of the size to which it resizes
// pictures. Where that is no larger, so that no crop would differ from another, crops are smaller
// than the input by as much as in the paper, 224/256 of the frame, rounded: 56 x 56 of 64 x 64. (A
// larger frame would show things larger than the network knows them, which costs far more.)
inline TenCrops ten_crops(const Model& model) {
  const Size2d none = 0;
  const auto [resize, crop] = std::pair(model.preprocessing().resize, model.preprocessing().crop);
  TenCrops crops{resize, crop};
  if (resize == none)
    crops.frame = crop != none ? crop : Size2d{model.graph().height, model.graph().width};
  const auto smaller = [](Index extent) { return (extent * 224 + 128) / 256; };
  if (crop == none || crop.height >= crops.frame.height || crop.width >= crops.frame.width)
    crops.crop = {smaller(crops.frame.height), smaller(crops.frame.width)};
  return crops;
}

// The maps of one class in the ten crops as one map of the frame:
//
//   out = sum over the crops of |map, resized to the crop, mirrored back, at the crop's place|
//
// maps (10, h, w), in the order of TenCrops; out (frame.height, frame.width), which covers the
// whole picture. Resized by resize_cubic. As in the authors' mergeTenCrop, it is a sum and not a
// mean: where fewer crops overlap, towards the edges, it is lower; and what speaks against the
// class counts as much as what speaks for it. Throws Error if the shapes do not fit.
inline Tensor<float> merge_ten_crops(TensorView<const float> maps, const TenCrops& crops) {
  if (maps.rank() != 3 || maps.extent(0) != TenCrops::count)
    fail("merge_ten_crops: maps must be (10, h, w), they are ", maps.shape().str());
  crops.check();
  Tensor<float> out({crops.frame.height, crops.frame.width});
  for (Index i = 0; i < TenCrops::count; ++i) {
    const Box box = crops.box(i);
    Tensor<float> map = resize_cubic(maps[i], box.height, box.width);
    for (Index y = 0; y < box.height; ++y) {
      float* row = map.data() + y * box.width;
      if (TenCrops::is_mirrored(i)) std::reverse(row, row + box.width);
      float* sums = out.data() + (box.y + y) * crops.frame.width + box.x;
      for (Index x = 0; x < box.width; ++x) sums[x] += std::abs(row[x]);
    }
  }
  return out;
}

// What a network saw in ten crops of a picture, complete in itself: it may outlive the network.
class TenCropPrediction {
 public:
  // seen: of the ten crops, in their order; view: the whole picture. Throws Error unless there are
  // ten, of as many classes.
  TenCropPrediction(std::vector<Prediction> seen, const TenCrops& crops, const Box& view)
      : seen_(std::move(seen)), crops_(crops), view_(view) {
    const bool fits = std::ssize(seen_) == TenCrops::count &&
                      std::all_of(seen_.begin(), seen_.end(), [&](const Prediction& one) {
                        return one.classes() == seen_[0].classes();
                      });
    if (!fits) fail("TenCropPrediction: there must be ten predictions of one network");
    probabilities_ = Tensor<float>({seen_[0].classes()});
    for (Index k = 0; k < classes(); ++k) {
      double sum = 0;
      for (const Prediction& one : seen_) sum += static_cast<double>(one.probabilities()(k));
      probabilities_(k) = static_cast<float>(sum / static_cast<double>(TenCrops::count));
    }
  }

  Index classes() const { return probabilities_.size(); }

  // The mean of the crops' probabilities: (K).
  const Tensor<float>& probabilities() const { return probabilities_; }

  // As Prediction's. The logit is the logarithm of the probability: softmax makes the one of the
  // other.
  std::vector<ClassScore> top(Index k) const {
    std::vector<ClassScore> scores;
    for (Index i : detail::greatest_first(probabilities_, k)) scores.push_back(score(i));
    return scores;
  }
  ClassScore score(Index k) const {
    ClassScore score = seen_[0].score(k);
    score.probability = probabilities_(k);
    score.logit = std::log(score.probability);
    return score;
  }

  // The single crops. Maps of the mirrored ones lie over their views as over the mirror image.
  std::span<const Prediction> seen() const { return seen_; }
  const TenCrops& crops() const { return crops_; }

  // The whole picture, in its pixels: what maps cover.
  const Box& view() const { return view_; }

  // As Prediction's.
  const BoxOptions& box_options() const { return seen_[0].box_options(); }

 private:
  std::vector<Prediction> seen_;
  TenCrops crops_;
  Box view_;
  Tensor<float> probabilities_;
};

// The maps of some classes, merged: (number of classes, frame.height, frame.width), covering the
// whole picture. See merge_ten_crops. Throws Error if the network has no CAM head, or no such
// class.
inline Tensor<float> class_activation_maps(const TenCropPrediction& prediction,
                                           std::span<const Index> classes) {
  std::vector<Tensor<float>> of_crops;
  for (const Prediction& one : prediction.seen())
    of_crops.push_back(class_activation_maps(one, classes));
  const Size2d frame = prediction.crops().frame;
  Tensor<float> merged =
      Tensor<float>::uninitialized({std::ssize(classes), frame.height, frame.width});
  const Index height = of_crops[0].extent(1), width = of_crops[0].extent(2);
  Tensor<float> maps = Tensor<float>::uninitialized({TenCrops::count, height, width});
  for (Index k = 0; k < std::ssize(classes); ++k) {
    for (Index i = 0; i < TenCrops::count; ++i) {
      const TensorView<const float> map = of_crops[static_cast<std::size_t>(i)].view()[k];
      std::copy(map.begin(), map.end(), maps.view()[i].begin());
    }
    const Tensor<float> one = merge_ten_crops(maps, prediction.crops());
    std::copy(one.begin(), one.end(), merged.view()[k].begin());
  }
  return merged;
}

// The merged map of one class: (frame.height, frame.width).
inline Tensor<float> class_activation_map(const TenCropPrediction& prediction, Index k) {
  return class_activation_maps(prediction, std::array{k})
      .reshaped({prediction.crops().frame.height, prediction.crops().frame.width});
}

// The crops of a picture as a network's input: (10, crop.height, crop.width, 3). The picture is
// resized to the frame and normalized. Throws Error if the picture is empty, or as crops.check().
inline Tensor<float> ten_crop_input(const Image& picture, const Preprocessing& how,
                                    const TenCrops& crops) {
  if (picture.size() == 0)
    fail("a picture of ", picture.width(), " x ", picture.height(), " pixels shows nothing");
  crops.check();
  const auto [frame, crop] = crops;
  const PreparedView whole{
      frame, {0, 0, frame.width, frame.height}, {0, 0, picture.width(), picture.height()}};
  Tensor<float> resized =
      Tensor<float>::uninitialized({frame.height, frame.width, Image::channels});
  preprocess_into(picture, how, whole, resized.view());
  Tensor<float> out =
      Tensor<float>::uninitialized({TenCrops::count, crop.height, crop.width, Image::channels});
  for (Index i = 0; i < TenCrops::count; ++i) {
    const Box box = crops.box(i);
    for (Index y = 0; y < box.height; ++y) {
      const float* from = &resized(box.y + y, box.x, 0);
      float* to = &out(i, y, 0, 0);
      for (Index x = 0; x < box.width; ++x) {
        const Index column = TenCrops::is_mirrored(i) ? box.width - 1 - x : x;
        std::copy_n(from + Image::channels * x, Image::channels, to + Image::channels * column);
      }
    }
  }
  return out;
}

// What a network sees in ten crops of a picture, in one batch, in a workspace of the caller's.
// Throws Error.
inline TenCropPrediction predict_ten_crops(const Network& network, const Image& picture,
                                           Workspace& workspace) {
  const Model& model = network.model();
  if (model.graph().channels != Image::channels) {
    fail(model.source(), ": pictures have ", Image::channels, " channels, the network's input has ",
         model.graph().channels);
  }
  const TenCrops crops = ten_crops(model);
  const Index bytes = (crops.frame.height * crops.frame.width +
                       TenCrops::count * crops.crop.height * crops.crop.width) *
                      Image::channels * static_cast<Index>(sizeof(float));
  if (bytes > network.memory_limit()) {
    fail(model.source(), ": a picture resized to ", crops.frame.str(), " with ten crops of ",
         crops.crop.str(), detail::above_memory_limit(bytes, network.memory_limit()));
  }
  const Tensor<float> input = ten_crop_input(picture, model.preprocessing(), crops);
  const Outputs outputs = network.forward(input, workspace);
  const Size2d original{picture.height(), picture.width()};
  std::vector<Prediction> seen;
  for (Index i = 0; i < TenCrops::count; ++i) {
    const Box view = detail::part_of_original(crops.box(i), crops.frame, original);
    seen.push_back(network.prediction(outputs, i, view));
  }
  return {std::move(seen), crops, {0, 0, picture.width(), picture.height()}};
}

// The same in a workspace of the network's.
inline TenCropPrediction predict_ten_crops(const Network& network, const Image& picture) {
  return network.with_workspace(
      [&](Workspace& workspace) { return predict_ten_crops(network, picture, workspace); });
}

}  // namespace camlite
