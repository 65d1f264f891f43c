// The main function of every test program. Exits with 77, which meson counts as skipped, where
// CAMLITE_ISA names more than this processor has.
#define CATCH_CONFIG_RUNNER
#include <camlite/kernels/isa.hpp>

#include <cstdio>
#include <cstdlib>

#include <catch2/catch.hpp>

int main(int argc, char** argv) {
  const char* named = std::getenv("CAMLITE_ISA");
  for (camlite::Isa isa : camlite::all_isas) {
    if (named && named == isa_name(isa) && isa > camlite::supported_isa()) {
      std::printf("NOT TESTED: this processor has no %s\n", named);
      return 77;
    }
  }
  return Catch::Session().run(argc, argv) == 0 ? 0 : 1;  // not the number of failures, maybe 77
}
