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
  return (rows + 1) * padded_columns<T>(p.hidden_size);  // one more row: the bias
}

// Panels of [W_x; W_h], then the bias, padded.
template <typename T>
static void pack_forward(const ForwardCall<T>& c) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, rows = D + (p.recurrent ? H : 0);
  pack(p.W_x, H, int64_t{1}, D, H, rows, int64_t{0}, c.packed);
  if (p.recurrent) pack(p.W_h, H, int64_t{1}, H, H, rows, D, c.packed);
  const int64_t padded = padded_columns<T>(H);
  T* bias = c.packed + rows * padded;
  for (int64_t j = 0; j < padded; ++j) bias[j] = j < H ? p.b[j] : T(0);
}

template <typename T>
static int64_t forward_workspace(const Problem<T>& p, int64_t n_rows) {
  return 2 * n_rows * state_stride<T>(p.hidden_size);
}

// Where a sample's new state goes beside the state buffer; null where it does not.
template <typename T>
struct Sink {
  T* h;
  T* pooled;
  T* ties;
};

// Takes h into a sample's pooled values so far. NaN stays.
template <typename T>
ELMAN_INLINE void pool_state(Pool pool, T* pooled, T* ties, Vec<T> h, int64_t left) {
  const Vec<T> so_far = load_upto(pooled, left);
  if (pool == Pool::kMean) {
    store_upto(pooled, so_far + h, left);
    return;
  }
  store_upto(pooled, h <= so_far || so_far != so_far ? so_far : h, left);
  if (ties) {
    const Vec<T> one = broadcast(T(1)), n = load_upto(ties, left);
    store_upto(ties, h == so_far ? n + one : h > so_far ? one : n, left);
  }
}

template <typename T>
ELMAN_INLINE void pour(Pool pool, const Sink<T>& sink, int64_t column, Vec<T> v, int64_t left) {
  if (sink.h) {
    __builtin_prefetch(sink.h + column + 2 * (column + left), 1);  // two steps on
    store_upto(sink.h + column, v, left);
  }
  if (sink.pooled) {
    pool_state<T>(pool, sink.pooled + column, sink.ties ? sink.ties + column : nullptr, v, left);
  }
}

// h_t of rows [0, live) of the tile that begins at sample `begin`, from `previous` into `current`, and into
// sink(row). `packed` is pack_forward's.
template <typename T, typename SinkOf>
ELMAN_INLINE void forward_step(const Problem<T>& p, Pool pool, const T* packed, int64_t begin, int64_t t,
                               int64_t live, const T* previous, T* current, SinkOf sink_of) {
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps;
  const int64_t stride = state_stride<T>(H), rows = D + (p.recurrent ? H : 0);
  const T* bias = packed + rows * padded_columns<T>(H);
  const Operand<T> input{p.X + (begin * n_steps + t) * D, n_steps * D, packed, rows, 0, D};
  const Operand<T> state{previous, stride, packed, rows, D, p.recurrent ? H : 0};
  const T* next_input = input.a + 128 / sizeof(T);  // two cache lines on
  const auto take = [=](auto activation, int64_t row, int64_t m, int64_t column, int64_t width, const T* tile)
                        __attribute__((always_inline)) {
                          for (int64_t i = 0; i < m; ++i) {
                            T* s = current + (row + i) * stride + column;
                            if (column == 0) __builtin_prefetch(next_input + (row + i) * n_steps * D);
                            const Sink<T> sink = sink_of(row + i);
                            if (!sink.h && !sink.pooled) {
                              for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
                                store(s + j, activate<T>(activation(), load(tile)));
                              }
                              continue;
                            }
                            for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
                              const Vec<T> v = activate<T>(activation(), load(tile));
                              store(s + j, v);
                              pour(pool, sink, column + j, v, H - column - j);
                            }
                          }
                        };
  product<T>(bias, input, state, H, 0, live,
             [=](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
               if (p.activation == Activation::kTanh) {
                 take([] { return Activation::kTanh; }, row, m, column, width, tile);
               } else {
                 take([&] { return p.activation; }, row, m, column, width, tile);
               }
             });
}

// One sample alone: P panels of V vectors from panel p on, kept in registers from the bias to the activation,
// because here the latency from one state to the next is all that counts. The same chains as a tile's.
template <typename T, int V, int P>
static void single_panels(const Problem<T>& p, Pool pool, const T* bias, const Segment<T>& input,
                          const Segment<T>& state, int64_t panel_step, T* current, const Sink<T>& sink,
                          int64_t column) {
  Vec<T> acc[1][P * V];
#pragma GCC unroll 8
  for (int v = 0; v < P * V; ++v) acc[0][v] = load(bias + column + v * kLanes<T>);
  accumulate<T, 1, V, P>(acc, input, panel_step);
  accumulate<T, 1, V, P>(acc, state, panel_step);
#pragma GCC unroll 8
  for (int v = 0; v < P * V; ++v) {
    const int64_t at = column + v * kLanes<T>;
    const Vec<T> h = activate<T>(p.activation, acc[0][v]);
    store(current + at, h);
    pour(pool, sink, at, h, p.hidden_size - at);
  }
}

template <typename T>
ELMAN_INLINE void single_step(const Problem<T>& p, Pool pool, const T* packed, int64_t sample, int64_t t,
                              const T* previous, T* current, const Sink<T>& sink) {
  const int64_t D = p.n_features, H = p.hidden_size, rows = D + (p.recurrent ? H : 0),
                step = rows * kPanel<T>;
  const T* bias = packed + rows * padded_columns<T>(H);
  const int64_t n_full = padded_columns<T>(H) / kPanel<T>;
  for (int64_t q = 0; q < n_panels<T>(H);) {
    const int64_t width = panel_width<T>(q, H);
    const Segment<T> input{p.X + (sample * p.n_timesteps + t) * D, 0, packed + q * step, D};
    const Segment<T> state{previous, 0, packed + q * step + D * width, p.recurrent ? H : 0};
    if (q + 4 <= n_full) {
      single_panels<T, 2, 4>(p, pool, bias, input, state, step, current, sink, q * kPanel<T>);
      q += 4;
    } else if (q + 2 <= n_full) {
      single_panels<T, 2, 2>(p, pool, bias, input, state, step, current, sink, q * kPanel<T>);
      q += 2;
    } else if (q < n_full) {
      single_panels<T, 2, 1>(p, pool, bias, input, state, step, current, sink, q * kPanel<T>);
      q += 1;
    } else {
      single_panels<T, 1, 1>(p, pool, bias, input, state, step, current, sink, q * kPanel<T>);
      q += 1;
    }
  }
}

template <typename T>
static void forward(const ForwardCall<T>& c, int64_t begin, int64_t end, T* workspace) {
  const Problem<T>& p = c.problem;
  const int64_t H = p.hidden_size, n_steps = p.n_timesteps, n = end - begin;
  const int64_t stride = state_stride<T>(H);
  const int64_t n_kept = c.checkpoint_every ? n_checkpoints(n_steps, c.checkpoint_every) : 0;
  T* previous = workspace;
  T* current = workspace + n * stride;
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t j = 0; j < H; ++j) {
      previous[r * stride + j] = p.initial[(begin + r) * p.initial_stride + j];
    }
  }

  if (c.pool != Pool::kNone) {
    const T start = c.pool == Pool::kMean ? T(0) : -static_cast<T>(__builtin_inff());
    for (int64_t i = begin * H; i < end * H; ++i) c.pooled[i] = start;
    if (c.ties) {
      for (int64_t i = begin * H; i < end * H; ++i) c.ties[i] = T(1);
    }
  }

  auto finish = [&](int64_t r) {  // sample begin + r has run its last step: `previous` holds its final state
    T* out = c.final_state + (begin + r) * H;
    for (int64_t j = 0; j < H; ++j) out[j] = previous[r * stride + j];
    if (c.pool != Pool::kNone) {
      T* pooled = c.pooled + (begin + r) * H;
      const int64_t length = length_of(p, begin + r);
      const T divisor = c.pool == Pool::kMean ? static_cast<T>(length) : T(1);
      for (int64_t j = 0; j < H; ++j) {
        pooled[j] =
            length ? pooled[j] / divisor + T(0) : out[j];  // + 0: the sign of a zero is not told apart
      }
    }
    if (c.H) {
      const int64_t length = length_of(p, begin + r);
      T* rest = c.H + ((begin + r) * n_steps + length) * H;
      for (int64_t j = 0; j < (n_steps - length) * H; ++j) rest[j] = T(0);
    }
  };

  T* const pooled = c.pool != Pool::kNone ? c.pooled + begin * H : nullptr;
  T* const ties = c.pool != Pool::kNone && c.ties ? c.ties + begin * H : nullptr;
  int64_t live = n;
  for (int64_t t = 0;; ++t) {
    while (live > 0 && length_of(p, begin + live - 1) <= t) finish(--live);
    if (live == 0) break;
    T* H_t = c.H ? c.H + (begin * n_steps + t) * H : nullptr;
    if (n == 1 && kVectorBytes == 64) {  // with 16 registers the compiler spills its sums: slower than a tile
      single_step(p, c.pool, c.packed, begin, t, previous, current, Sink<T>{H_t, pooled, ties});
    } else {
      forward_step(p, c.pool, c.packed, begin, t, live, previous, current, [=](int64_t r) {
        return Sink<T>{H_t ? H_t + r * n_steps * H : nullptr, pooled ? pooled + r * H : nullptr,
                       ties ? ties + r * H : nullptr};
      });
    }
    T* swap = previous;
    previous = current;
    current = swap;
    if (n_kept && (t + 1) % c.checkpoint_every == 0 && t + 1 < n_steps) {
      for (int64_t r = 0; r < live; ++r) {
        T* kept = c.checkpoints + ((begin + r) * n_kept + t / c.checkpoint_every) * H;
        for (int64_t j = 0; j < H; ++j) kept[j] = previous[r * stride + j];
      }
    }
  }
}

// ---- backward ----

template <typename T>
static int64_t backward_pack_size(const Problem<T>& p) {
  return p.hidden_size *
         ((p.recurrent ? padded_columns<T>(p.hidden_size) : 0) + padded_columns<T>(p.n_features));
}

// Panels of W_h^T, then panels of W_x^T.
template <typename T>
static void pack_backward(const BackwardCall<T>& c) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size;
  T* packed = c.packed;
  if (p.recurrent) {
    pack(p.W_h, int64_t{1}, H, H, H, H, int64_t{0}, packed);
    packed += H * padded_columns<T>(H);
  }
  if (c.dX) pack(p.W_x, int64_t{1}, H, H, D, H, int64_t{0}, packed);
}

template <typename T>
static int64_t gradient_stride(const Problem<T>& p) {
  return padded_columns<T>(p.hidden_size);
}
template <typename T>
static int64_t gradient_size(const Problem<T>& p) {
  return (p.n_features + (p.recurrent ? p.hidden_size : 0) + 1) * gradient_stride<T>(p);
}

template <typename T>
ELMAN_INLINE int64_t runs_size(int64_t n_rows) {  // in elements of T: two runs a sample, and a copy to shift
  const int64_t bytes = 4 * n_rows * static_cast<int64_t>(sizeof(Run<T>));
  return (bytes + 63) / 64 * 64 / static_cast<int64_t>(sizeof(T));
}

template <typename T>
static int64_t backward_workspace(const BackwardCall<T>& c) {
  const int64_t n = c.tile_rows, H = c.problem.hidden_size;
  const int64_t states = (c.checkpoint_every ? 4 : 2) * n * state_stride<T>(H);
  const int64_t stretch = n * c.checkpoint_every * H;
  return states + n * c.chunk_steps * padded_columns<T>(H) + runs_size<T>(n) + stretch;
}

// Where the hidden states of a tile's samples are: all of them, or those of one stretch between checkpoints.
template <typename T>
struct History {
  const T* states;  // row r, step t at states + (r * row_steps + t - first) * H
  int64_t row_steps;
  int64_t first;
  const T* before;  // row r's state before step `first`, at before + r * before_stride
  int64_t before_stride;

  const T* at(int64_t r, int64_t t, int64_t H) const { return states + (r * row_steps + t - first) * H; }
};

// Backward through time runs against the grain of memory, and a long history lies in a far cache: what it
// needs so many steps on is asked for now.
constexpr int64_t kAhead = 8;

// The states before the stretch that begins at step `first`: the checkpoint there, or the initial state.
template <typename T>
ELMAN_INLINE void find_before(const BackwardCall<T>& c, int64_t begin, int64_t first, History<T>& history) {
  const Problem<T>& p = c.problem;
  if (first == 0) {
    history.before = p.initial + begin * p.initial_stride;
    history.before_stride = p.initial_stride;
  } else {
    const int64_t n_kept = n_checkpoints(p.n_timesteps, c.checkpoint_every);
    history.before = c.checkpoints + (begin * n_kept + first / c.checkpoint_every - 1) * p.hidden_size;
    history.before_stride = n_kept * p.hidden_size;
  }
}

// Runs the stretch of steps [first, first + checkpoint_every) of the tile forward again, into `stretch`. The
// same products in the same order as the first time: the same bits.
template <typename T>
static void run_again(const BackwardCall<T>& c, int64_t begin, int64_t n, int64_t first, T* states,
                      T* stretch, History<T>& history) {
  const Problem<T>& p = c.problem;
  const int64_t H = p.hidden_size, stride = state_stride<T>(H), every = c.checkpoint_every;
  history = {stretch, every, first, nullptr, 0};
  find_before(c, begin, first, history);
  T* previous = states;
  T* current = states + c.tile_rows * stride;
  int64_t live = n;
  while (live > 0 && length_of(p, begin + live - 1) <= first) --live;
  for (int64_t r = 0; r < live; ++r) {
    for (int64_t j = 0; j < H; ++j) previous[r * stride + j] = history.before[r * history.before_stride + j];
  }
  for (int64_t t = first; t < first + every; ++t) {
    while (live > 0 && length_of(p, begin + live - 1) <= t) --live;
    if (live == 0) break;
    forward_step(p, Pool::kNone, c.packed_forward, begin, t, live, previous, current,
                 [=](int64_t r) { return Sink<T>{stretch + (r * every + t - first) * H, nullptr, nullptr}; });
    T* swap = previous;
    previous = current;
    current = swap;
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

// Adds the weight gradients of steps [first, first + chunk_steps) of the tile to `gradient`. dA of those
// steps lies in `chunk`, panel by panel, a row a step: (panel, sample, step, column).
template <typename T>
static void add_chunk(const BackwardCall<T>& c, const History<T>& history, int64_t begin, int64_t n,
                      int64_t first, const T* chunk, Run<T>* runs, T* gradient) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps, steps = c.chunk_steps;
  const int64_t stride = gradient_stride<T>(p);
  static const T one = T(1);
  Run<T>* shifted = runs + 2 * n;
  for (int64_t q = 0; q < n_panels<T>(H); ++q) {
    const int64_t width = panel_width<T>(q, H);
    const T* panel = chunk + q * kPanel<T> * n * steps;
    T* C = gradient + q * kPanel<T>;
    int64_t n_runs = 0;
    auto each_live = [&](auto add) {  // add(row, live steps of the chunk, their dA)
      n_runs = 0;
      for (int64_t r = 0; r < n; ++r) {
        int64_t stop = length_of(p, begin + r);
        stop = stop < first + steps ? stop : first + steps;
        if (first < stop) add(r, stop - first, panel + r * steps * width);
      }
    };
    each_live([&](int64_t r, int64_t n_live, const T* dA) {
      runs[n_runs++] = {p.X + ((begin + r) * n_steps + first) * D, dA, n_live};
    });
    outer(runs, n_runs, D, D, width, C, stride, shifted);
    C += D * stride;
    if (p.recurrent) {
      each_live([&](int64_t r, int64_t n_live, const T* dA) {
        const bool begins = first == history.first;  // h_{t-1} of a stretch's first step lies before it
        if (begins) runs[n_runs++] = {history.before + r * history.before_stride, dA, 1};
        if (n_live > begins) {
          runs[n_runs++] = {history.at(r, first + begins - 1, H), dA + begins * width, n_live - begins};
        }
      });
      outer(runs, n_runs, H, H, width, C, stride, shifted);
      C += H * stride;
    }
    each_live([&](int64_t, int64_t n_live, const T* dA) { runs[n_runs++] = {&one, dA, n_live}; });
    outer(runs, n_runs, int64_t{0}, int64_t{1}, width, C, stride, shifted);
  }
}

// One tile: dA_t = (dH_t + [t last] dfinal + dA_{t+1} W_h^T) f'(a_t), t descending; dX_t = dA_t W_x^T.
template <typename T>
static void backward_tile(const BackwardCall<T>& c, int64_t begin, int64_t end, T* workspace, T* gradient) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps, n = end - begin;
  const int64_t stride = state_stride<T>(H), steps = c.chunk_steps;
  T* next = workspace;  // dA_{t+1}
  T* current = next + c.tile_rows * stride;
  T* chunk = current + c.tile_rows * stride;
  Run<T>* runs = reinterpret_cast<Run<T>*>(chunk + c.tile_rows * steps * padded_columns<T>(H));
  T* again = reinterpret_cast<T*>(runs) + runs_size<T>(c.tile_rows);  // states, then the stretch
  History<T> history{c.H ? c.H + begin * n_steps * H : nullptr, n_steps, 0, nullptr, 0};
  find_before(c, begin, 0, history);
  const T* W_hT = c.packed;
  const T* W_xT = c.packed + (p.recurrent ? H * padded_columns<T>(H) : 0);
  const Operand<T> none{nullptr, 0, nullptr, 0, 0, 0};
  const int64_t longest = length_of(p, begin);

  if (c.dX) {  // zero past each end
    for (int64_t i = begin; i < end; ++i) {
      const int64_t length = length_of(p, i);
      T* rest = c.dX + (i * n_steps + length) * D;
      for (int64_t j = 0; j < (n_steps - length) * D; ++j) rest[j] = T(0);
    }
  }

  int64_t live = 0;  // samples whose dA_{t+1} is in `next`
  for (int64_t t = longest - 1; t >= 0; --t) {
    const int64_t continuing = live;
    while (live < n && length_of(p, begin + live) > t) ++live;
    if (c.checkpoint_every && (t == longest - 1 || (t + 1) % c.checkpoint_every == 0)) {
      run_again(c, begin, n, t / c.checkpoint_every * c.checkpoint_every, again,
                again + 2 * c.tile_rows * stride, history);
    }
    const int64_t place = t % steps, ahead = t - history.first > kAhead ? t - kAhead : history.first;
    auto epilogue = [&, place, ahead, n, steps, stride, H, t, current](int64_t row, int64_t m, int64_t column,
                                                                       int64_t width, const T* tile) {
      const int64_t panel_columns = panel_width<T>(column / kPanel<T>, H);
      const bool extras = c.dH || c.pool != Pool::kNone || p.activation == Activation::kIdentity;
      for (int64_t i = 0; i < m; ++i) {
        const int64_t r = row + i, sample = begin + r;
        const int64_t at = (sample * n_steps + t) * H + column;
        const bool special = extras || (r >= continuing && c.dfinal);
        const T* h_t = history.at(r, t, H) + column;
        const T* next_h = history.at(r, ahead, H) + column;
        T* dA = current + r * stride + column;
        // Panels side by side lie a panel of the chunk apart.
        T* kept = chunk + column * n * steps + (r * steps + place) * panel_columns;
        for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
          const int64_t left = H - column - j;
          Vec<T> v = load(tile);
          if (!special) {
            __builtin_prefetch(next_h + j);
            v = activate_backward<T>(p.activation, v, load_upto(h_t + j, left));
          } else {
            if (c.dH) v += load_upto(c.dH + at + j, left);
            if (r >= continuing && c.dfinal) v += load_upto(c.dfinal + sample * H + column + j, left);
            if (p.activation != Activation::kIdentity) {
              const Vec<T> h = load_upto(h_t + j, left);
              if (c.pool != Pool::kNone) {
                const Vec<T> share = load_upto(c.dpooled + sample * H + column + j, left);
                if (c.pool == Pool::kMean) {
                  v += share;
                } else {
                  v += h == load_upto(c.pooled + sample * H + column + j, left) ? share : Vec<T>{};
                }
              }
              v = activate_backward<T>(p.activation, v, h);
            }
          }
          store(dA + j, v);
          store(kept + j / kPanel<T> * kPanel<T> * n * steps + j % kPanel<T>, v);
        }
      }
    };
    const Operand<T> carry{next, stride, W_hT, H, 0, H};
    product<T>(nullptr, carry, none, H, 0, continuing, epilogue);
    product<T>(nullptr, none, none, H, continuing, live, epilogue);
    if (c.dX) {
      const Operand<T> back{current, stride, W_xT, H, 0, H};
      product<T>(nullptr, back, none, D, 0, live,
                 [&](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                   for (int64_t i = 0; i < m; ++i) {
                     T* out = c.dX + ((begin + row + i) * n_steps + t) * D + column;
                     for (int64_t j = 0; j < width && column + j < D; j += kLanes<T>) {
                       store_upto(out + j, load(tile + i * width + j), D - column - j);
                     }
                   }
                 });
    }
    if (t % steps == 0) add_chunk(c, history, begin, n, t, chunk, runs, gradient);
    T* swap = next;
    next = current;
    current = swap;
  }

  // The gradient at the initial state: dA_0 W_h^T, or what arrived at `final` where no step ran.
  if (c.dinitial) {
    const Operand<T> carry{next, stride, W_hT, H, 0, H};
    product<T>(nullptr, carry, none, H, 0, live,
               [&](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                 for (int64_t i = 0; i < m; ++i) {
                   T* out = c.dinitial + (begin + row + i) * H + column;
                   for (int64_t j = 0; j < width && column + j < H; j += kLanes<T>) {
                     store_upto(out + j, load(tile + i * width + j), H - column - j);
                   }
                 }
               });
    for (int64_t i = begin + live; i < end; ++i) {
      for (int64_t j = 0; j < H; ++j) c.dinitial[i * H + j] = c.dfinal ? c.dfinal[i * H + j] : T(0);
    }
  }
}

template <typename T>
static void backward(const BackwardCall<T>& c, int64_t begin, int64_t end, T* workspace, T* gradient) {
  const int64_t size = gradient_size<T>(c.problem);
  for (int64_t i = 0; i < size; ++i) gradient[i] = T(0);
  for (int64_t i = begin; i < end; i += c.tile_rows) {
    backward_tile(c, i, i + c.tile_rows < end ? i + c.tile_rows : end, workspace, gradient);
  }
}
