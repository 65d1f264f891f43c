// Constant expressions: what an exporter computes with shapes and weights in the graph, computed
// here once and for all.
#pragma once

#include <optional>

#include "onnx_call.hpp"

namespace camlite::tool::onnx {

// The result of a node all of whose inputs are constants, or which asks for a shape only; none if
// it is not an operator that is computed so. `budget`: how many elements constant expressions may
// still make, from which the result's are taken. Throws Error.
std::optional<Array> fold(const Call& call, Index& budget);

}  // namespace camlite::tool::onnx
