// The states of a tile of samples between two time steps, and where they lie in the workspace of the tile.
// Included by isa_unit.cpp alone.

// Elements in a cache line.
template <typename T>
constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));

// The distance between the rows of two samples. Rows are padded to whole vectors and to an odd number of
// cache lines, so that the rows of a tile do not fall into the same cache set.
template <typename T>
ELMAN_INLINE int64_t state_stride(int64_t hidden_size) {
  const int64_t lines = (padded_columns<T>(hidden_size) + kLine<T> - 1) / kLine<T>;
  return (lines | 1) * kLine<T>;
}

template <typename T>
ELMAN_INLINE int64_t length_of(const Problem<T>& p, int64_t sample) {
  return p.lengths ? p.lengths[sample] : p.n_timesteps;
}

// The codes at step t of the tile that begins at sample `begin`, if the call has codes.
template <bool kCoded, typename T>
ELMAN_INLINE auto codes_at(const Problem<T>& p, int64_t begin, int64_t t) {
  if constexpr (kCoded) {
    const int64_t K = p.n_codes, H = p.hidden_size;
    return Coded<T>{
        p.codes + (begin * p.n_timesteps + t) * K, p.n_timesteps * K, K, p.table, p.shape().gates * H, H, H};
  } else {
    return Uncoded{};
  }
}

// The size of a state as the time loop keeps it: blocks of padded columns, of which the hidden state is the
// first.
template <typename T>
ELMAN_INLINE int64_t padded_state(const Problem<T>& p) {
  return p.shape().states * padded_columns<T>(p.hidden_size);
}

// The distance between the rows of masked hidden states, which the product with W_h reads.
template <typename T>
ELMAN_INLINE int64_t seen_stride(const Problem<T>& p) {
  return state_stride<T>(padded_columns<T>(p.hidden_size));
}

// The distance between the rows of sums that are kept until their mean and variance are known; 0 without
// layer_norm.
template <typename T>
ELMAN_INLINE int64_t sums_stride(const Problem<T>& p) {
  return p.layer_norm ? state_stride<T>(p.shape().biases * padded_columns<T>(p.hidden_size)) : 0;
}

// The states of a tile at one step, in rows that are state_stride apart; and its masked hidden states, or
// null.
template <typename T>
struct TileState {
  T* state;
  T* seen;
};

// Copies a state of `states` blocks of H. The blocks are `from_step` apart in `from` and `to_step` apart in
// `to`.
template <typename T>
ELMAN_INLINE void copy_state(int64_t states, int64_t H, const T* from, int64_t from_step, T* to,
                             int64_t to_step) {
  for (int64_t s = 0; s < states; ++s) {
    for (int64_t j = 0; j < H; ++j) to[s * to_step + j] = from[s * from_step + j];
  }
}

// Computes seen = h * mask for n rows of the tile that begins at sample `begin`.
template <typename T>
ELMAN_INLINE void mask_states(const Problem<T>& p, int64_t begin, int64_t n, int64_t stride,
                              const TileState<T>& s) {
  if (!s.seen) return;
  const int64_t H = p.hidden_size, padded = padded_columns<T>(H), to = seen_stride(p);
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t j = 0; j < padded; ++j) {
      s.seen[r * to + j] = j < H ? s.state[r * stride + j] * p.h_mask[(begin + r) * H + j] : T(0);
    }
  }
}
