// What somebody builds on camlite: looks at a made picture, and prints what it saw to the last bit.
//
//   app MODEL
#if __has_include(<camlite/camlite.hpp>)
#include <camlite/camlite.hpp>
#else
#include "camlite.hpp"
#endif

#include <cstdint>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const camlite::Network net(camlite::load_model(argv[1]));
    camlite::Image picture(90, 70);
    for (camlite::Index i = 0; i < picture.size(); ++i)
      picture.data()[i] = static_cast<std::uint8_t>(i * i % 251);
    const camlite::Prediction seen = net.predict(picture);
    const camlite::ClassScore best = seen.top(1)[0];
    std::printf("camlite %s: %s\n", CAMLITE_VERSION, best.label.c_str());
    for (float value : seen.logits()) std::printf("%a\n", static_cast<double>(value));
    for (float value : camlite::class_activation_map(seen, best.index))
      std::printf("%a\n", static_cast<double>(value));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
