// The cells. Each says how many blocks of what it has, and has two pointwise functions.
// Included by isa_unit.cpp alone.
//
// kGates   blocks of columns in W_x and W_h
// kSums    sums of products that a unit needs, each with a bias. The product of gate g with x is added to the
//          sum kXSum[g], the one with h to the sum kHSum[g]. The gradients at the sums are called deltas.
// kStates  blocks in a state, of which the hidden state is the first
// kTrace   blocks that are kept of each step for the backward pass, beside the hidden state
// kDirect  blocks of gradient that go from step to step without passing through W_h
//
// forward(sums, state, trace) replaces the state before a step by the state after it. backward(dh, direct, h,
// trace, previous, deltas) gets the gradient at h, which came through W_h and from outside of the loop;
// `direct` as the later step left it; and the state before the step, whose hidden state is previous[0]. It
// computes the deltas and leaves `direct` for the earlier step. docs/explanation/equations.md has the formulas.

template <typename T>
struct Elman {
  static constexpr int kGates = 1, kSums = 1, kStates = 1, kTrace = 0, kDirect = 0;
  static constexpr int kXSum[] = {0}, kHSum[] = {0};
  // Its pointwise functions are `activate` and `activate_backward`, which take the activation as an argument.
};

template <typename T>
ELMAN_INLINE Vec<T> logistic(Vec<T> a) {
  const Vec<T> half = broadcast(T(0.5));
  return fma(tanh(a * half), half, half);
}

template <typename T>
struct Gru {
  static constexpr int kGates = 3, kSums = 4, kStates = 1, kTrace = 4, kDirect = 1;
  static constexpr int kXSum[] = {0, 1, 2}, kHSum[] = {0, 1, 3};

  static ELMAN_ALWAYS_INLINE void forward(const Vec<T>* sums, Vec<T>* state, Vec<T>* trace) {
    const Vec<T> r = trace[0] = logistic<T>(sums[0]);
    const Vec<T> z = trace[1] = logistic<T>(sums[1]);
    const Vec<T> hn = trace[3] = sums[3];
    const Vec<T> n = trace[2] = tanh(fma(r, hn, sums[2]));
    state[0] = fma(z, state[0] - n, n);
  }

  static ELMAN_ALWAYS_INLINE void backward(Vec<T> dh, Vec<T>* direct, Vec<T>, const Vec<T>* trace,
                                           const Vec<T>* previous, Vec<T>* deltas) {
    const Vec<T> r = trace[0], z = trace[1], n = trace[2], hn = trace[3], one = broadcast(T(1));
    dh += direct[0];
    const Vec<T> dn = dh * (one - z) * fma(-n, n, one);
    deltas[0] = dn * hn * r * (one - r);
    deltas[1] = dh * (previous[0] - n) * z * (one - z);
    deltas[2] = dn;
    deltas[3] = dn * r;
    direct[0] = dh * z;
  }
};

template <typename T>
struct Lstm {
  static constexpr int kGates = 4, kSums = 4, kStates = 2, kTrace = 5, kDirect = 1;
  static constexpr int kXSum[] = {0, 1, 2, 3}, kHSum[] = {0, 1, 2, 3};

  static ELMAN_ALWAYS_INLINE void forward(const Vec<T>* sums, Vec<T>* state, Vec<T>* trace) {
    const Vec<T> i = trace[0] = logistic<T>(sums[0]);
    const Vec<T> f = trace[1] = logistic<T>(sums[1]);
    const Vec<T> g = trace[2] = tanh(sums[2]);
    const Vec<T> o = trace[3] = logistic<T>(sums[3]);
    const Vec<T> c = trace[4] = state[1] = fma(f, state[1], i * g);
    state[0] = o * tanh(c);
  }

  static ELMAN_ALWAYS_INLINE void backward(Vec<T> dh, Vec<T>* direct, Vec<T>, const Vec<T>* trace,
                                           const Vec<T>* previous, Vec<T>* deltas) {
    const Vec<T> i = trace[0], f = trace[1], g = trace[2], o = trace[3], one = broadcast(T(1));
    const Vec<T> tanh_c = tanh(trace[4]);
    const Vec<T> dc = fma(dh * o, fma(-tanh_c, tanh_c, one), direct[0]);
    deltas[0] = dc * g * i * (one - i);
    deltas[1] = dc * previous[1] * f * (one - f);
    deltas[2] = dc * i * fma(-g, g, one);
    deltas[3] = dh * tanh_c * o * (one - o);
    direct[0] = dc * f;
  }
};

// Code outside of a unit reads the counts of a cell from kCellShapes. They must be the same as here.
template <typename C>
constexpr bool is_shaped_as(CellName name) {
  const CellShape& shape = kCellShapes[static_cast<int>(name)];
  return C::kGates == shape.gates && C::kSums == shape.biases && C::kStates == shape.states &&
         C::kTrace == shape.trace;
}
static_assert(is_shaped_as<Elman<float>>(CellName::kElman));
static_assert(is_shaped_as<Gru<float>>(CellName::kGru));
static_assert(is_shaped_as<Lstm<float>>(CellName::kLstm));

// Calls function(C<T>{}), where C is the cell of that name.
template <typename T, typename Function>
ELMAN_INLINE auto with_cell(CellName name, Function function) {
  switch (name) {
    case CellName::kGru:
      return function(Gru<T>{});
    case CellName::kLstm:
      return function(Lstm<T>{});
    case CellName::kElman:
      return function(Elman<T>{});
  }
  __builtin_unreachable();  // bindings.cpp refuses other codes; -Wswitch finds a cell without a case
}
