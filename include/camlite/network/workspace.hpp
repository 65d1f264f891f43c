// Workspace: the memory that one forward pass works in.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <camlite/network/memory_plan.hpp>
#include <camlite/network/placement.hpp>
#include <camlite/network/program.hpp>

namespace camlite {

// The results of a forward pass, in the workspace: valid until it is used again.
struct Outputs {
  TensorView<const float> features;       // (N, h, w, C); empty without a CAM head
  TensorView<const float> logits;         // (N, K)
  TensorView<const float> probabilities;  // (N, K), if the graph ends with softmax; else empty
};

namespace detail {

// A program on inputs of one shape: the shape and the place of every value.
struct Plan {
  Shape input;
  int threads = 1;
  std::vector<Shape> shapes;  // by value
  std::vector<Index> offsets;
  std::vector<Index> pixels;                    // by value: from one pixel to the next
  Index scratch = 0;                            // its offset
  Index size = 0;                               // of the block, in floats
  std::vector<kernels::ConvPlan> convolutions;  // by step; empty ones for other operators
  // Where every value is, once bound to the block; value 0 is nowhere until there is an input, and
  // constants are where the program holds them.
  std::vector<const float*> data;
  // Of each step, likewise.
  std::vector<std::vector<TensorView<const float>>> inputs;
  std::vector<std::vector<Index>> input_pixels;
  std::vector<std::vector<TensorView<const float>>> parameters;
  std::vector<TensorView<float>> outputs;
};

// How each convolution runs, by step; nothing for other operators. shapes: by value.
inline std::vector<kernels::ConvPlan> plan_convolutions(const Program& program,
                                                        std::span<const Shape> shapes,
                                                        const Target& target) {
  std::vector<kernels::ConvPlan> plans;
  for (const Step& step : program.steps) {
    plans.emplace_back();
    if (!step.conv) continue;
    const Shape& in = shapes[static_cast<std::size_t>(step.inputs[0])];
    plans.back() = step.conv->plan(in, target.convolution);
  }
  return plans;
}

// The memory that values need from when they, or what lies in them, are first written to when they
// are last read.
inline std::vector<Lifetime> lifetimes(const Program& program, std::span<const Shape> shapes,
                                       std::span<const Place> places) {
  const auto home = [&](Index value) {
    return static_cast<std::size_t>(places[static_cast<std::size_t>(value)].home);
  };
  std::vector<Lifetime> values(shapes.size());
  const Index end = std::ssize(program.steps);
  for (Index s = 0; s < end; ++s) {
    const Step& step = program.steps[static_cast<std::size_t>(s)];
    const std::size_t output = home(step.output);
    if (values[output].size == 0) values[output] = {shapes[output].size(), s, s};
    values[output].last = std::max(values[output].last, s);
    for (Index value : step.inputs)
      values[home(value)].last = std::max(values[home(value)].last, s);
  }
  values[home(program.logits)].last = end;
  if (program.features) values[home(*program.features)].last = end;
  if (program.probabilities) values[home(*program.probabilities)].last = end;
  values[0].size = 0;  // the caller's
  for (const Step& step : program.steps) {
    if (std::holds_alternative<Constant>(step.op)) values[home(step.output)].size = 0;
  }
  return values;
}

// Throws Error, naming `source`, if the network cannot take the input.
inline Plan make_plan(const Program& program, const Graph& graph, const Shape& input,
                      const Target& target, std::string_view source) {
  constexpr Index granule = static_cast<Index>(alignment / sizeof(float));
  Plan plan;
  plan.input = input;
  plan.threads = target.threads;
  plan.shapes = value_shapes(program, graph, input, source);
  try {
    plan.convolutions = plan_convolutions(program, plan.shapes, target);
    Index scratch = 0;
    for (const kernels::ConvPlan& conv : plan.convolutions) {
      scratch = std::max(scratch,
                         checked_sum(conv.shared, checked_product(conv.separate, target.threads)));
    }
    const std::vector<Place> places = Placement(program, plan.shapes, plan.convolutions).places();
    const MemoryPlan memory = plan_memory(lifetimes(program, plan.shapes, places), granule);
    for (const Place& place : places) {
      const auto home = static_cast<std::size_t>(place.home);
      plan.offsets.push_back(memory.offsets[home] + place.channel);
      plan.pixels.push_back(channels_of(plan.shapes[home]));
    }
    plan.scratch = rounded_up(memory.size, granule);
    plan.size = checked_sum(plan.scratch, scratch);
    checked_product(plan.size, static_cast<Index>(sizeof(float)));
  } catch (const Error& error) {
    fail(source, ": the memory for an input of ", input.str(), ": ", error.what());
  }
  return plan;
}

inline Index bytes_of(const Plan& plan) {
  return plan.size * static_cast<Index>(sizeof(float));
}

// Throws Error if the plan's block is above the limit, in bytes.
inline void check_memory(const Plan& plan, std::string_view source, Index memory_limit) {
  if (bytes_of(plan) <= memory_limit) return;
  fail(source, ": an input of ", plan.input.str(),
       above_memory_limit(bytes_of(plan), memory_limit));
}

}  // namespace detail

// Memory for forward passes of one network at a time. It grows to what the largest input so far
// needed, and remembers the plans of the last few input shapes: a pass over a shape that it knows
// allocates nothing.
class Workspace {
 public:
  Workspace() = default;
  Workspace(Workspace&&) = default;  // no copies: the plans point into the block
  Workspace& operator=(Workspace&&) = default;

  // Bytes of memory held for values and scratch.
  Index bytes() const { return block_.size() * static_cast<Index>(sizeof(float)); }

 private:
  friend class Network;
  static constexpr std::size_t most_plans = 8;

  // The plan for this input, its views bound to the block. `owner` tells networks apart.
  detail::Plan& plan_for(const std::shared_ptr<const detail::Program>& program, const Graph& graph,
                         const Shape& input, const detail::Target& target, std::string_view source,
                         Index memory_limit) {
    if (owner_ != program) {
      plans_.clear();
      owner_ = program;
    }
    const auto known = std::find_if(plans_.begin(), plans_.end(), [&](const detail::Plan& plan) {
      return plan.input == input && plan.threads == target.threads;
    });
    if (known != plans_.end()) {
      std::rotate(plans_.begin(), known, known + 1);  // most recent first
      return plans_.front();
    }
    detail::Plan plan = detail::make_plan(*program, graph, input, target, source);
    reserve(plan, source, memory_limit);
    bind(plan);
    if (plans_.size() == most_plans) plans_.pop_back();
    plans_.insert(plans_.begin(), std::move(plan));
    return plans_.front();
  }

  // Makes the block large enough; the plans that are known stay so.
  void reserve(const detail::Plan& plan, std::string_view source, Index memory_limit) {
    detail::check_memory(plan, source, memory_limit);
    if (plan.size <= block_.size()) return;
    block_ = Tensor<float>();  // first, so that old and new are never there at once
    try {
      block_ = Tensor<float>::uninitialized({plan.size});
    } catch (const std::bad_alloc&) {
      plans_.clear();
      fail(source, ": an input of ", plan.input.str(), " needs ", detail::bytes_of(plan) >> 20,
           " MB of memory, which is more than there is");
    }
    for (detail::Plan& known : plans_) bind(known);
  }

  // Points the views of a plan into the block. Allocates nothing the second time.
  void bind(detail::Plan& plan) {
    const std::vector<detail::Step>& steps = owner_->steps;
    plan.data.resize(plan.shapes.size());
    for (std::size_t v = 1; v < plan.data.size(); ++v)
      plan.data[v] = block_.data() + plan.offsets[v];
    for (const detail::Step& step : steps) {
      if (std::holds_alternative<Constant>(step.op))
        plan.data[static_cast<std::size_t>(step.output)] = step.parameters->front().data();
    }
    plan.inputs.resize(steps.size());
    plan.input_pixels.resize(steps.size());
    plan.parameters.resize(steps.size());
    plan.outputs.resize(steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      plan.inputs[s].clear();
      plan.input_pixels[s].clear();
      for (Index value : steps[s].inputs) {
        const auto v = static_cast<std::size_t>(value);
        plan.inputs[s].emplace_back(plan.data[v], plan.shapes[v]);
        plan.input_pixels[s].push_back(plan.pixels[v]);
      }
      plan.parameters[s].assign(steps[s].parameters->begin(), steps[s].parameters->end());
      const auto out = static_cast<std::size_t>(steps[s].output);
      plan.outputs[s] = {block_.data() + plan.offsets[out], plan.shapes[out]};
    }
  }

  std::shared_ptr<const detail::Program> owner_;
  std::vector<detail::Plan> plans_;
  Tensor<float> block_;
};

}  // namespace camlite
