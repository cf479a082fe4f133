// Runs one call of the contract: cuts it into tiles and groups of samples, gives them workspaces, runs them
// on the pool of threads, and adds up their gradients.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

#include "kernel/kernel_table.h"

namespace elman {

struct Free {
  void operator()(void* p) const { std::free(p); }
};
// An array of elements that is aligned to 64 bytes.
template <typename T>
using Buffer = std::unique_ptr<T[], Free>;

template <typename T>
Buffer<T> allocate(int64_t n) {
  if (n < 0 || n > (int64_t{1} << 48)) throw std::bad_alloc();  // a size that overflowed, or nearly
  const size_t bytes = (static_cast<size_t>(n > 0 ? n : 1) * sizeof(T) + 63) / 64 * 64;
  void* p = std::aligned_alloc(64, bytes);
  if (!p) throw std::bad_alloc();
  return Buffer<T>(static_cast<T*>(p));
}

// The calls below use at most n_threads threads, and no more than the work is worth. If n_threads is negative
// they use exactly -n_threads, however little work there is, so that tests of small sizes use threads as
// well.

// Fills H (unless it is null) and final_state. The caller leaves `packed` null. A null `initial` means zeros.
template <typename T>
void run_forward(const Kernels<T>& kernels, ForwardCall<T> call, int n_threads);

// How many samples a group of the weight gradient of a batch of n_samples has: see run_backward.
int64_t group_rows(CellName cell, int64_t n_samples, int64_t hidden_size);

// Rounds the wanted number of steps between checkpoints up to whole chunks of the weight gradient of a batch
// of n_samples.
int64_t checkpoint_steps(CellName cell, int64_t n_samples, int64_t n_timesteps, int64_t hidden_size,
                         int64_t wanted);

// Where the gradients of weights go: dW_x (D, G * H); dW_h (H, G * H), null without recurrence; db (N * H,);
// dgain (N * H,), null without layer_norm; and dtable (n_rows, G * H), null without codes. The last one is
// filled with zeros by the caller, and only rows that a code uses are written.
template <typename T>
struct WeightGradients {
  T *dW_x, *dW_h, *db, *dgain, *dtable;
};

// Fills dX and dinitial (unless they are null) and `to`. The samples of the call are whole groups, side by
// side, of a batch of batch_samples. Their weight gradient is the sum of the gradients of these groups in a
// fixed tree: neighbours first, and then neighbouring sums.
template <typename T>
void run_backward(const Kernels<T>& kernels, BackwardCall<T> call, const WeightGradients<T>& to,
                  int64_t batch_samples, int n_threads);

// A cell that takes one time step at a time. Its weights are packed once, and it keeps the states.
template <typename T>
class Stepper {
 public:
  // Takes the sizes, the activation, the weights and n_samples from `problem`, and with n_codes the table. All
  // states begin as zeros.
  Stepper(const Kernels<T>& kernels, const Problem<T>& problem);
  // x (n_samples, n_features) and codes (n_samples, n_codes) -> the new states, in place. With n_codes = 0
  // there are no codes.
  void step(const T* x, const int32_t* codes = nullptr);
  T* state() { return state_.get(); }  // (n_samples, state_size)
  const Problem<T>& problem() const { return call_.problem; }
  const Kernels<T>& kernels() const { return kernels_; }

 private:
  const Kernels<T>& kernels_;
  ForwardCall<T> call_{};
  Buffer<T> packed_, table_, state_, workspace_;
};

}  // namespace elman
