// Weights in the order in which the time loops read them, packed once a call.
// Included by isa_unit.cpp alone.

template <typename T>
static int64_t forward_pack_size(const Problem<T>& p) {
  const int64_t rows = p.n_features + (p.recurrent ? p.hidden_size : 0);
  const CellShape shape = p.shape();
  return (rows * shape.gates + (1 + p.layer_norm) * shape.biases) * padded_columns<T>(p.hidden_size);
}

// Packs panels of [W_x; W_h], and then the biases, padded: for each vector of units, one vector of every sum.
// With layer_norm the gains follow in the same order.
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

template <typename T>
static int64_t backward_pack_size(const Problem<T>& p) {
  return p.shape().gates * p.hidden_size *
         ((p.recurrent ? padded_columns<T>(p.hidden_size) : 0) + padded_columns<T>(p.n_features));
}

// Packs panels of W_h^T and then panels of W_x^T. Their rows are the columns of the gates.
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
