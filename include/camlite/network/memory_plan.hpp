// Where in one block of memory every value lies, so that those that never live at the same time
// share it.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include <camlite/ops/operator.hpp>
#include <camlite/tensor.hpp>

namespace camlite::detail {

// A value is written in step `first` and read for the last time in step `last`.
struct Lifetime {
  Index size = 0;  // elements; 0: needs no memory
  Index first = 0;
  Index last = 0;
};

struct MemoryPlan {
  std::vector<Index> offsets;  // of each value, in elements, each a multiple of `granule`
  Index size = 0;              // of the block
};

// The next multiple of the granule.
inline Index rounded_up(Index value, Index granule) {
  return checked_sum(value, granule - 1) / granule * granule;
}

// The largest value first, each at the lowest place where it overlaps no value that lives with it
// (Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020: greedy by
// size). Throws Error if the block's size does not fit into 63 bits.
inline MemoryPlan plan_memory(std::span<const Lifetime> values, Index granule) {
  MemoryPlan plan;
  plan.offsets.resize(values.size(), 0);
  std::vector<std::size_t> by_size(values.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](std::size_t a, std::size_t b) { return values[a].size > values[b].size; });
  std::vector<std::size_t> placed;  // by offset
  for (std::size_t v : by_size) {
    if (values[v].size == 0) break;
    Index offset = 0;
    for (std::size_t p : placed) {
      const bool together = values[p].first <= values[v].last && values[v].first <= values[p].last;
      if (!together) continue;
      if (plan.offsets[p] >= checked_sum(offset, values[v].size)) break;
      const Index end = checked_sum(plan.offsets[p], values[p].size);
      offset = std::max(offset, rounded_up(end, granule));
    }
    plan.offsets[v] = offset;
    plan.size = std::max(plan.size, checked_sum(offset, values[v].size));
    const auto after =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [&](Index o, std::size_t p) { return o < plan.offsets[p]; });
    placed.insert(after, v);
  }
  return plan;
}

}  // namespace camlite::detail
