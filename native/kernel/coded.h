// The rows of a table that the sums of a step begin with, beside the biases.
// Included by isa_unit.cpp alone.
//
// The functions that compute tiles take one of two types: Uncoded if there is no table, and Coded if there is
// one. The compiler makes code for each, so that calls without a table pay nothing for it.

struct Uncoded {
  static constexpr bool kAny = false;
};

// The codes of a tile of samples at one time step. The rows of the table are read where they lie, not packed:
// a tile reads each of its rows once, and a call may use few rows of a large table.
template <typename T>
struct Coded {
  static constexpr bool kAny = true;
  const int32_t* codes;  // row m of the tile has the codes codes[m * step] to codes[m * step + n_codes - 1]
  int64_t step;
  int64_t n_codes;
  const T* table;    // the row of a code is at table + code * row_size
  int64_t row_size;  // G * H
  int64_t left;      // columns of a gate from here on
  int64_t gate;      // H, the distance between the gates of a row

  // The same from another row of the tile and another column of the gates on.
  ELMAN_ALWAYS_INLINE Coded at(int64_t row, int64_t column) const {
    return {codes + row * step, step, n_codes, table + column, row_size, left - column, gate};
  }
  ELMAN_ALWAYS_INLINE const T* row(int64_t m, int64_t k) const {
    return table + codes[m * step + k] * row_size;
  }
};

// A table that is larger than the nearest caches is read a step ahead.
constexpr int64_t kFarTableBytes = 128 * 1024;

// Adds rows of the table to acc[m][v], whose columns follow each other, one code after the other. kWhole says
// that all of these columns are there.
template <bool kWhole, typename T, int M, int V>
ELMAN_INLINE void add_coded_rows(Vec<T> (&acc)[M][V], const Coded<T>& coded) {
  for (int64_t k = 0; k < coded.n_codes; ++k) {
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      const T* row = coded.row(m, k);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const T* at = row + v * kLanes<T>;
        acc[m][v] += kWhole ? load(at) : load_upto(at, coded.left - v * kLanes<T>);
      }
    }
  }
}
template <typename T, int M, int V>
ELMAN_INLINE void add_coded(Vec<T> (&acc)[M][V], const Coded<T>& coded) {
  if (coded.left >= V * kLanes<T>) {
    add_coded_rows<true, T, M, V>(acc, coded);
  } else {
    add_coded_rows<false, T, M, V>(acc, coded);
  }
}

// Adds rows of the table to acc[m][sum_of[g]], where acc has one vector of units for each sum.
template <bool kWhole, typename T, int M, int kSums, int kGates>
ELMAN_INLINE void add_coded_gate_rows(Vec<T> (&acc)[M][kSums], const Coded<T>& coded,
                                      const int (&sum_of)[kGates]) {
  for (int64_t k = 0; k < coded.n_codes; ++k) {
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      const T* row = coded.row(m, k);
#pragma GCC unroll 4
      for (int g = 0; g < kGates; ++g) {
        const T* at = row + g * coded.gate;
        acc[m][sum_of[g]] += kWhole ? load(at) : load_upto(at, coded.left);
      }
    }
  }
}
template <typename T, int M, int kSums, int kGates>
ELMAN_INLINE void add_coded_gates(Vec<T> (&acc)[M][kSums], const Coded<T>& coded,
                                  const int (&sum_of)[kGates]) {
  if (coded.left >= kLanes<T>) {
    add_coded_gate_rows<true, T, M, kSums, kGates>(acc, coded, sum_of);
  } else {
    add_coded_gate_rows<false, T, M, kSums, kGates>(acc, coded, sum_of);
  }
}
