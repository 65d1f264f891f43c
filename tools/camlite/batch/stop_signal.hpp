// Ctrl-C as a request: what is in flight is finished first.
#pragma once

#include <signal.h>

namespace camlite::tool {

// While one lives, SIGINT, SIGTERM and SIGHUP ask to stop, where they would have ended the program;
// the second of a kind ends it. One at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  static bool requested();

 private:
  struct ::sigaction before_[3];
};

}  // namespace camlite::tool
