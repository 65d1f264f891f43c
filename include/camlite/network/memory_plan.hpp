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
  struct Placed {
    Index begin, end, first, last;  // elements, steps
  };
  std::vector<Placed> placed;  // by where they begin
  for (std::size_t v : by_size) {
    const auto [size, first, last] = values[v];
    if (size == 0) break;
    Index begin = 0;
    for (const Placed& other : placed) {
      if (other.last < first || last < other.first) continue;
      if (other.begin >= checked_sum(begin, size)) break;
      begin = std::max(begin, rounded_up(other.end, granule));
    }
    const Index end = checked_sum(begin, size);
    const auto after =
        std::upper_bound(placed.begin(), placed.end(), begin,
                         [](Index b, const Placed& other) { return b < other.begin; });
    placed.insert(after, {begin, end, first, last});
    plan.offsets[v] = begin;
    plan.size = std::max(plan.size, end);
  }
  return plan;
}

}  // namespace camlite::detail
