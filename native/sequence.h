// The time loops: a tile of samples forward through all its steps, and back. Included by isa_unit.cpp alone.

// Rows of per-step state are padded to whole vectors and to an odd number of cache lines, so that the rows of
// a tile do not fall into the same cache set.
template <typename T>
ELMAN_INLINE int64_t state_stride(int64_t hidden_size) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  const int64_t lines = (padded_columns<T>(hidden_size) + kLine - 1) / kLine;
  return (lines | 1) * kLine;
}

template <typename T>
ELMAN_INLINE int64_t length_of(const Problem<T>& p, int64_t sample) {
  return p.lengths ? p.lengths[sample] : p.n_timesteps;
}

// ---- forward ----

template <typename T>
static int64_t forward_pack_size(const Problem<T>& p) {
  const int64_t rows = p.n_features + (p.recurrent ? p.hidden_size : 0);
  const CellShape shape = p.shape();
  return (rows * shape.gates + (1 + p.layer_norm) * shape.biases) * padded_columns<T>(p.hidden_size);
}

// Panels of [W_x; W_h], then the biases, padded: for each vector of units one of every sum. With layer_norm then
// the gains, likewise.
template <typename T>
static void pack_forward(const ForwardCall<T>& c) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, rows = D + (p.recurrent ? H : 0);
  const int64_t padded = padded_columns<T>(H);
  with_cell<T>(p.cell, [&](auto cell) {
    using C = decltype(cell);
    T* bias = c.packed + rows * C::kGates * padded;
    if constexpr (C::kSums == 1) {
      pack(p.W_x, H, int64_t{1}, D, H, rows, int64_t{0}, c.packed);
      if (p.recurrent) pack(p.W_h, H, int64_t{1}, H, H, rows, D, c.packed);
    } else {
      T* to = c.packed;
      for (int64_t column = 0; column < H; column += kLanes<T>) {
        const int64_t used = H - column < kLanes<T> ? H - column : kLanes<T>;
        for (int64_t k = 0; k < rows; ++k) {
          const T* row = (k < D ? p.W_x + k * C::kGates * H : p.W_h + (k - D) * C::kGates * H) + column;
          for (int g = 0; g < C::kGates; ++g, to += kLanes<T>) {
            for (int64_t j = 0; j < kLanes<T>; ++j) to[j] = j < used ? row[g * H + j] : T(0);
          }
        }
      }
    }
    const T* const both[] = {p.b, p.gain};
    for (const T* given : both) {
      for (int64_t column = 0; given && column < H; column += kLanes<T>) {
        for (int i = 0; i < C::kSums; ++i, bias += kLanes<T>) {
          for (int64_t j = 0; j < kLanes<T>; ++j) bias[j] = column + j < H ? given[i * H + column + j] : T(0);
        }
      }
    }
  });
}

// A state as the time loop keeps it: blocks of padded columns, the hidden state first.
template <typename T>
ELMAN_INLINE int64_t padded_state(const Problem<T>& p) {
  return p.shape().states * padded_columns<T>(p.hidden_size);
}

// A masked hidden state, as the product with W_h sees it.
template <typename T>
ELMAN_INLINE int64_t seen_stride(const Problem<T>& p) {
  return state_stride<T>(padded_columns<T>(p.hidden_size));
}

// A row of sums that wait for their mean and variance.
template <typename T>
ELMAN_INLINE int64_t sums_stride(const Problem<T>& p) {
  return p.layer_norm ? state_stride<T>(p.shape().biases * padded_columns<T>(p.hidden_size)) : 0;
}

// The states of a tile at one step, rows state_stride apart; and the masked hidden states, or null.
template <typename T>
struct TileState {
  T* state;
  T* seen;
};

// A row of sums over a sample's steps, of which a mean is made: doubles, because a sum of float32 stops growing
// after 2^24 equal steps.
template <typename T>
ELMAN_INLINE int64_t totals_stride(const Problem<T>& p) {
  return state_stride<double>(padded_columns<T>(p.hidden_size));
}

template <typename T>
static int64_t forward_workspace(const Problem<T>& p, int64_t n_rows, Pool pool) {
  constexpr int64_t kPerDouble = static_cast<int64_t>(sizeof(double) / sizeof(T));
  const int64_t totals = pool == Pool::kMean ? totals_stride(p) * kPerDouble : 0;
  const int64_t states = 2 * (state_stride<T>(padded_state(p)) + (p.h_mask ? seen_stride(p) : 0));
  return n_rows * (states + sums_stride(p) + totals);
}

// Copies a state of `states` blocks of H between blocks `from_step` apart and blocks `to_step` apart.
template <typename T>
ELMAN_INLINE void copy_state(int64_t states, int64_t H, const T* from, int64_t from_step, T* to,
                             int64_t to_step) {
  for (int64_t s = 0; s < states; ++s) {
    for (int64_t j = 0; j < H; ++j) to[s * to_step + j] = from[s * from_step + j];
  }
}

// seen = h * mask, of n rows of the tile that begins at sample `begin`, from the states.
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

// Where a sample's new hidden state goes beside the state buffer, and the trace; null where it does not.
template <typename T>
struct Sink {
  T* h;
  T* largest;
  T* ties;
  T* trace;
};

// Takes h into a sample's largest values so far. NaN stays.
template <typename T>
ELMAN_INLINE void take_largest(T* largest, T* ties, Vec<T> h, int64_t left) {
  const Vec<T> so_far = load_upto(largest, left);
  store_upto(largest, h <= so_far || so_far != so_far ? so_far : h, left);
  if (ties) {
    const Vec<T> one = broadcast(T(1)), n = load_upto(ties, left);
    store_upto(ties, h == so_far ? n + one : h > so_far ? one : n, left);
  }
}

template <typename T>
ELMAN_INLINE void pour(const Sink<T>& sink, int64_t column, Vec<T> v, int64_t left) {
  if (sink.h) {
    __builtin_prefetch(sink.h + column + 2 * (column + left), 1);  // two steps on
    store_upto(sink.h + column, v, left);
  }
  if (sink.largest) {
    take_largest<T>(sink.largest + column, sink.ties ? sink.ties + column : nullptr, v, left);
  }
}

// The mean of n values and one over the square root of their variance (and epsilon); what lies past them up to a
// whole vector is zero.
template <typename T>
struct Moments {
  T mean, inverse;
};

template <typename T>
ELMAN_INLINE T horizontal_sum(Vec<T> v) {
  for (int width = kLanes<T> / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] += v[i + width];
  }
  return v[0];
}

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

// h_t of rows [0, live) of the tile that begins at sample `begin`, from `previous` into `current`, and into
// sink(row). `packed` is pack_forward's; `sums` has room for the tile's sums with layer_norm.
template <typename T, typename C, typename SinkOf>
ELMAN_INLINE void forward_step(const Problem<T>& p, const T* packed, int64_t begin, int64_t t, int64_t live,
                               const TileState<T>& from, const TileState<T>& to, T* sums, SinkOf sink_of) {
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps;
  const int64_t padded = padded_columns<T>(H), stride = state_stride<T>(C::kStates * padded);
  const int64_t rows = D + (p.recurrent ? H : 0), trace_size = p.trace_size();
  const T* bias = packed + rows * C::kGates * padded;
  const T* previous = from.state;
  T *current = to.state, *seen = to.seen;
  const int64_t seen_step = seen_stride(p);
  const Operand<T> input{p.X + (begin * n_steps + t) * D, n_steps * D, packed, rows, 0, D};
  const Operand<T> state{seen ? from.seen : previous, seen ? seen_step : stride, packed, rows, D,
                         p.recurrent ? H : 0};
  const T* mask = seen ? p.h_mask + begin * H : nullptr;
  const T* next_input = input.a + 128 / sizeof(T);  // two cache lines on

  // A vector of units of one row, from its sums.
  const auto advance = [=](int64_t row, int64_t column, const Vec<T>* sums_of, const Sink<T>& sink)
                           __attribute__((always_inline)) {
                             const int64_t at = row * stride + column;
                             Vec<T> states[C::kStates], trace[C::kTrace + 1];
                             if constexpr (C::kSums == 1) {
                               states[0] = activate<T>(p.activation, sums_of[0]);
                             } else {
#pragma GCC unroll 4
                               for (int v = 0; v < C::kStates; ++v)
                                 states[v] = load(previous + at + v * padded);
                               C::forward(sums_of, states, trace);
                             }
#pragma GCC unroll 4
                             for (int v = 0; v < C::kStates; ++v) store(current + at + v * padded, states[v]);
                             if (seen) {
                               const Vec<T> share = load_upto(mask + row * H + column, H - column);
                               store(seen + row * seen_step + column, states[0] * share);
                             }
                             pour(sink, column, states[0], H - column);
                             if (C::kTrace && sink.trace) {
#pragma GCC unroll 8
                               for (int v = 0; v < C::kTrace; ++v) {
                                 T* into = sink.trace + v * H + column;
                                 __builtin_prefetch(into + trace_size, 1);
                                 store_upto(into, trace[v], H - column);
                               }
                             }
                           };

  if (p.layer_norm) {
    const int64_t sums_step = sums_stride(p);
    if constexpr (C::kSums == 1) {
      const Operand<T> both[] = {input, state};
      product<T>(nullptr, both, H, 0, live,
                 [=](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                   for (int64_t i = 0; i < m; ++i) {
                     T* into = sums + (row + i) * sums_step + column;
                     for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
                       store(into + j, load(tile));
                     }
                   }
                 });
    } else {
      gate_products<T, C>(nullptr, input, state, H, live,
                          [=](int64_t row, int64_t m, int64_t column, const T* tile) {
                            for (int64_t i = 0; i < m; ++i) {
                              T* into = sums + (row + i) * sums_step + column;
#pragma GCC unroll 4
                              for (int v = 0; v < C::kSums; ++v, tile += kLanes<T>) {
                                store(into + v * padded, load(tile));
                              }
                            }
                          });
    }
    const T* gain = bias + C::kSums * padded;
    for (int64_t row = 0; row < live; ++row) {
      const T* of_row = sums + row * sums_step;
      const Sink<T> sink = sink_of(row);
      T* norms = sink.trace ? sink.trace + C::kTrace * H : nullptr;
      Moments<T> of[C::kSums];
      for (int v = 0; v < C::kSums; ++v) {
        of[v] = moments(of_row + v * padded, H);
        if (norms) norms[C::kSums * H + v] = of[v].inverse;
      }
      for (int64_t column = 0; column < H; column += kLanes<T>) {
        Vec<T> sums_of[C::kSums];
#pragma GCC unroll 4
        for (int v = 0; v < C::kSums; ++v) {
          const Vec<T> a = load(of_row + v * padded + column);
          const Vec<T> normalised = (a - broadcast(of[v].mean)) * broadcast(of[v].inverse);
          if (norms) store_upto(norms + v * H + column, normalised, H - column);
          const int64_t at = column * C::kSums + v * kLanes<T>;
          sums_of[v] = fma(normalised, load(gain + at), load(bias + at));
        }
        advance(row, column, sums_of, sink);
      }
    }
    return;
  }
  if constexpr (C::kSums == 1) {
    const auto take = [=](auto activation, int64_t row, int64_t m, int64_t column, int64_t width,
                          const T* tile) __attribute__((always_inline)) {
      for (int64_t i = 0; i < m; ++i) {
        T* s = current + (row + i) * stride + column;
        if (column == 0) __builtin_prefetch(next_input + (row + i) * n_steps * D);
        const Sink<T> sink = sink_of(row + i);
        if (!sink.h && !sink.largest && !seen) {
          for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
            store(s + j, activate<T>(activation(), load(tile)));
          }
          continue;
        }
        for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
          const Vec<T> v = activate<T>(activation(), load(tile));
          store(s + j, v);
          if (seen) {
            const Vec<T> share = load_upto(mask + (row + i) * H + column + j, H - column - j);
            store(seen + (row + i) * seen_step + column + j, v * share);
          }
          pour(sink, column + j, v, H - column - j);
        }
      }
    };
    const Operand<T> both[] = {input, state};
    product<T>(bias, both, H, 0, live,
               [=](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                 if (p.activation == Activation::kTanh) {
                   take([] { return Activation::kTanh; }, row, m, column, width, tile);
                 } else {
                   take([&] { return p.activation; }, row, m, column, width, tile);
                 }
               });
  } else {
    gate_products<T, C>(bias, input, state, H, live,
                        [=](int64_t row, int64_t m, int64_t column, const T* tile) {
                          for (int64_t i = 0; i < m; ++i, tile += C::kSums * kLanes<T>) {
                            if (column == 0) __builtin_prefetch(next_input + (row + i) * n_steps * D);
                            Vec<T> sums_of[C::kSums];
#pragma GCC unroll 4
                            for (int v = 0; v < C::kSums; ++v) sums_of[v] = load(tile + v * kLanes<T>);
                            advance(row + i, column, sums_of, sink_of(row + i));
                          }
                        });
  }
}

// One sample alone: P panels of V vectors from panel p on, kept in registers from the bias to the activation,
// because here the latency from one state to the next is all that counts. The same chains as a tile's.
template <typename T, int V, int P>
static void single_panels(const Problem<T>& p, const T* bias, const Segment<T>& input,
                          const Segment<T>& state, T* current, const Sink<T>& sink, int64_t column) {
  Vec<T> acc[1][P * V];
#pragma GCC unroll 8
  for (int v = 0; v < P * V; ++v) acc[0][v] = load(bias + column + v * kLanes<T>);
  accumulate<T, 1, V, P>(acc, input);
  accumulate<T, 1, V, P>(acc, state);
#pragma GCC unroll 8
  for (int v = 0; v < P * V; ++v) {
    const int64_t at = column + v * kLanes<T>;
    const Vec<T> h = activate<T>(p.activation, acc[0][v]);
    store(current + at, h);
    pour(sink, at, h, p.hidden_size - at);
  }
}

template <typename T>
ELMAN_INLINE void single_step(const Problem<T>& p, const T* packed, int64_t sample, int64_t t,
                              const T* previous, T* current, const Sink<T>& sink) {
  const int64_t D = p.n_features, H = p.hidden_size, rows = D + (p.recurrent ? H : 0),
                step = rows * kPanel<T>;
  const T* bias = packed + rows * padded_columns<T>(H);
  const int64_t n_full = padded_columns<T>(H) / kPanel<T>;
  for (int64_t q = 0; q < n_panels<T>(H);) {
    const int64_t width = panel_width<T>(q, H);
    const Segment<T> input{p.X + (sample * p.n_timesteps + t) * D, 0, packed + q * step, D, step};
    const Segment<T> state{previous, 0, packed + q * step + D * width, p.recurrent ? H : 0, step};
    if (q + 4 <= n_full) {
      single_panels<T, 2, 4>(p, bias, input, state, current, sink, q * kPanel<T>);
      q += 4;
    } else if (q + 2 <= n_full) {
      single_panels<T, 2, 2>(p, bias, input, state, current, sink, q * kPanel<T>);
      q += 2;
    } else if (q < n_full) {
      single_panels<T, 2, 1>(p, bias, input, state, current, sink, q * kPanel<T>);
      q += 1;
    } else {
      single_panels<T, 1, 1>(p, bias, input, state, current, sink, q * kPanel<T>);
      q += 1;
    }
  }
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

template <typename T, typename C>
static void forward_rows(const ForwardCall<T>& c, int64_t begin, int64_t end, T* workspace) {
  const Problem<T>& p = c.problem;
  const int64_t H = p.hidden_size, n_steps = p.n_timesteps, n = end - begin;
  const int64_t padded = padded_columns<T>(H), stride = state_stride<T>(C::kStates * padded);
  const int64_t n_kept = c.checkpoint_every ? n_checkpoints(n_steps, c.checkpoint_every) : 0;
  T* previous = workspace;
  T* current = workspace + n * stride;
  T* seen = p.h_mask ? workspace + 2 * n * stride : nullptr;
  T* next_seen = seen ? seen + n * seen_stride(p) : nullptr;
  T* sums = workspace + n * 2 * (stride + (seen ? seen_stride(p) : 0));
  const int64_t totals_step = totals_stride(p);
  double* const totals =
      c.pool == Pool::kMean ? reinterpret_cast<double*>(sums + n * sums_stride(p)) : nullptr;
  T* const largest = c.pool == Pool::kMax ? c.pooled + begin * H : nullptr;
  T* const ties = largest && c.ties ? c.ties + begin * H : nullptr;
  const int64_t trace_size = p.trace_size();
  for (int64_t r = 0; r < n; ++r) {
    copy_state<T>(C::kStates, H, p.initial + (begin + r) * p.initial_stride, H, previous + r * stride,
                  padded);
  }

  mask_states(p, begin, n, stride, TileState<T>{previous, seen});

  for (int64_t i = 0; totals && i < n * totals_step; ++i) totals[i] = 0;
  for (int64_t i = 0; largest && i < n * H; ++i) largest[i] = -static_cast<T>(__builtin_inff());
  for (int64_t i = 0; ties && i < n * H; ++i) ties[i] = T(1);

  auto finish = [&](int64_t r) {  // sample begin + r has run its last step: `previous` holds its final state
    T* out = c.final_state + (begin + r) * C::kStates * H;
    copy_state<T>(C::kStates, H, previous + r * stride, padded, out, H);
    if (c.pool != Pool::kNone) {
      T* pooled = c.pooled + (begin + r) * H;
      const int64_t length = length_of(p, begin + r);
      for (int64_t j = 0; j < H; ++j) {
        if (totals) {
          const double last = length % 2 ? static_cast<double>(out[j]) : 0;  // not in a pair of steps
          const double total = totals[r * totals_step + j] + last;
          pooled[j] = static_cast<T>(total) / static_cast<T>(length);
        }
        pooled[j] = length ? pooled[j] + T(0) : out[j];  // + 0: the sign of a zero is not told apart
      }
    }
    if (c.H) {
      const int64_t length = length_of(p, begin + r);
      T* rest = c.H + ((begin + r) * n_steps + length) * H;
      for (int64_t j = 0; j < (n_steps - length) * H; ++j) rest[j] = T(0);
    }
  };

  int64_t live = n;
  for (int64_t t = 0;; ++t) {
    while (live > 0 && length_of(p, begin + live - 1) <= t) finish(--live);
    if (live == 0) break;
    T* H_t = c.H ? c.H + (begin * n_steps + t) * H : nullptr;
    T* trace_t = c.trace ? c.trace + (begin * n_steps + t) * trace_size : nullptr;
    if (C::kSums == 1 && n == 1 && kVectorBytes == 64 && !seen &&
        !p.layer_norm) {  // with 16 registers the compiler spills its sums: slower than a tile
      single_step(p, c.packed, begin, t, previous, current, Sink<T>{H_t, largest, ties, nullptr});
    } else {
      const TileState<T> from{previous, seen}, to{current, next_seen};
      forward_step<T, C>(p, c.packed, begin, t, live, from, to, sums, [=](int64_t r) {
        return Sink<T>{H_t ? H_t + r * n_steps * H : nullptr, largest ? largest + r * H : nullptr,
                       ties ? ties + r * H : nullptr, trace_t ? trace_t + r * n_steps * trace_size : nullptr};
      });
    }
    T* swap = previous;
    previous = current;
    current = swap;
    swap = seen;
    seen = next_seen;
    next_seen = swap;
    if (totals && t % 2) add_two_steps(p, live, stride, current, previous, totals);
    if (n_kept && (t + 1) % c.checkpoint_every == 0 && t + 1 < n_steps) {
      for (int64_t r = 0; r < live; ++r) {
        T* kept = c.checkpoints + ((begin + r) * n_kept + t / c.checkpoint_every) * C::kStates * H;
        copy_state<T>(C::kStates, H, previous + r * stride, padded, kept, H);
      }
    }
  }
}

template <typename T>
static void forward(const ForwardCall<T>& c, int64_t begin, int64_t end, T* workspace) {
  with_cell<T>(c.problem.cell, [&](auto cell) { forward_rows<T, decltype(cell)>(c, begin, end, workspace); });
}

// ---- backward ----

template <typename T>
static int64_t backward_pack_size(const Problem<T>& p) {
  return p.shape().gates * p.hidden_size *
         ((p.recurrent ? padded_columns<T>(p.hidden_size) : 0) + padded_columns<T>(p.n_features));
}

// Panels of W_h^T, then panels of W_x^T; their rows are the gates' columns.
template <typename T>
static void pack_backward(const BackwardCall<T>& c) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, columns = p.shape().gates * H;
  T* packed = c.packed;
  if (p.recurrent) {
    pack(p.W_h, int64_t{1}, columns, columns, H, columns, int64_t{0}, packed);
    packed += columns * padded_columns<T>(H);
  }
  if (c.dX) pack(p.W_x, int64_t{1}, columns, columns, D, columns, int64_t{0}, packed);
}

// Rows of dW_x, then of dW_h, each with its gates' blocks padded; then one row of all biases' blocks, and with
// layer_norm one of all gains'.
template <typename T>
static int64_t gradient_stride(const Problem<T>& p) {
  return p.shape().gates * padded_columns<T>(p.hidden_size);
}
template <typename T>
static int64_t gradient_size(const Problem<T>& p) {
  return (p.n_features + (p.recurrent ? p.hidden_size : 0)) * gradient_stride<T>(p) +
         (1 + p.layer_norm) * p.shape().biases * padded_columns<T>(p.hidden_size);
}

template <typename T>
ELMAN_INLINE int64_t runs_size(int64_t n_rows) {  // in elements of T: two runs a sample, and a copy to shift
  const int64_t bytes = 4 * n_rows * static_cast<int64_t>(sizeof(Run<T>));
  return (bytes + 63) / 64 * 64 / static_cast<int64_t>(sizeof(T));
}

template <typename T>
static int64_t backward_workspace(const BackwardCall<T>& c) {
  const Problem<T>& p = c.problem;
  const int64_t n = c.tile_rows, padded = padded_columns<T>(p.hidden_size);
  const CellShape shape = p.shape();
  const int64_t deltas = 2 * n * state_stride<T>(shape.biases * padded), direct = n * state_stride<T>(padded);
  const int64_t states = c.checkpoint_every ? forward_workspace(p, n, Pool::kNone) : 0;
  const int64_t masked = p.h_mask ? n * c.chunk_steps * p.hidden_size : 0;
  const int64_t stretch = n * c.checkpoint_every * (p.hidden_size + p.trace_size());
  const int64_t norm_sums = p.layer_norm ? 2 * shape.biases * padded : 0;
  return deltas + direct + n * c.chunk_steps * shape.biases * padded + runs_size<T>(n) + states + stretch +
         masked + norm_sums;
}

// Where the hidden states and traces of a tile's samples are: all of them, or those of one stretch between
// checkpoints.
template <typename T>
struct History {
  const T* states;  // row r, step t at states + (r * row_steps + t - first) * H
  const T* traces;  // likewise, trace_size wide
  int64_t row_steps;
  int64_t first;
  const T* before;  // row r's state before step `first`, at before + r * before_stride
  int64_t before_stride;

  __attribute__((always_inline)) const T* at(int64_t r, int64_t t, int64_t H) const {
    return states + (r * row_steps + t - first) * H;
  }
  __attribute__((always_inline)) const T* trace(int64_t r, int64_t t, int64_t width) const {
    return traces + (r * row_steps + t - first) * width;
  }
};

// Backward through time runs against the grain of memory, and a long history lies in a far cache: what it
// needs so many steps on is asked for now.
constexpr int64_t kAhead = 8;
constexpr int64_t kAheadGates = 3;  // a trace is several times as wide: farther ahead it would not stay

// The states before the stretch that begins at step `first`: the checkpoint there, or the initial state.
template <typename T>
ELMAN_INLINE void find_before(const BackwardCall<T>& c, int64_t begin, int64_t first, History<T>& history) {
  const Problem<T>& p = c.problem;
  if (first == 0) {
    history.before = p.initial + begin * p.initial_stride;
    history.before_stride = p.initial_stride;
  } else {
    const int64_t n_kept = n_checkpoints(p.n_timesteps, c.checkpoint_every);
    history.before = c.checkpoints + (begin * n_kept + first / c.checkpoint_every - 1) * p.state_size();
    history.before_stride = n_kept * p.state_size();
  }
}

// Runs the stretch of steps [first, first + checkpoint_every) of the tile forward again, into `stretch`. The
// same products in the same order as the first time: the same bits.
template <typename T, typename C>
static void run_again(const BackwardCall<T>& c, int64_t begin, int64_t n, int64_t first, T* states,
                      T* stretch, History<T>& history) {
  const Problem<T>& p = c.problem;
  const int64_t H = p.hidden_size, every = c.checkpoint_every;
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
    forward_step<T, C>(p, c.packed_forward, begin, t, live, from, to, sums, [=](int64_t r) {
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

// C += sum over runs of outer products, for n_rows of C (columns of the runs' left rows).
template <typename T>
static void outer(const Run<T>* runs, int64_t n_runs, int64_t a_stride, int64_t n_rows, int64_t width, T* C,
                  int64_t c_stride, Run<T>* shifted) {
  if (n_runs == 0 || n_rows == 0) return;
  const int64_t share = even_share(n_rows);
  for (int64_t r = 0; r < n_runs; ++r) shifted[r] = runs[r];
  for (int64_t row = 0; row < n_rows; row += share) {
    const int64_t m = share < n_rows - row ? share : n_rows - row;
    const OuterTile<T>* table = width < kPanel<T> ? kTiles<T>.outer_one : kTiles<T>.outer_two;
    table[m - 1](shifted, n_runs, a_stride, C + row * c_stride, c_stride);
    for (int64_t r = 0; r < n_runs; ++r) shifted[r].a += m;
  }
}

// Adds the weight gradients of steps [first, first + chunk_steps) of the tile to `gradient`. The deltas of
// those steps lie in `chunk`, panel by panel, a row a step: (panel, sample, step, column).
template <typename T, typename C>
static void add_chunk(const BackwardCall<T>& c, const History<T>& history, int64_t begin, int64_t n,
                      int64_t first, const T* chunk, T* masked, Run<T>* runs, T* gradient) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps, steps = c.chunk_steps;
  const int64_t stride = gradient_stride<T>(p), padded = padded_columns<T>(H);
  static const T one = T(1);
  Run<T>* shifted = runs + 2 * n;
  const bool begins = first == history.first;  // h_{t-1} of a stretch's first step lies before it
  for (int64_t r = 0; masked && r < n; ++r) {  // the hidden states as the products with W_h saw them
    const T* mask = p.h_mask + (begin + r) * H;
    for (int64_t k = 0; k < steps && first + k < length_of(p, begin + r); ++k) {
      const T* h =
          begins && k == 0 ? history.before + r * history.before_stride : history.at(r, first + k - 1, H);
      for (int64_t j = 0; j < H; ++j) masked[(r * steps + k) * H + j] = h[j] * mask[j];
    }
  }
  for (int64_t q = 0; q < n_panels<T>(H); ++q) {
    const int64_t width = panel_width<T>(q, H), column = q * kPanel<T>;
    int64_t n_runs = 0;
    auto each_live = [&](int sum, auto add) {  // add(row, live steps of the chunk, their deltas)
      const T* panel = chunk + (sum * padded + column) * n * steps;
      n_runs = 0;
      for (int64_t r = 0; r < n; ++r) {
        int64_t stop = length_of(p, begin + r);
        stop = stop < first + steps ? stop : first + steps;
        if (first < stop) add(r, stop - first, panel + r * steps * width);
      }
    };
    for (int g = 0; g < C::kGates; ++g) {
      T* to = gradient + g * padded + column;
      each_live(C::kXSum[g], [&](int64_t r, int64_t n_live, const T* delta) {
        runs[n_runs++] = {p.X + ((begin + r) * n_steps + first) * D, delta, n_live};
      });
      outer(runs, n_runs, D, D, width, to, stride, shifted);
      if (!p.recurrent) continue;
      each_live(C::kHSum[g], [&](int64_t r, int64_t n_live, const T* delta) {
        if (masked) {
          runs[n_runs++] = {masked + r * steps * H, delta, n_live};
          return;
        }
        if (begins) runs[n_runs++] = {history.before + r * history.before_stride, delta, 1};
        if (n_live > begins) {
          runs[n_runs++] = {history.at(r, first + begins - 1, H), delta + begins * width, n_live - begins};
        }
      });
      outer(runs, n_runs, H, H, width, to + D * stride, stride, shifted);
    }
    if (p.layer_norm) continue;  // these deltas are not the biases': see normalised_deltas
    T* to = gradient + (D + (p.recurrent ? H : 0)) * stride + column;
    for (int sum = 0; sum < C::kSums; ++sum) {
      each_live(sum,
                [&](int64_t, int64_t n_live, const T* delta) { runs[n_runs++] = {&one, delta, n_live}; });
      outer(runs, n_runs, int64_t{0}, int64_t{1}, width, to + sum * padded, stride, shifted);
    }
  }
}

// The share of the gradient at a pooled value that a step with the state h gets.
template <typename T>
ELMAN_INLINE Vec<T> pool_share(const BackwardCall<T>& c, int64_t sample, int64_t column, Vec<T> h,
                               int64_t left) {
  const int64_t at = sample * c.problem.hidden_size + column;
  const Vec<T> share = load_upto(c.dpooled + at, left);
  if (c.pool == Pool::kMean) return share;
  return h == load_upto(c.pooled + at, left) ? share : Vec<T>{};
}

// Takes one row of deltas at normalised, scaled and shifted sums back to the sums themselves; adds them to
// `bias_sums` and, times the normalised sums, to `gain_sums`. Puts the result into `deltas`, and into the chunk
// by keep(sum, column, vector). Ba, Kiros and Hinton (2016); docs/equations.md.
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

// One tile, t descending: dh_t = dH_t + [t last] dfinal + deltas_{t+1} W_h^T (+ what the cell hands on), from it
// the cell's deltas_t, and dX_t = deltas_t W_x^T.
template <typename T, typename C>
static void backward_tile(const BackwardCall<T>& c, int64_t begin, int64_t end, T* workspace, T* gradient) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps, n = end - begin;
  const int64_t padded = padded_columns<T>(H), stride = state_stride<T>(C::kSums * padded);
  const int64_t direct_stride = state_stride<T>(padded), steps = c.chunk_steps, state_size = C::kStates * H;
  T* next = workspace;  // deltas_{t+1}
  T* current = next + c.tile_rows * stride;
  T* direct = current + c.tile_rows * stride;
  T* chunk = direct + c.tile_rows * direct_stride;
  Run<T>* runs = reinterpret_cast<Run<T>*>(chunk + c.tile_rows * steps * C::kSums * padded);
  T* again = reinterpret_cast<T*>(runs) + runs_size<T>(c.tile_rows);  // states, then the stretch
  T* stretch = again + (c.checkpoint_every ? forward_workspace(p, c.tile_rows, Pool::kNone) : 0);
  const int64_t trace_size = p.trace_size();
  T* norm_sums = stretch + c.tile_rows * c.checkpoint_every * (H + trace_size);
  T* const after = norm_sums + (p.layer_norm ? 2 * C::kSums * padded : 0);
  T* masked = p.h_mask ? after : nullptr;
  for (T* sum = norm_sums; sum < after; ++sum) *sum = T(0);
  History<T> history{c.H ? c.H + begin * n_steps * H : nullptr,
                     c.trace ? c.trace + begin * n_steps * trace_size : nullptr,
                     n_steps,
                     0,
                     nullptr,
                     0};
  find_before(c, begin, 0, history);
  const T* W_hT = c.packed;
  const T* W_xT = c.packed + (p.recurrent ? C::kGates * H * padded : 0);
  const int64_t longest = length_of(p, begin);

  // The gates' blocks of a row of deltas against a transposed matrix.
  const auto through = [=](const T* deltas, const T* packed, const int (&sum_of)[C::kGates],
                           int64_t n_columns, int64_t rows, auto epilogue) __attribute__((always_inline)) {
    Operand<T> operands[C::kGates];
    for (int g = 0; g < C::kGates; ++g) {
      operands[g] = {deltas + sum_of[g] * padded, stride, packed, C::kGates * H, g * H, H};
    }
    product<T>(nullptr, operands, n_columns, 0, rows, epilogue);
  };

  if (c.dX) {  // zero past each end
    for (int64_t i = begin; i < end; ++i) {
      const int64_t length = length_of(p, i);
      T* rest = c.dX + (i * n_steps + length) * D;
      for (int64_t j = 0; j < (n_steps - length) * D; ++j) rest[j] = T(0);
    }
  }

  int64_t live = 0;  // samples whose deltas_{t+1} are in `next`
  for (int64_t t = longest - 1; t >= 0; --t) {
    const int64_t continuing = live;
    while (live < n && length_of(p, begin + live) > t) ++live;
    if (c.checkpoint_every && (t == longest - 1 || (t + 1) % c.checkpoint_every == 0)) {
      run_again<T, C>(c, begin, n, t / c.checkpoint_every * c.checkpoint_every, again, stretch, history);
    }
    constexpr int64_t kSteps = C::kSums == 1 ? kAhead : kAheadGates;
    const int64_t place = t % steps, ahead = t - history.first > kSteps ? t - kSteps : history.first;
    auto epilogue = [&, place, ahead, n, steps, stride, H, t, current](int64_t row, int64_t m, int64_t column,
                                                                       int64_t width, const T* tile) {
      const int64_t panel_columns = panel_width<T>(column / kPanel<T>, H);
      for (int64_t i = 0; i < m; ++i) {
        const int64_t r = row + i, sample = begin + r;
        const int64_t at = (sample * n_steps + t) * H + column;
        const bool last = r >= continuing;
        T* deltas = current + r * stride + column;
        const T* mask = p.h_mask ? p.h_mask + sample * H + column : nullptr;
        // Panels side by side lie a panel of the chunk apart.
        T* kept = chunk + column * n * steps + (r * steps + place) * panel_columns;
        const T *h_t = history.at(r, t, H) + column, *next_h = history.at(r, ahead, H) + column;
        if constexpr (C::kSums == 1) {
          const bool special =
              c.dH || c.pool != Pool::kNone || p.activation == Activation::kIdentity || (last && c.dfinal);
          for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
            const int64_t left = H - column - j;
            Vec<T> v = load(tile);
            if (mask) v *= load_upto(mask + j, left);
            if (!special) {
              __builtin_prefetch(next_h + j);
              v = activate_backward<T>(p.activation, v, load_upto(h_t + j, left));
            } else {
              if (c.dH) v += load_upto(c.dH + at + j, left);
              if (last && c.dfinal) v += load_upto(c.dfinal + sample * H + column + j, left);
              if (p.activation != Activation::kIdentity) {
                const Vec<T> h = load_upto(h_t + j, left);
                if (c.pool != Pool::kNone) v += pool_share(c, sample, column + j, h, left);
                v = activate_backward<T>(p.activation, v, h);
              }
            }
            store(deltas + j, v);
            store(kept + j / kPanel<T> * kPanel<T> * n * steps + j % kPanel<T>, v);
          }
        } else {
          const T* trace_t = history.trace(r, t, trace_size) + column;
          const T* next_trace = history.trace(r, ahead, trace_size) + column;
          const bool first = t == history.first;
          const T* before = history.before + r * history.before_stride + column;
          const T* h_before = first ? before : h_t - H;
          // A second state is the last of the trace's blocks.
          const T* c_before = first ? before + H : trace_t - trace_size + (C::kTrace - 1) * H;
          for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
            const int64_t left = H - column - j;
            Vec<T> dh = load(tile), handed[1]{}, trace[C::kTrace], previous[2]{}, delta[C::kSums];
            if (mask) dh *= load_upto(mask + j, left);
            if (!last) handed[0] = load(direct + r * direct_stride + column + j);
            if (last && c.dfinal) {
              dh += load_upto(c.dfinal + sample * state_size + column + j, left);
              if (C::kStates > 1)
                handed[0] = load_upto(c.dfinal + sample * state_size + H + column + j, left);
            }
            if (c.dH) dh += load_upto(c.dH + at + j, left);
            __builtin_prefetch(next_h + j);
            const Vec<T> h = load_upto(h_t + j, left);
            if (c.pool != Pool::kNone) dh += pool_share(c, sample, column + j, h, left);
#pragma GCC unroll 8
            for (int v = 0; v < C::kTrace; ++v) {
              __builtin_prefetch(next_trace + v * H + j, 0,
                                 2);  // into the second cache: the first takes no more at once
              trace[v] = load_upto(trace_t + v * H + j, left);
            }
            previous[0] = load_upto(h_before + j, left);
            if (C::kStates > 1) previous[1] = load_upto(c_before + j, left);
            C::backward(dh, handed, h, trace, previous, delta);
            store(direct + r * direct_stride + column + j, handed[0]);
            T* to = kept + j / kPanel<T> * kPanel<T> * n * steps + j % kPanel<T>;
#pragma GCC unroll 4
            for (int v = 0; v < C::kSums; ++v) {
              store(deltas + v * padded + j, delta[v]);
              store(to + v * padded * n * steps, delta[v]);
            }
          }
        }
      }
    };
    through(next, W_hT, C::kHSum, H, continuing, epilogue);
    no_product<T>(H, continuing, live, epilogue);
    for (int64_t r = 0; p.layer_norm && r < live; ++r) {
      const T* norms = history.trace(r, t, trace_size) + C::kTrace * H;
      T* row = current + r * stride;
      normalised_deltas<T, C>(p, norms, row, norm_sums, norm_sums + C::kSums * padded,
                              [=](int v, int64_t column, Vec<T> delta) {
                                const int64_t q = column / kPanel<T>, width = panel_width<T>(q, H);
                                T* panel = chunk + (v * padded + q * kPanel<T>)*n * steps;
                                store(panel + (r * steps + place) * width + column % kPanel<T>, delta);
                              });
    }
    if (c.dX) {
      through(current, W_xT, C::kXSum, D, live,
              [&](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                for (int64_t i = 0; i < m; ++i) {
                  T* out = c.dX + ((begin + row + i) * n_steps + t) * D + column;
                  for (int64_t j = 0; j < width && column + j < D; j += kLanes<T>) {
                    store_upto(out + j, load(tile + i * width + j), D - column - j);
                  }
                }
              });
    }
    if (t % steps == 0) {
      add_chunk<T, C>(c, history, begin, n, t, chunk, masked, runs, gradient);
      T* to = gradient + (D + H) * C::kGates * padded;
      for (T* sum = norm_sums; sum < after; ++sum, ++to) {
        *to += *sum;
        *sum = T(0);
      }
    }
    T* swap = next;
    next = current;
    current = swap;
  }

  // The gradient at the initial state: what goes through W_h and past it, or what arrived at `final` where no
  // step ran.
  if (c.dinitial) {
    through(next, W_hT, C::kHSum, H, live,
            [&](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
              for (int64_t i = 0; i < m; ++i) {
                T* out = c.dinitial + (begin + row + i) * state_size + column;
                for (int64_t j = 0; j < width && column + j < H; j += kLanes<T>) {
                  const int64_t left = H - column - j;
                  Vec<T> v = load(tile + i * width + j);
                  if (p.h_mask) v *= load_upto(p.h_mask + (begin + row + i) * H + column + j, left);
                  if constexpr (C::kDirect > 0) {
                    const Vec<T> handed = load(direct + (row + i) * direct_stride + column + j);
                    if (C::kStates > 1) {
                      store_upto(out + H + j, handed, left);
                    } else {
                      v += handed;
                    }
                  }
                  store_upto(out + j, v, left);
                }
              }
            });
    for (int64_t i = begin + live; i < end; ++i) {
      for (int64_t j = i * state_size; j < (i + 1) * state_size; ++j) {
        c.dinitial[j] = c.dfinal ? c.dfinal[j] : T(0);
      }
    }
  }
}

template <typename T>
static void backward(const BackwardCall<T>& c, int64_t begin, int64_t end, T* workspace, T* gradient) {
  const int64_t size = gradient_size<T>(c.problem);
  for (int64_t i = 0; i < size; ++i) gradient[i] = T(0);
  with_cell<T>(c.problem.cell, [&](auto cell) {
    for (int64_t i = begin; i < end; i += c.tile_rows) {
      const int64_t stop = i + c.tile_rows < end ? i + c.tile_rows : end;
      backward_tile<T, decltype(cell)>(c, i, stop, workspace, gradient);
    }
  });
}
