#include "lost_bytes.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "console.hpp"

namespace camlite::tool {

namespace {

// The file that is mapped at this address; "" if there is none, or the system does not tell.
std::string mapped_at(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  // begin-end permissions offset device inode path
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string other, path;
    words >> std::hex >> begin >> dash >> end;
    for (int i = 0; i < 4; ++i) words >> other;
    std::getline(words >> std::ws, path);
    if (words.eof() && begin <= address && address < end) return path;
  }
  return "";
}

// The signal comes from an instruction that reads a file's bytes, at a place where everything may
// be called: neither the allocator nor the standard streams' own code reads such bytes.
void end_with_message(int, ::siginfo_t* about, void*) {
  static std::atomic_flag is_told;
  if (is_told.test_and_set()) {
    while (true) ::pause();  // another thread ends the program
  }
  const std::string path = mapped_at(reinterpret_cast<std::uintptr_t>(about->si_addr));
  complain(path + (path.empty() ? "a file" : ":") +
           " was shortened while it was being read, or its disk is broken");
  std::fflush(stdout);
  std::_Exit(some_failed);
}

}  // namespace

void tell_of_lost_bytes() {
  struct ::sigaction action {};
  action.sa_sigaction = end_with_message;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace camlite::tool
