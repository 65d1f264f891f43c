// Vec for any processor: four floats, by the compiler's vector extension. SSE2 on x86-64, NEON on
// Arm.

typedef float Vec __attribute__((vector_size(16)));
typedef unsigned Bits __attribute__((vector_size(sizeof(Vec))));
inline constexpr Index width = 4;
inline constexpr int tile_rows = 6;  // 6 x 2 sums in 16 registers, as for AVX2

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) {
  std::memcpy(p, &v, sizeof v);
}
inline Vec splat(float x) {
  return Vec{x, x, x, x};
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return a * b + c;
}
// The second if one of them is NaN.
inline Vec max(Vec a, Vec b) {
  return a > b ? a : b;
}
inline Vec min(Vec a, Vec b) {
  return a < b ? a : b;
}
inline Vec square_root(Vec v) {
  return Vec{std::sqrt(v[0]), std::sqrt(v[1]), std::sqrt(v[2]), std::sqrt(v[3])};
}
// NaN if one of them is.
inline Vec max_or_nan(Vec a, Vec b) {
  return a != a ? a : max(a, b);  // NOLINT(misc-redundant-expression): only NaN is not itself
}

// The first n floats, 0 < n <= width; the others are zeros, and not read or written.
inline Vec load_first(const float* p, Index n) {
  Vec v{};
  std::memcpy(&v, p, static_cast<std::size_t>(n) * sizeof(float));
  return v;
}
inline void store_first(float* p, Vec v, Index n) {
  std::memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(float));
}

// Lane i is lane lanes[i] of the same four: of i / 4 * 4, i / 4 * 4 + 1, ...
inline Vec among_four(Vec v, Bits lanes) {
  return Vec{v[lanes[0]], v[lanes[1]], v[lanes[2]], v[lanes[3]]};
}

inline float sum(Vec v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}
