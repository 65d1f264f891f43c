// Functions of each number by itself: activations, and sums, products, ... of several tensors.

// As many of the first n floats as a vector has; a whole one needs no mask.
inline Vec load_up_to(const float* p, Index n) {
  return n >= width ? load(p) : load_first(p, n);
}
inline void store_up_to(float* p, Vec v, Index n) {
  if (n >= width) {
    store(p, v);
  } else {
    store_first(p, v, n);
  }
}

// NaN stays NaN.
struct Clamp {
  Vec least;
  Vec most;
};

inline Vec clamped(Vec x, const Clamp& clamp) {
  return min(clamp.most, max(clamp.least, x));
}

// exp(x), off by less than one unit in the last place, so that sigmoid and silu are by no more than
// two and a half: infinity above 88.8, 0 below -104, NaN of NaN.
//
// x = n * log(2) + r with |r| <= log(2) / 2, and exp(r) = 1 + r + r^2 * q(r). q has degree 4 and
// the least relative error of exp(r), 3e-9. 2^n is put together from its bits, in two factors,
// since n reaches from -150 to 128.
inline Vec exponential(Vec x) {
  x = min(splat(89), max(splat(-104), x));
  // Added to it, a number is rounded to an integer, which stands in the lowest bits. (Taking it
  // away again would do for n, but not where a caller compiles with -ffast-math.)
  const Vec rounder = splat(12582912);  // 1.5 * 2^23
  const Vec shifted = multiply_add(x, splat(1.44269504F), rounder);
  const Bits whole = (Bits)shifted - (Bits)rounder;
  typedef int Integers __attribute__((vector_size(sizeof(Vec))));
  const Vec n = __builtin_convertvector((Integers)whole, Vec);
  // log(2) in two parts, the first of which has so few digits that its product with n is exact.
  const Vec r = multiply_add(n, splat(2.12194440e-4F), multiply_add(n, splat(-0.693359375F), x));
  Vec q = splat(1.3814540e-3F);
  q = multiply_add(q, r, splat(8.3687454e-3F));
  q = multiply_add(q, r, splat(4.1668389e-2F));
  q = multiply_add(q, r, splat(1.6666521e-1F));
  q = multiply_add(q, r, splat(0.49999994F));
  const Vec power = multiply_add(q * r, r, r) + splat(1);
  const Bits twice = whole + 256;  // which is positive
  const Bits half = twice >> 1;
  return power * (Vec)((half - 1) << 23) * (Vec)((twice - half - 1) << 23);
}

// Where x < 0, and elsewhere.
inline Vec by_sign(Vec x, Vec negative, Vec other) {
  return x < splat(0) ? negative : other;
}

template <Elementwise::Function function>
Vec value(const Vec* x, Vec alpha, Vec beta) {
  using Function = Elementwise::Function;
  if constexpr (function == Function::affine) return multiply_add(alpha, x[0], beta);
  if constexpr (function == Function::leaky_relu) return by_sign(x[0], x[0] * alpha, x[0]);
  if constexpr (function == Function::hard_swish)
    return x[0] * (min(splat(6), max(splat(0), x[0] + splat(3))) * splat(1.0F / 6));
  if constexpr (function == Function::sigmoid)
    return splat(1) / (splat(1) + exponential(splat(0) - x[0]));
  if constexpr (function == Function::silu) return x[0] / (splat(1) + exponential(splat(0) - x[0]));
  if constexpr (function == Function::add) return x[0] + x[1];
  if constexpr (function == Function::sub) return x[0] - x[1];
  if constexpr (function == Function::mul) return x[0] * x[1];
  if constexpr (function == Function::div) return x[0] / x[1];
  if constexpr (function == Function::maximum) return max_or_nan(x[0], x[1]);
  if constexpr (function == Function::prelu) return by_sign(x[0], x[0] * x[1], x[0]);
  if constexpr (function == Function::multiply_add) return multiply_add(x[0], x[1], x[2]);
  return x[0];
}

// out[i] for i < count.
template <Elementwise::Function function>
void elementwise_run(const Elementwise& what, const float* const* x, Index count, float* out) {
  constexpr int operands = Elementwise::operands(function);
  const Vec alpha = splat(what.alpha), beta = splat(what.beta);
  const Clamp clamp{splat(what.least), splat(what.most)};
  Index i = 0;
  for (; i + width <= count; i += width) {
    Vec values[operands];
    CAMLITE_UNROLL
    for (int k = 0; k < operands; ++k) values[k] = load(x[k] + i);
    store(out + i, clamped(value<function>(values, alpha, beta), clamp));
  }
  if (i < count) {
    Vec values[operands];
    CAMLITE_UNROLL
    for (int k = 0; k < operands; ++k) values[k] = load_first(x[k] + i, count - i);
    store_first(out + i, clamped(value<function>(values, alpha, beta), clamp), count - i);
  }
}

// Rows of `count` numbers; a single number is written out as often as it is needed, a few hundred
// times, so that there is one loop for all kinds of operands.
template <Elementwise::Function function>
void elementwise_rows(const Elementwise& what, const Operand* operands, Index rows, Index count,
                      float* out, Index out_row) {
  constexpr int used = Elementwise::operands(function);
  constexpr Index most = 256;
  float repeated[used][most];
  for (Index row = 0; row < rows; ++row) {
    for (int k = 0; k < used; ++k) {
      if (operands[k].single && (row == 0 || operands[k].row != 0))
        std::fill_n(repeated[k], std::min(count, most), operands[k].data[row * operands[k].row]);
    }
    for (Index first = 0; first < count; first += most) {
      const float* x[used];
      for (int k = 0; k < used; ++k)
        x[k] = operands[k].single ? repeated[k] : operands[k].data + row * operands[k].row + first;
      elementwise_run<function>(what, x, std::min(most, count - first),
                                out + row * out_row + first);
    }
  }
}

using ElementwiseRows = void (*)(const Elementwise& what, const Operand* operands, Index rows,
                                 Index count, float* out, Index out_row);

template <int... function>
constexpr std::array<ElementwiseRows, sizeof...(function)> all_elementwise(
    std::integer_sequence<int, function...>) {
  return {elementwise_rows<Elementwise::Function{function}>...};
}

inline constexpr auto elementwise_table =
    all_elementwise(std::make_integer_sequence<int, Elementwise::functions>());

// out(row, i) = what.function(operands(row, i), ...) for `rows` rows of `count` numbers, `out_row`
// apart. It may be one of the operands, if that lies in the same way.
inline void elementwise(const Elementwise& what, const Operand* operands, Index rows, Index count,
                        float* out, Index out_row) {
  elementwise_table[static_cast<std::size_t>(what.function)](what, operands, rows, count, out,
                                                             out_row);
}

// The activation of a convolution has two halves: what bounds a sum is done in registers, as it is
// stored; what computes with it follows when some of the output is there, and still in L1. So the
// kernels know of clamps alone, and lose nothing to functions that they do not compute.
inline Clamp clamp_of(const Convolution& c) {
  const bool bounds = c.activation.function == Elementwise::Function::identity;
  const Elementwise none;
  return {splat((bounds ? c.activation : none).least), splat((bounds ? c.activation : none).most)};
}

// The second half, for `channels` numbers of each of some neighbouring pixels.
inline void activate(const Convolution& c, float* out, Index pixels, Index channels) {
  if (c.activation.function == Elementwise::Function::identity) return;
  const Operand sums{out, c.out_stride, false};
  elementwise(c.activation, &sums, pixels, channels, out, c.out_stride);
}
