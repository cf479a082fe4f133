// The gradients of the weights from a chunk of time steps: outer products of what was multiplied and of the
// deltas.
// Included by isa_unit.cpp alone.

// A gradient has the rows of dW_x and then those of dW_h, with the blocks of the gates padded; then one row
// with the blocks of all biases, and with layer_norm one more with those of all gains.
template <typename T>
static int64_t gradient_stride(const Problem<T>& p) {
  return p.shape().gates * padded_columns<T>(p.hidden_size);
}
template <typename T>
static int64_t gradient_size(const Problem<T>& p) {
  return (p.n_features + (p.recurrent ? p.hidden_size : 0)) * gradient_stride<T>(p) +
         (1 + p.layer_norm) * p.shape().biases * padded_columns<T>(p.hidden_size);
}

// Room for two runs a sample and a copy of each, in elements of T.
template <typename T>
ELMAN_INLINE int64_t runs_size(int64_t n_rows) {
  const int64_t bytes = 4 * n_rows * static_cast<int64_t>(sizeof(Run<T>));
  return (bytes + 63) / 64 * 64 / static_cast<int64_t>(sizeof(T));
}

// C += the sum of the outer products of all runs, for n_rows rows of C. `shifted` has room for a copy of the
// runs.
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

// Adds the deltas of step t, of the first `live` samples of the tile, to the rows of the table that the step
// used: sample after sample, code after code.
template <typename T, typename C>
ELMAN_INLINE void add_to_table(const BackwardCall<T>& c, int64_t begin, int64_t live, int64_t t,
                               const T* deltas, int64_t deltas_step) {
  const Problem<T>& p = c.problem;
  const int64_t K = p.n_codes, n_steps = p.n_timesteps;
  const int64_t stride = gradient_stride<T>(p), padded = padded_columns<T>(p.hidden_size);
  T* rows = c.table_gradient + c.first_row[begin / c.group_rows] * stride;
  const int32_t* places = c.places + (begin * n_steps + t) * K;
  for (int64_t r = 0; r < live; ++r, places += n_steps * K, deltas += deltas_step) {
    for (int64_t k = 0; k < K; ++k) {
      T* row = rows + places[k] * stride;
#pragma GCC unroll 4
      for (int g = 0; g < C::kGates; ++g) {
        T* to = row + g * padded;
        const T* from = deltas + C::kXSum[g] * padded;
        for (int64_t j = 0; j < padded; j += kLanes<T>) store(to + j, load(to + j) + load(from + j));
      }
    }
  }
}

// Adds the gradients of the weights from steps [first, first + chunk_steps) of the tile to `gradient`. The
// deltas of these steps lie in `chunk` with the axes (panel, sample, step, column).
template <typename T, typename C>
static void add_chunk(const BackwardCall<T>& c, const History<T>& history, int64_t begin, int64_t n,
                      int64_t first, const T* chunk, T* masked, Run<T>* runs, T* gradient) {
  const Problem<T>& p = c.problem;
  const int64_t D = p.n_features, H = p.hidden_size, n_steps = p.n_timesteps, steps = c.chunk_steps;
  const int64_t stride = gradient_stride<T>(p), padded = padded_columns<T>(H);
  static const T one = T(1);
  Run<T>* shifted = runs + 2 * n;
  const bool begins = first == history.first;  // then h_{t-1} of the first step is in history.before
  for (int64_t r = 0; masked && r < n; ++r) {  // the masked hidden states, which the products with W_h had
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
    // Calls add(row, number of its steps in the chunk, their deltas) for every row that has such steps.
    auto each_live = [&](int sum, auto add) {
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
    if (p.layer_norm) continue;  // the gradients of the biases were added up in normalised_deltas
    T* to = gradient + (D + (p.recurrent ? H : 0)) * stride + column;
    for (int sum = 0; sum < C::kSums; ++sum) {
      each_live(sum,
                [&](int64_t, int64_t n_live, const T* delta) { runs[n_runs++] = {&one, delta, n_live}; });
      outer(runs, n_runs, int64_t{0}, int64_t{1}, width, to + sum * padded, stride, shifted);
    }
  }
}
