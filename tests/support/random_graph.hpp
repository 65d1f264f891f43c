// Random networks of every operator, as text: the same in every run.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <camlite/model/graph.hpp>

#include "random.hpp"

namespace camlite::test {

struct RandomGraphOptions {
  Index lines = 10;
  bool cam_head = true;  // global_avg_pool and linear at the end; else flatten and linear
};

namespace detail {

inline std::string random_size(Random& random, Index least, Index most) {
  const Index height = random.between(least, most);
  return random.coin() ? text(height) : text(height, 'x', random.between(least, most));
}

// An operator that reads `latest` and perhaps an earlier value. It may not fit.
inline std::string random_operator(Random& random, const std::string& latest,
                                   const std::string& earlier) {
  switch (random.between(0, 22)) {
    case 0:
    case 1:
    case 2: {
      const Index groups = random.one_of<Index>({1, 1, 1, 2, 3});
      return text("conv2d ", latest, " out_channels=", groups * random.between(1, 6),
                  " kernel=", random_size(random, 1, 4), " stride=", random_size(random, 1, 2),
                  " padding=", random_size(random, 0, 2), " dilation=", random_size(random, 1, 2),
                  " groups=", groups, " bias=", random.between(0, 1));
    }
    case 3:
      return text("batch_norm ", latest);
    case 4:
      return text("relu ", latest);
    case 5:
      return text("relu6 ", latest);
    case 6:
      return text("dropout ", latest);
    case 7:
      return text("lrn ", latest, " size=", random.between(1, 7), " alpha=0.3 k=1.5");
    case 8:
      return text("max_pool2d ", latest, " kernel=", random_size(random, 2, 3),
                  " stride=", random_size(random, 1, 2), " padding=", random.between(0, 1),
                  random.coin() ? " rounding=ceil" : "");
    case 9:
      return text("avg_pool2d ", latest, " kernel=", random_size(random, 2, 3),
                  " stride=", random_size(random, 1, 2), " padding=", random.between(0, 1),
                  " count_include_pad=", random.between(0, 1));
    case 10:
      return text("add ", latest, ",", earlier, random.coin() ? "," + latest : "");
    case 11:
      return text(random.one_of<const char*>({"sub ", "mul ", "maximum "}), latest, ",", earlier);
    case 12:
      return text("clamp ", latest, " min=-0.5", random.coin() ? " max=0.75" : "");
    case 13:
      return text(random.one_of<const char*>({"leaky_relu ", "prelu ", "hard_swish "}), latest);
    case 14:
      return text(random.one_of<const char*>({"sigmoid ", "silu ", "hard_sigmoid "}), latest);
    case 15:
      return text("scale ", latest, " bias=", random.between(0, 1));
    case 16:
      return text("slice ", latest, " start=", random.between(0, 2), " end=", random.between(1, 6));
    case 17:
      return text("pad ", latest, " top=", random.between(0, 1), " left=", random.between(0, 2),
                  " right=1 value=0.25");
    case 18:
      return text("channel_shuffle ", latest, " groups=", random.between(2, 3));
    default:
      return text("concat ", earlier, ",", latest, random.coin() ? "," + earlier : "");
  }
}

}  // namespace detail

// Every line reads the one before it, some an earlier one too, so that values live for different
// times; maps stay small.
inline std::string random_graph(Random& random, const RandomGraphOptions& options = {}) {
  std::string graph = text("input channels=3 height=", random.between(7, 14),
                           " width=", random.between(7, 14), "\n");
  std::vector<std::string> names{"input"};
  while (std::ssize(names) <= options.lines) {
    auto earlier = names[static_cast<std::size_t>(random.between(0, std::ssize(names) - 1))];
    const std::string name = text("n", names.size());
    std::string line;
    if (random.between(0, 4) == 0) {  // refused below if the operator does not read it
      earlier = text("m", names.size());
      line = random.coin() ? text(earlier, " global_avg_pool ", names.back(), "\n")
                           : text(earlier, " constant - channels=", random.between(1, 6), "\n");
    }
    line += text(name, ' ', detail::random_operator(random, names.back(), earlier), "\n");
    try {
      const Graph longer = parse_graph(graph + line);
      if (infer_shapes(longer, {1, longer.height, longer.width, 3}).back().size() > 20000) continue;
    } catch (const Error&) {
      continue;  // it did not fit
    }
    graph += line;
    names.push_back(name);
  }
  graph += text("pooled ", options.cam_head ? "global_avg_pool " : "flatten ", names.back(), "\n");
  graph += text("fc linear pooled out_features=", random.between(1, 9), "\n");
  if (random.coin()) graph += "prob softmax fc\n";
  return graph;
}

}  // namespace camlite::test
