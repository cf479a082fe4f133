// The hidden states and traces that the backward pass reads: all of them, or those of one stretch of steps,
// which is run forward again from a checkpoint.
// Included by isa_unit.cpp alone.

// Where the hidden states and traces of the samples of a tile lie.
template <typename T>
struct History {
  const T* states;    // those of row r at step t are at states + (r * row_steps + t - first) * H
  const T* traces;    // in the same order, each of trace_size
  int64_t row_steps;  // steps of a row
  int64_t first;      // the first step that is there
  const T* before;    // the state of row r before step `first` is at before + r * before_stride
  int64_t before_stride;

  __attribute__((always_inline)) const T* at(int64_t r, int64_t t, int64_t H) const {
    return states + (r * row_steps + t - first) * H;
  }
  __attribute__((always_inline)) const T* trace(int64_t r, int64_t t, int64_t width) const {
    return traces + (r * row_steps + t - first) * width;
  }
};

// Finds the states before the stretch that begins at step `first`: the checkpoints there, or the initial
// states.
template <typename T>
ELMAN_INLINE void find_before(const BackwardCall<T>& c, int64_t begin, int64_t first, History<T>& history) {
  const Problem<T>& p = c.problem;
  if (first == 0) {
    history.before = p.initial + begin * p.initial_stride;
    history.before_stride = p.initial_stride;
  } else {
    const int64_t n_kept = n_checkpoints(p.n_timesteps, c.recompute_every);
    history.before = c.checkpoints + (begin * n_kept + first / c.recompute_every - 1) * p.state_size();
    history.before_stride = n_kept * p.state_size();
  }
}

// Runs the steps [first, first + recompute_every) of the tile forward again, into `stretch`. The products
// are the same in the same order as the first time, so that the bits are the same.
template <typename T, typename C, bool kCoded>
static void run_again(const BackwardCall<T>& c, int64_t begin, int64_t n, int64_t first, T* states,
                      T* stretch, History<T>& history) {
  const Problem<T>& p = c.problem;
  const int64_t H = p.hidden_size, every = c.recompute_every;
  const int64_t padded = padded_columns<T>(H), stride = state_stride<T>(C::kStates * padded);
  T* traces = stretch + c.tile_rows * every * H;
  history = {stretch, traces, every, first, nullptr, 0};
  find_before(c, begin, first, history);
  T* previous = states;
  T* current = states + c.tile_rows * stride;
  T* seen = p.h_mask ? states + 2 * c.tile_rows * stride : nullptr;
  T* next_seen = seen ? seen + c.tile_rows * seen_stride(p) : nullptr;
  T* sums = states + c.tile_rows * 2 * (stride + (seen ? seen_stride(p) : 0));
  const int64_t trace_size = p.trace_size();
  int64_t live = n;
  while (live > 0 && length_of(p, begin + live - 1) <= first) --live;
  for (int64_t r = 0; r < live; ++r) {
    copy_state<T>(C::kStates, H, history.before + r * history.before_stride, H, previous + r * stride,
                  padded);
  }
  mask_states(p, begin, live, stride, TileState<T>{previous, seen});
  for (int64_t t = first; t < first + every; ++t) {
    while (live > 0 && length_of(p, begin + live - 1) <= t) --live;
    if (live == 0) break;
    const TileState<T> from{previous, seen}, to{current, next_seen};
    forward_step<T, C, kCoded>(p, c.packed_forward, begin, t, live, from, to, sums, [=](int64_t r) {
      const int64_t at = r * every + t - first;
      return Sink<T>{stretch + at * H, nullptr, nullptr, trace_size ? traces + at * trace_size : nullptr};
    });
    T* swap = previous;
    previous = current;
    current = swap;
    swap = seen;
    seen = next_seen;
    next_seen = swap;
  }
}
