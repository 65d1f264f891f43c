// Which instruction sets a test of the kernels runs on.
#pragma once

#include <cstdlib>
#include <vector>

#include <camlite/kernels/isa.hpp>

namespace camlite::test {

// Every one that this processor has; only the one that CAMLITE_ISA names, if it names one.
inline std::vector<Isa> tested_isas() {
  const char* named = std::getenv("CAMLITE_ISA");
  if (named && *named) return {default_isa()};
  std::vector<Isa> isas;
  for (Isa isa : all_isas) {
    if (isa <= supported_isa()) isas.push_back(isa);
  }
  return isas;
}

}  // namespace camlite::test
