// Poolings over channels-innermost maps: a vector is `width` channels of a pixel.

struct Larger {
  static Vec of(Vec a, Vec b) { return max_or_nan(a, b); }
};

struct Sum {
  static Vec of(Vec a, Vec b) { return a + b; }
};

// out(channel) = `scale` times what Combine makes of rows x columns pixels, one after the other.
// Pixels lie `channels` floats apart, rows `row`.
template <class Combine>
void pool_window(const float* in, Index rows, Index columns, Index row, Index channels, float scale,
                 float* out) {
  for (Index c = 0; c < channels; c += width) {
    const Index n = channels - c;
    Vec all = load_up_to(in + c, n);
    for (Index y = 0; y < rows; ++y) {
      for (Index x = y == 0; x < columns; ++x)
        all = Combine::of(all, load_up_to(in + y * row + x * channels + c, n));
    }
    store_up_to(out + c, all * splat(scale), n);
  }
}

// mean(channel) = the mean of `positions` pixels, for the channels [first, last) of `channels`.
inline void channel_means(const float* in, Index positions, Index channels, Index first, Index last,
                          float* mean) {
  const Vec scale = splat(1.0F / static_cast<float>(positions));
  for (Index c = first; c < last; c += 4 * width) {
    if (c + 4 * width <= last) {  // four sums at a time: an addition takes four steps
      Vec sums[4] = {splat(0), splat(0), splat(0), splat(0)};
      for (Index i = 0; i < positions; ++i) {
        const float* p = in + i * channels + c;
        CAMLITE_UNROLL
        for (int j = 0; j < 4; ++j) sums[j] = sums[j] + load(p + j * width);
      }
      CAMLITE_UNROLL
      for (int j = 0; j < 4; ++j) store(mean + c + j * width, sums[j] * scale);
      continue;
    }
    for (Index k = c; k < last; k += width) {
      const Index n = std::min<Index>(last - k, width);
      Vec sums = splat(0);
      for (Index i = 0; i < positions; ++i) sums = sums + load_first(in + i * channels + k, n);
      store_first(mean + k, sums * scale, n);
    }
  }
}
