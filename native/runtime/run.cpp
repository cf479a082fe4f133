#include "runtime/run.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "runtime/thread_pool.h"
#include "runtime/used_rows.h"

namespace elman {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Makes one row of zeros, shared by all samples, if there is no initial state. It is multiplied with the
// weights like an initial state of zeros, so that infinity and NaN in them show.
template <typename T>
Buffer<T> zeros_if_absent(Problem<T>& p) {
  if (p.initial) return nullptr;
  Buffer<T> zeros = allocate<T>(p.state_size());
  std::fill_n(zeros.get(), p.state_size(), T(0));
  p.initial = zeros.get();
  p.initial_stride = 0;
  return zeros;
}

// Divides the gradient at the pooled values of each sample by the number of steps that share it.
template <typename T>
Buffer<T> share_of_pooled(BackwardCall<T>& call) {
  if (call.pool == Pool::kNone) return nullptr;
  const Problem<T>& p = call.problem;
  const int64_t H = p.hidden_size, width = pooled_width(call.pool, H);
  Buffer<T> shares = allocate<T>(p.n_samples * width);
  const T* dpooled = call.dpooled;
  T* share = shares.get();
  for (int64_t i = 0; i < p.n_samples; ++i) {
    const T length = static_cast<T>(p.lengths ? p.lengths[i] : p.n_timesteps);
    if (pools_mean(call.pool)) {
      for (int64_t j = 0; j < H; ++j) *share++ = *dpooled++ / length;
    }
    if (pools_largest(call.pool)) {
      for (int64_t j = 0; j < H; ++j) *share++ = *dpooled++ / call.ties[i * H + j];
    }
  }
  call.dpooled = shares.get();
  return shares;
}

// How many multiply-adds of a forward pass are worth one more thread: a tenth of a millisecond of one core,
// which is twice the time it takes to wake up a helper.
constexpr double kWorthAThread = 6e6;

template <typename T>
int useful_threads(const Problem<T>& p, int64_t n_tasks, int n_threads) {
  if (n_threads < 0) return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(-n_threads, n_tasks)));
  const double rows = static_cast<double>(p.n_features + p.n_codes + (p.recurrent ? p.hidden_size : 0));
  const double work = static_cast<double>(p.n_samples) * static_cast<double>(p.n_timesteps) * rows *
                      static_cast<double>(p.hidden_size * p.shape().gates);
  const int64_t worth = 1 + static_cast<int64_t>(work / kWorthAThread);
  return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>({n_threads, n_tasks, worth})));
}

// How the weight gradient of a batch is cut. It depends on nothing but the shapes, so that the sums are the
// same for any number of threads and whichever of the groups a call has.
struct Cut {
  int64_t tile_rows;   // samples in a tile
  int64_t group_rows;  // samples in a group, whose tiles one thread runs one after the other
  int64_t chunk_steps;
};

Cut cut_backward(CellName cell, int64_t n_samples, int64_t n_timesteps, int64_t hidden_size) {
  constexpr int64_t kMaxGroups = 16;
  // Wider layers need more samples in a pass, because their weights come from a more distant cache.
  const int64_t wanted = hidden_size <= 128 ? 8 : hidden_size <= 256 ? 16 : 32;
  const int64_t tile_rows = std::clamp<int64_t>(n_samples, 1, wanted);
  Cut cut{};
  cut.group_rows = std::max(tile_rows, ceil_div(n_samples, kMaxGroups));
  // The tiles of a group are of about equal size and have at most 16 samples, or tile_rows if that is more.
  const int64_t most = std::max<int64_t>(tile_rows, 16);
  cut.tile_rows = std::max<int64_t>(1, ceil_div(cut.group_rows, ceil_div(cut.group_rows, most)));
  // The deltas of a chunk, and the hidden states that they are multiplied with, should fit into the second
  // cache.
  const int64_t width = std::max<int64_t>(hidden_size * kCellShapes[static_cast<int>(cell)].biases, 1);
  const int64_t rows = cell == CellName::kElman ? std::clamp<int64_t>(65536 / width, 64, 512)
                                                : std::clamp<int64_t>(131072 / width, 256, 512);
  cut.chunk_steps = std::clamp<int64_t>(rows / cut.tile_rows, 1, std::max<int64_t>(n_timesteps, 1));
  return cut;
}

}  // namespace

int64_t group_rows(CellName cell, int64_t n_samples, int64_t hidden_size) {
  return cut_backward(cell, n_samples, 1, hidden_size).group_rows;
}

int64_t checkpoint_steps(CellName cell, int64_t n_samples, int64_t n_timesteps, int64_t hidden_size,
                         int64_t wanted) {
  const int64_t chunk = cut_backward(cell, n_samples, n_timesteps, hidden_size).chunk_steps;
  // If there are fewer steps than wanted, they are one stretch.
  return ceil_div(std::clamp<int64_t>(wanted, 1, std::max<int64_t>(n_timesteps, 1)), chunk) * chunk;
}

template <typename T>
void run_forward(const Kernels<T>& kernels, ForwardCall<T> call, int n_threads) {
  const Problem<T>& p = call.problem;
  if (p.n_samples == 0) return;
  const Buffer<T> zeros = zeros_if_absent(call.problem);
  const Buffer<T> packed = allocate<T>(kernels.forward_pack_size(p));
  call.packed = packed.get();
  kernels.pack_forward(call);

  // The size of the tiles does not change a bit here. They are as large as the nearest cache allows, and
  // there are enough of them for all threads.
  const int64_t most = p.hidden_size <= 128 ? 28 : 56;
  int64_t n_tiles = ceil_div(p.n_samples, most);
  const int threads = useful_threads(p, p.n_samples, n_threads);
  if (threads > 1) n_tiles = std::min(p.n_samples, ceil_div(n_tiles, threads) * threads);
  const int64_t rows = ceil_div(p.n_samples, n_tiles);
  n_tiles = ceil_div(p.n_samples, rows);
  const int64_t size = ceil_div(kernels.forward_workspace(p, rows, call.pool), 16) * 16;
  const Buffer<T> workspace = allocate<T>(size * threads);
  parallel_for(n_tiles, threads, [&](int64_t i, int slot) {
    kernels.forward(call, i * rows, std::min(p.n_samples, (i + 1) * rows), workspace.get() + slot * size);
  });
}

template <typename T>
void run_backward(const Kernels<T>& kernels, BackwardCall<T> call, const WeightGradients<T>& to,
                  int64_t batch_samples, int n_threads) {
  const Problem<T>& p = call.problem;
  const int64_t D = p.n_features, H = p.hidden_size;
  const Buffer<T> zeros = zeros_if_absent(call.problem);
  const T* dpooled = call.dpooled;
  const Buffer<T> shares = share_of_pooled(call);
  const Cut cut = cut_backward(p.cell, batch_samples, p.n_timesteps, H);
  const int64_t n_groups = ceil_div(p.n_samples, cut.group_rows);
  call.group_rows = cut.group_rows;
  call.tile_rows = cut.tile_rows;
  call.chunk_steps = cut.chunk_steps;
  const Buffer<T> packed = allocate<T>(kernels.backward_pack_size(p));
  call.packed = packed.get();
  kernels.pack_backward(call);
  Buffer<T> packed_forward;
  if (call.recompute_every) {
    ForwardCall<T> forward{};
    forward.problem = p;
    packed_forward = allocate<T>(kernels.forward_pack_size(p));
    forward.packed = call.packed_forward = packed_forward.get();
    kernels.pack_forward(forward);
  }

  std::optional<UsedRows> used;
  Buffer<T> table_gradient;
  if (p.n_codes) {
    used.emplace(p, cut.group_rows, n_groups);
    table_gradient = allocate<T>(used->n_rows() * kernels.gradient_stride(p));
    call.places = used->places();
    call.first_row = used->first_row();
    call.table_gradient = table_gradient.get();
  }

  const int threads = useful_threads(p, n_groups, n_threads);
  const int64_t size = ceil_div(kernels.backward_workspace(call), 16) * 16;
  const int64_t gradient_size = ceil_div(kernels.gradient_size(p), 16) * 16;
  const Buffer<T> workspace = allocate<T>(size * threads);
  const Buffer<T> gradients = allocate<T>(gradient_size * std::max<int64_t>(n_groups, 1));
  if (n_groups == 0) std::fill_n(gradients.get(), gradient_size, T(0));
  parallel_for(n_groups, threads, [&](int64_t g, int slot) {
    kernels.backward(call, g * cut.group_rows, std::min(p.n_samples, (g + 1) * cut.group_rows),
                     workspace.get() + slot * size, gradients.get() + g * gradient_size);
  });
  // The sums of the groups are added in a fixed tree: neighbours first, and then neighbouring sums.
  for (int64_t step = 1; step < n_groups; step *= 2) {
    for (int64_t g = 0; g + step < n_groups; g += 2 * step) {
      kernels.add(gradients.get() + g * gradient_size, gradients.get() + (g + step) * gradient_size,
                  gradient_size);
    }
  }
  if (used) used->add_groups(kernels, p, table_gradient.get(), to.dtable, threads);

  // The pooled values of a sample of length 0 are its initial state.
  if (call.pool != Pool::kNone && call.dinitial) {
    for (int64_t i = 0; i < p.n_samples; ++i) {
      if (p.lengths ? p.lengths[i] > 0 : p.n_timesteps > 0) continue;
      const int64_t width = pooled_width(call.pool, H);
      for (int64_t j = 0; j < width; ++j) call.dinitial[i * p.state_size() + j % H] += dpooled[i * width + j];
    }
  }

  const T* row = gradients.get();
  const int64_t gates = p.shape().gates, biases = p.shape().biases, stride = kernels.gradient_stride(p);
  const int64_t padded = stride / gates;
  auto take = [&](T* out, int64_t n_rows) {
    for (int64_t k = 0; k < n_rows; ++k, row += stride) {
      for (int64_t g = 0; g < gates; ++g) std::copy_n(row + g * padded, H, out + (k * gates + g) * H);
    }
  };
  take(to.dW_x, D);
  if (p.recurrent) take(to.dW_h, H);
  for (T* out : {to.db, to.dgain}) {
    for (int64_t i = 0; out && i < biases; ++i, row += padded) std::copy_n(row, H, out + i * H);
  }
}

template <typename T>
Stepper<T>::Stepper(const Kernels<T>& kernels, const Problem<T>& problem) : kernels_(kernels) {
  int64_t size = 0;
  if (__builtin_mul_overflow(problem.n_samples, 16 * (problem.state_size() + 64), &size))
    throw std::bad_alloc();
  call_.problem = problem;
  Problem<T>& p = call_.problem;
  packed_ = allocate<T>(kernels.forward_pack_size(p));
  call_.packed = packed_.get();
  kernels.pack_forward(call_);
  p.W_x = p.W_h = p.b = p.gain = nullptr;  // they belong to the caller, and are packed by now
  if (p.n_codes) {
    const int64_t table_size = p.n_rows * p.shape().gates * p.hidden_size;
    table_ = allocate<T>(table_size);
    std::copy_n(p.table, table_size, table_.get());
    p.table = table_.get();
  }
  p.n_timesteps = 1;
  p.lengths = nullptr;
  state_ = allocate<T>(p.n_samples * p.state_size());
  std::fill_n(state_.get(), p.n_samples * p.state_size(), T(0));
  p.initial = call_.final_state = state_.get();
  p.initial_stride = p.state_size();
  workspace_ = allocate<T>(kernels.forward_workspace(p, p.n_samples, Pool::kNone));
}

template <typename T>
void Stepper<T>::step(const T* x, const int32_t* codes) {
  call_.problem.X = x;
  call_.problem.codes = codes;
  parallel_for(1, 1,
               [&](int64_t, int) { kernels_.forward(call_, 0, call_.problem.n_samples, workspace_.get()); });
}

template class Stepper<float>;
template class Stepper<double>;
template void run_forward<float>(const Kernels<float>&, ForwardCall<float>, int);
template void run_forward<double>(const Kernels<double>&, ForwardCall<double>, int);
template void run_backward<float>(const Kernels<float>&, BackwardCall<float>, const WeightGradients<float>&,
                                  int64_t, int);
template void run_backward<double>(const Kernels<double>&, BackwardCall<double>,
                                   const WeightGradients<double>&, int64_t, int);

}  // namespace elman
