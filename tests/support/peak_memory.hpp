// How much memory the process has had at most, for tests that a refusal costs none.
#pragma once

#include <sys/resource.h>

#include <camlite/tensor.hpp>

namespace camlite::test {

inline Index peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace camlite::test
