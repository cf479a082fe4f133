// The time loop backward: a tile of samples from their last steps to the first one.
// Included by isa_unit.cpp alone.

template <typename T>
static int64_t backward_workspace(const BackwardCall<T>& c) {
  const Problem<T>& p = c.problem;
  const int64_t n = c.tile_rows, padded = padded_columns<T>(p.hidden_size);
  const CellShape shape = p.shape();
  const int64_t deltas = 2 * n * state_stride<T>(shape.biases * padded), direct = n * state_stride<T>(padded);
  const int64_t states = c.recompute_every ? forward_workspace(p, n, Pool::kNone) : 0;
  const int64_t masked = p.h_mask ? n * c.chunk_steps * p.hidden_size : 0;
  const int64_t stretch = n * c.recompute_every * (p.hidden_size + p.trace_size());
  const int64_t norm_sums = p.layer_norm ? 2 * shape.biases * padded : 0;
  return deltas + direct + n * c.chunk_steps * shape.biases * padded + runs_size<T>(n) + states + stretch +
         masked + norm_sums;
}

// Hidden states and traces are prefetched this many steps before they are needed. A long history lies in a
// distant cache, and the processor does not foresee that it is read backward.
constexpr int64_t kAhead = 8;
constexpr int64_t kAheadGates = 3;  // fewer, because a trace is several times as wide and would be evicted

// Runs one tile backward. At every step, dh_t = dH_t + deltas_{t+1} W_h^T, plus dfinal at the last step and
// what the cell hands from step to step. From dh_t the cell computes deltas_t, and dX_t = deltas_t W_x^T.
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
  T* again = reinterpret_cast<T*>(runs) + runs_size<T>(c.tile_rows);  // the states of run_again
  T* stretch = again + (c.recompute_every ? forward_workspace(p, c.tile_rows, Pool::kNone) : 0);
  const int64_t trace_size = p.trace_size();
  T* norm_sums = stretch + c.tile_rows * c.recompute_every * (H + trace_size);
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

  // The product of the deltas of all gates with a transposed matrix.
  const auto through = [=](const T* deltas, const T* packed, const int (&sum_of)[C::kGates],
                           int64_t n_columns, int64_t rows, auto epilogue) __attribute__((always_inline)) {
    Operand<T> operands[C::kGates];
    for (int g = 0; g < C::kGates; ++g) {
      operands[g] = {deltas + sum_of[g] * padded, stride, packed, C::kGates * H, g * H, H};
    }
    product<T>(nullptr, Uncoded{}, operands, n_columns, 0, rows, epilogue);
  };

  if (c.dX) {  // zero past the end of each sample
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
    if (c.recompute_every && (t == longest - 1 || (t + 1) % c.recompute_every == 0)) {
      const int64_t first = t / c.recompute_every * c.recompute_every;
      if (p.n_codes) {
        run_again<T, C, true>(c, begin, n, first, again, stretch, history);
      } else {
        run_again<T, C, false>(c, begin, n, first, again, stretch, history);
      }
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
        const PoolShares<T> shares = pool_shares(c, sample);
        // Neighbouring panels lie one panel of the chunk apart.
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
                v = with_pool_share(shares, column + j, v, h, left);
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
          // A second state is the last block of the trace.
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
            dh = with_pool_share(shares, column + j, dh, h, left);
#pragma GCC unroll 8
            for (int v = 0; v < C::kTrace; ++v) {
              // Into the second cache, because the first one can wait for no more lines at once.
              __builtin_prefetch(next_trace + v * H + j, 0, 2);
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
    if (p.n_codes) add_to_table<T, C>(c, begin, live, t, current, stride);
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

  // The gradient at the initial state: what goes through W_h and past it or, for a sample without a step, the
  // gradient at its final state.
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
  if (c.problem.n_codes) {
    const int64_t stride = gradient_stride<T>(c.problem), group = begin / c.group_rows;
    T* const stop = c.table_gradient + c.first_row[group + 1] * stride;
    for (T* at = c.table_gradient + c.first_row[group] * stride; at < stop; ++at) *at = T(0);
  }
  with_cell<T>(c.problem.cell, [&](auto cell) {
    for (int64_t i = begin; i < end; i += c.tile_rows) {
      const int64_t stop = i + c.tile_rows < end ? i + c.tile_rows : end;
      backward_tile<T, decltype(cell)>(c, i, stop, workspace, gradient);
    }
  });
}
