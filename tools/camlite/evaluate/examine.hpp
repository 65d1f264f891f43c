// What an evaluation does with one picture.
#pragma once

#include <optional>
#include <string>

#include <camlite/image.hpp>
#include <camlite/network.hpp>

#include "dataset.hpp"
#include "options.hpp"
#include "record.hpp"

namespace camlite::tool {

// The picture in the file, as it is stored: that is where people who draw boxes count pixels, since
// data sets come from tools that do not turn pictures. Throws Error.
Image read_stored(const std::string& path, const ImageLimits& limits);

struct Examined {
  Record record;
  Tensor<float> score_map;  // of the first true class; empty where there was one already
};

// Makes records of pictures: with a network, or with score maps that another program saved. Const:
// many threads may use one at the same time, each with a workspace of its own.
class Examiner {
 public:
  // Makes the network ready, unless the options name score maps. Throws Error, UsageError.
  explicit Examiner(const EvaluateOptions& options);

  // Null with score maps.
  const Network* network() const { return network_ ? &*network_ : nullptr; }

  // The example's files are there. Throws Error, naming the file, if one cannot be read or used.
  Examined examine(const Example& example, Workspace& workspace) const;

 private:
  template <class Prediction>
  Examined see(const Prediction& seen, const Example& example, Record record) const;

  std::vector<Box> boxes_of(TensorView<const float> map, const Box& view) const;

  const EvaluateOptions& options_;
  std::optional<Network> network_;
};

}  // namespace camlite::tool
