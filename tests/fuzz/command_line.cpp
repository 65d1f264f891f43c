// The program itself, called with arguments that are the lines of the input, in a folder of its
// own.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <camlite/image_io.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/model/random_model.hpp>

#include "../../tools/camlite/program.hpp"
#include "../support/scratch_folder.hpp"
#include "target.hpp"

namespace camlite::fuzz {

namespace {

namespace fs = std::filesystem;

// A small model, a picture and a truth file in a folder, which becomes the current one; what a run
// leaves in it is removed before the next.
class Playground {
 public:
  Playground() {
    fs::current_path(folder_.path());
    // What the program looks for by itself is looked for here.
    for (const char* name : {"HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_DATA_DIRS"})
      ::setenv(name, folder_.path().c_str(), 1);
    ::setenv("CAMLITE_MODEL", "m.safetensors", 1);
    save_model("m.safetensors", random_model("input channels=3 height=8 width=8\n"
                                             "conv conv2d input out_channels=4 kernel=3\n"
                                             "gap global_avg_pool conv\n"
                                             "fc linear gap out_features=3\n"));
    write_image("p.png", Image(44, 9));  // as wide as a caption needs
    std::ofstream("t.txt") << "p.png\t1\t0\t0\t5\t5\n";
    for (const auto& entry : fs::directory_iterator(".")) ours_.push_back(entry.path());
  }
  ~Playground() { fs::current_path("/"); }

  void clear() const {
    std::vector<fs::path> others;
    for (const auto& entry : fs::directory_iterator(".")) {
      if (std::find(ours_.begin(), ours_.end(), entry.path()) == ours_.end())
        others.push_back(entry.path());
    }
    for (const fs::path& path : others) fs::remove_all(path);
  }

 private:
  test::ScratchFolder folder_;
  std::vector<fs::path> ours_;
};

// Nothing that leaves the folder, takes long, or goes on for ever.
bool is_harmless(std::string_view argument) {
  constexpr std::string_view not_run[] = {"bench", "--arch", "/", "..", "~"};
  if (std::any_of(std::begin(not_run), std::end(not_run),
                  [&](std::string_view word) { return argument.find(word) != argument.npos; })) {
    return false;
  }
  std::size_t digits = 0;
  for (char c : argument) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 2) return false;
  }
  return true;
}

}  // namespace

void fuzz_command_line(Bytes input) {
  std::vector<std::string> arguments{"camlite"};
  detail::for_each_line(as_text(input), [&](std::string_view line, int) {
    arguments.emplace_back(line.substr(0, line.find('\0')));
  });
  if (arguments.size() > 40 || !std::all_of(arguments.begin(), arguments.end(), is_harmless))
    return;
  static const Playground playground;
  playground.clear();
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  const int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  const int status = tool::run_program(count, pointers.data());
  require(status >= 0 && status <= 2, "the exit status is 0, 1 or 2");
  playground.clear();
}

}  // namespace camlite::fuzz
