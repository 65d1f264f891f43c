// The product that fast convolutions end in: a few rows of the input times a panel of weights.
//
// A panel is 2 * width columns of the weight matrix, stored one row of it after the other. A tile
// of up to tile_rows x panel sums stays in registers while the depth runs: each step loads two
// vectors of weights and multiplies them by one number of each row. That is the inner kernel of
// Goto, van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008; the rows are not
// packed, since here they lie in a near cache already.

inline constexpr Index panel = 2 * width;

// sums(i, j) = sum over s < segment_count, k < depth of
//              a[i * a_stride + segments[s] + k] * b[(s * depth + k) * panel + j]
//
// for rows i and columns j < panel; what becomes of it at c[i * c_stride + j], Ending says.
struct Product {
  const float* a;
  Index a_stride;
  const Index* segments;
  Index segment_count;
  Index depth;
  const float* b;
  float* c;
  Index c_stride;
};

enum class Ending {
  store,
  add,     // to what is there: sums of a hundred terms, added up, round less than one of them all
  finish,  // as Finish says
};

// The result of a layer: the bias added, clamped, and only so many of the panel's columns stored.
struct Finish {
  Clamp clamp;
  const float* bias;
  Index columns;
};

inline void store_finished(float* c, Vec low, Vec high, const Finish& finish) {
  low = clamped(low, finish.clamp);
  high = clamped(high, finish.clamp);
  if (finish.columns >= panel) {
    store(c, low);
    store(c + width, high);
  } else if (finish.columns > width) {
    store(c, low);
    store_first(c + width, high, finish.columns - width);
  } else {
    store_first(c, low, finish.columns);
  }
}

template <int rows, Ending ending>
void product_tile(const Product& p, const Finish& finish) {
  Vec sums[rows][2];
  CAMLITE_UNROLL
  for (int i = 0; i < rows; ++i) {
    sums[i][0] = ending == Ending::finish ? load(finish.bias) : splat(0);
    sums[i][1] = ending == Ending::finish ? load(finish.bias + width) : splat(0);
  }
  if constexpr (ending == Ending::finish) {  // where the next tile is stored: the output of a large
                                             // map is in no
                                             // cache
    CAMLITE_UNROLL
    for (int i = 0; i < rows; ++i) {
      __builtin_prefetch(p.c + (i + rows) * p.c_stride, 0, 2);
      __builtin_prefetch(p.c + (i + rows) * p.c_stride + width, 0, 2);
    }
  }
  const float* b = p.b;
  for (Index s = 0; s < p.segment_count; ++s) {
    const float* a = p.a + p.segments[s];
    for (Index k = 0; k < p.depth; ++k, b += panel) {
      if (k % 16 == 0) {  // the next tile's rows, a line each: 3 % faster where they come from L3
        CAMLITE_UNROLL
        for (int i = 0; i < rows; ++i) __builtin_prefetch(a + (i + rows) * p.a_stride + k);
      }
      const Vec low = load(b), high = load(b + width);
      CAMLITE_UNROLL
      for (int i = 0; i < rows; ++i) {
        const Vec x = splat(a[i * p.a_stride + k]);
        sums[i][0] = multiply_add(x, low, sums[i][0]);
        sums[i][1] = multiply_add(x, high, sums[i][1]);
      }
    }
  }
  CAMLITE_UNROLL
  for (int i = 0; i < rows; ++i) {
    float* c = p.c + i * p.c_stride;
    if constexpr (ending == Ending::finish) {
      store_finished(c, sums[i][0], sums[i][1], finish);
    } else if constexpr (ending == Ending::add) {
      store(c, load(c) + sums[i][0]);
      store(c + width, load(c + width) + sums[i][1]);
    } else {
      store(c, sums[i][0]);
      store(c + width, sums[i][1]);
    }
  }
}

// product_tile for n <= rows rows.
template <Ending ending, int rows = tile_rows>
void product_tile_of(Index n, const Product& p, const Finish& finish) {
  if constexpr (rows > 1) {
    if (n < rows) {
      product_tile_of<ending, rows - 1>(n, p, finish);
      return;
    }
  }
  product_tile<rows, ending>(p, finish);
}

// product_tile for any number of rows, in tiles of nearly the same height.
template <Ending ending>
void product(Index rows, Product p, const Finish& finish) {
  for (Index tiles = (rows + tile_rows - 1) / tile_rows; tiles > 0; --tiles) {
    const Index n = rows / tiles;
    product_tile_of<ending>(n, p, finish);
    rows -= n;
    p.a += n * p.a_stride;
    p.c += n * p.c_stride;
  }
}
