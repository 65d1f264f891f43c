// Softmax, and local response normalization: what divides a number by what its neighbours come to.

// out = exp(in - m) / sum of exp(in - m), where m is the largest of `in`; NaN all over if one of
// them is, or the largest is infinite.
inline void softmax(const float* in, Index classes, float* out) {
  float largest = in[0];
  for (Index k = 1; k < classes; ++k) largest = std::max(largest, in[k]);
  Vec sums = splat(0);
  for (Index k = 0; k < classes; k += width) {
    const Index n = classes - k;
    store_up_to(out + k, exponential(load_up_to(in + k, n) - splat(largest)), n);
    sums = sums + load_up_to(out + k, n);
  }
  const float total = sum(sums);
  for (Index k = 0; k < classes; k += width) {
    const Index n = classes - k;
    store_up_to(out + k, load_up_to(out + k, n) / splat(total), n);
  }
}

// out(c) = in(c) / (k + scale * sum over the window of in(d)^2)^0.75, pixel by pixel: the exponent
// that AlexNet introduced and everybody kept. x^0.75 is the root of x times the root of that.
//
// The squares are written down with zeros around them, some channels at a time.
inline void lrn_three_quarters(const float* in, Index pixels, Index channels, Index size,
                               float scale, float k, float* out) {
  constexpr Index most = 512;
  float squares[most + most_lrn_size + width];
  const Index before = size / 2, after = (size - 1) / 2;
  for (Index pixel = 0; pixel < pixels; ++pixel, in += channels, out += channels) {
    for (Index first = 0; first < channels; first += most) {
      const Index last = std::min(first + most, channels);
      // squares[i] is that of channel first - before + i
      const Index from = std::max<Index>(first - before, 0), to = std::min(last + after, channels);
      std::fill_n(squares, from - (first - before), 0.0F);
      float* square = squares + (from - (first - before));
      for (Index c = from; c < to; ++c) *square++ = in[c] * in[c];
      std::fill_n(square, last + after + width - to, 0.0F);
      for (Index c = first; c < last; c += width) {
        const Index n = last - c;
        Vec sums = splat(0);
        for (Index d = 0; d < size; ++d) sums = sums + load(squares + (c - first) + d);
        const Vec root = square_root(multiply_add(splat(scale), sums, splat(k)));
        store_up_to(out + c, load_up_to(in + c, n) / (root * square_root(root)), n);
      }
    }
  }
}
