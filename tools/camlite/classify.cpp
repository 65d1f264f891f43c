// camlite classify: what is in the picture.

#include <algorithm>
#include <memory>
#include <string>

#include "commands.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

int classify(const PictureOptions& options) {
  const Inputs inputs = find_inputs(options, false);
  const Crew crew = crew_for(options, inputs.pictures.size());
  const Network network = make_network(options, crew);
  const CsvColumns columns{
      .classes = static_cast<std::size_t>(std::min(options.top, network.model().classes()))};
  Results results(options, inputs, "classify", network.model(), columns, Json::object());
  return for_each_picture(options, inputs, crew, results, [&](std::size_t, const Image& picture) {
    return see(network, picture, options, [&](const auto& seen) {
      Report report;
      for (const ClassScore& score : seen.top(options.top)) report.findings.push_back({score, {}});
      return report;
    });
  });
}

}  // namespace

void add_classify(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("classify", "the most probable classes of pictures");
  auto options = std::make_shared<PictureOptions>();
  add_picture_options(*command, *options);
  command->footer(
      std::string("Examples:\n"
                  "  camlite classify cat.jpg\n"
                  "  camlite classify --top 1 --json photos/ > classes.jsonl\n"
                  "  find . -name \"*.jpg\" -print0 | camlite classify --null --csv -\n\n") +
      pictures_footer);
  command->callback([options, &status] { status = classify(*options); });
}

}  // namespace camlite::tool
