// libFuzzer's program: CAMLITE_FUZZ in the environment names the target.
#include <algorithm>
#include <cstdlib>

#include "target.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using camlite::fuzz::Target;

const Target& target() {
  static const Target* const chosen = [] {
    const char* name = std::getenv("CAMLITE_FUZZ");
    const Target* found = camlite::fuzz::find_target(name == nullptr ? "" : name);
    if (found == nullptr) {
      std::fputs("CAMLITE_FUZZ in the environment must name one of:", stderr);
      for (const Target& one : camlite::fuzz::targets)
        std::fprintf(stderr, " %.*s", static_cast<int>(one.name.size()), one.name.data());
      std::fputs("\n", stderr);
      std::exit(2);
    }
    return found;
  }();
  return *chosen;
}

std::string any_change(std::string input, std::size_t most) {
  const std::size_t size = std::min(input.size(), most);
  input.resize(std::max<std::size_t>(most, 1));
  input.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(input.data()), size, input.size()));
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    target().run(std::as_bytes(std::span(data, size)));
  } catch (const camlite::Error&) {  // refused, as it may be
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  if (target().mutate == nullptr) return LLVMFuzzerMutate(data, size, most);
  std::minstd_rand random(seed);
  const std::string changed = target().mutate(
      std::string(reinterpret_cast<const char*>(data), size), most, random, any_change);
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}
