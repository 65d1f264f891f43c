// Everything that measures answers against the truth: the figures of a labelled set of pictures.
#pragma once

#include <camlite/evaluate/baselines.hpp>
#include <camlite/evaluate/bootstrap.hpp>
#include <camlite/evaluate/localization.hpp>
#include <camlite/evaluate/max_box_acc.hpp>
#include <camlite/evaluate/score_map.hpp>
#include <camlite/evaluate/truth.hpp>
