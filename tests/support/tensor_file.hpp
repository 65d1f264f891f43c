// The tensors of a safetensors file, by name: what a fixture script wrote.
#pragma once

#include <map>
#include <string>

#include <camlite/model/mapped_file.hpp>
#include <camlite/model/safetensors.hpp>
#include <camlite/model/stored_tensor.hpp>

namespace camlite::test {

struct TensorFile {
  std::map<std::string, Tensor<float>> tensors;
  std::map<std::string, std::string> metadata;

  explicit TensorFile(const std::string& path) {
    const MappedFile file(path);
    const Safetensors content = parse_safetensors(file.bytes(), path);
    for (const StoredTensor& tensor : content.tensors) tensors[tensor.name] = to_float(tensor);
    metadata.insert(content.metadata.begin(), content.metadata.end());
  }

  const Tensor<float>& operator[](const std::string& name) const { return tensors.at(name); }
};

}  // namespace camlite::test
