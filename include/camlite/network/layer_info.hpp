// LayerInfo: the layers of a network as they run, for reports.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include <camlite/network/placement.hpp>
#include <camlite/network/program.hpp>
#include <camlite/network/workspace.hpp>

namespace camlite {

// One layer of the network as it runs, for reports.
struct LayerInfo {
  std::string name;
  std::string type;  // "conv2d+relu"
  Shape output;
  Index parameters = 0;     // numbers, not bytes
  Index multiply_adds = 0;  // of its definition
  Index computed = 0;       // multiply-adds that its algorithm takes, transforms not counted
  std::string algorithm;
};

namespace detail {

// shapes: of the values.
inline std::vector<LayerInfo> layers_of(const Program& program, std::span<const Shape> shapes,
                                        const Target& target) {
  const std::vector<kernels::ConvPlan> convolutions = plan_convolutions(program, shapes, target);
  const std::vector<Place> places = Placement(program, shapes, convolutions).places();
  const auto at = [](Index value) { return static_cast<std::size_t>(value); };
  std::vector<LayerInfo> list;
  for (std::size_t s = 0; s < program.steps.size(); ++s) {
    const Step& step = program.steps[s];
    const Index multiply_adds = multiply_adds_of(step.op, shapes_of(step.inputs, shapes));
    LayerInfo layer{step.name,     step.type, shapes[at(step.output)], 0, multiply_adds,
                    multiply_adds, "direct"};
    const Index copied = std::ssize(step.inputs) - inputs_in_place(step, shapes, places);
    if (step.conv) {
      layer.algorithm = name_of(convolutions[s].algorithm);
      layer.computed = convolutions[s].multiply_adds;
    } else if (copied == 0 || !std::holds_alternative<Concat>(step.op)) {
      if (copied < std::ssize(step.inputs)) layer.algorithm = "in place";
    } else {
      layer.algorithm = text("copies ", copied, " of ", step.inputs.size());
    }
    for (const Shape& parameter : step.parameter_shapes) layer.parameters += parameter.size();
    list.push_back(std::move(layer));
  }
  return list;
}

}  // namespace detail
}  // namespace camlite
