// The time loop forward: a tile of samples through all of its steps.
// Included by isa_unit.cpp alone.

// Where the new hidden state of a sample goes beside the buffer of states, and where its trace goes. Each is
// null if it is not wanted.
template <typename T>
struct Sink {
  T* h;
  T* largest;
  T* ties;
  T* trace;
};

template <typename T>
ELMAN_INLINE void pour(const Sink<T>& sink, int64_t column, Vec<T> v, int64_t left) {
  if (sink.h) {
    __builtin_prefetch(sink.h + column + 2 * (column + left), 1);  // what is written two steps later
    store_upto(sink.h + column, v, left);
  }
  if (sink.largest) {
    take_largest<T>(sink.largest + column, sink.ties ? sink.ties + column : nullptr, v, left);
  }
}

template <typename T>
static int64_t forward_workspace(const Problem<T>& p, int64_t n_rows, Pool pool) {
  constexpr int64_t kPerDouble = static_cast<int64_t>(sizeof(double) / sizeof(T));
  const int64_t totals = pools_mean(pool) ? totals_stride(p) * kPerDouble : 0;
  const int64_t states = 2 * (state_stride<T>(padded_state(p)) + (p.h_mask ? seen_stride(p) : 0));
  return n_rows * (states + sums_stride(p) + totals);
}

// Computes h_t for rows [0, live) of the tile that begins at sample `begin`, from the states `from` into the
// states `to` and into the sinks that sink_of(row) returns. `packed` holds the weights as pack_forward packs
// them. With layer_norm, `sums` has room for the sums of the tile. kCoded says whether there are codes.
template <typename T, typename C, bool kCoded, typename SinkOf>
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
  const T* next_input = input.a + 128 / sizeof(T);  // two cache lines further
  const auto codes = codes_at<kCoded>(p, begin, t);
  int64_t n_next = 0;  // rows whose codes of the next step are looked at, if the table is far away
  if constexpr (kCoded) {
    if (p.n_rows * codes.row_size * static_cast<int64_t>(sizeof(T)) > kFarTableBytes) n_next = live;
    while (n_next > 0 && length_of(p, begin + n_next - 1) <= t + 1) --n_next;
  }
  // Fetches the rows of the table that a row of the tile needs at the next step.
  const auto look_ahead = [=](int64_t row) __attribute__((always_inline)) {
    if constexpr (kCoded) {
      if (row >= n_next) return;
      for (int64_t k = 0; k < codes.n_codes; ++k) {
        const T* next = codes.row(row, codes.n_codes + k);
        for (int64_t j = 0; j < codes.row_size; j += kLine<T>) __builtin_prefetch(next + j, 0, 2);
      }
    }
  };

  // Computes a vector of units of one row from their sums.
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
      product<T>(nullptr, codes, both, H, 0, live,
                 [=](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                   for (int64_t i = 0; i < m; ++i) {
                     T* into = sums + (row + i) * sums_step + column;
                     if (column == 0) look_ahead(row + i);
                     for (int64_t j = 0; j < width; j += kLanes<T>, tile += kLanes<T>) {
                       store(into + j, load(tile));
                     }
                   }
                 });
    } else {
      gate_products<T, C>(nullptr, codes, input, state, H, live,
                          [=](int64_t row, int64_t m, int64_t column, const T* tile) {
                            for (int64_t i = 0; i < m; ++i) {
                              if (column == 0) look_ahead(row + i);
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
        if (column == 0) look_ahead(row + i);
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
    product<T>(bias, codes, both, H, 0, live,
               [=](int64_t row, int64_t m, int64_t column, int64_t width, const T* tile) {
                 if (p.activation == Activation::kTanh) {
                   take([] { return Activation::kTanh; }, row, m, column, width, tile);
                 } else {
                   take([&] { return p.activation; }, row, m, column, width, tile);
                 }
               });
  } else {
    gate_products<T, C>(bias, codes, input, state, H, live,
                        [=](int64_t row, int64_t m, int64_t column, const T* tile) {
                          for (int64_t i = 0; i < m; ++i, tile += C::kSums * kLanes<T>) {
                            if (column == 0) __builtin_prefetch(next_input + (row + i) * n_steps * D);
                            if (column == 0) look_ahead(row + i);
                            Vec<T> sums_of[C::kSums];
#pragma GCC unroll 4
                            for (int v = 0; v < C::kSums; ++v) sums_of[v] = load(tile + v * kLanes<T>);
                            advance(row + i, column, sums_of, sink_of(row + i));
                          }
                        });
  }
}

// One step of a tile of one sample, for P panels of V vectors that begin at `column`. They stay in registers
// from the bias to the activation, because with one sample only the latency from one state to the next
// counts. The products are added up in the same order as in a larger tile.
template <typename T, int V, int P, typename Codes>
static void single_panels(const Problem<T>& p, const T* bias, const Codes& codes, const Segment<T>& input,
                          const Segment<T>& state, T* current, const Sink<T>& sink, int64_t column) {
  Vec<T> acc[1][P * V];
#pragma GCC unroll 8
  for (int v = 0; v < P * V; ++v) acc[0][v] = load(bias + column + v * kLanes<T>);
  if constexpr (Codes::kAny) add_coded<T, 1, P * V>(acc, codes.at(0, column));
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

// One step of a tile of one sample.
template <typename T, bool kCoded>
ELMAN_INLINE void single_step(const Problem<T>& p, const T* packed, int64_t sample, int64_t t,
                              const T* previous, T* current, const Sink<T>& sink) {
  const int64_t D = p.n_features, H = p.hidden_size, rows = D + (p.recurrent ? H : 0),
                step = rows * kPanel<T>;
  const T* bias = packed + rows * padded_columns<T>(H);
  const auto codes = codes_at<kCoded>(p, sample, t);
  const int64_t n_full = padded_columns<T>(H) / kPanel<T>;
  for (int64_t q = 0; q < n_panels<T>(H);) {
    const int64_t width = panel_width<T>(q, H);
    const Segment<T> input{p.X + (sample * p.n_timesteps + t) * D, 0, packed + q * step, D, step};
    const Segment<T> state{previous, 0, packed + q * step + D * width, p.recurrent ? H : 0, step};
    if (q + 4 <= n_full) {
      single_panels<T, 2, 4>(p, bias, codes, input, state, current, sink, q * kPanel<T>);
      q += 4;
    } else if (q + 2 <= n_full) {
      single_panels<T, 2, 2>(p, bias, codes, input, state, current, sink, q * kPanel<T>);
      q += 2;
    } else if (q < n_full) {
      single_panels<T, 2, 1>(p, bias, codes, input, state, current, sink, q * kPanel<T>);
      q += 1;
    } else {
      single_panels<T, 1, 1>(p, bias, codes, input, state, current, sink, q * kPanel<T>);
      q += 1;
    }
  }
}

template <typename T, typename C, bool kCoded>
static void forward_rows(const ForwardCall<T>& c, int64_t begin, int64_t end, T* workspace) {
  const Problem<T>& p = c.problem;
  const int64_t H = p.hidden_size, n_steps = p.n_timesteps, n = end - begin;
  const int64_t padded = padded_columns<T>(H), stride = state_stride<T>(C::kStates * padded);
  const int64_t n_kept = c.recompute_every ? n_checkpoints(n_steps, c.recompute_every) : 0;
  T* previous = workspace;
  T* current = workspace + n * stride;
  T* seen = p.h_mask ? workspace + 2 * n * stride : nullptr;
  T* next_seen = seen ? seen + n * seen_stride(p) : nullptr;
  T* sums = workspace + n * 2 * (stride + (seen ? seen_stride(p) : 0));
  const int64_t totals_step = totals_stride(p);
  double* const totals = pools_mean(c.pool) ? reinterpret_cast<double*>(sums + n * sums_stride(p)) : nullptr;
  const int64_t width = pooled_width(c.pool, H),
                largest_at = width - H;  // P, and where in it the largest are
  T* const largest = pools_largest(c.pool) ? c.pooled + begin * width + largest_at : nullptr;
  T* const ties = largest && c.ties ? c.ties + begin * H : nullptr;
  const int64_t trace_size = p.trace_size();
  for (int64_t r = 0; r < n; ++r) {
    copy_state<T>(C::kStates, H, p.initial + (begin + r) * p.initial_stride, H, previous + r * stride,
                  padded);
  }

  mask_states(p, begin, n, stride, TileState<T>{previous, seen});

  for (int64_t i = 0; totals && i < n * totals_step; ++i) totals[i] = 0;
  for (int64_t r = 0; largest && r < n; ++r) {
    for (int64_t j = 0; j < H; ++j) largest[r * width + j] = -static_cast<T>(__builtin_inff());
  }
  for (int64_t i = 0; ties && i < n * H; ++i) ties[i] = T(1);

  // Sample begin + r has run its last step, and `previous` holds its final state.
  auto finish = [&](int64_t r) {
    T* out = c.final_state + (begin + r) * C::kStates * H;
    copy_state<T>(C::kStates, H, previous + r * stride, padded, out, H);
    if (c.pool != Pool::kNone) {
      T* pooled = c.pooled + (begin + r) * width;
      const int64_t length = length_of(p, begin + r);
      for (int64_t j = 0; j < H; ++j) {
        if (totals) {
          const double last = length % 2 ? static_cast<double>(out[j]) : 0;  // a step without its pair
          const double total = totals[r * totals_step + j] + last;
          pooled[j] = static_cast<T>(total) / static_cast<T>(length);
        }
      }
      for (int64_t j = 0; j < width; ++j) {
        pooled[j] = length ? pooled[j] + T(0) : out[j % H];  // + 0 makes a negative zero positive
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
    // With 16 registers the compiler would keep some sums of single_step in memory, which is slower than a
    // tile.
    if (C::kSums == 1 && n == 1 && kVectorBytes == 64 && !seen && !p.layer_norm) {
      single_step<T, kCoded>(p, c.packed, begin, t, previous, current, Sink<T>{H_t, largest, ties, nullptr});
    } else {
      const TileState<T> from{previous, seen}, to{current, next_seen};
      forward_step<T, C, kCoded>(p, c.packed, begin, t, live, from, to, sums, [=](int64_t r) {
        return Sink<T>{H_t ? H_t + r * n_steps * H : nullptr, largest ? largest + r * width : nullptr,
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
    if (n_kept && (t + 1) % c.recompute_every == 0 && t + 1 < n_steps) {
      for (int64_t r = 0; r < live; ++r) {
        T* kept = c.checkpoints + ((begin + r) * n_kept + t / c.recompute_every) * C::kStates * H;
        copy_state<T>(C::kStates, H, previous + r * stride, padded, kept, H);
      }
    }
  }
}

template <typename T>
static void forward(const ForwardCall<T>& c, int64_t begin, int64_t end, T* workspace) {
  with_cell<T>(c.problem.cell, [&](auto cell) {
    using C = decltype(cell);
    if (c.problem.n_codes) {
      forward_rows<T, C, true>(c, begin, end, workspace);
    } else {
      forward_rows<T, C, false>(c, begin, end, workspace);
    }
  });
}
