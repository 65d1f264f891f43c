// Truth: what is really in a picture.
#pragma once

#include <algorithm>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/tensor.hpp>

namespace camlite {

// An object in a picture.
struct TrueBox {
  Index class_index = 0;
  Box box;  // in the pixels of the picture
};

// What is in a picture: the classes that count as right, and where the objects are. A class may
// have several boxes, or none.
struct Truth {
  std::vector<Index> classes;
  std::vector<TrueBox> boxes;

  bool has(Index class_index) const {
    return std::find(classes.begin(), classes.end(), class_index) != classes.end();
  }
};

// An answer for a picture: a class, and where an object of it is.
struct Guess {
  Index class_index = 0;
  Box box;  // in the pixels of the picture
};

}  // namespace camlite
