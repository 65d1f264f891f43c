// parallel_for: a loop over independent pieces of work, on OpenMP's threads where there are any.
#pragma once

#include <algorithm>
#include <exception>

#include <camlite/tensor.hpp>

#ifdef _OPENMP
#include <omp.h>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif
#endif

namespace camlite {

// As many threads as OpenMP would use by itself (OMP_NUM_THREADS, else the cores); 1 without
// OpenMP.
inline int default_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

#ifdef _OPENMP
namespace detail {

// Whether this process was forked from one that had been here before. A fork copies one thread, and
// GNU's OpenMP would wait forever for those that it had started before.
inline bool forked_since_first_use() {
#if __has_include(<unistd.h>)
  static const ::pid_t first = ::getpid();
  return ::getpid() != first;
#else
  return false;
#endif
}

}  // namespace detail
#endif

// Calls body(i, thread) once for every i in [0, count), with thread in [0, threads).
//
// What a piece computes must not depend on `thread`, which only chooses its scratch memory: then
// the result has the same bits for any number of threads. Pieces are dealt out in equal runs. The
// first exception that a piece throws is thrown again here, after the others are done.
//
// In a process that was forked after the first call with several threads, all is done on one.
template <class Body>
void parallel_for(Index count, int threads, const Body& body) {
#ifdef _OPENMP
  const int used = static_cast<int>(std::clamp<Index>(count, 1, std::max(threads, 1)));
  if (used > 1 && !detail::forked_since_first_use()) {
    std::exception_ptr failure;
#pragma omp parallel for num_threads(used) schedule(static)
    for (Index i = 0; i < count; ++i) {
      try {
        body(i, omp_get_thread_num());
      } catch (...) {
#pragma omp critical(camlite_parallel_for)
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#else
  (void)threads;
#endif
  for (Index i = 0; i < count; ++i) body(i, 0);
}

}  // namespace camlite
