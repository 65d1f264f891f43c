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

#include <camlite/kernels/convolution.hpp>
#include <camlite/kernels/elementwise.hpp>
#include <camlite/kernels/isa.hpp>
#include <camlite/tensor.hpp>

#ifdef CAMLITE_X86
#include <immintrin.h>
#endif

namespace camlite::kernels {

inline constexpr Index most_lrn_size = 32;  // that the kernel of lrn takes

// The kernels of one instruction set. Each works on one thread; who calls them deals out the work.
struct Kernels {
  // F(m x m, 3 x 3): see winograd.inl.
  struct Winograd {
    Index m;
    void (*input)(const Convolution& c, Index first_tile, Index tiles, float* v, Index row,
                  Index plane);
    void (*weights)(const float* taps, Index channels, float* u, Index plane);
    void (*products)(const float* v, Index row, Index v_plane, const float* u, Index u_plane,
                     Index tiles, Index channels, bool fresh, float* s, Index s_plane,
                     const float* next, Index next_size);
    void (*output)(const Convolution& c, Index first_tile, Index tiles, Index first_channel,
                   const float* s, Index plane);
  };

  Isa isa;
  Index width;                       // floats of a vector
  Index panel;                       // columns of weights that are multiplied together
  Index tile_rows;                   // rows of input, likewise
  std::array<Winograd, 3> winograd;  // F(2,3), F(4,3), F(6,3)
  void (*implicit_gemm)(const Convolution& c, Index picture, Index y, Index x, Index count,
                        Index first_panel, Index last_panel);
  void (*depthwise)(const Convolution& c, Index picture, Index y, Index first_channel,
                    Index last_channel);
  void (*elementwise)(const Elementwise& what, const Operand* operands, Index rows, Index count,
                      float* out, Index out_row);
  using PoolWindow = void (*)(const float* in, Index rows, Index columns, Index row, Index channels,
                              float scale, float* out);
  PoolWindow max_pool_window, sum_pool_window;
  void (*channel_means)(const float* in, Index positions, Index channels, Index first, Index last,
                        float* mean);
  void (*linear)(const float* in, Index batch, Index depth, const float* weight, const float* bias,
                 Index first, Index last, float* out, Index out_stride);
  void (*softmax)(const float* in, Index classes, float* out);
  void (*lrn_three_quarters)(const float* in, Index pixels, Index channels, Index size, float scale,
                             float k, float* out);
};

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

// The kernels for an instruction set, which the processor must support: see supported_isa().
inline const Kernels& kernels_for(Isa isa) {
#ifdef CAMLITE_X86
  if (isa == Isa::avx512) return avx512::table;
  if (isa == Isa::avx2) return avx2::table;
#endif
  (void)isa;
  return portable::table;
}

}  // namespace camlite::kernels
