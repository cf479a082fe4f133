// What the unit of an instruction set offers to the other sources: plain structs and pointers to functions.
//
// Every unit is compiled from isa_unit.cpp with flags of its own. This header is all that it shares with code
// that is compiled for the baseline. Its functions are inlined everywhere, which test_native_unit.py makes
// sure of, so that the linker can never put the code of one unit into another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace elman {

// Each enumeration is followed by the names of its values, in the same order. The module exports the names to
// Python (python/names.cpp), where backends/codes.py takes the numbers from them.

// The identity has no name, because only the affine map uses it.
enum class Activation : int { kTanh = 0, kRelu = 1, kIdentity = 2 };
inline constexpr const char* kActivationNames[] = {"tanh", "relu"};

enum class CellName : int { kElman = 0, kGru = 1, kLstm = 2 };
inline constexpr const char* kCellNames[] = {"elman", "gru", "lstm"};

// How many blocks of H columns a cell has: gates in W_x and W_h; biases in b; states in a state, of which the
// hidden state is the first; and blocks that are traced of each step beside the hidden state. In the order of
// CellName.
struct CellShape {
  int gates, biases, states, trace;
};
inline constexpr CellShape kCellShapes[] = {{1, 1, 1, 0}, {3, 4, 1, 4}, {4, 4, 2, 5}};
static_assert(sizeof(kCellShapes) / sizeof(kCellShapes[0]) == sizeof(kCellNames) / sizeof(kCellNames[0]));

// What layer normalisation adds to the variance of a sum; NORM_EPSILON of the contract in Python is the same.
inline constexpr double kNormEpsilon = 1e-5;

// What is computed of the states of a sample, over its own steps, while the steps run.
enum class Pool : int { kNone = 0, kMean = 1, kMax = 2, kMeanMax = 3 };
inline constexpr const char* kPoolNames[] = {"none", "mean", "max", "mean_max"};
__attribute__((always_inline)) inline constexpr bool pools_mean(Pool pool) {
  return pool == Pool::kMean || pool == Pool::kMeanMax;
}
__attribute__((always_inline)) inline constexpr bool pools_largest(Pool pool) {
  return pool == Pool::kMax || pool == Pool::kMeanMax;
}
// P, the columns of what is pooled of H units: the means, and then the largest states.
__attribute__((always_inline)) inline constexpr int64_t pooled_width(Pool pool, int64_t hidden_size) {
  return pool == Pool::kMeanMax ? 2 * hidden_size : hidden_size;
}

// The shapes and inputs of one call, with B samples, T time steps, D features and H units. Of the cell, G is
// the number of gates, N that of biases, S = states * H the size of a state, and R = trace_size(). Of codes
// there are K at each step. Arrays are C-contiguous.
template <typename T>
struct Problem {
  int64_t n_samples;
  int64_t n_timesteps;
  int64_t n_features;
  int64_t hidden_size;
  CellName cell;
  Activation activation;   // of the Elman cell
  bool recurrent;          // false for the affine map, which is one step without W_h
  const T* X;              // (B, T, D)
  const int64_t* lengths;  // (B,), longest first; null if every sample has T steps
  const T* initial;        // (B, S); or one row of zeros for all samples if initial_stride is 0
  int64_t initial_stride;  // S or 0
  const T* W_x;            // (D, G * H)
  const T* W_h;            // (H, G * H); null unless recurrent
  const T* b;              // (N * H,)
  const T* h_mask;         // (B, H), times hidden states in the product with W_h; null if all ones
  bool layer_norm;         // whether each sum is normalised over its units before its bias is added
  const T* gain;           // (N * H,), which multiplies the normalised sums; null without layer_norm
  int64_t n_codes;         // K; 0 if there is no table
  const int32_t* codes;    // (B, T, K): rows of the table, each in [0, n_rows) and not read past the end of a
                           // sample. A step adds these rows to its sums, as if they were products with W_x.
  const T* table;          // (n_rows, G * H)
  int64_t n_rows;

  __attribute__((always_inline)) CellShape shape() const { return kCellShapes[static_cast<int>(cell)]; }
  __attribute__((always_inline)) int64_t state_size() const { return shape().states * hidden_size; }
  // R: the traced blocks of the cell. With layer_norm they are followed by each normalised sum, and then by
  // one over the standard deviation of each sum.
  __attribute__((always_inline)) int64_t trace_size() const {
    return shape().trace * hidden_size + (layer_norm ? shape().biases * (hidden_size + 1) : 0);
  }
};

template <typename T>
struct ForwardCall {
  Problem<T> problem;
  T* H;            // (B, T, H) out, zero past the end of each sample; null if it is not wanted
  T* final_state;  // (B, S) out
  Pool pool;
  T* pooled;       // (B, P) out with a pool: the mean of the states, summed in double, or the largest
                   // state, or both; the initial state at length 0
  T* ties;         // (B, H) out if the largest is pooled: how many steps reached it; or null
  T* trace;        // (B, T, R) out, not filled past the end of a sample; null if it is not wanted
  T* checkpoints;  // (B, n_checkpoints, S) out: the state after each recompute_every steps
  int64_t recompute_every;  // 0 for no checkpoints
  T* packed;                // weights in panels, filled by pack_forward; forward_pack_size elements
};

// How many checkpoints stand between stretches of `every` steps. The last stretch needs none after it.
inline constexpr int64_t n_checkpoints(int64_t n_timesteps, int64_t every) {
  return n_timesteps > every ? (n_timesteps - 1) / every : 0;
}

template <typename T>
struct BackwardCall {
  Problem<T> problem;
  const T* H;       // (B, T, H), the hidden states; null with checkpoints or without recurrence
  const T* trace;   // (B, T, R) of the forward pass; null with checkpoints or if the cell has no trace
  const T* dH;      // (B, T, H) or null; not read past the end of a sample
  const T* dfinal;  // (B, S) or null
  Pool pool;
  // (B, P) with a pool. run_backward takes the gradient at `pooled`. A kernel takes the share of it that goes
  // to each step (of a mean), or to each step that reached the largest state.
  const T* dpooled;
  const T* pooled;          // (B, P) if the largest is pooled, as in ForwardCall
  const T* ties;            // (B, H) if the largest is pooled, as in ForwardCall
  T* dX;                    // (B, T, D) out or null; zero past the end of each sample
  T* dinitial;              // (B, S) out, or null
  const T* checkpoints;     // as in ForwardCall; each stretch between them is run forward again
  int64_t recompute_every;  // a multiple of chunk_steps, or 0 for no checkpoints
  T* packed;          // transposed weights in panels, filled by pack_backward; backward_pack_size elements
  T* packed_forward;  // with checkpoints: weights as pack_forward packs them
  // The next three depend on nothing but the shapes.
  int64_t group_rows;   // samples in a group of the weight gradient
  int64_t tile_rows;    // samples that share a pass over the weights
  int64_t chunk_steps;  // time steps in one update of the weight gradient
  // With codes: the gradient of a group at the rows of the table that its samples use. Group g has rows
  // [first_row[g], first_row[g + 1]) of table_gradient, each of gradient_stride elements, and the row of a
  // code is the one at its place among them.
  const int32_t* places;     // (B, T, K), not filled past the end of a sample
  const int64_t* first_row;  // (number of groups + 1,)
  T* table_gradient;         // out
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
  // How many elements the gradient of one group has: dW_x and dW_h in rows of gradient_stride, then db, and
  // then dgain if there is one. The gradient at the table is kept apart.
  int64_t (*gradient_size)(const Problem<T>&);
  int64_t (*gradient_stride)(const Problem<T>&);
  // Runs samples [begin, end), which are a group, back through time. Fills `gradient` with their weight
  // gradients, and with codes also the rows of the group in table_gradient.
  void (*backward)(const BackwardCall<T>&, int64_t begin, int64_t end, T* workspace, T* gradient);

  void (*add)(T* into, const T* from, int64_t n);
  void (*tanh)(const T* x, T* y, int64_t n);
  // Runs n rounds of independent multiply-adds, and returns how many operations that was (2 for each). The
  // benchmarks take its speed for the peak of the processor.
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
