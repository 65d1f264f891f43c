// How each class fares.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset.hpp"
#include "figures.hpp"
#include "record.hpp"

namespace camlite::tool {

// A <table>: a row for each class of the pictures, a picture counting for its first true class,
// those that are localized worst first; the last row is of all. Errors only where there are such.
std::string class_table(const Dataset& set, const std::vector<std::optional<Record>>& records,
                        const Figures& figures);

}  // namespace camlite::tool
