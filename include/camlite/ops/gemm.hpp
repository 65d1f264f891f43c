// The matrix product that convolution, linear layers and class activation maps are made of.
//
// Two backends with one interface: OpenBLAS where CAMLITE_BLAS is 1, and a built-in blocked one
// that needs nothing. Both run on the calling thread's account: camlite deals out rows to threads
// itself, so a program that links a threaded OpenBLAS should set OPENBLAS_NUM_THREADS=1, as the
// `camlite` program does.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <camlite/tensor.hpp>

#if CAMLITE_BLAS
#include <cblas.h>
#endif

namespace camlite {

// A row-major matrix: element (i, j) is data[i * stride + j], and stride >= columns.
template <class T>
struct Matrix {
  T* data = nullptr;
  Index rows = 0;
  Index columns = 0;
  Index stride = 0;
};

namespace detail {

// A vector of 16 bytes, which every x86-64 and Arm processor has registers for.
template <class T>
struct Simd {
  static constexpr Index width = 16 / static_cast<Index>(sizeof(T));
  typedef T Vector __attribute__((vector_size(16)));
};

// Blocking of the built-in product: B is repacked in pieces of `depth` x `panel`, small enough for
// the stack and the L1 cache; a tile of `tile_rows` x `panel` sums stays in registers (8 of SSE2's
// 16).
template <class T>
struct GemmBlocking {
  static constexpr Index depth = 256;
  static constexpr Index panel = 2 * Simd<T>::width;
  static constexpr Index tile_rows = 4;
};

// c(rows, columns) += a(rows, depth) * b, with b packed as depth rows of `panel` columns; columns
// <= panel.
template <Index rows, class T>
void gemm_tile(const T* a, Index a_stride, const T* b, Index depth, T* c, Index c_stride,
               Index columns) {
  using Vector = typename Simd<T>::Vector;
  constexpr Index panel = GemmBlocking<T>::panel;
  Vector sums[rows][2] = {};
  for (Index k = 0; k < depth; ++k) {
    Vector low, high;
    std::memcpy(&low, b + k * panel, sizeof(Vector));
    std::memcpy(&high, b + k * panel + Simd<T>::width, sizeof(Vector));
    // A fold and not a loop: at -O2, g++ unrolls no loops, and then the sums live in memory.
    [&]<Index... i>(std::integer_sequence<Index, i...>) {
      ((sums[i][0] += a[i * a_stride + k] * low, sums[i][1] += a[i * a_stride + k] * high), ...);
    }
    (std::make_integer_sequence<Index, rows>{});
  }
  for (Index i = 0; i < rows; ++i) {
    T row[panel];
    std::memcpy(row, sums[i], sizeof(row));
    for (Index j = 0; j < columns; ++j) c[i * c_stride + j] += row[j];
  }
}

// The product for any number of rows.
template <class T>
void gemm_packed(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
  using Blocking = GemmBlocking<T>;
  constexpr Index panel = Blocking::panel;
  constexpr Index tile_rows = Blocking::tile_rows;
  if (!accumulate) {
    for (Index i = 0; i < c.rows; ++i) std::fill_n(c.data + i * c.stride, c.columns, T{});
  }
  T packed[Blocking::depth * panel];
  for (Index k = 0; k < a.columns; k += Blocking::depth) {
    const Index depth = std::min(Blocking::depth, a.columns - k);
    for (Index j = 0; j < c.columns; j += panel) {
      const Index columns = std::min(panel, c.columns - j);
      if (columns < panel) std::fill_n(packed, depth * panel, T{});
      for (Index jj = 0; jj < columns; ++jj) {
        const T* row = b.data + (j + jj) * b.stride + k;
        for (Index kk = 0; kk < depth; ++kk) packed[kk * panel + jj] = row[kk];
      }
      Index i = 0;
      for (; i + tile_rows <= c.rows; i += tile_rows) {
        gemm_tile<tile_rows>(a.data + i * a.stride + k, a.stride, packed, depth,
                             c.data + i * c.stride + j, c.stride, columns);
      }
      for (; i < c.rows; ++i) {
        gemm_tile<1>(a.data + i * a.stride + k, a.stride, packed, depth, c.data + i * c.stride + j,
                     c.stride, columns);
      }
    }
  }
}

// c(rows, columns) = or += a(rows, depth) * transposed(b(columns, depth)), read as they lie.
template <Index rows, Index columns, class T>
void dot_tile(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
  using Vector = typename Simd<T>::Vector;
  constexpr Index width = Simd<T>::width;
  const auto load = [](const T* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof(vector));
    return vector;
  };
  Vector sums[rows * columns] = {};
  Index k = 0;
  for (; k + width <= a.columns; k += width) {
    [&]<Index... n>(std::integer_sequence<Index, n...>) {  // a fold, as in gemm_tile
      ((sums[n] +=
        load(a.data + n / columns * a.stride + k) * load(b.data + n % columns * b.stride + k)),
       ...);
    }
    (std::make_integer_sequence<Index, rows * columns>{});
  }
  for (Index n = 0; n < rows * columns; ++n) {
    const Index i = n / columns, j = n % columns;
    T sum{};
    for (Index lane = 0; lane < width; ++lane) sum += sums[n][lane];
    for (Index l = k; l < a.columns; ++l)
      sum += a.data[i * a.stride + l] * b.data[j * b.stride + l];
    T& out = c.data[i * c.stride + j];
    out = accumulate ? out + sum : sum;
  }
}

// The product for at most `few_rows` rows, for which to repack B costs more than to multiply.
inline constexpr Index few_rows = 5;
template <class T>
void gemm_few_rows(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
  const auto multiply = [&]<Index rows>(std::integral_constant<Index, rows>) {
    if (c.rows != rows) return;
    Matrix<const T> part = b;
    Index j = 0;
    for (; j + 2 <= c.columns; j += 2, part.data += 2 * b.stride)
      dot_tile<rows, 2>(a, part, {c.data + j, rows, 2, c.stride}, accumulate);
    if (j < c.columns) dot_tile<rows, 1>(a, part, {c.data + j, rows, 1, c.stride}, accumulate);
  };
  [&]<Index... i>(std::integer_sequence<Index, i...>) {
    (multiply(std::integral_constant<Index, i + 1>{}), ...);
  }
  (std::make_integer_sequence<Index, few_rows>{});
}

}  // namespace detail

// c = a * transposed(b), or c += with `accumulate`, by the built-in backend:
//
//   c(i, j) = sum over k of a(i, k) * b(j, k)
//
// a (M, K), b (N, K), c (M, N). Both operands are read along their rows, as weights of the
// frameworks lie: linear is (N, in) * (out, in), convolution is (positions, taps) *
// (out channels, taps). Without `accumulate`, what c held is not read. c must not overlap a or b.
template <class T>
void builtin_gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate = false) {
  if (c.rows <= detail::few_rows) return detail::gemm_few_rows(a, b, c, accumulate);
  detail::gemm_packed(a, b, c, accumulate);
}

// The same by the backend that this program was built with. For few rows that is the built-in one:
// OpenBLAS repacks B too (five rows of 1024 by 196 columns: 150 us against 56).
template <class T>
void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate = false) {
#if CAMLITE_BLAS
  constexpr Index limit = std::numeric_limits<int>::max();
  const bool fits = std::max({c.rows, c.columns, a.columns, a.stride, b.stride, c.stride}) <= limit;
  if (fits && c.rows > detail::few_rows && c.columns > 0 && a.columns > 0) {
    const auto narrow = [](Index value) { return static_cast<int>(value); };
    const T keep = accumulate ? T{1} : T{0};
    if constexpr (std::is_same_v<T, float>) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, narrow(c.rows), narrow(c.columns),
                  narrow(a.columns), 1, a.data, narrow(a.stride), b.data, narrow(b.stride), keep,
                  c.data, narrow(c.stride));
    } else {
      static_assert(std::is_same_v<T, double>);
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, narrow(c.rows), narrow(c.columns),
                  narrow(a.columns), 1, a.data, narrow(a.stride), b.data, narrow(b.stride), keep,
                  c.data, narrow(c.stride));
    }
    return;
  }
#endif
  builtin_gemm(a, b, c, accumulate);
}

// "openblas" or "built-in".
constexpr const char* gemm_backend() {
#if CAMLITE_BLAS
  return "openblas";
#else
  return "built-in";
#endif
}

}  // namespace camlite
