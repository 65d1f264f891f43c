// for_each_at_once: independent pieces of work on several threads, what comes of them one by one.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace camlite::tool {

// Calls work(i) for i = 0, 1, ... count - 1, each when one of `threads` threads is free, and
// done(i, result) for each, one at a time, as soon as it is there. Each thread calls a `work` of
// its own, which make_work() gave it. Ends early, what is in flight finished, when stop() is true.
// The first exception of a call ends it likewise, and is thrown again.
//
// A picture may take ten times as long as the next: so pieces are not dealt out beforehand, as
// parallel_for does.
template <class MakeWork, class Done, class Stop>
void for_each_at_once(std::size_t count, int threads, const MakeWork& make_work, const Done& done,
                      const Stop& stop) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::exception_ptr failure;
  std::mutex one_at_a_time;
  const auto loop = [&] {
    try {
      auto work = make_work();
      while (!failed && !stop()) {
        const std::size_t i = next++;
        if (i >= count) return;
        auto result = work(i);
        const std::lock_guard lock(one_at_a_time);
        if (!failed) done(i, std::move(result));
      }
    } catch (...) {
      const std::lock_guard lock(one_at_a_time);
      if (!failure) failure = std::current_exception();
      failed = true;
    }
  };
  {
    std::vector<std::jthread> others;
    const std::size_t used = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
    try {
      for (std::size_t t = 1; t < used; ++t) others.emplace_back(loop);
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are do the work.
    }
    loop();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace camlite::tool
