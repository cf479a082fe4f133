// tanh and relu on vectors, and their derivatives from the value. Included by isa_unit.cpp alone.

// tanh(x) = x P(x^2) / Q(x^2): an odd rational, minimax in relative error on [0, kTanhLimit]; beyond the
// limit tanh rounds to 1. Coefficients from tools/tanh_coefficients.py; all are positive, so neither sum
// cancels. |tanh| <= 1, odd, NaN in NaN out (a comparison with NaN keeps the NaN).
constexpr float kTanhLimit = 9.02f;
constexpr float kTanhP[] = {1.0f, 0.133797213f, 0.00349403941f, 2.05835549e-05f, 1.33191644e-08f};
constexpr float kTanhQ[] = {1.0f, 0.467130363f, 0.0258710925f, 0.000328310038f, 7.76205923e-07f};
ELMAN_INLINE Vec<float> tanh(Vec<float> x) {
  const Vec<float> limit = broadcast(kTanhLimit);
  x = x > limit ? limit : x;
  x = x < -limit ? -limit : x;
  const Vec<float> u = x * x;
  Vec<float> p = broadcast(kTanhP[4]);
  Vec<float> q = broadcast(kTanhQ[4]);
  for (int i = 3; i >= 0; --i) {
    p = fma(p, u, broadcast(kTanhP[i]));
    q = fma(q, u, broadcast(kTanhQ[i]));
  }
  const Vec<float> one = broadcast(1.0f);
  Vec<float> y = x * p / q;
  y = y > one ? one : y;
  return y < -one ? -one : y;
}

// tanh(x) = e / (e + 2) with e = expm1(2|x|), the sign put back. expm1(y) = 2^n p(r) + (2^n - 1) with
// y = n ln 2 + r, |r| <= ln(2)/2, p the Taylor series of expm1 (its first omitted term is under 2^-57).
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
  y = y > limit ? limit : y;
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
      return a < Vec<T>{} ? Vec<T>{} : a;  // NaN is not below zero: it stays
    default:
      return a;
  }
}

// dh * f'(a), written in the value h = f(a).
template <typename T>
ELMAN_INLINE Vec<T> activate_backward(Activation activation, Vec<T> dh, Vec<T> h) {
  switch (activation) {
    case Activation::kTanh:
      return dh * fma(-h, h, broadcast(T(1)));
    case Activation::kRelu:
      return h <= Vec<T>{} ? Vec<T>{} : dh;  // NaN passes dh on
    default:
      return dh;
  }
}
