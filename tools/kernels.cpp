// The kernels for all programs of this repository, compiled once: see camlite/kernels/table.hpp.
#include <camlite/kernels/kernels.hpp>
