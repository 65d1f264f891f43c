// Where values lie in a network's memory.
#include <camlite/network/memory_plan.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include "support/random.hpp"

using camlite::Index;
using camlite::detail::Lifetime;
using camlite::detail::MemoryPlan;
using camlite::detail::plan_memory;
using camlite::test::Random;

TEST_CASE("values that live at the same time never overlap, and no memory lies idle needlessly") {
  Random random(25);
  for (int i = 0; i < 3000; ++i) {
    const Index granule = random.one_of<Index>({1, 4, 16});
    const Index steps = random.between(1, 12);
    std::vector<Lifetime> values(static_cast<std::size_t>(random.between(0, 14)));
    for (Lifetime& value : values) {
      value.size = random.between(0, 3) == 0 ? 0 : random.between(1, 200);
      value.first = random.between(0, steps);
      value.last = random.between(value.first, steps);
    }
    const MemoryPlan plan = plan_memory(values, granule);
    REQUIRE(plan.offsets.size() == values.size());
    Index end = 0, whole = 0;
    for (std::size_t a = 0; a < values.size(); ++a) {
      CHECK(plan.offsets[a] % granule == 0);
      CHECK(plan.offsets[a] >= 0);
      end = std::max(end, plan.offsets[a] + values[a].size);
      whole += (values[a].size + granule - 1) / granule * granule;
      for (std::size_t b = 0; b < a; ++b) {
        const bool together =
            values[a].first <= values[b].last && values[b].first <= values[a].last;
        const bool apart = plan.offsets[a] + values[a].size <= plan.offsets[b] ||
                           plan.offsets[b] + values[b].size <= plan.offsets[a];
        if (together && values[a].size > 0 && values[b].size > 0) CHECK(apart);
      }
    }
    CHECK(plan.size == end);
    CHECK(plan.size <= whole);
  }
}

TEST_CASE("the plan is hardly larger than the best there is") {
  Random random(26);
  double worst = 1;
  for (int i = 0; i < 300; ++i) {
    std::vector<Lifetime> values(static_cast<std::size_t>(random.between(1, 6)));
    for (Lifetime& value : values) {
      value.size = random.between(1, 9);
      value.first = random.between(0, 6);
      value.last = random.between(value.first, 6);
    }
    // Brute force: some order of placing each value as low as it goes is optimal.
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Index best = std::numeric_limits<Index>::max();
    do {
      std::vector<Index> offsets(values.size());
      Index size = 0;
      for (std::size_t placed = 0; placed < order.size(); ++placed) {
        const Lifetime& value = values[order[placed]];
        Index& offset = offsets[order[placed]];
        for (bool moved = true; moved;) {
          moved = false;
          for (std::size_t k = 0; k < placed; ++k) {
            const Lifetime& other = values[order[k]];
            const Index start = offsets[order[k]];
            if (value.first <= other.last && other.first <= value.last &&
                offset < start + other.size && start < offset + value.size) {
              offset = start + other.size;
              moved = true;
            }
          }
        }
        size = std::max(size, offset + value.size);
      }
      best = std::min(best, size);
    } while (std::next_permutation(order.begin(), order.end()));
    const Index got = plan_memory(values, 1).size;
    CHECK(got >= best);
    worst = std::max(worst, static_cast<double>(got) / static_cast<double>(best));
  }
  CHECK(worst < 1.5);
}

TEST_CASE("a plan too large for 63 bits is refused") {
  const Index huge = Index{1} << 61;
  const std::vector<Lifetime> values(5, {huge, 0, 1});
  CHECK_THROWS_WITH(plan_memory(values, 16), Catch::Contains("does not fit into 63 bits"));
  CHECK(plan_memory(std::span(values).first(3), 16).size == 3 * huge);
}
