// What an instruction set's unit offers to the rest: plain structs and function pointers, no inline code.
//
// Every unit is compiled from isa_unit.cpp with its own flags. This header is all that it shares
// with code compiled for the baseline, so that the linker can never hand one unit's code to another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace elman {

// Beside each enumeration stand the names that Python knows its values by, in the same order. The module exports
// them (python/names.cpp), and backends/native.py takes its codes from there.

// The identity has no name: it is for affine maps alone.
enum class Activation : int { kTanh = 0, kRelu = 1, kIdentity = 2 };
inline constexpr const char* kActivationNames[] = {"tanh", "relu"};

enum class CellName : int { kElman = 0, kGru = 1, kLstm = 2 };
inline constexpr const char* kCellNames[] = {"elman", "gru", "lstm"};

// Blocks of H columns: gates in W_x and W_h, biases in b, states in a state (the hidden state first), and
// what is traced of each step beside it. In the order of CellName.
struct CellShape {
  int gates, biases, states, trace;
};
inline constexpr CellShape kCellShapes[] = {{1, 1, 1, 0}, {3, 4, 1, 4}, {4, 4, 2, 5}};
static_assert(sizeof(kCellShapes) / sizeof(kCellShapes[0]) == sizeof(kCellNames) / sizeof(kCellNames[0]));

// Added to the variance of a sum in layer normalisation: contract.py's NORM_EPSILON.
inline constexpr double kNormEpsilon = 1e-5;

// What is taken of a sample's states, over its own steps, while they are made.
enum class Pool : int { kNone = 0, kMean = 1, kMax = 2 };
inline constexpr const char* kPoolNames[] = {"none", "mean", "max"};

// Shapes and inputs of one call. Arrays are C-contiguous; B samples, T time steps, D features, H units; with G
// gates, N biases and S = states * H of the cell, and R = trace_size().
template <typename T>
struct Problem {
  int64_t n_samples;
  int64_t n_timesteps;
  int64_t n_features;
  int64_t hidden_size;
  CellName cell;
  Activation activation;   // of the Elman cell
  bool recurrent;          // false: the affine map of one step, W_h absent
  const T* X;              // (B, T, D)
  const int64_t* lengths;  // (B,), longest first; null: every sample has T steps
  const T* initial;        // (B, S), or one row of zeros for all with initial_stride 0
  int64_t initial_stride;  // S or 0
  const T* W_x;            // (D, G * H)
  const T* W_h;            // (H, G * H); null unless recurrent
  const T* b;              // (N * H,)
  const T* h_mask;         // (B, H), times the hidden states that meet W_h; null: all ones
  bool layer_norm;         // each sum over its units before its bias is added
  const T* gain;           // (N * H,), of what is normalised; null without layer_norm

  __attribute__((always_inline)) CellShape shape() const { return kCellShapes[static_cast<int>(cell)]; }
  __attribute__((always_inline)) int64_t state_size() const { return shape().states * hidden_size; }
  // R: the cell's blocks; with layer_norm also each sum normalised, then one over the deviation of each.
  __attribute__((always_inline)) int64_t trace_size() const {
    return shape().trace * hidden_size + (layer_norm ? shape().biases * (hidden_size + 1) : 0);
  }
};

template <typename T>
struct ForwardCall {
  Problem<T> problem;
  T* H;            // (B, T, H) out, zero past each end; null: not wanted
  T* final_state;  // (B, S) out
  Pool pool;
  T* pooled;       // (B, H) out with a pool: the mean (summed in double) or largest state, the initial
                   // one at length 0
  T* ties;         // (B, H) out with kMax, or null: how many steps reached the largest
  T* trace;        // (B, T, R) out, not filled past an end; null: not wanted
  T* checkpoints;  // (B, n_checkpoints, S) out, the state after each checkpoint_every steps
  int64_t checkpoint_every;  // 0: no checkpoints
  T* packed;                 // weights in panels, filled by pack_forward; forward_pack_size elements
};

// Checkpoints between stretches of `every` steps; the last stretch needs none after it.
inline constexpr int64_t n_checkpoints(int64_t n_timesteps, int64_t every) {
  return n_timesteps > every ? (n_timesteps - 1) / every : 0;
}

template <typename T>
struct BackwardCall {
  Problem<T> problem;
  const T* H;      // (B, T, H), the hidden states of the forward pass; null with checkpoints or no recurrence
  const T* trace;  // (B, T, R) of the forward pass; null with checkpoints or where the cell has none
  const T* dH;     // (B, T, H) or null; not read past a sample's end
  const T* dfinal;  // (B, S) or null
  Pool pool;
  const T*
      dpooled;  // (B, H) with a pool: for run_backward the gradient at `pooled`, for a kernel the share of it
                // that each step (kMean), or each that reached the largest (kMax), gets
  const T* pooled;           // (B, H) with kMax, as ForwardCall's
  const T* ties;             // (B, H) with kMax, as ForwardCall's
  T* dX;                     // (B, T, D) out or null; zero past each end
  T* dinitial;               // (B, S) out, or null
  const T* checkpoints;      // as ForwardCall's; each stretch between them is run forward again
  int64_t checkpoint_every;  // a multiple of chunk_steps, or 0: no checkpoints
  T* packed;            // transposed weights in panels, filled by pack_backward; backward_pack_size elements
  T* packed_forward;    // with checkpoints: weights as pack_forward packs them
  int64_t group_rows;   // samples in a gradient group: a function of the shapes alone
  int64_t tile_rows;    // samples that share a pass over the weights, likewise
  int64_t chunk_steps;  // time steps in one update of the weight gradient, likewise
};

// All sizes are in elements of T. A workspace is aligned to 64 bytes and belongs to one thread at a time.
template <typename T>
struct Kernels {
  int64_t (*forward_pack_size)(const Problem<T>&);
  void (*pack_forward)(const ForwardCall<T>&);
  int64_t (*forward_workspace)(const Problem<T>&, int64_t n_rows, Pool pool);
  // Runs every time step of samples [begin, end).
  void (*forward)(const ForwardCall<T>&, int64_t begin, int64_t end, T* workspace);

  int64_t (*backward_pack_size)(const Problem<T>&);
  void (*pack_backward)(const BackwardCall<T>&);
  int64_t (*backward_workspace)(const BackwardCall<T>&);
  // Elements of one group's sum of dW_x and dW_h, rows of gradient_stride, then of db and of dgain if there is one.
  int64_t (*gradient_size)(const Problem<T>&);
  int64_t (*gradient_stride)(const Problem<T>&);
  // Runs samples [begin, end) back through time and adds their weight gradients to `gradient`.
  void (*backward)(const BackwardCall<T>&, int64_t begin, int64_t end, T* workspace, T* gradient);

  void (*add)(T* into, const T* from, int64_t n);
  void (*tanh)(const T* x, T* y, int64_t n);
  // Runs n rounds of independent multiply-adds and returns how many operations (2 each) that was: what the
  // benchmarks take for the peak.
  int64_t (*multiply_adds)(int64_t n, T* sink);
};

struct KernelTable {
  const char* isa;
  Kernels<float> f32;
  Kernels<double> f64;
};

const KernelTable* kernels_baseline();
const KernelTable* kernels_avx2();
const KernelTable* kernels_avx512();

}  // namespace elman
