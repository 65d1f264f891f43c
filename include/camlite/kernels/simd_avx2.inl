// Vec for AVX2 with FMA: eight floats in each of 16 registers.

typedef __m256 Vec;
typedef unsigned Bits __attribute__((vector_size(sizeof(Vec))));
inline constexpr Index width = 8;
inline constexpr int tile_rows = 6;  // 6 x 2 sums, two vectors of weights, one of the input

inline Vec load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline void store(float* p, Vec v) {
  _mm256_storeu_ps(p, v);
}
inline Vec splat(float x) {
  return _mm256_set1_ps(x);
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
// The second if one of them is NaN.
inline Vec max(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
inline Vec min(Vec a, Vec b) {
  return _mm256_min_ps(a, b);
}
inline Vec square_root(Vec v) {
  return _mm256_sqrt_ps(v);
}
// NaN if one of them is.
inline Vec max_or_nan(Vec a, Vec b) {
  return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

// The first n lanes.
inline __m256i first_lanes(Index n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
// The first n floats, 0 < n <= width; the others are zeros, and not read or written.
inline Vec load_first(const float* p, Index n) {
  return _mm256_maskload_ps(p, first_lanes(n));
}
inline void store_first(float* p, Vec v, Index n) {
  _mm256_maskstore_ps(p, first_lanes(n), v);
}

// Lane i is lane lanes[i] of the same four: of i / 4 * 4, i / 4 * 4 + 1, ...
inline Vec among_four(Vec v, Bits lanes) {
  return _mm256_permutevar_ps(v, (__m256i)lanes);
}

inline float sum(Vec v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
