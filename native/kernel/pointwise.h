// The activations tanh and relu on vectors, and their derivatives in terms of their values.
// Included by isa_unit.cpp alone.

// tanh(x) = x P(x^2) / Q(x^2), an odd rational function that is minimax in relative error on [0, 8.4]. From
// kTanhLimit on x^2 is held constant; there the function is above 1, and the result is cut off at 1. The
// coefficients come from tools/tanh_coefficients.py. All of them are positive, so neither sum cancels.
// Estrin's order of evaluation rounds less than Horner's here. The result is odd, at most 1 in size, and NaN
// if x is NaN, because a comparison with NaN keeps the NaN. tests/proofs tries all 2^32 inputs.
constexpr float kTanhLimit = 8.8f;
constexpr float kTanhP[] = {1.0f, 0.134201348f, 0.00354226655f, 2.1390113e-05f, 1.44716292e-08f};
constexpr float kTanhQ[] = {1.0f, 0.467534602f, 0.0260539334f, 0.000336247351f, 8.22571053e-07f};

template <typename T>
ELMAN_INLINE Vec<T> tanh_polynomial(const float* c, Vec<T> u, Vec<T> u2) {
  const auto k = [c](int i) __attribute__((always_inline)) { return broadcast(static_cast<T>(c[i])); };
  const Vec<T> low = fma(u, k(1), k(0));
  const Vec<T> high = fma(u2, k(4), fma(u, k(3), k(2)));
  return fma(u2, high, low);
}
template <typename T>
ELMAN_INLINE Vec<T> tanh_rational(Vec<T> x) {
  const Vec<T> limit = broadcast(T(kTanhLimit));
  const Vec<T> u = at_most<T>(x * x, limit * limit), u2 = u * u;  // past the limit the result exceeds 1
  return x * tanh_polynomial<T>(kTanhP, u, u2) / tanh_polynomial<T>(kTanhQ, u, u2);
}

ELMAN_INLINE Vec<float> tanh(Vec<float> x) {
  const Vec<float> one = broadcast(1.0f);
#if ELMAN_HAS_FMA
  Vec<float> y = tanh_rational<float>(x);
#else
  // Without a fused multiply-add float32 rounds too often to stay within 5 ulp. Each half of the vector is
  // therefore computed in float64.
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  static_assert(kLanes<float> == 4);
  const Vec<double> low = tanh_rational<double>(__builtin_convertvector(Half{x[0], x[1]}, Vec<double>));
  const Vec<double> high = tanh_rational<double>(__builtin_convertvector(Half{x[2], x[3]}, Vec<double>));
  Vec<float> y = {static_cast<float>(low[0]), static_cast<float>(low[1]), static_cast<float>(high[0]),
                  static_cast<float>(high[1])};
#endif
  return at_least<float>(at_most<float>(y, one), -one);
}

// tanh(x) = e / (e + 2) with e = expm1(2|x|); the sign of x is put back at the end. expm1(y) = 2^n p(r) +
// (2^n - 1) with y = n ln 2 + r, |r| <= ln(2)/2, where p is the Taylor series of expm1. Its first omitted
// term is below 2^-57.
ELMAN_INLINE Vec<double> tanh(Vec<double> x) {
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits of ln 2, so that n * kLn2High is exact
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  typedef IntVec<double> Int;
  const Int sign_bit = (Int)broadcast(-0.0);
  const Int sign = (Int)x & sign_bit;
  Vec<double> y = (Vec<double>)((Int)x & ~sign_bit) * 2.0;
  const Vec<double> limit = broadcast(40.0);  // tanh(20) rounds to 1
  y = at_most<double>(y, limit);
  const Vec<double> shifted = fma(y, broadcast(kLog2E), broadcast(kShift));
  const Vec<double> n = shifted - kShift;
  const Vec<double> r = fma(n, broadcast(-kLn2Low), fma(n, broadcast(-kLn2High), y));
  const Vec<double> power = (Vec<double>)(((Int)shifted + 1023) << 52);
  Vec<double> p = broadcast(1.0 / 6227020800.0);  // 1 / 13!
  constexpr double kFactorial[] = {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0,
                                   720.0,       120.0,      24.0,      6.0,      2.0};
  for (double f : kFactorial) p = fma(p, r, broadcast(1.0 / f));
  p = fma(p * r, r, r);
  const Vec<double> e = fma(power, p, power - 1.0);
  const Vec<double> t = e / (e + 2.0);
  return (Vec<double>)((Int)t | sign);
}

template <typename T>
ELMAN_INLINE Vec<T> activate(Activation activation, Vec<T> a) {
  switch (activation) {
    case Activation::kTanh:
      return tanh(a);
    case Activation::kRelu:
      return at_least<T>(a, Vec<T>{});  // NaN stays NaN
    default:
      return a;
  }
}

// dh * f'(a), computed from the value h = f(a).
template <typename T>
ELMAN_INLINE Vec<T> activate_backward(Activation activation, Vec<T> dh, Vec<T> h) {
  switch (activation) {
    case Activation::kTanh:
      return dh * fma(-h, h, broadcast(T(1)));
    case Activation::kRelu:
      return h <= Vec<T>{} ? Vec<T>{} : dh;  // where h is NaN, dh is passed on
    default:
      return dh;
  }
}
