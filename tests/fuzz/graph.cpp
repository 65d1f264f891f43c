// Graph texts, with random weights where that is cheap; and the other texts of a model file.
#include <camlite/model/graph.hpp>

#include <camlite/cam.hpp>
#include <camlite/model/box_options.hpp>
#include <camlite/model/preprocessing.hpp>
#include <camlite/model/random_model.hpp>
#include <camlite/network.hpp>

#include "budget.hpp"
#include "run_network.hpp"
#include "target.hpp"

namespace camlite::fuzz {

namespace {

void try_preprocessing(std::string_view text) try {
  const Preprocessing read = parse_preprocessing(text);
  require(parse_preprocessing(preprocessing_text(read)) == read,
          "preprocessing written as text is read as the same");
} catch (const Error&) {
}

void try_box_options(std::string_view text) try {
  const BoxOptions read = parse_box_options(text);
  require(parse_box_options(box_options_text(read)) == read,
          "box options written as text are read as the same");
} catch (const Error&) {
}

}  // namespace

void fuzz_graph(Bytes input) {
  try_preprocessing(as_text(input));
  try_box_options(as_text(input));
  const Graph graph = parse_graph(as_text(input));
  const std::string text = graph_text(graph);
  require(graph_text(parse_graph(text)) == text, "a graph written as text is read as the same");
  if (work_of(graph, {1, graph.height, graph.width, graph.channels}) > most_work) return;
  run_network(random_model(graph));
}

}  // namespace camlite::fuzz
