// The cells: how many of what, and two pointwise functions each. Included by isa_unit.cpp alone.
//
// kGates   blocks of columns in W_x and W_h
// kSums    sums of products a unit needs, each with a bias: gate g's product with x goes into sum kXSum[g], that
//          with h into kHSum[g]; the gradients at them, "deltas", are as many
// kStates  blocks in a state, the hidden state first
// kTrace   blocks kept of each step for the way back, beside the hidden state
// kDirect  blocks of gradient handed from step to step beside what goes through W_h
//
// forward(sums, state, trace) turns the state before into the state after. backward(dh, direct, h, trace,
// previous, deltas) gets the gradient at h through W_h and from outside, `direct` as the step after left it, and
// the state before (previous[0] is h); it leaves `direct` for the step before. docs/equations.md has the formulas.

template <typename T>
struct Elman {
  static constexpr int kGates = 1, kSums = 1, kStates = 1, kTrace = 0, kDirect = 0;
  static constexpr int kXSum[] = {0}, kHSum[] = {0};
  // Its pointwise functions are `activate` and `activate_backward`: they take the activation's name.
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

// Code outside of a unit knows a cell by its line in kCellShapes, which has to say the same.
template <typename C>
constexpr bool is_shaped_as(CellName name) {
  const CellShape& shape = kCellShapes[static_cast<int>(name)];
  return C::kGates == shape.gates && C::kSums == shape.biases && C::kStates == shape.states &&
         C::kTrace == shape.trace;
}
static_assert(is_shaped_as<Elman<float>>(CellName::kElman));
static_assert(is_shaped_as<Gru<float>>(CellName::kGru));
static_assert(is_shaped_as<Lstm<float>>(CellName::kLstm));

// Calls function(C<T>{}) of the cell named.
template <typename T, typename Function>
ELMAN_INLINE auto with_cell(CellName name, Function function) {
  switch (name) {
    case CellName::kGru:
      return function(Gru<T>{});
    case CellName::kLstm:
      return function(Lstm<T>{});
    default:
      return function(Elman<T>{});
  }
}
