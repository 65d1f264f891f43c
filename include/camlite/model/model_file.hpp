// load_model and save_model: a Model as a safetensors file. docs/model-format.md has the format.
#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/model/json_text.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/model.hpp>
#include <camlite/model/safetensors.hpp>
#include <camlite/model/safetensors_writer.hpp>

namespace camlite {

namespace detail {

inline std::vector<std::string> parse_labels(std::string_view text) {
  std::vector<std::string> labels;
  for_each_line(text, [&](std::string_view line, int) { labels.emplace_back(line); });
  return labels;
}

inline ModelParts model_parts(Safetensors file, std::string_view source, const LoadLimits& limits) {
  ModelParts parts;
  parts.source = source;
  parts.tensors = std::move(file.tensors);
  std::optional<std::string> graph, version, preprocessing, boxes;
  for (auto& [key, value] : file.metadata) {
    if (key == "camlite.version") {
      version = value;
    } else if (key == "camlite.graph") {
      graph = value;
    } else if (key == "camlite.labels") {
      parts.labels = parse_labels(value);
    } else if (key == "camlite.preprocess") {
      preprocessing = value;
    } else if (key == "camlite.boxes") {
      boxes = value;
    } else {
      parts.notes.emplace_back(key, value);
    }
  }
  if (!version || !graph) {
    fail(source, ": a safetensors file, but not a camlite model: its metadata has no ",
         version ? "camlite.graph" : "camlite.version");
  }
  if (*version != "1")
    fail(source, ": camlite.version is ", detail::in_quotes(*version),
         ", this program reads version 1");
  parts.graph = parse_graph(*graph, source, limits);
  if (preprocessing) parts.preprocessing = parse_preprocessing(*preprocessing, source);
  if (boxes) parts.boxes = parse_box_options(*boxes, source);
  return parts;
}

}  // namespace detail

// The model in a file, which stays mapped as long as a copy of the model lives. Throws Error.
inline Model load_model(const std::string& path, const LoadLimits& limits = {}) {
  auto file = std::make_shared<MappedFile>(path, limits.file_bytes);
  ModelParts parts =
      detail::model_parts(parse_safetensors(file->bytes(), path, limits), path, limits);
  parts.file = std::move(file);
  return Model(std::move(parts), limits);
}

// The model in a buffer, which must outlive it. `source` is its name in messages. Throws Error.
inline Model load_model(std::span<const std::byte> bytes, std::string_view source = "model",
                        const LoadLimits& limits = {}) {
  return Model(detail::model_parts(parse_safetensors(bytes, source, limits), source, limits),
               limits);
}

// The model as load_model reads it; weights keep the types in which they are stored. Throws Error
// where it would not: a label has a line break, a node's name has a blank, its file was changed.
inline Safetensors model_content(const Model& model) {
  Safetensors file;
  for (const StoredTensor& tensor : model.tensors())
    file.tensors.push_back(model.tensor(tensor.name));
  file.metadata = model.notes();
  file.metadata.emplace_back("camlite.version", "1");
  file.metadata.emplace_back("camlite.graph", graph_text(model.graph()));
  parse_graph(file.metadata.back().second, model.source(),
              {.graph_lines = std::ssize(model.graph().nodes)});
  file.metadata.emplace_back("camlite.preprocess", preprocessing_text(model.preprocessing()));
  if (model.box_options() != BoxOptions())
    file.metadata.emplace_back("camlite.boxes", box_options_text(model.box_options()));
  if (!model.labels().empty()) {
    std::string labels;
    for (const std::string& label : model.labels()) {
      if (label.find_first_of("\r\n") != std::string::npos)
        fail(model.source(), ": a label has a line break");
      labels += label + "\n";
    }
    file.metadata.emplace_back("camlite.labels", std::move(labels));
  }
  return file;
}

// Writes a file that appears whole or not at all. Throws Error naming the path.
inline void save_model(const std::string& path, const Model& model) {
  save_safetensors(path, model_content(model));
}

}  // namespace camlite
