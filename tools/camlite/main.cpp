// camlite: the program. One file a subcommand, and what several of them need beside those.
#include <cstdio>
#include <cstdlib>

#include "lost_bytes.hpp"
#include "program.hpp"

int main(int argc, char** argv) {
#if CAMLITE_BLAS && defined(__GLIBC__) && !CAMLITE_COUNTS_LINES
  // At the end OpenBLAS waits for its threads and they, under ulimit -v, for memory: for ever. This
  // comes first, also where OpenMP ends the program. (tools/coverage.sh counts at the end.)
  const auto end_at_once = [](int status, void*) {
    std::fflush(nullptr);
    std::_Exit(status);
  };
  ::on_exit(end_at_once, nullptr);
#endif
  camlite::tool::tell_of_lost_bytes();
  return camlite::tool::run_program(argc, argv);
}
