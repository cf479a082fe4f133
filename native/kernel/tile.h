// The two matrix products of which everything else is made. Each keeps its result in registers.
// Included by isa_unit.cpp alone.
//
// Weights lie in panels that are kPanel columns wide, which is two vectors. The last panel is one vector wide
// if that is enough, and columns past the end are zero. The rows of a panel follow each other: row k of panel
// p starts at packed + p * n_rows * kPanel + k * width(p).

template <typename T>
constexpr int kPanel = 2 * kLanes<T>;

template <typename T>
ELMAN_INLINE int64_t padded_columns(int64_t n_columns) {
  return (n_columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}
template <typename T>
ELMAN_INLINE int64_t n_panels(int64_t n_columns) {
  return (n_columns + kPanel<T> - 1) / kPanel<T>;
}
// The width of panel p in columns: kPanel, or one vector if it is the last panel and needs no more.
template <typename T>
ELMAN_INLINE int64_t panel_width(int64_t p, int64_t n_columns) {
  const int64_t rest = padded_columns<T>(n_columns) - p * kPanel<T>;
  return rest < kPanel<T> ? rest : kPanel<T>;
}

// Packs a matrix (n_rows, n_columns) into panels of `total_rows` rows, from row `first_row` on. Its element
// (k, j) is W[k * row_step + j * column_step], so that it can be a transpose.
template <typename T>
static void pack(const T* W, int64_t row_step, int64_t column_step, int64_t n_rows, int64_t n_columns,
                 int64_t total_rows, int64_t first_row, T* packed) {
  for (int64_t p = 0; p < n_panels<T>(n_columns); ++p) {
    const int64_t width = panel_width<T>(p, n_columns);
    const int64_t used = n_columns - p * kPanel<T> < width ? n_columns - p * kPanel<T> : width;
    T* panel = packed + p * total_rows * kPanel<T> + first_row * width;
    const T* source = W + p * kPanel<T> * column_step;
    for (int64_t k = 0; k < n_rows; ++k, panel += width) {
      for (int64_t j = 0; j < used; ++j) panel[j] = source[k * row_step + j * column_step];
      for (int64_t j = used; j < width; ++j) panel[j] = T(0);
    }
  }
}

// One operand of a tile: rows at a + m * stride, and the n rows of a panel that they are multiplied with. The
// next panel of the same operand lies panel_step elements further.
template <typename T>
struct Segment {
  const T* a;
  int64_t stride;
  const T* panel;
  int64_t n;
  int64_t panel_step;
};

// acc[m][v] += sum over k of a[m * stride + k] * panel[k], with k ascending. Every element is one chain of
// fused multiply-adds, whatever M is; for that reason the bits of a sample do not depend on its batch. With
// few rows, P panels side by side (panel_step elements apart) keep enough chains running at once.
template <typename T, int M, int V, int P>
ELMAN_INLINE void accumulate(Vec<T> (&acc)[M][P * V], const Segment<T>& s) {
  constexpr int kWidth = V * kLanes<T>;
  const int64_t panel_step = s.panel_step;
  const T* panel = s.panel;
  const T* a0 = s.a;
  const T* a1 = s.a + (M > 7 ? 7 : 0) * s.stride;  // two bases and their multiples reach 14 rows
  const int64_t stride = s.stride, stride3 = 3 * stride, stride5 = 5 * stride;
  for (int64_t k = 0; k < s.n; ++k) {
    Vec<T> w[P * V];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) w[p * V + v] = load(panel + p * panel_step + v * kLanes<T>);
    }
    panel += kWidth;
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      const T* base = (m < 7 ? a0 : a1) + k;
      const int i = m < 7 ? m : m - 7;
      const T* at = i == 3   ? base + stride3
                    : i == 5 ? base + stride5
                    : i == 6 ? base + 2 * stride3
                             : base + i * stride;
      const Vec<T> x = broadcast(*at);
#pragma GCC unroll 8
      for (int v = 0; v < P * V; ++v) acc[m][v] = fma(x, w[v], acc[m][v]);
    }
  }
}

// tile (M, P * V vectors) = bias + the rows of the codes, if there are any, + the products of the segments,
// added in their order. A null bias is zero.
template <typename T, int M, int V, int P, typename Codes>
ELMAN_INLINE void fill_tile(const T* bias, const Codes& codes, const Segment<T>* segments, int n_segments,
                            T* tile) {
  Vec<T> acc[M][P * V];
#pragma GCC unroll 8
  for (int v = 0; v < P * V; ++v) {
    const Vec<T> start = bias ? load(bias + v * kLanes<T>) : Vec<T>{};
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) acc[m][v] = start;
  }
  if constexpr (Codes::kAny) add_coded<T, M, P * V>(acc, codes);
  for (int i = 0; i < n_segments; ++i) accumulate<T, M, V, P>(acc, segments[i]);
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < P * V; ++v) store(tile + (m * P * V + v) * kLanes<T>, acc[m][v]);
  }
}
template <typename T, int M, int V, int P>
static void product_tile(const T* bias, const Segment<T>* segments, int n_segments, T* tile) {
  fill_tile<T, M, V, P>(bias, Uncoded{}, segments, n_segments, tile);
}
template <typename T, int M, int V, int P>
static void coded_tile(const T* bias, const Coded<T>& codes, const Segment<T>* segments, int n_segments,
                       T* tile) {
  fill_tile<T, M, V, P>(bias, codes, segments, n_segments, tile);
}

// Consecutive time steps of one sample, as a sum of outer products has them: n rows a + k * a_stride, and the
// rows b + k * width that go with them.
template <typename T>
struct Run {
  const T* a;
  const T* b;
  int64_t n;
};

// C (M, V vectors) += the sum over all runs and over k of a[k][m] * b[k]: outer products, of which the
// gradients of weights are made.
template <typename T, int M, int V>
static void outer_tile(const Run<T>* runs, int64_t n_runs, int64_t a_stride, T* C, int64_t c_stride) {
  constexpr int kWidth = V * kLanes<T>;
  Vec<T> acc[M][V];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[m][v] = Vec<T>{};
  }
  for (int64_t r = 0; r < n_runs; ++r) {
    const T* a = runs[r].a;
    const T* b = runs[r].b;
    for (int64_t k = 0; k < runs[r].n; ++k, a += a_stride, b += kWidth) {
      Vec<T> w[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) w[v] = load(b + v * kLanes<T>);
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
        const Vec<T> x = broadcast(a[m]);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[m][v] = fma(x, w[v], acc[m][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      T* c = C + m * c_stride + v * kLanes<T>;
      store(c, load(c) + acc[m][v]);
    }
  }
}

// The functions above in tables by the number of rows, so that the compiler knows M.
template <typename T>
using ProductTile = void (*)(const T*, const Segment<T>*, int, T*);
template <typename T>
using CodedTile = void (*)(const T*, const Coded<T>&, const Segment<T>*, int, T*);
template <typename T>
using OuterTile = void (*)(const Run<T>*, int64_t, int64_t, T*, int64_t);

// How many panels one or two rows take side by side: 8 accumulators at most, which hide the latency of the
// multiply-add.
constexpr int64_t most_panels_together(int64_t m) { return m == 1 ? 4 : m == 2 ? 2 : 1; }

template <typename T, int M>
struct Tables : Tables<T, M - 1> {
  constexpr Tables() : Tables<T, M - 1>() {
    this->one[M - 1] = product_tile<T, M, 1, 1>;
    this->two[M - 1] = product_tile<T, M, 2, 1>;
    if constexpr (M <= 2) this->pair[M - 1] = product_tile<T, M, 2, 2>;
    if constexpr (M == 1) this->four[M - 1] = product_tile<T, M, 2, 4>;
    this->outer_one[M - 1] = outer_tile<T, M, 1>;
    this->outer_two[M - 1] = outer_tile<T, M, 2>;
  }
};
template <typename T>
struct Tables<T, 0> {
  ProductTile<T> one[kTileRows]{}, two[kTileRows]{}, pair[2]{}, four[1]{};
  OuterTile<T> outer_one[kTileRows]{}, outer_two[kTileRows]{};
};
template <typename T>
static constexpr Tables<T, kTileRows> kTiles{};

// Those with codes, which are apart so that the tables above stay as they are.
template <typename T, int M>
struct CodedTables : CodedTables<T, M - 1> {
  constexpr CodedTables() : CodedTables<T, M - 1>() {
    this->one[M - 1] = coded_tile<T, M, 1, 1>;
    this->two[M - 1] = coded_tile<T, M, 2, 1>;
    if constexpr (M <= 2) this->pair[M - 1] = coded_tile<T, M, 2, 2>;
    if constexpr (M == 1) this->four[M - 1] = coded_tile<T, M, 2, 4>;
  }
};
template <typename T>
struct CodedTables<T, 0> {
  CodedTile<T> one[kTileRows]{}, two[kTileRows]{}, pair[2]{}, four[1]{};
};
template <typename T>
static constexpr CodedTables<T, kTileRows> kCodedTiles{};

// Those of one panel that is one vector wide, or of this many panels side by side.
template <typename Tables>
ELMAN_INLINE auto tiles_of(const Tables& tables, bool narrow, int64_t together) {
  return narrow ? tables.one : together == 1 ? tables.two : together == 2 ? tables.pair : tables.four;
}
template <typename T, bool kCoded>
ELMAN_INLINE auto tiles_for(bool narrow, int64_t together) {
  if constexpr (kCoded) {
    return tiles_of(kCodedTiles<T>, narrow, together);
  } else {
    return tiles_of(kTiles<T>, narrow, together);
  }
}

// How many rows a tile should take at most, so that the tiles of `rows` rows are of about equal size.
ELMAN_INLINE int64_t even_share(int64_t rows) {
  const int64_t n_tiles = (rows + kTileRows - 1) / kTileRows;
  return (rows + n_tiles - 1) / n_tiles;
}

template <typename T>
struct Operand {
  const T* a;  // row r is at a + r * stride
  int64_t stride;
  const T* packed;  // panels of total_rows rows
  int64_t total_rows;
  int64_t first_row;  // where the rows of this operand begin in a panel
  int64_t n;          // how many rows of a panel it has; 0 if the operand is absent
};

// Computes bias + the rows of the codes + the products of the operands for rows [begin, end), tile by tile,
// and passes each tile to epilogue(row, n_rows, column, n_columns_of_tile, tile). `bias` is padded like the
// panels, or null.
template <typename T, int N, typename Codes, typename Epilogue>
ELMAN_INLINE void product(const T* bias, const Codes& codes, const Operand<T> (&operands)[N],
                          int64_t n_columns, int64_t begin, int64_t end, Epilogue epilogue) {
  alignas(64) T tile[kTileRows * kPanel<T> > 8 * kLanes<T> ? kTileRows * kPanel<T> : 8 * kLanes<T>];
  if (begin >= end) return;
  const int64_t share = even_share(end - begin);
  const int64_t last = n_panels<T>(n_columns);
  const int64_t n_full = padded_columns<T>(n_columns) / kPanel<T>;
  int64_t p = 0;
  while (p < last) {
    const int64_t width = panel_width<T>(p, n_columns);
    // One or two rows are never what remains of more rows, so that all tiles of the call have the same number
    // of panels.
    int64_t together = most_panels_together(share);
    while (together > 1 && p + together > n_full) together /= 2;
    const auto table = tiles_for<T, Codes::kAny>(width < kPanel<T>, together);
    const T* start = bias ? bias + p * kPanel<T> : nullptr;
    for (int64_t row = begin; row < end; row += share) {
      const int64_t m = share < end - row ? share : end - row;
      Segment<T> segments[N];
      for (int i = 0; i < N; ++i) {
        const Operand<T>& o = operands[i];
        const int64_t step = o.total_rows * kPanel<T>;
        segments[i] = {o.a + row * o.stride, o.stride, o.packed + p * step + o.first_row * width, o.n, step};
      }
      if constexpr (Codes::kAny) {
        table[m - 1](start, codes.at(row, p * kPanel<T>), segments, N, tile);
      } else {
        table[m - 1](start, segments, N, tile);
      }
      epilogue(row, m, p * kPanel<T>, width * together, tile);
    }
    p += together;
  }
}

// Passes tiles of zeros to the epilogue, as if there were a product.
template <typename T, typename Epilogue>
ELMAN_INLINE void no_product(int64_t n_columns, int64_t begin, int64_t end, Epilogue epilogue) {
  const Operand<T> none[1]{};
  product<T>(nullptr, Uncoded{}, none, n_columns, begin, end, epilogue);
}

// ---- several gates at once ----
//
// A cell with gates needs all sums of a unit at the same time. Its panels are one vector of units wide and
// hold the columns of all gates side by side: panel q begins at packed + q * n_rows * kGates * lanes, and
// each of its rows is kGates vectors.

// How many rows a tile of four sums has, so that it has as many accumulators as the other tiles.
constexpr int kGateRows = kTileRows / 2;

// acc[m][sum_of[g]] += sum over k of a[m * stride + k] * panel[k][g], one chain an element as in
// `accumulate`.
template <typename T, int M, int kSums, int kGates>
ELMAN_INLINE void accumulate_gates(Vec<T> (&acc)[M][kSums], const Segment<T>& s,
                                   const int (&sum_of)[kGates]) {
  const T* panel = s.panel;
  for (int64_t k = 0; k < s.n; ++k, panel += kGates * kLanes<T>) {
    Vec<T> x[M];
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) x[m] = broadcast(s.a[m * s.stride + k]);
#pragma GCC unroll 4
    for (int g = 0; g < kGates; ++g) {
      const Vec<T> w = load(panel + g * kLanes<T>);
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) acc[m][sum_of[g]] = fma(x[m], w, acc[m][sum_of[g]]);
    }
  }
}

// tile (M, kSums vectors) = bias + the rows of the codes + the products of x + the products of h, for one
// panel. A null bias is zero.
template <typename T, typename C, int M, typename Codes>
ELMAN_INLINE void fill_gate_tile(const T* bias, const Codes& codes, const Segment<T>& x, const Segment<T>& h,
                                 T* tile) {
  Vec<T> acc[M][C::kSums];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < C::kSums; ++v) acc[m][v] = bias ? load(bias + v * kLanes<T>) : Vec<T>{};
  }
  if constexpr (Codes::kAny) add_coded_gates<T, M, C::kSums, C::kGates>(acc, codes, C::kXSum);
  accumulate_gates<T, M, C::kSums, C::kGates>(acc, x, C::kXSum);
  accumulate_gates<T, M, C::kSums, C::kGates>(acc, h, C::kHSum);
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < C::kSums; ++v) store(tile + (m * C::kSums + v) * kLanes<T>, acc[m][v]);
  }
}
template <typename T, typename C, int M>
static void gate_tile(const T* bias, const Segment<T>& x, const Segment<T>& h, T* tile) {
  fill_gate_tile<T, C, M>(bias, Uncoded{}, x, h, tile);
}
template <typename T, typename C, int M>
static void coded_gate_tile(const T* bias, const Coded<T>& codes, const Segment<T>& x, const Segment<T>& h,
                            T* tile) {
  fill_gate_tile<T, C, M>(bias, codes, x, h, tile);
}

template <typename T>
using GateTile = void (*)(const T*, const Segment<T>&, const Segment<T>&, T*);
template <typename T>
using CodedGateTile = void (*)(const T*, const Coded<T>&, const Segment<T>&, const Segment<T>&, T*);

template <typename T, typename C, int M>
struct GateTables : GateTables<T, C, M - 1> {
  constexpr GateTables() : GateTables<T, C, M - 1>() { this->tiles[M - 1] = gate_tile<T, C, M>; }
};
template <typename T, typename C>
struct GateTables<T, C, 0> {
  GateTile<T> tiles[kGateRows]{};
};
template <typename T, typename C>
static constexpr GateTables<T, C, kGateRows> kGateTiles{};

template <typename T, typename C, int M>
struct CodedGateTables : CodedGateTables<T, C, M - 1> {
  constexpr CodedGateTables() : CodedGateTables<T, C, M - 1>() {
    this->tiles[M - 1] = coded_gate_tile<T, C, M>;
  }
};
template <typename T, typename C>
struct CodedGateTables<T, C, 0> {
  CodedGateTile<T> tiles[kGateRows]{};
};
template <typename T, typename C>
static constexpr CodedGateTables<T, C, kGateRows> kCodedGateTiles{};

// Computes the sums of all units for rows [0, end), tile by tile, and passes each tile to epilogue(row,
// n_rows, column, tile).
template <typename T, typename C, typename Codes, typename Epilogue>
ELMAN_INLINE void gate_products(const T* bias, const Codes& codes, const Operand<T>& x, const Operand<T>& h,
                                int64_t hidden_size, int64_t end, Epilogue epilogue) {
  alignas(64) T tile[kGateRows * C::kSums * kLanes<T>];
  const int64_t n_tiles = (end + kGateRows - 1) / kGateRows, share = (end + n_tiles - 1) / n_tiles;
  const int64_t row_size = C::kGates * kLanes<T>;
  for (int64_t column = 0; column < hidden_size; column += kLanes<T>) {
    const T* panel = x.packed + column * C::kGates * x.total_rows;
    for (int64_t row = 0; row < end; row += share) {
      const int64_t m = share < end - row ? share : end - row;
      const Segment<T> sx{x.a + row * x.stride, x.stride, panel + x.first_row * row_size, x.n, 0};
      const Segment<T> sh{h.a + row * h.stride, h.stride, panel + h.first_row * row_size, h.n, 0};
      const T* start = bias ? bias + column * C::kSums : nullptr;
      if constexpr (Codes::kAny) {
        kCodedGateTiles<T, C>.tiles[m - 1](start, codes.at(row, column), sx, sh, tile);
      } else {
        kGateTiles<T, C>.tiles[m - 1](start, sx, sh, tile);
      }
      epilogue(row, m, column, tile);
    }
  }
}
