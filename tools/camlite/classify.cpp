// camlite classify: what is in the picture.

#include <memory>

#include "commands.hpp"
#include "pictures.hpp"

namespace camlite::tool {

namespace {

int classify(const PictureOptions& options) {
  const Network network = make_network(options.model);
  return for_each_picture(options, [&](std::size_t, const Image& picture) {
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
      "Examples:\n"
      "  camlite classify cat.jpg\n"
      "  camlite classify --top 1 --json photos/*.jpg > classes.jsonl");
  command->callback([options, &status] { status = classify(*options); });
}

}  // namespace camlite::tool
