// Everything that is compiled once per instruction set. Included inside of a namespace of its own,
// behind Vec, with the target set; see kernels.hpp.

#include <camlite/kernels/elementwise.inl>
#include <camlite/kernels/product.inl>

#include <camlite/kernels/depthwise.inl>
#include <camlite/kernels/dot.inl>
#include <camlite/kernels/implicit_gemm.inl>
#include <camlite/kernels/normalizing.inl>
#include <camlite/kernels/pooling.inl>
#include <camlite/kernels/winograd.inl>

template <int m>
inline constexpr Kernels::Winograd winograd_kernels{m, Winograd<m>::input, Winograd<m>::weights,
                                                    Winograd<m>::products, Winograd<m>::output};

inline constexpr Kernels table{
    .isa = this_isa,
    .width = width,
    .panel = panel,
    .tile_rows = tile_rows,
    .winograd = {winograd_kernels<2>, winograd_kernels<4>, winograd_kernels<6>},
    .implicit_gemm = implicit_gemm,
    .depthwise = depthwise,
    .elementwise = elementwise,
    .max_pool_window = pool_window<Larger>,
    .sum_pool_window = pool_window<Sum>,
    .channel_means = channel_means,
    .linear = linear,
    .softmax = softmax,
    .lrn_three_quarters = lrn_three_quarters,
};
