// The subcommands, each in a file of its own.
#pragma once

#include <CLI/CLI.hpp>

namespace camlite::tool {

// Each adds its subcommand to the program. When the command line names it, it runs while that is
// parsed, and leaves the exit status in `status`. What it throws besides CLI11's errors is for
// main.
void add_cam(CLI::App& program, int& status);
void add_classify(CLI::App& program, int& status);
void add_run(CLI::App& program, int& status);
void add_info(CLI::App& program, int& status);
void add_convert(CLI::App& program, int& status);
void add_export(CLI::App& program, int& status);
void add_evaluate(CLI::App& program, int& status);
void add_models(CLI::App& program, int& status);
void add_bench(CLI::App& program, int& status);
void add_merge(CLI::App& program, int& status);
void add_completion(CLI::App& program, int& status);
void add_manual(CLI::App& program, int& status);

}  // namespace camlite::tool
