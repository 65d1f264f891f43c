// camlite: the program. One file a subcommand, and what several of them need beside those.
#include "program.hpp"

int main(int argc, char** argv) {
  return camlite::tool::run_program(argc, argv);
}
