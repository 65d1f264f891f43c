// Every operator against what PyTorch makes of the same numbers: see
// tests/fixtures/make_operator_fixtures.py.
#include <camlite/model/graph.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/safetensors.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "support/compare.hpp"
#include "support/run_operator.hpp"

using camlite::Index;
using camlite::Operator;
using camlite::Tensor;
using camlite::test::converted;
using camlite::test::relative_error;
using camlite::test::run_operator;

namespace {

// A feature map of PyTorch's, (N, C, H, W), as camlite has it; vectors stay.
Tensor<float> nhwc_from_nchw(const Tensor<float>& in) {
  if (in.rank() != 4) return in;
  Tensor<float> out({in.extent(0), in.extent(2), in.extent(3), in.extent(1)});
  for (Index n = 0; n < out.extent(0); ++n) {
    for (Index y = 0; y < out.extent(1); ++y) {
      for (Index x = 0; x < out.extent(2); ++x) {
        for (Index c = 0; c < out.extent(3); ++c) out(n, y, x, c) = in(n, c, y, x);
      }
    }
  }
  return out;
}

struct Case {
  std::string name;
  Operator op;
  std::vector<Tensor<float>> inputs;
  std::vector<Tensor<float>> parameters;
  Tensor<float> output;
};

std::vector<Case> read_cases(const std::string& path) {
  const camlite::MappedFile file(path);
  const camlite::Safetensors stored = camlite::parse_safetensors(file.bytes(), path);
  std::map<std::string, Tensor<float>> tensors;
  for (const auto& tensor : stored.tensors) tensors[tensor.name] = camlite::to_float(tensor);

  std::vector<Case> cases;
  for (const auto& [name, line] : stored.metadata) {
    const std::string text = "input channels=1 height=1 width=1\n" + name + " " + line;
    Case c{name,
           camlite::parse_graph(text).nodes.at(0).op,
           {},
           {},
           nhwc_from_nchw(tensors.at(name + ".output"))};
    for (int i = 0; tensors.contains(name + ".input" + std::to_string(i)); ++i)
      c.inputs.push_back(nhwc_from_nchw(tensors.at(name + ".input" + std::to_string(i))));
    for (const auto& parameter : camlite::parameters_of(c.op, camlite::test::shapes_of(c.inputs)))
      c.parameters.push_back(tensors.at(name + "." + parameter.suffix));
    cases.push_back(std::move(c));
  }
  return cases;
}

template <class T>
std::vector<Tensor<T>> all_converted(const std::vector<Tensor<float>>& tensors) {
  std::vector<Tensor<T>> out;
  for (const Tensor<float>& tensor : tensors) out.push_back(converted<T>(tensor));
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("every operator computes what PyTorch does", "", float, double) {
  // The saved outputs are rounded to float.
  constexpr double tolerance = std::is_same_v<TestType, float> ? 2e-6 : 1e-7;
  std::set<std::string_view> seen;
  for (const Case& c : read_cases("tests/fixtures/operators.safetensors")) {
    CAPTURE(c.name);
    const auto inputs = all_converted<TestType>(c.inputs);
    const auto parameters = all_converted<TestType>(c.parameters);
    const Tensor<TestType> output =
        std::visit([&](const auto& op) { return run_operator(op, inputs, parameters); }, c.op);
    CHECK(relative_error(output, c.output) <= tolerance);
    seen.insert(camlite::type_of(c.op));
  }
  CHECK(seen.size() == std::variant_size_v<Operator>);  // none was forgotten
}
