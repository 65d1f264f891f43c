// How far a run over many pictures is, and how it goes.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace camlite::tool {

// On a terminal a line that stays where it is:
//
//   [######..............]  3012 of 10000  341/s, 20 s left  top-1 error 48.6 %, box error 38.2 %
//
// elsewhere the same without the bar, as a line every half minute. On standard error.
class Progress {
 public:
  // `done` of `total` pictures are done already, of an earlier run.
  Progress(std::size_t total, std::size_t done, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // One more picture is done. `figures()` is a string, and is asked for when it is shown.
  template <class Figures>
  void advance(const Figures& figures) {
    ++done_;
    if (is_due()) show(figures());
  }

  // Before anything else is said.
  void clear();

  // Says how long it took.
  void finish(int threads);

 private:
  using Clock = std::chrono::steady_clock;

  double images_per_second() const;
  bool is_due();
  void show(std::string_view figures);

  std::size_t total_;
  std::size_t before_;
  std::size_t done_;
  bool quiet_;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
};

}  // namespace camlite::tool
