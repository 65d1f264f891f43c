// What is usually done to pictures, by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/model/preprocessing.hpp>

namespace camlite::tool {

// The names that known_preprocessing knows.
std::vector<std::string> preprocessing_names();

// To what pictures are usually resized for a crop of this extent: 256 for 224, in proportion for
// others, as far as a Preprocessing can have it.
Index with_margin(Index crop);

// The preprocessing that networks of this kind are trained with, for an input of this size.
std::optional<Preprocessing> known_preprocessing(std::string_view name, const Size2d& input);

}  // namespace camlite::tool
