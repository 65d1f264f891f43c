// Prediction: what a network saw in a picture.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/finite.hpp>
#include <camlite/model/model.hpp>
#include <camlite/network/head.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// A class and how sure the network is of it.
struct ClassScore {
  Index index = 0;
  float probability = 0;  // softmax of the logits: in [0, 1], all classes sum to 1
  float logit = 0;
  std::string label;
};

namespace detail {

// The positions of the k greatest of the values (K), the greatest first; of equals, the lower
// position first. All if there are fewer. NaN comes last.
inline std::vector<Index> greatest_first(TensorView<const float> values, Index k) {
  std::vector<Index> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  const auto middle = order.begin() + std::clamp<Index>(k, 0, values.size());
  const auto before = [&](Index a, Index b) {
    const float &x = values(a), &y = values(b);
    const bool x_last = is_nan(x), y_last = is_nan(y);
    if (x_last || y_last) return x_last == y_last ? a < b : y_last;
    return x != y ? x > y : a < b;
  };
  std::partial_sort(order.begin(), middle, order.end(), before);
  order.erase(middle, order.end());
  return order;
}

}  // namespace detail

// One picture's result, complete in itself: it may outlive the network.
class Prediction {
 public:
  // features (h, w, C), empty if head->missing says why; logits (K), probabilities (K).
  Prediction(Model model, std::shared_ptr<const Head> head, Tensor<float> features,
             Tensor<float> logits, Tensor<float> probabilities, const Box& view)
      : model_(std::move(model)),
        head_(std::move(head)),
        features_(std::move(features)),
        logits_(std::move(logits)),
        probabilities_(std::move(probabilities)),
        view_(view) {}

  Index classes() const { return logits_.size(); }

  // The k most probable classes, the most probable first; of equals, the lower index first. All if
  // there are fewer.
  std::vector<ClassScore> top(Index k) const {
    // By logit: probabilities of unlikely classes may all be rounded to zero.
    std::vector<ClassScore> scores;
    for (Index i : detail::greatest_first(logits_, k)) scores.push_back(score(i));
    return scores;
  }

  // Class k's. Throws Error if there is no such class.
  ClassScore score(Index k) const {
    return {k, probabilities_(checked(k)), logits_(k), model_.label(k)};
  }

  const Tensor<float>& logits() const { return logits_; }                // (K)
  const Tensor<float>& probabilities() const { return probabilities_; }  // (K)

  // The last feature map, (h, w, C), and what makes logits of its mean. Throw Error, which says
  // why, if the network has no class activation maps.
  const Tensor<float>& features() const { return head(), features_; }
  const Head& head() const {
    detail::require_maps(*head_, model_.source());
    return *head_;
  }

  // The part of the picture that the network looked at, in the picture's pixels. Maps cover it, and
  // only it.
  const Box& view() const { return view_; }

  // How the model asks for its maps to be cut into boxes: boxes(map, view(), box_options()).
  const BoxOptions& box_options() const { return model_.box_options(); }

 private:
  Index checked(Index k) const {
    if (k < 0 || k >= classes())
      fail(model_.source(), ": there is no class ", k, " among ", classes());
    return k;
  }

  Model model_;  // for labels and messages; shared with the network
  std::shared_ptr<const Head> head_;
  Tensor<float> features_;
  Tensor<float> logits_;
  Tensor<float> probabilities_;
  Box view_;
};

}  // namespace camlite
