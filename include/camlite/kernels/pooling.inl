// Poolings over channels-innermost maps: a vector is `width` channels of a pixel.

// out(channel) = the largest of rows x columns pixels; NaN if one of them is. Pixels lie `channels`
// floats apart, rows `row`.
inline void max_pool_window(const float* in, Index rows, Index columns, Index row, Index channels,
                            float* out) {
  for (Index c = 0; c < channels; c += width) {
    const Index n = channels - c;
    const bool whole = n >= width;
    Vec largest = whole ? load(in + c) : load_first(in + c, n);
    for (Index y = 0; y < rows; ++y) {
      for (Index x = 0; x < columns; ++x) {
        const float* p = in + y * row + x * channels + c;
        largest = max_or_nan(largest, whole ? load(p) : load_first(p, n));
      }
    }
    if (whole) {
      store(out + c, largest);
    } else {
      store_first(out + c, largest, n);
    }
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
