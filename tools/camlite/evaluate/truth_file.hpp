// What is in pictures, and where: the files in which people keep it.
#pragma once

#include <string>
#include <vector>

#include <camlite/box.hpp>

namespace camlite::tool {

struct LabelledBox {
  std::string class_words;  // an index, a WordNet id or a label, as it stands in the file
  Box box;
};

struct LabelledImage {
  std::string name;                // relative to the folder of pictures
  std::string where;               // "val_annotations.txt: line 17", for messages
  std::vector<LabelledBox> boxes;  // one or more
  Index width = 0;                 // in pixels; 0: the file does not say
  Index height = 0;
};

// The truth at a path, in the order in which pictures are first named:
//
//   image TAB class TAB x0 TAB y0 TAB x1 TAB y1     a line a box, x1 and y1 included
//
// as Tiny ImageNet's val_annotations.txt; or, where the path is a folder or a localization.txt, the
// three files that the WSOL benchmark (Choe et al., CVPR 2020) keeps in one:
//
//   localization.txt     image,x0,y0,x1,y1           a line a box
//   class_labels.txt     image,index                 a line a picture
//   image_sizes.txt      image,width,height          a line a picture
//
// Files are untrusted: what does not fit exactly is an Error that names file, line and value. Names
// stay inside of their folder: no "..", not from the root.
std::vector<LabelledImage> read_truth(const std::string& path);

}  // namespace camlite::tool
