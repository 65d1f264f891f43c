// Networks by name. docs/networks.md says where each comes from.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/model/architectures/alexnet.hpp>
#include <camlite/model/architectures/common.hpp>
#include <camlite/model/architectures/densenet.hpp>
#include <camlite/model/architectures/googlenet.hpp>
#include <camlite/model/architectures/mobilenet.hpp>
#include <camlite/model/architectures/nin.hpp>
#include <camlite/model/architectures/resnet.hpp>
#include <camlite/model/architectures/squeezenet.hpp>
#include <camlite/model/architectures/vgg.hpp>
#include <camlite/model/random_model.hpp>

namespace camlite {

// A network known by name, and the function that writes its graph.
struct Architecture {
  std::string_view name;
  Graph (*graph)(const ArchitectureOptions& options);
  std::string_view grouped;  // the convolution that has `options.groups`; empty: none has
};

// The networks known by name, as `--arch` of the program takes them.
inline constexpr std::array<Architecture, 11> architectures{{
    {"vgg16-gap", vgg16_gap_graph, "CAM_conv"},
    {"vgg16-bn-gap", vgg16_bn_gap_graph, "CAM_conv"},
    {"alexnet-gap", alexnet_gap_graph, "CAM_conv"},
    {"alexnet-star-gap", alexnet_star_gap_graph, "conv6"},
    {"googlenet-gap", googlenet_gap_graph, "CAM_conv"},
    {"nin", nin_graph, ""},
    {"squeezenet1_1", squeezenet1_1_graph, ""},
    {"resnet18", resnet18_graph, ""},
    {"resnet50", resnet50_graph, ""},
    {"mobilenet_v2", mobilenet_v2_graph, ""},
    {"densenet121", densenet121_graph, ""},
}};

// "vgg16-gap, vgg16-bn-gap, ..."
inline std::string architecture_names() {
  std::string names;
  for (const Architecture& one : architectures) names += text(names.empty() ? "" : ", ", one.name);
  return names;
}

// Throws Error that lists the names if there is none of this one.
inline const Architecture& architecture_named(std::string_view name) {
  for (const Architecture& one : architectures) {
    if (one.name == name) return one;
  }
  fail("there is no architecture \"", name, "\"; known are: ", architecture_names());
}

// The graph of a network by its name. Throws Error if there is none of this name, or it has nothing
// that could be in groups and `options.groups` is not 1.
inline Graph architecture_graph(std::string_view name, const ArchitectureOptions& options = {}) {
  const Architecture& architecture = architecture_named(name);
  if (architecture.grouped.empty() && options.groups != 1)
    fail(name, " has no CAM_conv that could have ", options.groups, " groups");
  return architecture.graph(options);
}

// A network by its name, with random weights. Throws Error likewise.
inline Model random_architecture(std::string_view name, const ArchitectureOptions& options = {}) {
  return random_model(architecture_graph(name, options), options.seed, std::string(name));
}

}  // namespace camlite
