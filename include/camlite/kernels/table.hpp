// What the kernels of an instruction set are: a table of functions.
#pragma once

#include <array>

#include <camlite/kernels/convolution.hpp>
#include <camlite/kernels/elementwise.hpp>
#include <camlite/kernels/isa.hpp>
#include <camlite/tensor.hpp>

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

// The kernels for an instruction set, which the processor must support: see supported_isa().
//
// Defined in kernels.hpp, which network.hpp includes; it is two fifths of what there is to compile.
// With CAMLITE_SEPARATE_KERNELS defined, network.hpp leaves it out, and one source file of the
// program includes <camlite/kernels/kernels.hpp> for all others, or defines CAMLITE_COMPILE_KERNELS
// before it includes camlite.hpp, which is how it is done with the single file.
const Kernels& kernels_for(Isa isa);

}  // namespace camlite::kernels
