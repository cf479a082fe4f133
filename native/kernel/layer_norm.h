// Layer normalisation: the mean and variance of a row of sums, and the gradient through them.
// Included by isa_unit.cpp alone.

template <typename T>
ELMAN_INLINE T horizontal_sum(Vec<T> v) {
  for (int width = kLanes<T> / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] += v[i + width];
  }
  return v[0];
}

// The mean of a row of values, and one over the square root of their variance plus epsilon.
template <typename T>
struct Moments {
  T mean, inverse;
};

// Of n values, which are followed by zeros up to a whole vector.
template <typename T>
ELMAN_INLINE Moments<T> moments(const T* values, int64_t n) {
  Vec<T> sum{}, squares{};
  for (int64_t j = 0; j < n; j += kLanes<T>) sum += load(values + j);
  const T mean = horizontal_sum<T>(sum) / static_cast<T>(n);
  for (int64_t j = 0; j < n; j += kLanes<T>) {
    Vec<T> d = load(values + j) - broadcast(mean);
    if (n - j < kLanes<T>) {
      for (int64_t i = n - j; i < kLanes<T>; ++i) d[i] = T(0);
    }
    squares = fma(d, d, squares);
  }
  const T variance = horizontal_sum<T>(squares) / static_cast<T>(n) + T(kNormEpsilon);
  return {mean, T(1) / square_root(variance)};
}

// Turns one row of deltas at the normalised, scaled and shifted sums into deltas at the sums themselves: Ba,
// Kiros and Hinton (2016), with the formulas in docs/explanation/equations.md. The deltas that it gets are added to
// `bias_sums` and, times the normalised sums, to `gain_sums`. The result goes into `deltas`, and by keep(sum,
// column, vector) into the chunk.
template <typename T, typename C, typename Keep>
ELMAN_INLINE void normalised_deltas(const Problem<T>& p, const T* norms, T* deltas, T* bias_sums,
                                    T* gain_sums, Keep keep) {
  const int64_t H = p.hidden_size, padded = padded_columns<T>(H);
  for (int v = 0; v < C::kSums; ++v) {
    const T *normalised = norms + v * H, *gain = p.gain + v * H;
    T* d = deltas + v * padded;
    T *of_bias = bias_sums + v * padded, *of_gain = gain_sums + v * padded;
    Vec<T> sum{}, with_normalised{};
    for (int64_t j = 0; j < H; j += kLanes<T>) {
      const Vec<T> delta = load(d + j), n = load_upto(normalised + j, H - j);
      store(of_bias + j, load(of_bias + j) + delta);
      store(of_gain + j, fma(delta, n, load(of_gain + j)));
      const Vec<T> scaled = delta * load_upto(gain + j, H - j);
      sum += scaled;
      with_normalised = fma(scaled, n, with_normalised);
      store(d + j, scaled);
    }
    const Vec<T> inverse = broadcast(norms[C::kSums * H + v]);
    const Vec<T> mean = broadcast(horizontal_sum<T>(sum) / static_cast<T>(H));
    const Vec<T> slope = broadcast(horizontal_sum<T>(with_normalised) / static_cast<T>(H));
    for (int64_t j = 0; j < H; j += kLanes<T>) {
      const Vec<T> n = load_upto(normalised + j, H - j);
      const Vec<T> delta = inverse * (load(d + j) - fma(n, slope, mean));
      store(d + j, delta);
      keep(v, j, delta);
    }
  }
}
