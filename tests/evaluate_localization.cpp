// Which answers are right: overlaps by counting pixels, the ILSVRC errors on cases made by hand.
#include <camlite/evaluate/localization.hpp>

#include <algorithm>
#include <vector>

#include <camlite/evaluate/baselines.hpp>
#include <catch2/catch.hpp>

#include "support/random.hpp"

using camlite::Box;
using camlite::box_of_corners;
using camlite::BoxedPicture;
using camlite::CentredBox;
using camlite::classified;
using camlite::Error;
using camlite::Guess;
using camlite::Index;
using camlite::intersection_over_union;
using camlite::localized;
using camlite::localized_known;
using camlite::Truth;
using camlite::test::Random;

namespace {

bool covers(const Box& box, Index x, Index y) {
  return x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
}

Box random_box(Random& random, Index least_size) {
  return {random.between(-5, 10), random.between(-5, 10), random.between(least_size, 12),
          random.between(least_size, 12)};
}

// Two cats and a dog. A box that covers half of the cat at the left, and not a pixel more, is just
// right for a cat.
const Truth cats_and_dog{{281, 207},
                         {{281, {0, 0, 10, 10}}, {281, {50, 50, 20, 20}}, {207, {30, 0, 10, 10}}}};
const Box half_of_left_cat{0, 0, 5, 10};
const Box less_than_half{0, 0, 5, 9};

}  // namespace

TEST_CASE("intersection over union counts pixels") {
  Random random(1);
  int different = 0;
  for (int i = 0; i < 3000; ++i) {
    const Box a = random_box(random, 0), b = random_box(random, 0);
    Index both = 0, either = 0;
    for (Index y = -5; y < 25; ++y) {
      for (Index x = -5; x < 25; ++x) {
        both += covers(a, x, y) && covers(b, x, y);
        either += covers(a, x, y) || covers(b, x, y);
      }
    }
    const double should = either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
    different += intersection_over_union(a, b) != should;
    different += camlite::common_pixels(a, b) != both;
  }
  CHECK(different == 0);
}

TEST_CASE("both corners belong to the box") {
  CHECK(box_of_corners(3, 4, 7, 4) == Box{3, 4, 5, 1});
  CHECK(intersection_over_union(box_of_corners(0, 0, 63, 63), {0, 0, 64, 64}) == 1);
  CHECK_THROWS_WITH(box_of_corners(3, 4, 2, 8),
                    "a box from (3, 4) to (2, 8) ends before it begins");
  CHECK_THROWS_AS(box_of_corners(3, 4, 3, 3), Error);
}

TEST_CASE("a class is right if it is among the first k") {
  const std::vector<Index> classes{5, 6, 207, 8, 9, 281};
  CHECK_FALSE(classified(classes, cats_and_dog, 1));
  CHECK_FALSE(classified(classes, cats_and_dog, 2));
  CHECK(classified(classes, cats_and_dog, 3));
  CHECK(classified(classes, cats_and_dog, 5));
  CHECK(classified(std::vector<Index>{281}, cats_and_dog, 5));
  CHECK_FALSE(classified({}, cats_and_dog, 5));
  CHECK_FALSE(classified(classes, Truth{}, 5));
  CHECK_THROWS_WITH(classified(classes, cats_and_dog, 0),
                    "the first 0 answers: at least one is looked at");
}

TEST_CASE("a guess is right from half of the union on, with one of its class's boxes") {
  CHECK(localized({{{281, half_of_left_cat}}}, cats_and_dog, 1));
  CHECK_FALSE(localized({{{281, less_than_half}}}, cats_and_dog, 1));
  // The second box of the class counts as much as the first.
  CHECK(localized({{{281, {51, 51, 19, 19}}}}, cats_and_dog, 1));
  // A dog where a cat is, and a cat where a dog is.
  CHECK_FALSE(localized({{{207, half_of_left_cat}, {281, {30, 0, 10, 10}}}}, cats_and_dog, 5));
  // What is no true class, on a true box.
  CHECK_FALSE(localized({{{3, {0, 0, 10, 10}}}}, cats_and_dog, 1));
  CHECK(localized({{{281, less_than_half}}}, cats_and_dog, 1, 0.45));
}

TEST_CASE("only the first k guesses count, in the order of their submission") {
  // Two boxes for the likeliest class, as the authors of class activation maps submit them.
  const std::vector<Guess> guesses{
      {7, {0, 0, 10, 10}}, {281, less_than_half}, {281, half_of_left_cat}, {207, {30, 0, 10, 10}}};
  CHECK_FALSE(localized(guesses, cats_and_dog, 1));
  CHECK_FALSE(localized(guesses, cats_and_dog, 2));
  CHECK(localized(guesses, cats_and_dog, 3));
  CHECK(localized(guesses, cats_and_dog, 5));
}

TEST_CASE("what is missing is not right, and no error") {
  CHECK_FALSE(localized({}, cats_and_dog, 5));
  CHECK_FALSE(localized_known({}, cats_and_dog));
  CHECK_FALSE(localized({{{281, half_of_left_cat}}}, Truth{}, 5));
  CHECK_FALSE(localized({{{281, half_of_left_cat}}}, Truth{{281}, {}}, 5));
  // A box of a class that is not among the true ones, as where a label was struck out.
  CHECK_FALSE(localized({{{281, half_of_left_cat}}}, Truth{{207}, cats_and_dog.boxes}, 5));
  // An empty box fits nothing.
  CHECK_FALSE(localized({{{281, {}}}}, Truth{{281}, {{281, {}}}}, 5));
  CHECK_THROWS_AS(localized({}, cats_and_dog, 0), Error);
}

TEST_CASE("with the classes known, one right box of one true class is enough") {
  CHECK(localized_known({{{207, {0, 0, 10, 10}}, {281, half_of_left_cat}}}, cats_and_dog));
  CHECK_FALSE(localized_known({{{207, {0, 0, 10, 10}}, {281, less_than_half}}}, cats_and_dog));
}

TEST_CASE("a centred box is as far from the left as from the right") {
  CHECK(CentredBox{}.in(64, 40) == Box{0, 0, 64, 40});
  CHECK(CentredBox{0.5, 0.25}.in(64, 40) == Box{16, 15, 32, 10});
  CHECK(CentredBox{0.5, 0.01}.in(9, 9) == Box{2, 4, 5, 1});
}

TEST_CASE("the best centred box fits as many pictures as any of all pixel sizes can") {
  Random random(3);
  for (int set = 0; set < 20; ++set) {
    std::vector<BoxedPicture> pictures;
    for (Index i = random.between(1, 12); i > 0; --i) {
      BoxedPicture picture{20, 10, {}};
      for (Index j = random.between(0, 2); j >= 0; --j) {
        const Index x = random.between(0, 12), y = random.between(0, 6);
        picture.boxes.push_back({x, y, random.between(1, 20 - x), random.between(1, 10 - y)});
      }
      pictures.push_back(picture);
    }
    const auto right = [&](const Box& box) {
      Index count = 0;
      for (const BoxedPicture& picture : pictures) {
        bool fits = false;
        for (const Box& other : picture.boxes) fits |= intersection_over_union(box, other) >= 0.5;
        count += fits;
      }
      return count;
    };
    Index most = 0;
    for (Index w = 1; w <= 20; ++w) {
      for (Index h = 1; h <= 10; ++h)
        most = std::max(most, right({(20 - w) / 2, (10 - h) / 2, w, h}));
    }
    CHECK(right(camlite::best_centred_box(pictures).in(20, 10)) == most);
  }
}

TEST_CASE("of centred boxes that are equally good the largest is taken") {
  const std::vector<BoxedPicture> pictures{{64, 64, {{0, 0, 64, 64}}}};
  const CentredBox best = camlite::best_centred_box(pictures);
  CHECK(best.in(64, 64) == Box{0, 0, 64, 64});
  CHECK(camlite::best_centred_box({}).in(64, 64) == Box{0, 0, 64, 64});
  CHECK_THROWS_AS(camlite::best_centred_box(pictures, 0), Error);
  CHECK_THROWS_WITH(camlite::best_centred_box(std::vector<BoxedPicture>{{4, 0, {}}}),
                    "best_centred_box: a picture of 4 x 0 pixels");
}
