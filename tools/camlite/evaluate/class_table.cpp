#include "class_table.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include <camlite/evaluate/localization.hpp>

#include "../batch/html.hpp"
#include "../console.hpp"
#include "gallery.hpp"

namespace camlite::tool {

namespace {

// Counts of pictures, and the sum of their overlaps.
struct ClassCounts {
  std::size_t pictures = 0;
  std::size_t wrong = 0;        // the class
  std::size_t wrong_box = 0;    // of top-1 localization
  std::size_t wrong_known = 0;  // with the class known
  double overlaps = 0;

  void add(const Record& record, const Example& example, const Figures& figures) {
    const Truth& truth = example.truth;
    const auto one_if = [](bool condition) { return static_cast<std::size_t>(condition); };
    ++pictures;
    wrong += one_if(record.classes.empty() || !truth.has(record.classes[0].index));
    wrong_box += one_if(!localized(record.guesses, truth, 1));
    const double overlap = overlap_of(record, example, figures);
    wrong_known += one_if(overlap < right_overlap);
    overlaps += overlap;
  }

  double share(std::size_t count) const {
    return static_cast<double>(count) / static_cast<double>(pictures);
  }
  double mean_overlap() const { return overlaps / static_cast<double>(pictures); }
};

std::string counts_row(const std::string& name, const ClassCounts& counts, bool with_errors) {
  const auto cell = [](const std::string& value) { return text("<td>", value, "</td>"); };
  std::string out = text("<tr><th scope=\"row\">", name, "</th>", cell(text(counts.pictures)));
  if (with_errors)
    out +=
        cell(percent(counts.share(counts.wrong))) + cell(percent(counts.share(counts.wrong_box)));
  return out + cell(percent(counts.share(counts.wrong_known))) +
         cell(fixed(counts.mean_overlap(), 3)) + "</tr>\n";
}

}  // namespace

std::string class_table(const Dataset& set, const std::vector<std::optional<Record>>& records,
                        const Figures& figures) {
  std::map<Index, ClassCounts> by_class;
  ClassCounts all;
  for (const std::optional<Record>& record : records) {
    if (!record) continue;
    const Example& example = set.examples[record->place];
    by_class[example.truth.classes[0]].add(*record, example, figures);
    all.add(*record, example, figures);
  }
  std::vector<std::pair<Index, ClassCounts>> rows(by_class.begin(), by_class.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.second.share(a.second.wrong_known) > b.second.share(b.second.wrong_known);
  });

  const bool with_errors = figures.errors.has_value();
  const auto column = [](const char* name, const char* sorted) {
    return text("<th scope=\"col\"", sorted, ">", name, "</th>");
  };
  std::string out = text("<table class=\"classes\" id=\"classes\">\n<thead><tr>",
                         column("class", ""), column("pictures", ""));
  if (with_errors)
    out += column("top-1 classification error", "") + column("top-1 localization error", "");
  out += column("localization error, class known", " aria-sort=\"descending\"") +
         column("mean overlap", "") + "</tr></thead>\n<tbody>\n";
  for (const auto& [index, counts] : rows)
    out += counts_row(html(set.class_name(index)), counts, with_errors);
  return out + "</tbody>\n<tfoot>" + counts_row("all", all, with_errors) + "</tfoot>\n</table>\n";
}

}  // namespace camlite::tool
