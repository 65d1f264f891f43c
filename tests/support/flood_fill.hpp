// Regions by their definition.
#pragma once

#include <algorithm>
#include <vector>

#include <camlite/boxes.hpp>

namespace camlite::test {

// From every pixel not seen yet, in order, to all its neighbours above the cut.
inline std::vector<Region> flood_fill(const Tensor<float>& map, float cut) {
  const Index height = map.extent(0), width = map.extent(1);
  std::vector<bool> seen(static_cast<std::size_t>(map.size()));
  std::vector<Region> out;
  for (Index start = 0; start < map.size(); ++start) {
    std::vector<Index> open;
    const auto visit = [&](Index x, Index y) {
      if (x < 0 || y < 0 || x >= width || y >= height) return;
      const auto at = static_cast<std::size_t>(y * width + x);
      if (seen[at] || !(map(y, x) > cut)) return;
      seen[at] = true;
      open.push_back(y * width + x);
    };
    visit(start % width, start / width);
    if (open.empty()) continue;
    Index left = width, top = height, right = 0, bottom = 0, pixels = 0;
    while (!open.empty()) {
      const Index x = open.back() % width, y = open.back() / width;
      open.pop_back();
      ++pixels;
      left = std::min(left, x);
      top = std::min(top, y);
      right = std::max(right, x + 1);
      bottom = std::max(bottom, y + 1);
      for (Index dy = -1; dy <= 1; ++dy) {
        for (Index dx = -1; dx <= 1; ++dx) visit(x + dx, y + dy);
      }
    }
    out.push_back({{left, top, right - left, bottom - top}, pixels});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Region& a, const Region& b) { return a.pixels > b.pixels; });
  return out;
}

}  // namespace camlite::test
