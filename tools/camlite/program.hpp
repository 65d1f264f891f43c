// The whole program as a function, which tests can call.
#pragma once

namespace camlite::tool {

// What main does with its arguments: runs the command that they name and returns the exit status.
// argv[0] is the program's name, as in main. Throws nothing.
int run_program(int argc, char** argv);

}  // namespace camlite::tool
