#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "../console.hpp"

namespace camlite::tool {

namespace {

constexpr std::chrono::milliseconds on_terminal{100};
constexpr std::chrono::seconds elsewhere{30};

std::size_t terminal_width() {
  struct ::winsize size {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string duration(double seconds) {
  constexpr double minute = 60, hour = 60 * minute;
  if (seconds < 2 * minute) return fixed(seconds, 0) + " s";
  if (seconds < 2 * hour) return fixed(seconds / minute, 0) + " min";
  return fixed(seconds / hour, 1) + " h";
}

}  // namespace

Progress::Progress(std::size_t total, std::size_t done, bool quiet)
    : total_(total),
      before_(done),
      done_(done),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0) {}

double Progress::images_per_second() const {
  const std::chrono::duration<double> passed = Clock::now() - start_;
  return static_cast<double>(done_ - before_) / std::max(passed.count(), 1e-6);
}

bool Progress::is_due() {
  if (quiet_) return false;
  const Clock::time_point now = Clock::now();
  if (now - shown_ < (terminal_ ? Clock::duration(on_terminal) : Clock::duration(elsewhere)))
    return false;
  shown_ = now;
  return true;
}

void Progress::show(std::string_view figures) {
  const double rate = images_per_second();
  const double left = static_cast<double>(total_ - done_) / rate;
  std::string line = text(done_, " of ", total_, "  ", fixed(rate, rate < 10 ? 1 : 0), "/s, ",
                          duration(left), " left  ", figures);
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  constexpr std::size_t bar = 20;
  const std::size_t full = bar * done_ / total_;
  line = text('[', std::string(full, '#'), std::string(bar - full, '.'), "]  ", line);
  // A line that wraps cannot be cleared.
  line = shortened(line, std::max<std::size_t>(terminal_width(), 10) - 1);
  std::fprintf(stderr, "%s%s", clear_line, line.c_str());
}

void Progress::finish(int threads) {
  clear();
  if (quiet_ || done_ == before_) return;
  const double rate = images_per_second();
  std::fprintf(stderr, "%s in %s: %s a second, %s\n", counted(done_ - before_, "picture").c_str(),
               duration(static_cast<double>(done_ - before_) / rate).c_str(),
               fixed(rate, rate < 10 ? 1 : 0).c_str(), counted(threads, "thread").c_str());
}

void Progress::clear() {
  if (terminal_ && !quiet_) std::fputs(clear_line, stderr);
}

}  // namespace camlite::tool
