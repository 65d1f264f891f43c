// The pictures of a report: where localization works best and where it fails.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <camlite/network.hpp>

#include "dataset.hpp"
#include "figures.hpp"
#include "options.hpp"
#include "record.hpp"

namespace camlite::tool {

// Of the true class: the best intersection over union of a box made knowing the class with a true
// one; with score maps, of the box at the threshold of MaxBoxAcc.
double overlap_of(const Record& record, const Example& example, const Figures& figures);

// Two rows of pictures as parts of an HTML page, those with the best overlap and those with the
// worst, `each` a row, or half of all if there are fewer: each with the map of the true class laid
// over, the box that came of it and the true boxes. Only these pictures are read and seen by the
// network (null with score maps) again; where that fails, the page says why in the picture's place,
// and it is added to `unread`.
std::string gallery(const Dataset& set, const std::vector<std::optional<Record>>& records,
                    const Figures& figures, const EvaluateOptions& options, const Network* network,
                    std::size_t each, std::vector<std::string>& unread);

}  // namespace camlite::tool
