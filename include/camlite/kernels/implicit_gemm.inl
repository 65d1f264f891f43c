// Convolution as a matrix product whose left matrix is never written down: row x of it is what
// output x of a row sees, and starts x_stride pixels behind the row before. Within it, the kernel's
// rows are runs of numbers that lie in memory as they are needed: with channels innermost, the
// kernel width * channels numbers of a kernel row are neighbours. So the product reads the input in
// place, at the price of a copy with the padding's zeros where there is padding.
//
// This is what all layers use that Winograd does not fit: 1x1, strided, dilated, grouped, 5x5, 1x7,
// and the first layer with its three channels.

// `count` outputs of row y of a picture from x on, for the panels [first_panel, last_panel).
inline void implicit_gemm(const Convolution& c, Index picture, Index y, Index x, Index count,
                          Index first_panel, Index last_panel) {
  const float* in =
      c.in + picture * c.in_picture + y * c.stride_y * c.in_row + x * c.stride_x * c.in_stride;
  float* out = c.out + ((picture * c.out_height + y) * c.out_width + x) * c.out_stride;
  const Index panel_size = c.segment_count * c.depth * panel;
  for (Index p = first_panel; p < last_panel; ++p) {
    const Index channel = p * panel;
    const Product rows{in,      c.stride_x * c.in_stride,   c.segments,    c.segment_count,
                       c.depth, c.weights + p * panel_size, out + channel, c.out_stride};
    product<Ending::finish>(count, rows, {clamp_of(c), c.bias + channel, c.out_channels - channel});
  }
  const Index first = first_panel * panel;
  activate(c, out + first, count, std::min(last_panel * panel, c.out_channels) - first);
}
