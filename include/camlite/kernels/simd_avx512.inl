// Vec for AVX-512: sixteen floats in each of 32 registers.

typedef __m512 Vec;
typedef unsigned Bits __attribute__((vector_size(sizeof(Vec))));
inline constexpr Index width = 16;
inline constexpr int tile_rows = 14;  // 14 x 2 sums, two vectors of weights, one of the input

inline Vec load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, Vec v) {
  _mm512_storeu_ps(p, v);
}
inline Vec splat(float x) {
  return _mm512_set1_ps(x);
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
// The second if one of them is NaN. Masked, with all lanes: g++ 12 warns of its own header
// otherwise (GCC bug 105593), and the instruction is the same.
inline Vec max(Vec a, Vec b) {
  return _mm512_maskz_max_ps(0xffff, a, b);
}
inline Vec min(Vec a, Vec b) {
  return _mm512_maskz_min_ps(0xffff, a, b);
}
inline Vec square_root(Vec v) {
  return _mm512_maskz_sqrt_ps(0xffff, v);
}
// NaN if one of them is.
inline Vec max_or_nan(Vec a, Vec b) {
  return _mm512_mask_mov_ps(max(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}

// The first n floats, 0 < n <= width; the others are zeros, and not read or written.
inline Vec load_first(const float* p, Index n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p);
}
inline void store_first(float* p, Vec v, Index n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1), v);
}

// Lane i is lane lanes[i] of the same four: of i / 4 * 4, i / 4 * 4 + 1, ...
inline Vec among_four(Vec v, Bits lanes) {
  return _mm512_maskz_permutevar_ps(0xffff, v, (__m512i)lanes);
}

inline float sum(Vec v) {  // neither _mm512_reduce_add_ps nor a cast: the same warning
  const __m256 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                      __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
