// Winograd's minimal filtering for 3x3 kernels: m x m outputs from n x n inputs, n = m + 2, with
// n * n multiplications instead of 9 * m * m. In one dimension
//
//   Y = A^T [(G g) * (B^T d)]                       (* element by element)
//
// g: 3 weights, d: n inputs, Y: m outputs; B, G and A are what Lagrange's interpolation at n - 1
// points and infinity gives. In two dimensions each is applied to columns and then to rows. The sum
// over input channels is taken between the brackets, so that for each of the n * n positions there
// is one ordinary matrix product (tiles, C) * (C, K); that is where the time goes.
//
// Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. The points decide
// how much is lost to rounding (Barabasz, Anderson, Soodhalter, Gregg, "Error Analysis and
// Improving the Accuracy of Winograd Convolution for Deep Neural Networks", ACM TOMS 2020): 0, 1,
// -1 for F(2,3); 0, a, -a, b, -b for F(4,3), see there; 0, 1, -1, 2, -2, 1/2, -1/2 for F(6,3).

template <int m>
struct Transform;

template <>
struct Transform<2> {
  static constexpr Index n = 4;
  static void input(const Vec* d, Vec* v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }
  static void weight(const Vec* g, Vec* u) {
    const Vec sum = splat(0.5F) * (g[0] + g[2]), half = splat(0.5F) * g[1];
    u[0] = g[0];
    u[1] = sum + half;
    u[2] = sum - half;
    u[3] = g[2];
  }
  static void output(const Vec* s, Vec* y) {
    y[0] = s[0] + s[1] + s[2];
    y[1] = s[1] - s[2] - s[3];
  }
};

// With a = sqrt(1/2) and b = sqrt(2), a * b = 1 and a * a + b * b = 5/2. The points 1, -1, 2, -2
// that are usual for it round two to three times as much, at the same cost.
template <>
struct Transform<4> {
  static constexpr Index n = 6;
  static constexpr float a = 0.70710678118654752F, b = 1.41421356237309505F;
  static void input(const Vec* d, Vec* v) {
    v[0] = multiply_add(splat(-2.5F), d[2], d[0] + d[4]);
    const Vec even_a = multiply_add(splat(-2), d[2], d[4]);
    const Vec odd_a = multiply_add(splat(-2), d[1], d[3]);
    v[1] = multiply_add(splat(a), odd_a, even_a);
    v[2] = multiply_add(splat(-a), odd_a, even_a);
    const Vec even_b = multiply_add(splat(-0.5F), d[2], d[4]);
    const Vec odd_b = multiply_add(splat(-0.5F), d[1], d[3]);
    v[3] = multiply_add(splat(b), odd_b, even_b);
    v[4] = multiply_add(splat(-b), odd_b, even_b);
    v[5] = multiply_add(splat(-2.5F), d[3], d[1] + d[5]);
  }
  static void weight(const Vec* g, Vec* u) {
    u[0] = g[0];
    const Vec even_a = multiply_add(splat(-1.0F / 3), g[2], splat(-2.0F / 3) * g[0]);
    u[1] = multiply_add(splat(-a * 2 / 3), g[1], even_a);
    u[2] = multiply_add(splat(a * 2 / 3), g[1], even_a);
    const Vec even_b = multiply_add(splat(1.0F / 3), g[2], splat(1.0F / 6) * g[0]);
    u[3] = multiply_add(splat(b / 6), g[1], even_b);
    u[4] = multiply_add(splat(-b / 6), g[1], even_b);
    u[5] = g[2];
  }
  static void output(const Vec* s, Vec* y) {
    const Vec even_a = s[1] + s[2], odd_a = s[1] - s[2];
    const Vec even_b = s[3] + s[4], odd_b = s[3] - s[4];
    y[0] = s[0] + even_a + even_b;
    y[1] = multiply_add(splat(a), odd_a, splat(b) * odd_b);
    y[2] = multiply_add(splat(0.5F), even_a, splat(2) * even_b);
    y[3] = multiply_add(splat(a / 2), odd_a, multiply_add(splat(2 * b), odd_b, s[5]));
  }
};

template <>
struct Transform<6> {
  static constexpr Index n = 8;
  static void input(const Vec* d, Vec* v) {
    v[0] = multiply_add(splat(5.25F), d[4] - d[2], d[0] - d[6]);
    v[7] = multiply_add(splat(5.25F), d[3] - d[5], d[7] - d[1]);
    const Vec a = multiply_add(splat(-4.25F), d[4], d[2] + d[6]);
    const Vec b = multiply_add(splat(-4.25F), d[3], d[1] + d[5]);
    v[1] = a + b;
    v[2] = a - b;
    const Vec c = multiply_add(splat(0.25F), d[2], multiply_add(splat(-1.25F), d[4], d[6]));
    const Vec e = multiply_add(splat(0.25F), d[1], multiply_add(splat(-1.25F), d[3], d[5]));
    v[3] = multiply_add(splat(2), e, c);
    v[4] = multiply_add(splat(-2), e, c);
    const Vec f = multiply_add(splat(4), d[2], multiply_add(splat(-5), d[4], d[6]));
    const Vec h = multiply_add(splat(4), d[1], multiply_add(splat(-5), d[3], d[5]));
    v[5] = multiply_add(splat(0.5F), h, f);
    v[6] = multiply_add(splat(-0.5F), h, f);
  }
  static void weight(const Vec* g, Vec* u) {
    const Vec ninths = splat(-2.0F / 9), sum = ninths * (g[0] + g[2]);
    u[0] = g[0];
    u[1] = multiply_add(ninths, g[1], sum);
    u[2] = multiply_add(splat(2.0F / 9), g[1], sum);
    const Vec up = multiply_add(splat(1.0F / 90), g[0], splat(4.0F / 90) * g[2]);
    u[3] = multiply_add(splat(2.0F / 90), g[1], up);
    u[4] = multiply_add(splat(-2.0F / 90), g[1], up);
    const Vec down = multiply_add(splat(32.0F / 45), g[0], splat(8.0F / 45) * g[2]);
    u[5] = multiply_add(splat(16.0F / 45), g[1], down);
    u[6] = multiply_add(splat(-16.0F / 45), g[1], down);
    u[7] = g[2];
  }
  static void output(const Vec* s, Vec* y) {
    const Vec a = s[1] + s[2], b = s[1] - s[2];
    const Vec c = s[3] + s[4], d = s[3] - s[4];
    const Vec e = s[5] + s[6], f = s[5] - s[6];
    y[0] = s[0] + a + c + e;
    y[1] = multiply_add(splat(2), d, multiply_add(splat(0.5F), f, b));
    y[2] = multiply_add(splat(4), c, multiply_add(splat(0.25F), e, a));
    y[3] = multiply_add(splat(8), d, multiply_add(splat(0.125F), f, b));
    y[4] = multiply_add(splat(16), c, multiply_add(splat(1.0F / 16), e, a));
    y[5] = multiply_add(splat(32), d, multiply_add(splat(1.0F / 32), f, b)) + s[7];
  }
};

// The four phases of a layer. Tiles are numbered through all pictures of the batch, row by row.
//
// The prefetches below are worth a fifth of a layer's time on large maps: neither the next tile's
// pixels nor the weights of many channels are what a processor's own prefetching guesses.
template <int m>
struct Winograd {
  static constexpr Index n = Transform<m>::n;

  // v = B^T d B: position p of tile first + t goes to v[p * plane + t * row], in_channels long.
  static void input(const Convolution& c, Index first, Index count, float* v, Index row,
                    Index plane) {
    const Index columns = (c.out_width + m - 1) / m, rows = (c.out_height + m - 1) / m;
    for (Index t = first; t < first + count; ++t, v += row) {
      const float* picture = c.in + t / (rows * columns) * c.in_picture;
      const Index top = t / columns % rows * m - c.top, left = t % columns * m - c.left;
      const float* pixels[n][n];
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
          const Index y = top + i, x = left + j;
          const bool inside = y >= 0 && y < c.height && x >= 0 && x < c.width;
          pixels[i][j] = inside ? picture + y * c.in_row + x * c.in_stride : c.zeros;
        }
      }
      const Index next = m * c.in_stride;
      Index k = 0;
      for (; k + width <= c.in_channels; k += width)
        input_vector<false>(pixels, k, 0, v + k, plane, next);
      if (k < c.in_channels) input_vector<true>(pixels, k, c.in_channels - k, v + k, plane, next);
    }
  }

  // u = G g G^T of one panel: taps (channels, 9, panel) to u[p * plane], (channels, panel) each.
  static void weights(const float* taps, Index channels, float* u, Index plane) {
    constexpr Index ahead = Index{72} * panel;  // eight channels
    for (Index i = 0; i < 2 * channels; ++i) {
      const float* g = taps + i / 2 * 9 * panel + i % 2 * width;
      CAMLITE_UNROLL
      for (int j = 0; j < 9; ++j) __builtin_prefetch(taps + (i * 9 + j) * width + ahead, 0, 2);
      Vec half[n][3];
      CAMLITE_UNROLL
      for (int j = 0; j < 3; ++j) {
        const Vec column[3] = {load(g + j * panel), load(g + (3 + j) * panel),
                               load(g + (6 + j) * panel)};
        Vec transformed[n];
        Transform<m>::weight(column, transformed);
        CAMLITE_UNROLL
        for (int k = 0; k < n; ++k) half[k][j] = transformed[k];
      }
      CAMLITE_UNROLL
      for (int k = 0; k < n; ++k) {
        Vec transformed[n];
        Transform<m>::weight(half[k], transformed);
        CAMLITE_UNROLL
        for (int j = 0; j < n; ++j) store(u + (k * n + j) * plane + i * width, transformed[j]);
      }
    }
  }

  // s = v * u, or s += v * u if not `fresh`, at each of the n * n positions: (count, channels) *
  // (channels, panel). Meanwhile `next`, what will be read after this, is fetched: weights come
  // from memory while the products keep the processor busy, and not in a burst before them.
  static void products(const float* v, Index row, Index v_plane, const float* u, Index u_plane,
                       Index count, Index channels, bool fresh, float* s, Index s_plane,
                       const float* next, Index next_size) {
    const Index whole = 0;
    const Finish unused{{splat(0), splat(0)}, nullptr, 0};
    const Index share = (next_size + n * n - 1) / (n * n);
    for (Index p = 0; p < n * n; ++p) {
      for (Index k = p * share; k < (p + 1) * share; k += 16) __builtin_prefetch(next + k, 0, 2);
      const Product product_p{v + p * v_plane, row,  &whole, 1, channels, u + p * u_plane,
                              s + p * s_plane, panel};
      if (fresh) {
        product<Ending::store>(count, product_p, unused);
      } else {
        product<Ending::add>(count, product_p, unused);
      }
    }
  }

  // out = A^T s A + bias for the output channels from first_channel on, a panel of them.
  static void output(const Convolution& c, Index first, Index count, Index first_channel,
                     const float* s, Index plane) {
    const Index columns = (c.out_width + m - 1) / m, rows = (c.out_height + m - 1) / m;
    const Index step = c.pooled ? 2 : 1;
    const Index out_height = c.out_height / step, out_width = c.out_width / step;
    const Clamp clamp = clamp_of(c);
    for (Index t = first; t < first + count; ++t, s += panel) {
      const Index top = t / columns % rows * m / step, left = t % columns * m / step;
      Target target{
          c.out + ((t / (rows * columns) * out_height + top) * out_width + left) * c.out_stride,
          out_width * c.out_stride,
          c.out_stride,
          std::min<Index>(m / step, out_height - top),
          std::min<Index>(m / step, out_width - left),
          m / step * c.out_stride,
          0};
      for (Index half = 0; half < panel; half += width) {
        const Index channel = first_channel + half;
        if (channel >= c.out_channels) break;
        Target part = target;
        part.first += channel;
        part.channels = c.out_channels - channel;
        const Vec bias = load(c.bias + channel);
        if (c.pooled) {
          output_vector<true>(s + half, plane, bias, clamp, part);
        } else {
          output_vector<false>(s + half, plane, bias, clamp, part);
        }
      }
      for (Index y = 0; y < target.height; ++y) {
        activate(c, target.first + y * target.row + first_channel, target.width,
                 std::min(panel, c.out_channels - first_channel));
      }
    }
  }

 private:
  static constexpr Index vector_width = width;

  // The outputs of a tile that are inside the map.
  struct Target {
    float* first;
    Index row;
    Index pixel;
    Index height;
    Index width;
    Index ahead;     // to the next tile
    Index channels;  // stored of a vector: at most so many

    void put(Index y, Index x, Vec value) const {
      if (y >= height || x >= width) return;
      float* p = first + y * row + x * pixel;
      __builtin_prefetch(p + ahead, 0, 2);
      if (channels >= vector_width) {
        store(p, value);
      } else {
        store_first(p, value, channels);
      }
    }
  };

  template <bool partial>
  static void input_vector(const float* const (&pixels)[n][n], Index channel, Index channels,
                           float* v, Index plane, Index next) {
    Vec half[n][n];
    CAMLITE_UNROLL
    for (int j = 0; j < n; ++j) {
      Vec d[n], transformed[n];
      CAMLITE_UNROLL
      for (int i = 0; i < n; ++i) {
        const float* pixel = pixels[i][j] + channel;
        if (j >= n - m) __builtin_prefetch(pixel + next, 0, 2);
        d[i] = partial ? load_first(pixel, channels) : load(pixel);
      }
      Transform<m>::input(d, transformed);
      CAMLITE_UNROLL
      for (int i = 0; i < n; ++i) half[i][j] = transformed[i];
    }
    CAMLITE_UNROLL
    for (int i = 0; i < n; ++i) {
      Vec transformed[n];
      Transform<m>::input(half[i], transformed);
      CAMLITE_UNROLL
      for (int j = 0; j < n; ++j) store(v + (i * n + j) * plane, transformed[j]);
    }
  }

  template <bool pooled>
  static void output_vector(const float* s, Index plane, Vec bias, const Clamp& clamp,
                            const Target& target) {
    Vec half[m][n];
    CAMLITE_UNROLL
    for (int j = 0; j < n; ++j) {
      Vec sums[n], transformed[m];
      CAMLITE_UNROLL
      for (int i = 0; i < n; ++i) sums[i] = load(s + (i * n + j) * plane);
      Transform<m>::output(sums, transformed);
      CAMLITE_UNROLL
      for (int i = 0; i < m; ++i) half[i][j] = transformed[i];
    }
    // The largest of four sums, then bias and activation: neither changes which is the largest.
    CAMLITE_UNROLL
    for (int i = 0; i < m; i += pooled ? 2 : 1) {
      Vec y[m], below[m];
      Transform<m>::output(half[i], y);
      if (pooled) Transform<m>::output(half[i + pooled], below);
      CAMLITE_UNROLL
      for (int j = 0; j < m; j += pooled ? 2 : 1) {
        if (pooled) {
          const Vec largest =
              max_or_nan(max_or_nan(y[j], y[j + pooled]), max_or_nan(below[j], below[j + pooled]));
          target.put(i / 2, j / 2, clamped(largest + bias, clamp));
        } else {
          target.put(i, j, clamped(y[j] + bias, clamp));
        }
      }
    }
  }
};
