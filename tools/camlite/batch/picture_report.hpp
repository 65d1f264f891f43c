// What was found in a picture, and how that is said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <camlite/box.hpp>
#include <camlite/prediction.hpp>

namespace camlite::tool {

struct Finding {
  ClassScore score;
  std::optional<Box> box;
};

struct Report {
  std::string path;
  Index width = 0;
  Index height = 0;
  std::string error;  // why there is nothing else; it names the picture
  std::vector<Finding> findings;
  bool located =
      false;            // boxes were looked for: there is something to say of each, or that none is
  std::string overlay;  // the file that was written, if any
  Index overlay_class = 0;  // whose map it shows, one of the findings
};

// The columns of CSV: image,error[,overlay,overlay_class], and for each of the classes
// class_1,label_1,probability_1[,x_1,y_1,width_1,height_1]. Fields are empty where there is nothing
// to say.
struct CsvColumns {
  std::size_t classes = 0;  // the most that a record has
  bool located = false;     // there may be boxes
  bool drawn = false;       // there may be overlays

  std::size_t count() const { return 2 + (drawn ? 2 : 0) + classes * (located ? 7 : 3); }
};

// How a report is written.
//
// text, for people; "" for a failed picture, which is told on standard error:
//
//   cat.jpg (451x300)
//     71.2%  n02123045 tabby, tabby cat  box 10,20 200x180
//
// json, an object a line:
//
//   {"image":"cat.jpg","top":[{"class":281,"label":"tabby","probability":0.712,
//    "box":[x,y,width,height]}, ...],"overlay":"cat.cam.png","overlay_class":281}
//
// or {"image":"cat.jpg","error":"cat.jpg: ..."}. "box" only where boxes were looked for, null where
// the map is nowhere above the threshold. Names of files whose bytes are not UTF-8 have U+FFFD
// there, and "image_hex", "overlay_hex" with the bytes follow.
//
// csv, a record a picture (RFC 4180) below a header.
struct RecordFormat {
  enum class Kind { text, json, csv };

  Kind kind = Kind::text;
  CsvColumns columns;

  const char* name() const;                        // "text", "json", "csv"
  std::string header() const;                      // "" but of csv
  std::string record(const Report& report) const;  // whole lines
};

}  // namespace camlite::tool
