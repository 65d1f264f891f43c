#include "program.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include <camlite/model/text.hpp>
#include <camlite/ops/gemm.hpp>
#include <camlite/parallel.hpp>
#include <camlite/version.hpp>

#include "commands.hpp"
#include "config.hpp"
#include "console.hpp"
#include "model_choice.hpp"
#include "option_tree.hpp"

namespace camlite::tool {
namespace {

// CLI11's, with descriptions of options broken into lines.
class HelpFormatter : public CLI::Formatter {
 public:
  static constexpr std::size_t left = 30, right = 68;  // columns, of characters

  HelpFormatter() { column_width(left); }

  // The choices that a value has may be many: they are told with the description.
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string value = CLI::Formatter::make_option_opts(option);
    const std::size_t begin = value.find(":{"), end = value.find('}');
    if (begin < end && end != value.npos) value.erase(begin, end + 1 - begin);
    return value;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string description = description_of(*option);
    std::string_view rest = description;
    std::string out;
    std::size_t used = 0;
    for (std::string_view word = detail::next_word(rest); !word.empty();
         word = detail::next_word(rest)) {
      const bool fits = used + 1 + word.size() <= right;
      out += used == 0 ? "" : fits ? " " : "\n";
      used = fits && used > 0 ? used + 1 + word.size() : word.size();
      out += word;
    }
    return out;
  }
};

// The arguments, last one first, as CLI11 wants them. It ends a subcommand at "--"; here that means
// what it means elsewhere: what follows are pictures, whatever they are called.
std::vector<std::string> reversed_arguments(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  if (mark != arguments.end()) {
    for (auto name = mark; name != arguments.end(); ++name) {
      if (name->starts_with('-')) name->insert(0, "./");
    }
    arguments.erase(mark);
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

std::string version() {
  return text("camlite ", CAMLITE_VERSION, ", ", isa_name(default_isa()), ", ",
              counted(default_threads(), "thread"), "\ndefault model: ", default_model_text());
}

int run_commands(int argc, char** argv) {
  int status = all_done;
  CLI::App program(
      "camlite: which class, and where in the picture. Class activation maps on a CPU.", "camlite");
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_version_flag("--version", version, "print version and default model, and exit");
  program.require_subcommand(0, 1);
  program.failure_message([](const CLI::App*, const CLI::Error& error) {
    return text("camlite: ", error.what(), "\nRun with --help for more information.\n");
  });
  add_cam(program, status);
  add_classify(program, status);
  add_run(program, status);
  add_info(program, status);
  add_convert(program, status);
  add_export(program, status);
  add_evaluate(program, status);
  add_models(program, status);
  add_bench(program, status);
  add_merge(program, status);
  add_completion(program, status);
  add_manual(program, status);
  program.footer(
      "Examples:\n"
      "  camlite cam cat.jpg                      writes the heatmap to cat.cam.png\n"
      "  camlite classify --json photos/*.jpg     one JSON object a line\n"
      "  camlite cam --help                       all options of one command\n\n"
      "Exit status: 0 all done; 1 some input failed (said on standard error, the others still "
      "done);\n2 wrong usage. Without --model, the default model is used: $CAMLITE_MODEL, or the "
      "one that\ncamlite --version names.");

  const auto named = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(named).empty()) {
    std::error_code ignored;
    const bool is_file = std::filesystem::exists(argv[1], ignored);
    throw UsageError(text("there is no command \"", argv[1], "\"; camlite --help lists them",
                          is_file ? text(", and camlite cam ", argv[1], " looks at it") : ""));
  }
  try {
    program.parse(reversed_arguments(argc, argv));
  } catch (const CLI::ExtrasError& error) {
    for (const CLI::App* command : program.get_subcommands()) {
      for (const std::string& word : command->remaining()) {
        if (const std::string about = about_unknown(program, *command, word); !about.empty())
          throw UsageError(about);
      }
    }
    program.exit(error);
    return wrong_usage;
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? all_done : wrong_usage;
  }
  if (program.get_subcommands().empty()) print(program.help());
  return status;
}

}  // namespace

int run_program(int argc, char** argv) {
#if CAMLITE_BLAS
  openblas_set_num_threads(1);  // camlite deals out the work itself
#endif
  int status = some_failed;
  try {
    status = run_commands(argc, argv);
  } catch (const UsageError& error) {
    complain(error.what());
    status = wrong_usage;
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    complain("standard output: cannot write");
    status = some_failed;
  }
  return status;
}

}  // namespace camlite::tool
