// root_of: which set an element of a union-find forest is in.
#pragma once

#include <cstddef>
#include <vector>

namespace camlite::detail {

// The element that stands for the set of nodes[i]: nodes have a member `parent`, the place of
// another of their set, or their own if they stand for it. Paths are halved on the way, so that
// many calls take nearly constant time each. Source: Tarjan, van Leeuwen, "Worst-case Analysis of
// Set Union Algorithms", Journal of the ACM 31, 1984.
template <class Node>
std::size_t root_of(std::vector<Node>& nodes, std::size_t i) {
  while (nodes[i].parent != i) i = nodes[i].parent = nodes[nodes[i].parent].parent;
  return i;
}

}  // namespace camlite::detail
