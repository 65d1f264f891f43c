// MATLAB's imresize by its definition, in double, one value at a time.
#pragma once

#include <algorithm>
#include <cmath>

#include <camlite/tensor.hpp>

namespace camlite::test {

// The cubic convolution kernel of Keys, 1981, with a = -1/2, expanded.
inline double keys_kernel(double x) {
  const double t = std::abs(x), t2 = t * t, t3 = t2 * t;
  if (t <= 1) return 1.5 * t3 - 2.5 * t2 + 1;
  if (t <= 2) return -0.5 * t3 + 2.5 * t2 - 4 * t + 2;
  return 0;
}

// The value in row y, column x of the (h, w) map brought to height x width: the weighted mean of
// all values of the map as it goes on beyond its edges, mirrored there.
template <class Map>
double cubic_value(const Map& map, Index h, Index w, Index height, Index width, Index y, Index x) {
  struct Axis {
    double at;
    double reach;
    Index least, most;
  };
  const auto axis = [](Index in, Index out, Index i) -> Axis {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    const double at = (static_cast<double>(i) + 0.5) * scale - 0.5, reach = std::max(1.0, scale);
    return {at, reach, static_cast<Index>(std::floor(at - 2 * reach)),
            static_cast<Index>(std::ceil(at + 2 * reach))};
  };
  const auto mirrored = [](Index i, Index count) {
    while (i < 0 || i >= count) i = i < 0 ? -1 - i : 2 * count - 1 - i;
    return i;
  };
  const Axis down = axis(h, height, y), across = axis(w, width, x);
  double sum = 0, weights = 0;
  for (Index v = down.least; v <= down.most; ++v) {
    for (Index u = across.least; u <= across.most; ++u) {
      const double weight = keys_kernel((static_cast<double>(v) - down.at) / down.reach) *
                            keys_kernel((static_cast<double>(u) - across.at) / across.reach);
      sum += weight * static_cast<double>(map(mirrored(v, h), mirrored(u, w)));
      weights += weight;
    }
  }
  return sum / weights;
}

}  // namespace camlite::test
