// One call of the contract: cut into tiles and groups, given workspaces, run on the pool, summed.
#pragma once

#include "kernel_table.h"

namespace elman {

// Fills H (unless null) and final_state. `packed` is the runner's own: leave it null. A null
// `initial` means zeros.
template <typename T>
void run_forward(const Kernels<T>& kernels, ForwardCall<T> call, int n_threads);

// Rounds the wanted number of steps between checkpoints up to whole chunks of the weight gradient.
int64_t checkpoint_steps(int64_t n_samples, int64_t n_timesteps, int64_t hidden_size, int64_t wanted);

// Fills dX (unless null), dinitial (unless null), dW_x (D, H), dW_h (H, H; unless null) and db (H,).
template <typename T>
void run_backward(const Kernels<T>& kernels, BackwardCall<T> call, T* dW_x, T* dW_h, T* db, int n_threads);

}  // namespace elman
