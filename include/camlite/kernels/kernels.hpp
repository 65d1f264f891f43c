// The fast operators for float: one generic source (*.inl), compiled once per instruction set and
// chosen at run time. No compiler flag is needed for it.
//
// A function may use the instructions of AVX-512 if it is compiled for that target, which g++ and
// clang can be told within a file. So each instruction set gets a namespace, opened under a pragma
// that sets the target, with its Vec and the same generic source over it; what comes out is a table
// of function pointers. The generic source uses no lambdas, which clang's pragma does not reach.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include <camlite/kernels/table.hpp>

#ifdef CAMLITE_X86
#include <immintrin.h>
#endif

namespace camlite::kernels {

// At -O2, g++ unrolls no loop by itself; then arrays of Vec live in memory, and all is lost.
#ifdef __clang__
#define CAMLITE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CAMLITE_UNROLL _Pragma("GCC unroll 32")
#endif

namespace portable {
inline constexpr Isa this_isa = Isa::portable;
#include <camlite/kernels/simd_portable.inl>
//
#include <camlite/kernels/all.inl>
}  // namespace portable

#ifdef CAMLITE_X86

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
inline constexpr Isa this_isa = Isa::avx2;
#include <camlite/kernels/simd_avx2.inl>
//
#include <camlite/kernels/all.inl>
}  // namespace avx2
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
namespace avx512 {
inline constexpr Isa this_isa = Isa::avx512;
#include <camlite/kernels/simd_avx512.inl>
//
#include <camlite/kernels/all.inl>
}  // namespace avx512
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // CAMLITE_X86

#undef CAMLITE_UNROLL

#ifdef CAMLITE_SEPARATE_KERNELS
#define CAMLITE_KERNELS_INLINE
#else
#define CAMLITE_KERNELS_INLINE inline
#endif
CAMLITE_KERNELS_INLINE const Kernels& kernels_for(Isa isa) {
#ifdef CAMLITE_X86
  if (isa == Isa::avx512) return avx512::table;
  if (isa == Isa::avx2) return avx2::table;
#endif
  (void)isa;
  return portable::table;
}
#undef CAMLITE_KERNELS_INLINE

}  // namespace camlite::kernels
