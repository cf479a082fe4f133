// The mean and the largest of the states of a sample, computed while the steps run; and their gradients.
// Included by isa_unit.cpp alone.

// The distance between the rows of sums over the steps of a sample, of which means are made. The sums are
// doubles, because a sum in float32 stops growing after 2^24 equal steps.
template <typename T>
ELMAN_INLINE int64_t totals_stride(const Problem<T>& p) {
  return state_stride<double>(padded_columns<T>(p.hidden_size));
}

// Adds the hidden states of two steps of n rows to their totals, the earlier one first.
template <typename T>
ELMAN_INLINE void add_two_steps(const Problem<T>& p, int64_t n, int64_t stride, const T* first,
                                const T* second, double* totals) {
  const int64_t padded = padded_columns<T>(p.hidden_size), totals_step = totals_stride(p);
  for (int64_t r = 0; r < n; ++r, first += stride, second += stride, totals += totals_step) {
    for (int64_t j = 0; j < padded; j += kLanes<double>) {
      store(totals + j, load(totals + j) + load_doubles(first + j) + load_doubles(second + j));
    }
  }
}

// Takes h into the largest values of a sample so far, and counts how many steps reached them. NaN stays NaN.
template <typename T>
ELMAN_INLINE void take_largest(T* largest, T* ties, Vec<T> h, int64_t left) {
  const Vec<T> so_far = load_upto(largest, left);
  store_upto(largest, h <= so_far || so_far != so_far ? so_far : h, left);
  if (ties) {
    const Vec<T> one = broadcast(T(1)), n = load_upto(ties, left);
    store_upto(ties, h == so_far ? n + one : h > so_far ? one : n, left);
  }
}

// The shares that each step of a sample gets of the gradients at its pooled values. Each is null if it is not
// pooled.
template <typename T>
struct PoolShares {
  const T* of_mean;     // (H,), of every step
  const T* of_largest;  // (H,), of a step whose state is `largest`
  const T* largest;     // (H,)
};

template <typename T>
ELMAN_INLINE PoolShares<T> pool_shares(const BackwardCall<T>& c, int64_t sample) {
  const int64_t H = c.problem.hidden_size, width = pooled_width(c.pool, H), at = sample * width;
  const int64_t largest_at = at + width - H;
  const bool largest = pools_largest(c.pool);
  return {pools_mean(c.pool) ? c.dpooled + at : nullptr, largest ? c.dpooled + largest_at : nullptr,
          largest ? c.pooled + largest_at : nullptr};
}

// The gradient at a state h with the share of it that comes from the pooled values.
template <typename T>
ELMAN_INLINE Vec<T> with_pool_share(const PoolShares<T>& shares, int64_t column, Vec<T> dh, Vec<T> h,
                                    int64_t left) {
  if (shares.of_mean) dh += load_upto(shares.of_mean + column, left);
  if (shares.largest) {
    dh += h == load_upto(shares.largest + column, left) ? load_upto(shares.of_largest + column, left)
                                                        : Vec<T>{};
  }
  return dh;
}
