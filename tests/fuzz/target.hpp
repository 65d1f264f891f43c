// What is fuzzed: functions that take any bytes, and must neither crash nor break a promise.
//
// All targets are in one program: fuzz.cpp makes it libFuzzer's, replay.cpp runs the corpora
// through them in ordinary builds. So each is compiled once, and linked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>

namespace camlite::fuzz {

using Bytes = std::span<const std::byte>;

// Changes an input, at random but the same for the same seed, into one of at most `most` bytes.
// `any` changes bytes as libFuzzer does.
using Mutate = std::string (*)(std::string input, std::size_t most, std::minstd_rand& random,
                               std::string (*any)(std::string, std::size_t));

struct Target {
  std::string_view name;
  // What it is to refuse is an Error, which it may throw; anything else that leaves it is a
  // finding.
  void (*run)(Bytes);
  Mutate mutate = nullptr;  // for inputs that random bytes hardly reach
};

// A file each.
void fuzz_safetensors(Bytes file);
void fuzz_graph(Bytes text);
void fuzz_model(Bytes file);
void fuzz_caffe(Bytes files);
void fuzz_onnx(Bytes file);
void fuzz_weights(Bytes file);
void fuzz_npy(Bytes file);
void fuzz_truth(Bytes files);
void fuzz_labels(Bytes file);
void fuzz_records(Bytes files);
void fuzz_picture(Bytes file);
void fuzz_map(Bytes map);
void fuzz_captions(Bytes caption);
void fuzz_command_line(Bytes arguments);

std::string mutate_safetensors(std::string input, std::size_t most, std::minstd_rand& random,
                               std::string (*any)(std::string, std::size_t));
std::string mutate_picture(std::string input, std::size_t most, std::minstd_rand& random,
                           std::string (*any)(std::string, std::size_t));
std::string mutate_protobuf(std::string input, std::size_t most, std::minstd_rand& random,
                            std::string (*any)(std::string, std::size_t));
std::string mutate_text(std::string input, std::size_t most, std::minstd_rand& random,
                        std::string (*any)(std::string, std::size_t));

inline constexpr Target targets[] = {
    {"safetensors", fuzz_safetensors, mutate_safetensors},
    {"graph", fuzz_graph, mutate_text},
    {"model", fuzz_model, mutate_safetensors},
    {"caffe", fuzz_caffe, mutate_protobuf},
    {"onnx", fuzz_onnx, mutate_protobuf},
    {"weights", fuzz_weights, mutate_safetensors},
    {"npy", fuzz_npy},
    {"truth", fuzz_truth, mutate_text},
    {"labels", fuzz_labels},
    {"records", fuzz_records, mutate_text},
    {"picture", fuzz_picture, mutate_picture},
    {"map", fuzz_map},
    {"captions", fuzz_captions},
    {"command_line", fuzz_command_line, mutate_text},
};

// Null if there is none of this name.
inline const Target* find_target(std::string_view name) {
  for (const Target& target : targets) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

// A promise of the library: where it does not hold, that is a finding.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "BROKEN: %s\n", promise);
  std::abort();
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One input of so many, for what takes long: chosen by all of its bytes, so that an input that was
// chosen does not make chosen ones.
inline bool is_chosen(Bytes input, unsigned of) {
  unsigned sum = 0;
  for (std::byte byte : input) sum += std::to_integer<unsigned>(byte);
  return sum % of == 0;
}

// The parts of an input that stands for several files, with this line between them.
std::vector<Bytes> parts_of(Bytes input);
inline constexpr std::string_view between_parts = "\n----\n";

}  // namespace camlite::fuzz
