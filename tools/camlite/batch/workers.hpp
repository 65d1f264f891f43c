// for_each_in_order: independent pieces of work on several threads, what comes of them in order.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace camlite::tool {

// Calls work(i) for i = 0, 1, ... count - 1, each when one of `threads` threads is free, and
// done(i, result) for each, one at a time, in that order. Each thread calls a `work` of its own,
// which make_work() gave it. Ends early, what is in flight finished and told to done, when stop()
// is true. The first exception of a call ends it likewise, and is thrown again.
//
// A picture may take ten times as long as the next: so pieces are not dealt out beforehand, as
// parallel_for does, and the threads together may be as many pieces ahead of the slowest one as
// `window` for each thread. So many results are kept at most, however large `count` is.
template <class MakeWork, class Done, class Stop>
void for_each_in_order(std::size_t count, int threads, const MakeWork& make_work, const Done& done,
                       const Stop& stop) {
  using Result = std::decay_t<decltype(make_work()(std::size_t()))>;
  constexpr std::size_t window = 32;
  const std::size_t used = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
  std::vector<std::optional<Result>> waiting(window * used);  // that of i at i % size
  std::size_t next = 0, told = 0;                             // of the work; of the results
  std::exception_ptr failure;
  std::mutex mutex;
  std::condition_variable room;

  // The next piece, when there is room for what comes of it; nothing if there is no more to do.
  const auto take = [&]() -> std::optional<std::size_t> {
    std::unique_lock lock(mutex);
    const auto ended = [&] { return failure || next >= count || stop(); };
    room.wait(lock, [&] { return ended() || next < told + waiting.size(); });
    return ended() ? std::nullopt : std::optional(next++);
  };
  const auto put = [&](std::size_t i, Result result) {
    const std::lock_guard lock(mutex);
    waiting[i % waiting.size()] = std::move(result);
    for (; !failure; ++told) {
      std::optional<Result>& first = waiting[told % waiting.size()];
      if (!first) break;
      done(told, *std::exchange(first, std::nullopt));
    }
    room.notify_all();
  };
  const auto loop = [&] {
    try {
      auto work = make_work();
      while (const std::optional<std::size_t> i = take()) put(*i, work(*i));
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      room.notify_all();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (std::size_t t = 1; t < used; ++t) others.emplace_back(loop);
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are do the work.
    }
    if (used > 0) loop();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace camlite::tool
