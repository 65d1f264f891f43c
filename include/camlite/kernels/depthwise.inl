// Depthwise convolution: each channel has a kernel of its own, so that there is no sum over
// channels and nothing for a matrix product. A vector is `width` channels of one pixel; weights are
// (taps, channels), the channels padded with zeros to whole vectors.
//
// Groups of two or four channels are the same several times over: each of a vector's outputs takes
// the first channel of its group, then the second, and so on, which is a vector with its lanes
// moved. Weights are (rows, channels of a group, columns, channels).
//
// The padding is not there: of a window that sticks out of the map, only the part inside is read.

// Lane i: the first channel of its group.
inline Bits first_of_group(Index group) {
  Bits lanes{};
  for (Index i = 0; i < width; ++i) lanes[i] = static_cast<unsigned>(i % 4 / group * group);
  return lanes;
}

// Some neighbouring outputs of a row.
struct DepthwiseTile {
  const float* in;       // the pixel at the left of the first one's window, in its first row inside
  const float* weights;  // of that row
  float* out;
  Index rows;   // of the window that are inside
  Index first;  // columns from `in` on that are inside: [first, last)
  Index last;
};

// Where the outputs from (y, x) on lie.
inline DepthwiseTile depthwise_tile_at(const Convolution& c, Index picture, Index y, Index x) {
  const Index top = y * c.stride_y - c.top, left = x * c.stride_x - c.left;
  const Index above = top < 0 ? (-top + c.dilation_y - 1) / c.dilation_y : 0;
  const Index inside = (c.height - top + c.dilation_y - 1) / c.dilation_y;
  const Index first = std::min(above, c.kernel_height);
  const Index weight_row = (c.out_channels + width - 1) / width * width;
  return {
      c.in + picture * c.in_picture + (top + first * c.dilation_y) * c.in_row + left * c.in_stride,
      c.weights + first * c.group_channels * c.kernel_width * weight_row,
      c.out + ((picture * c.out_height + y) * c.out_width + x) * c.out_stride,
      std::max<Index>(std::min(inside, c.kernel_height) - first, 0),
      -left,
      c.width - left};
}

// `outputs` of them, for a window `kernel` wide, `width` channels. The sums stay in registers while
// the rows of the window pass, and each pixel is loaded once for all that it is a part of. `edge`:
// some columns may be outside.
template <int kernel, int stride, bool grouped, int outputs, bool edge>
void depthwise_vector(const Convolution& c, const DepthwiseTile& tile, Index weight_row,
                      Index channel, const Clamp& clamp) {
  constexpr int columns = (outputs - 1) * stride + kernel;
  Vec sums[outputs];
  CAMLITE_UNROLL
  for (int t = 0; t < outputs; ++t) sums[t] = load(c.bias + channel);
  const float* weights = tile.weights + channel;
  const Index group = grouped ? c.group_channels : 1;
  const Bits lanes = grouped ? first_of_group(group) : Bits{};
  for (Index i = 0; i < tile.rows * group; ++i, weights += kernel * weight_row) {
    const float* in = tile.in + i / group * c.in_row + channel;
    Vec taps[kernel];
    CAMLITE_UNROLL
    for (int j = 0; j < kernel; ++j) taps[j] = load(weights + j * weight_row);
    CAMLITE_UNROLL
    for (int column = 0; column < columns; ++column) {
      if (edge && (column < tile.first || column >= tile.last)) continue;
      Vec x = load(in + column * c.in_stride);
      if (grouped) x = among_four(x, lanes + static_cast<unsigned>(i % group));
      CAMLITE_UNROLL
      for (int j = 0; j < kernel; ++j) {
        const int t = (column - j) / stride;
        if (column >= j && (column - j) % stride == 0 && t < outputs)
          sums[t] = multiply_add(taps[j], x, sums[t]);
      }
    }
  }
  CAMLITE_UNROLL
  for (int t = 0; t < outputs; ++t)
    store(tile.out + t * c.out_stride + channel, clamped(sums[t], clamp));
}

template <int kernel, int stride, bool grouped, int outputs, bool edge>
void depthwise_tile(const Convolution& c, const DepthwiseTile& tile, Index first, Index last) {
  const Index weight_row = (c.out_channels + width - 1) / width * width;
  const Clamp clamp = clamp_of(c);
  for (Index channel = first; channel < last; channel += width) {
    // The last vector may compute again what the one before has.
    depthwise_vector<kernel, stride, grouped, outputs, edge>(
        c, tile, weight_row, std::min(channel, last - width), clamp);
  }
}

// The maps that networks for 224x224 pictures have are multiples of seven wide; and the sums, the
// taps of a row and a pixel just fit into sixteen registers.
inline constexpr int depthwise_outputs = 7;

// depthwise_tile for n <= outputs outputs.
template <int kernel, int stride, bool grouped, int outputs = depthwise_outputs>
void depthwise_tile_of(Index n, const Convolution& c, const DepthwiseTile& tile, Index first,
                       Index last) {
  if constexpr (outputs > 1) {
    if (n < outputs) {
      depthwise_tile_of<kernel, stride, grouped, outputs - 1>(n, c, tile, first, last);
      return;
    }
  }
  constexpr Index columns = (outputs - 1) * stride + kernel;
  if (outputs == depthwise_outputs && tile.first <= 0 && tile.last >= columns) {
    depthwise_tile<kernel, stride, grouped, outputs, false>(c, tile, first, last);
  } else {
    depthwise_tile<kernel, stride, grouped, outputs, true>(c, tile, first, last);
  }
}

// One output with any kernel, the channels from `first` on.
inline void depthwise_any(const Convolution& c, const DepthwiseTile& tile, Index first,
                          Index last) {
  const Index weight_row = (c.out_channels + width - 1) / width * width;
  const Index step = c.dilation_x * c.in_stride;
  const Index outside = tile.first > 0 ? (tile.first + c.dilation_x - 1) / c.dilation_x : 0;
  const Index end = std::min((tile.last + c.dilation_x - 1) / c.dilation_x, c.kernel_width);
  const Clamp clamp = clamp_of(c);
  const Index group = c.group_channels;
  const Bits lanes = first_of_group(group);
  for (Index channel = first; channel < last; channel += width) {
    Vec sum = load(c.bias + channel);
    for (Index i = 0; i < tile.rows * group; ++i) {
      for (Index j = outside; j < end; ++j) {
        const float* x = tile.in + i / group * c.dilation_y * c.in_row + j * step + channel;
        const float* tap = tile.weights + (i * c.kernel_width + j) * weight_row + channel;
        Vec value = load_up_to(x, last - channel);
        if (group > 1) value = among_four(value, lanes + static_cast<unsigned>(i % group));
        sum = multiply_add(load(tap), value, sum);
      }
    }
    store_up_to(tile.out + channel, clamped(sum, clamp), last - channel);
  }
}

// Row y of a picture's output, the channels [first, last).
inline void depthwise(const Convolution& c, Index picture, Index y, Index first, Index last) {
  using Tile = void (*)(Index, const Convolution&, const DepthwiseTile&, Index, Index);
  constexpr Tile alone_3[2] = {depthwise_tile_of<3, 1, false>, depthwise_tile_of<3, 2, false>};
  constexpr Tile alone_5[2] = {depthwise_tile_of<5, 1, false>, depthwise_tile_of<5, 2, false>};
  constexpr Tile grouped_3[2] = {depthwise_tile_of<3, 1, true>, depthwise_tile_of<3, 2, true>};
  const bool alone = c.group_channels == 1;
  const Tile* tile_of = c.kernel_width == 3            ? (alone ? alone_3 : grouped_3)
                        : c.kernel_width == 5 && alone ? alone_5
                                                       : nullptr;
  const bool common =
      tile_of && c.stride_x <= 2 && c.dilation_x == 1 && c.dilation_y == 1 && last - first >= width;
  Index x = 0;
  const Index most = common ? depthwise_outputs : 1;
  for (Index tiles = (c.out_width + most - 1) / most; tiles > 0; --tiles) {
    const Index n = (c.out_width - x) / tiles;  // tiles of nearly the same width
    const DepthwiseTile tile = depthwise_tile_at(c, picture, y, x);
    if (common) {
      tile_of[c.stride_x - 1](n, c, tile, first, last);
    } else {
      depthwise_any(c, tile, first, last);
    }
    activate(c, tile.out + first, n, last - first);
    x += n;
  }
}
