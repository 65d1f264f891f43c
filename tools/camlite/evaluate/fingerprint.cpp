#include "fingerprint.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <camlite/error.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/version.hpp>

#include "../paths.hpp"

namespace camlite::tool {

namespace {

// FNV-1a of 64 bits: it tells files apart that were exchanged by mistake, not by malice.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    constexpr std::uint64_t prime = 0x100000001b3;
    for (const std::byte byte : bytes) state_ = (state_ ^ std::to_integer<unsigned>(byte)) * prime;
  }
  // With its length, so that no two texts run into one another.
  void add(std::string_view words) {
    add(std::as_bytes(std::span<const char>(words)));
    add(static_cast<Index>(words.size()));
  }
  void add(Index number) { add(std::as_bytes(std::span<const Index>(&number, 1))); }

  std::string str() const {
    constexpr const char* digits = "0123456789abcdef";
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += digits[state_ >> shift & 0xF];
    return out;
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

std::string hash_of(const Dataset& set) {
  Hash hash;
  for (const Example& example : set.examples) {
    hash.add(example.name);
    for (Index number : {example.width, example.height, std::ssize(example.truth.boxes)})
      hash.add(number);
    for (const TrueBox& one : example.truth.boxes) {
      for (Index number : {one.class_index, one.box.x, one.box.y, one.box.width, one.box.height})
        hash.add(number);
    }
  }
  return hash.str();
}

std::string hash_of(const Model& model) {
  Hash hash;
  const Safetensors content = model_content(model);
  for (const StoredTensor& tensor : content.tensors) {
    hash.add(tensor.name);
    hash.add(tensor.bytes);
  }
  for (const auto& [key, value] : content.metadata) {
    hash.add(key);
    hash.add(value);
  }
  return hash.str();
}

std::string folder(const std::string& path) {
  return path.empty() ? "none" : identity(path);
}

}  // namespace

nlohmann::ordered_json fingerprint(const EvaluateOptions& options, const Dataset& set,
                                   const Model* model) {
  nlohmann::ordered_json asked{{"version", CAMLITE_VERSION},
                               {"pictures", set.examples.size()},
                               {"truth", hash_of(set)},
                               {"images", folder(options.images)}};
  if (model == nullptr) {
    asked["scoremaps"] = folder(options.score_maps);
  } else {
    asked["model"] = options.model.name();
    asked["weights"] = hash_of(*model);
    asked["crops"] = options.crops;
    asked["size"] = options.predict.size;
    asked["whole"] = options.predict.whole_picture ? "yes" : "no";
    asked["rule"] = options.rule;
    if (options.rule == "paper") asked["threshold"] = text(options.threshold);
    asked["save-maps"] = folder(options.save_maps);
  }
  asked["multi-region"] = options.multi_region ? "yes" : "no";
  return asked;
}

}  // namespace camlite::tool
