// Runs one instruction set's unit against a scalar implementation in double; prints the worst difference.
//
// Built by tests/backends/test_native_unit.py with ELMAN_ISA naming the unit: for other processors (under an emulator)
// and under the address and undefined-behaviour sanitizers, where the Python tests cannot go. Arrays are
// allocated to the byte, so that a read or write past an end is caught.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "runtime/run.h"

#define NAME2(prefix, isa) prefix##isa
#define NAME(prefix, isa) NAME2(prefix, isa)

namespace {

using Doubles = std::vector<double>;

template <typename T>
struct Exact {  // n elements and not a byte more, unlike a vector's capacity
  explicit Exact(const Doubles& from) : data(new T[from.size()]) {
    for (size_t i = 0; i < from.size(); ++i) data[i] = static_cast<T>(from[i]);
  }
  explicit Exact(size_t n) : data(new T[n]) {}
  T* get() const { return data.get(); }
  std::unique_ptr<T[]> data;
};

Doubles random(std::mt19937_64& rng, size_t n, double scale) {
  std::uniform_real_distribution<double> u(-scale, scale);
  Doubles v(n);
  for (double& x : v) x = u(rng);
  return v;
}

double worst = 0;
template <typename T>
void compare(const char* name, const T* ours, const Doubles& expected, double scale) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(ours[i]) - expected[i]) / scale;
    if (!(difference < (sizeof(T) == 4 ? 1e-5 : 1e-13))) {
      std::printf("%s[%zu] = %.17g, expected %.17g\n", name, i, static_cast<double>(ours[i]), expected[i]);
      std::exit(1);
    }
    worst = std::fmax(worst, difference);
  }
}

// The same call with checkpoints: every bit of the gradient of W_h the same.
template <typename T>
void check_checkpoints(const elman::Kernels<T>& kernels, const elman::Problem<T>& problem,
                       elman::ForwardCall<T> forward, elman::BackwardCall<T> backward, const T* expected,
                       int n_threads) {
  const int64_t B = problem.n_samples, D = problem.n_features, H = problem.hidden_size;
  const int64_t every = elman::checkpoint_steps(problem.cell, B, problem.n_timesteps, H, 1);
  const Exact<T> checkpoints(static_cast<size_t>(B * elman::n_checkpoints(problem.n_timesteps, every) * H));
  const Exact<T> dWx(static_cast<size_t>(D * H)), dWh(static_cast<size_t>(H * H)), db(static_cast<size_t>(H));
  forward.H = nullptr;
  backward.H = nullptr;
  forward.checkpoints = checkpoints.get();
  backward.checkpoints = checkpoints.get();
  forward.recompute_every = backward.recompute_every = every;
  elman::run_forward(kernels, forward, n_threads);
  elman::run_backward(kernels, backward, {dWx.get(), dWh.get(), db.get(), nullptr, nullptr}, B, n_threads);
  for (int64_t i = 0; i < H * H; ++i) {
    if (dWh.get()[i] != expected[i]) {
      std::printf("with checkpoints dW_h[%d] differs\n", static_cast<int>(i));
      std::exit(1);
    }
  }
}

// The mean of each sample's own states, without the states; the initial one at length 0.
template <typename T>
void check_mean(const elman::Kernels<T>& kernels, const elman::Problem<T>& problem, const Doubles& hs,
                const Doubles& h0, int n_threads) {
  const size_t B = static_cast<size_t>(problem.n_samples), S = static_cast<size_t>(problem.n_timesteps);
  const size_t H = static_cast<size_t>(problem.hidden_size);
  Doubles means(B * H);
  for (size_t i = 0; i < B; ++i) {
    const size_t length = static_cast<size_t>(problem.lengths[i]);
    for (size_t j = 0; j < H; ++j) {
      for (size_t t = 0; t < length; ++t) means[i * H + j] += hs[(i * S + t) * H + j];
      means[i * H + j] = length ? means[i * H + j] / static_cast<double>(length) : h0[i * H + j];
    }
  }
  const Exact<T> pooled(B * H), final_state(B * H);
  elman::ForwardCall<T> forward{};
  forward.problem = problem;
  forward.final_state = final_state.get();
  forward.pool = elman::Pool::kMean;
  forward.pooled = pooled.get();
  elman::run_forward(kernels, forward, n_threads);
  compare("pooled", pooled.get(), means, 1);
}

// Two codes a step instead of X, against the product with columns that count how often each row is named.
template <typename T>
void check_codes(const elman::Kernels<T>& kernels, elman::Problem<T> problem, const T* dH, int n_threads) {
  const size_t B = static_cast<size_t>(problem.n_samples), S = static_cast<size_t>(problem.n_timesteps);
  const size_t H = static_cast<size_t>(problem.hidden_size), n_rows = 5, K = 2;
  std::mt19937_64 rng(B + H);
  const Exact<T> table(random(rng, n_rows * H, 1)), counts(Doubles(B * S * n_rows)), none(size_t{0});
  const std::unique_ptr<int32_t[]> codes(new int32_t[B * S * K]);
  for (size_t i = 0; i < B; ++i) {
    for (size_t at = i * S * K; at < (i + 1) * S * K; ++at) {
      const size_t t = at / K - i * S;
      codes[at] = static_cast<int64_t>(t) < problem.lengths[i] ? static_cast<int32_t>(rng() % n_rows) : -1;
      if (codes[at] >= 0) counts.get()[(i * S + t) * n_rows + static_cast<size_t>(codes[at])] += 1;
    }
  }
  const Exact<T> dense_H(B * S * H), H_(B * S * H), final_state(B * H), dinitial(B * H), dWh(H * H), db(H);
  const Exact<T> dense_dtable(n_rows * H), dtable{Doubles(n_rows * H)};
  auto run = [&](const elman::Problem<T>& p, T* states, T* dW_x, T* dtable_of) {
    elman::ForwardCall<T> forward{};
    forward.problem = p;
    forward.H = states;
    forward.final_state = final_state.get();
    elman::run_forward(kernels, forward, n_threads);
    elman::BackwardCall<T> backward{};
    backward.problem = p;
    backward.H = states;
    backward.dH = dH;
    backward.dinitial = dinitial.get();
    elman::run_backward(kernels, backward, {dW_x, dWh.get(), db.get(), nullptr, dtable_of}, p.n_samples,
                        n_threads);
  };
  problem.X = counts.get();
  problem.n_features = static_cast<int64_t>(n_rows);
  problem.W_x = table.get();
  run(problem, dense_H.get(), dense_dtable.get(), nullptr);
  problem.X = problem.W_x = none.get();
  problem.n_features = 0;
  problem.n_codes = static_cast<int64_t>(K);
  problem.codes = codes.get();
  problem.table = table.get();
  problem.n_rows = static_cast<int64_t>(n_rows);
  run(problem, H_.get(), none.get(), dtable.get());
  auto doubles = [](const Exact<T>& from, size_t n) { return Doubles(from.get(), from.get() + n); };
  compare("H of codes", H_.get(), doubles(dense_H, B * S * H), 1);
  compare("dtable", dtable.get(), doubles(dense_dtable, n_rows * H), 1 + static_cast<double>(B * S));
}

template <typename T>
void check(const elman::Kernels<T>& kernels, size_t B, size_t S, size_t D, size_t H, bool ragged,
           int n_threads) {
  std::mt19937_64 rng(B * 1000 + S * 100 + D * 10 + H);
  const double scale = 1 / std::sqrt(static_cast<double>(H));
  // Round to T first, so that both sides start from the same numbers.
  auto rounded = [](Doubles v) {
    for (double& x : v) x = static_cast<double>(static_cast<T>(x));
    return v;
  };
  const Doubles X = rounded(random(rng, B * S * D, 1)), h0 = rounded(random(rng, B * H, 1));
  const Doubles Wx = rounded(random(rng, D * H, scale)), Wh = rounded(random(rng, H * H, scale));
  const Doubles b = rounded(random(rng, H, scale)), G = rounded(random(rng, B * S * H, 1));
  const Doubles gf = rounded(random(rng, B * H, 1));
  std::vector<int64_t> lengths(B);
  for (size_t i = 0; i < B; ++i) lengths[i] = static_cast<int64_t>(ragged ? S - S * i / B - (i + 1 == B) : S);

  Doubles hs(B * S * H), final_state = h0, dX(B * S * D), dinitial = gf, dWx(D * H), dWh(H * H), db(H);
  for (size_t i = 0; i < B; ++i) {
    for (size_t t = 0; t < static_cast<size_t>(lengths[i]); ++t) {
      Doubles h(H);
      for (size_t j = 0; j < H; ++j) {
        double a = b[j];
        for (size_t k = 0; k < D; ++k) a += X[(i * S + t) * D + k] * Wx[k * H + j];
        for (size_t k = 0; k < H; ++k) a += final_state[i * H + k] * Wh[k * H + j];
        h[j] = std::tanh(a);
      }
      for (size_t j = 0; j < H; ++j) hs[(i * S + t) * H + j] = final_state[i * H + j] = h[j];
    }
    for (size_t t = static_cast<size_t>(lengths[i]); t-- > 0;) {
      Doubles dA(H);
      for (size_t j = 0; j < H; ++j) {
        const double h = hs[(i * S + t) * H + j];
        dA[j] = (dinitial[i * H + j] + G[(i * S + t) * H + j]) * (1 - h * h);
        db[j] += dA[j];
      }
      for (size_t k = 0; k < D; ++k) {
        for (size_t j = 0; j < H; ++j) {
          dWx[k * H + j] += X[(i * S + t) * D + k] * dA[j];
          dX[(i * S + t) * D + k] += dA[j] * Wx[k * H + j];
        }
      }
      for (size_t k = 0; k < H; ++k) {
        const double previous = t ? hs[(i * S + t - 1) * H + k] : h0[i * H + k];
        dinitial[i * H + k] = 0;
        for (size_t j = 0; j < H; ++j) {
          dWh[k * H + j] += previous * dA[j];
          dinitial[i * H + k] += dA[j] * Wh[k * H + j];
        }
      }
    }
  }

  const Exact<T> X_(X), h0_(h0), Wx_(Wx), Wh_(Wh), b_(b), G_(G), gf_(gf), H_(B * S * H), final_(B * H);
  const Exact<T> dX_(B * S * D), dinitial_(B * H), dWx_(D * H), dWh_(H * H), db_(H);
  const elman::Problem<T> problem{static_cast<int64_t>(B),
                                  static_cast<int64_t>(S),
                                  static_cast<int64_t>(D),
                                  static_cast<int64_t>(H),
                                  elman::CellName::kElman,
                                  elman::Activation::kTanh,
                                  true,
                                  X_.get(),
                                  lengths.data(),
                                  h0_.get(),
                                  static_cast<int64_t>(H),
                                  Wx_.get(),
                                  Wh_.get(),
                                  b_.get()};
  elman::ForwardCall<T> forward{};
  forward.problem = problem;
  forward.H = H_.get();
  forward.final_state = final_.get();
  elman::run_forward(kernels, forward, n_threads);
  compare("H", H_.get(), hs, 1);
  compare("final", final_.get(), final_state, 1);
  check_mean(kernels, problem, hs, h0, n_threads);
  elman::BackwardCall<T> backward{};
  backward.problem = problem;
  backward.H = H_.get();
  backward.dH = G_.get();
  backward.dfinal = gf_.get();
  backward.dX = dX_.get();
  backward.dinitial = dinitial_.get();
  elman::run_backward(kernels, backward, {dWx_.get(), dWh_.get(), db_.get(), nullptr, nullptr},
                       problem.n_samples, n_threads);
  const double sum = 1 + static_cast<double>(B * S);
  check_checkpoints(kernels, problem, forward, backward, dWh_.get(), n_threads);
  check_codes(kernels, problem, G_.get(), n_threads);
  compare("dX", dX_.get(), dX, 1);
  compare("dinitial", dinitial_.get(), dinitial, 1);
  compare("dW_x", dWx_.get(), dWx, sum);
  compare("dW_h", dWh_.get(), dWh, sum);
  compare("db", db_.get(), db, sum);
}

}  // namespace

int main() {
  const elman::KernelTable& table = *elman::NAME(kernels_, ELMAN_ISA)();
  const size_t sizes[][4] = {{1, 1, 1, 1},   {1, 9, 3, 64},  {2, 5, 2, 7},    {3, 5, 2, 33}, {5, 4, 17, 16},
                             {13, 6, 5, 31}, {14, 3, 1, 48}, {29, 7, 9, 100}, {70, 3, 4, 5}, {9, 150, 2, 40}};
  for (const auto& [B, S, D, H] : sizes) {
    for (bool ragged : {false, true}) {
      check(table.f32, B, S, D, H, ragged, 2);
      check(table.f64, B, S, D, H, ragged, 2);
    }
  }
  std::printf("%s: worst difference %.2e\n", table.isa, worst);
}
