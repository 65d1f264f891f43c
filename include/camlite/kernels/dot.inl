// Scalar products of rows that lie as they are used: fully connected layers, whose weights are read
// once and not worth packing.

// out[j * out_stride] = bias[j] + sum over k < depth of a[k] * b[j * depth + k], for rows of b.
template <int rows>
void dots(const float* a, const float* b, Index depth, const float* bias, float* out) {
  Vec sums[rows];
  CAMLITE_UNROLL
  for (int j = 0; j < rows; ++j) sums[j] = splat(0);
  Index k = 0;
  for (; k + width <= depth; k += width) {
    const Vec x = load(a + k);
    CAMLITE_UNROLL
    for (int j = 0; j < rows; ++j) sums[j] = multiply_add(x, load(b + j * depth + k), sums[j]);
  }
  if (k < depth) {
    const Vec x = load_first(a + k, depth - k);
    CAMLITE_UNROLL
    for (int j = 0; j < rows; ++j)
      sums[j] = multiply_add(x, load_first(b + j * depth + k, depth - k), sums[j]);
  }
  for (int j = 0; j < rows; ++j) out[j] = sum(sums[j]) + (bias ? bias[j] : 0);
}

// Outputs [first, last) of a fully connected layer, for every picture of the batch.
inline void linear(const float* in, Index batch, Index depth, const float* weight,
                   const float* bias, Index first, Index last, float* out, Index out_stride) {
  constexpr int rows = 8;
  Index k = first;
  for (; k + rows <= last; k += rows) {
    for (Index n = 0; n < batch; ++n) {
      dots<rows>(in + n * depth, weight + k * depth, depth, bias ? bias + k : nullptr,
                 out + n * out_stride + k);
    }
  }
  for (; k < last; ++k) {
    for (Index n = 0; n < batch; ++n) {
      dots<1>(in + n * depth, weight + k * depth, depth, bias ? bias + k : nullptr,
              out + n * out_stride + k);
    }
  }
}
