// Whether the answers for a picture are right, as the ImageNet challenge (ILSVRC) judges them.
//
// The errors of a set of pictures are the shares of those that are not:
//
//   top-k classification error = mean over pictures of not classified(classes, truth, k)
//   top-k localization error   = mean over pictures of not localized(guesses, truth, k)
//   with the class known       = mean over pictures of not localized_known(guesses, truth)
//
// Source: Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015,
// section 4.1 and 4.2; `evaluation` of the challenge's development kit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <camlite/box.hpp>
#include <camlite/error.hpp>
#include <camlite/evaluate/truth.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// A box is right from this intersection over union with a true one on.
inline constexpr double right_overlap = 0.5;

// Whether the guess is of a true class, and its box fits one of that class's boxes:
// intersection over union >= overlap.
inline bool fits(const Guess& guess, const Truth& truth, double overlap = right_overlap) {
  if (!truth.has(guess.class_index)) return false;
  return std::any_of(truth.boxes.begin(), truth.boxes.end(), [&](const TrueBox& object) {
    return object.class_index == guess.class_index &&
           intersection_over_union(guess.box, object.box) >= overlap;
  });
}

namespace detail {

// The first k of them, or all if they are fewer.
template <class T>
std::span<const T> first(std::span<const T> all, Index k) {
  if (k < 1) fail("the first ", k, " answers: at least one is looked at");
  return all.first(std::min(all.size(), static_cast<std::size_t>(k)));
}

}  // namespace detail

// Whether one of the first k classes, the likeliest first, is a true one. Fewer than k, or none,
// are no error: what is not given is not right. Throws Error if k < 1.
inline bool classified(std::span<const Index> classes, const Truth& truth, Index k) {
  const auto looked_at = detail::first(classes, k);
  return std::any_of(looked_at.begin(), looked_at.end(), [&](Index c) { return truth.has(c); });
}

// Whether one of the first k guesses, in the order of their submission, fits. Fewer than k, or
// none, are no error. Throws Error if k < 1.
inline bool localized(std::span<const Guess> guesses, const Truth& truth, Index k,
                      double overlap = right_overlap) {
  const auto looked_at = detail::first(guesses, k);
  return std::any_of(looked_at.begin(), looked_at.end(),
                     [&](const Guess& guess) { return fits(guess, truth, overlap); });
}

// Whether one of the guesses fits, which were made knowing the true classes: the "GT-known Loc" of
// the literature, with one guess for each true class.
inline bool localized_known(std::span<const Guess> guesses, const Truth& truth,
                            double overlap = right_overlap) {
  return std::any_of(guesses.begin(), guesses.end(),
                     [&](const Guess& guess) { return fits(guess, truth, overlap); });
}

}  // namespace camlite
