#include "runtime/vectors.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "runtime/thread_pool.h"

namespace elman::vectors {
namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits of ln 2, so that n * kLn2High is exact
constexpr double kLn2Low = 1.90821492927058770002e-10;

// The Taylor series of exp(r), |r| <= ln(2)/2: its first omitted term is under 2^-57.
inline double taylor_exp(double r) {
  double p = 1.0 / 6227020800.0;  // 1 / 13!
  for (double factorial : {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0,
                           6.0, 2.0, 1.0, 1.0}) {
    p = p * r + 1.0 / factorial;
  }
  return p;
}

// exp(x) for x <= 0 or NaN, as 2^n exp(r) with x = n ln 2 + r. It is 0 if x is below -708.
double exp_down(double x) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  const double bounded = x < -708.0 ? -708.0 : x;
  const double shifted = bounded * kLog2E + kShift;
  const double n = shifted - kShift;
  const double r = (bounded - n * kLn2High) - n * kLn2Low;
  const double p = taylor_exp(r);
  const double power = std::bit_cast<double>((std::bit_cast<uint64_t>(shifted) + 1023) << 52);
  return x < -708.0 ? 0.0 : p * power;
}

// Compares the exponents as integers, so that the compiler can use vectors.
template <typename T>
bool finite_range(const T* x, int64_t n) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const Bits exponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits bad = 0;
  for (int64_t i = 0; i < n; ++i)
    bad |= (std::bit_cast<Bits>(x[i]) & exponent) == exponent ? Bits{1} : Bits{0};
  return bad == 0;
}

}  // namespace

template <typename T>
void cross_entropy(const T* logits, const int64_t* codes, const double* weights, double total, int64_t n,
                   int64_t k, double* losses, T* dlogits, bool* hits) {
  const double unit = 1.0 / (total > 0 ? total : 1.0);
  std::vector<double> p(static_cast<size_t>(k));
  for (int64_t i = 0; i < n; ++i, logits += k, dlogits += k) {
    T largest = logits[0];
    int64_t answer = 0;
    for (int64_t j = 1; j < k; ++j) {
      const bool larger = logits[j] > largest || logits[j] != logits[j];
      largest = larger ? logits[j] : largest;
      answer = larger ? j : answer;
    }
    hits[i] = answer == codes[i];
    double sum = 0;
    for (int64_t j = 0; j < k; ++j) p[j] = exp_down(static_cast<double>(logits[j]) - largest);
    for (int64_t j = 0; j < k; ++j) sum += p[j];
    const double share = weights ? weights[i] * unit : unit;
    // This is the logarithm of a sum minus a logit. A probability could be rounded to 0, which has no
    // logarithm.
    losses[i] = (std::log(sum) - (static_cast<double>(logits[codes[i]]) - largest)) * share;
    const double scale = share / sum;
    for (int64_t j = 0; j < k; ++j) dlogits[j] = static_cast<T>(p[j] * scale);
    dlogits[codes[i]] = static_cast<T>((p[codes[i]] / sum - 1.0) * share);
  }
}

template <typename T>
void squared_errors(const T* outputs, const T* targets, int64_t n, double* out) {
  for (int64_t i = 0; i < n; ++i) {
    const T error = outputs[i] - targets[i];
    const double wide = static_cast<double>(error);
    out[i] = targets[i] == targets[i] ? wide * wide : 0.0;
  }
}

double sum(const double* values, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += values[i];
  return sum;
}

template <typename T>
void softmax(const T* logits, int64_t n, int64_t k, T* out) {
  constexpr int64_t kHere = 64;  // memory is allocated for more classes than these
  double here[kHere];
  std::vector<double> there(static_cast<size_t>(k > kHere ? k : 0));
  double* p = k > kHere ? there.data() : here;
  for (int64_t i = 0; i < n; ++i, logits += k, out += k) {
    T largest = logits[0];
    for (int64_t j = 1; j < k; ++j)
      largest = logits[j] > largest || logits[j] != logits[j] ? logits[j] : largest;
    double total = 0;
    for (int64_t j = 0; j < k; ++j) p[j] = exp_down(static_cast<double>(logits[j]) - largest);
    for (int64_t j = 0; j < k; ++j) total += p[j];
    for (int64_t j = 0; j < k; ++j) out[j] = static_cast<T>(p[j] / total);
  }
}

template <typename T>
void sigmoid(const T* logits, int64_t n, T* out) {
  for (int64_t i = 0; i < n; ++i) {
    const double z = static_cast<double>(logits[i]), small = exp_down(-std::fabs(z));
    out[i] = static_cast<T>((z < 0 ? small : 1.0) / (1.0 + small));
  }
}

SplitExp split_exp(double x) {
  constexpr double kLargest = 1099511627776.0;  // 2^40
  x = x < -kLargest ? -kLargest : x > kLargest ? kLargest : x;
  const double k = std::nearbyint(x * kLog2E);
  return {taylor_exp((x - k * kLn2High) - k * kLn2Low), k};
}

template <typename T>
double norm(const T* x, int64_t n) {
  constexpr int64_t kSums = 8;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int64_t j = 0; j < kSums; ++j) {
      const double value = static_cast<double>(x[i + j]);
      sums[j] += value * value;
    }
  }
  for (; i < n; ++i) sums[i % kSums] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (int64_t width = kSums / 2; width; width /= 2) {
    for (int64_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return std::sqrt(sums[0]);
}

template <typename T>
void adam(const Adam<T>& s, T* __restrict w, const T* __restrict g, T* __restrict m, T* __restrict v,
          const T* __restrict decay, int64_t n) {
  const auto run = [=](auto gradient_of, auto shrink_of) {
    for (int64_t i = 0; i < n; ++i) {
      const T gradient = gradient_of(i);
      m[i] = m[i] * s.beta_1 + gradient * s.rest_1;
      v[i] = v[i] * s.beta_2 + gradient * gradient * s.rest_2;
      const T step = m[i] / (std::sqrt(v[i]) / s.root_correction_2 + s.epsilon) * s.rate;
      w[i] -= shrink_of(i, step);
    }
  };
  const auto scaled = [=](int64_t i) { return g[i] * s.scale; };
  const auto alone = [](int64_t, T step) { return step; };
  if (!decay) {
    run(scaled, alone);
  } else if (s.shrink != T(0)) {
    run(scaled, [=](int64_t i, T step) { return step + w[i] * decay[i] * s.shrink; });
  } else {
    run([=](int64_t i) { return g[i] * s.scale + w[i] * decay[i] * s.penalty; }, alone);
  }
}

template <typename T>
bool all_finite(const T* values, int64_t n, int n_threads) {
  constexpr int64_t kBlock = 1 << 16;  // values of a task, which takes about 10 microseconds from memory
  const int64_t n_tasks = (n + kBlock - 1) / kBlock;
  std::atomic<bool> finite{true};
  parallel_for(n_tasks, static_cast<int>(std::clamp<int64_t>(n_tasks, 1, n_threads)), [&](int64_t task, int) {
    const int64_t end = std::min(n, (task + 1) * kBlock);
    if (!finite_range(values + task * kBlock, end - task * kBlock)) finite = false;
  });
  return finite;
}

template <typename From, typename To>
bool standardise(const From* values, const double* mean, const double* scale, int64_t n, int64_t d, To* out,
                 int n_threads) {
  // Several steps are treated as one long row, so that the inner loop is long enough.
  const int64_t joined = std::max<int64_t>(1, 512 / std::max<int64_t>(d, 1)), width = joined * d;
  std::vector<double> means(static_cast<size_t>(width)), scales(static_cast<size_t>(width));
  for (int64_t j = 0; j < width; ++j) means[j] = mean[j % d], scales[j] = scale[j % d];
  constexpr int64_t kBlock = 1 << 16;  // values of a task, which takes about 30 microseconds
  const int64_t size = n * d, rows = std::max<int64_t>(1, kBlock / std::max<int64_t>(width, 1)) * width;
  const int64_t n_tasks = size ? (size + rows - 1) / rows : 0;
  std::atomic<bool> finite{true};
  parallel_for(
      n_tasks, static_cast<int>(std::clamp<int64_t>(n_tasks, 1, n_threads)),
      [&](int64_t task, int) {
        const int64_t end = std::min(size, (task + 1) * rows);
        bool all = true;
        for (int64_t i = task * rows; i < end; i += width) {
          const int64_t length = std::min(width, end - i);
          const From* from = values + i;
          To* to = out + i;
          for (int64_t j = 0; j < length; ++j) {
            to[j] = static_cast<To>((static_cast<double>(from[j]) - means[j]) / scales[j]);
          }
          all &= finite_range(to, length);
        }
        if (!all) finite = false;
      },
      Denormals::kKeep);
  return finite;
}

template bool all_finite<float>(const float*, int64_t, int);
template bool all_finite<double>(const double*, int64_t, int);
template bool standardise<float, float>(const float*, const double*, const double*, int64_t, int64_t, float*,
                                        int);
template bool standardise<float, double>(const float*, const double*, const double*, int64_t, int64_t,
                                         double*, int);
template bool standardise<double, float>(const double*, const double*, const double*, int64_t, int64_t,
                                         float*, int);
template bool standardise<double, double>(const double*, const double*, const double*, int64_t, int64_t,
                                          double*, int);
template void cross_entropy<float>(const float*, const int64_t*, const double*, double, int64_t, int64_t,
                                   double*, float*, bool*);
template void cross_entropy<double>(const double*, const int64_t*, const double*, double, int64_t, int64_t,
                                    double*, double*, bool*);
template void squared_errors<float>(const float*, const float*, int64_t, double*);
template void squared_errors<double>(const double*, const double*, int64_t, double*);
template void softmax<float>(const float*, int64_t, int64_t, float*);
template void softmax<double>(const double*, int64_t, int64_t, double*);
template void sigmoid<float>(const float*, int64_t, float*);
template void sigmoid<double>(const double*, int64_t, double*);
template double norm<float>(const float*, int64_t);
template double norm<double>(const double*, int64_t);
template void adam<float>(const Adam<float>&, float*, const float*, float*, float*, const float*, int64_t);
template void adam<double>(const Adam<double>&, double*, const double*, double*, double*, const double*,
                           int64_t);

}  // namespace elman::vectors
