// Depthwise convolution: each channel has a kernel of its own, so that there is no sum over
// channels and nothing for a matrix product. A vector is `width` channels of one pixel; weights are
// (taps, channels), the channels padded with zeros to whole vectors.

template <bool partial>
void depthwise_vector(const Convolution& c, const float* in, float* out, Index channel,
                      Index weight_row) {
  const Index n = c.out_channels - channel;  // used if partial
  const Vec bias = load(c.bias + channel);
  const Clamp clamp = clamp_of(c);
  for (Index x = 0; x < c.out_width; ++x) {
    const float* pixel = in + x * c.stride_x * c.in_stride + channel;
    Vec sum = bias;
    for (Index s = 0; s < c.segment_count; ++s) {
      const float* p = pixel + c.segments[s];
      sum = multiply_add(load(c.weights + s * weight_row + channel),
                         partial ? load_first(p, n) : load(p), sum);
    }
    float* target = out + x * c.out_stride + channel;
    if (partial) {
      store_first(target, clamped(sum, clamp), n);
    } else {
      store(target, clamped(sum, clamp));
    }
  }
}

// Row y of a picture's output.
inline void depthwise(const Convolution& c, Index picture, Index y) {
  const float* in = c.in + picture * c.in_picture + y * c.stride_y * c.in_row;
  float* out = c.out + (picture * c.out_height + y) * c.out_width * c.out_stride;
  const Index weight_row = (c.out_channels + width - 1) / width * width;
  Index channel = 0;
  for (; channel + width <= c.out_channels; channel += width)
    depthwise_vector<false>(c, in, out, channel, weight_row);
  if (channel < c.out_channels) depthwise_vector<true>(c, in, out, channel, weight_row);
  activate(c, out, c.out_width, c.out_channels);
}
