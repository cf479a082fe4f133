// The kernels for one instruction set. This file is compiled once for each, with its name in ELMAN_ISA and
// with its flags.
//
// No symbol may be left that another unit could share. Every function is therefore static and in a namespace
// of the instruction set, and no template of the standard library is used. tests/backends/test_native_unit.py
// looks at the symbols.

#include "kernel/kernel_table.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define ELMAN_NAME2(prefix, isa) prefix##isa
#define ELMAN_NAME(prefix, isa) ELMAN_NAME2(prefix, isa)
#define ELMAN_STRING2(isa) #isa
#define ELMAN_STRING(isa) ELMAN_STRING2(isa)

namespace elman {
namespace {
namespace ELMAN_ISA {

#include "kernel/vec.h"
//
#include "kernel/pointwise.h"
//
#include "kernel/cells.h"
//
#include "kernel/coded.h"
//
#include "kernel/tile.h"
//
#include "kernel/states.h"
//
#include "kernel/packing.h"
//
#include "kernel/layer_norm.h"
//
#include "kernel/pool.h"
//
#include "kernel/forward.h"
//
#include "kernel/history.h"
//
#include "kernel/weight_gradients.h"
//
#include "kernel/backward.h"

template <typename T>
static void add(T* into, const T* from, int64_t n) {
  for (int64_t i = 0; i < n; ++i) into[i] += from[i];
}

template <typename T>
static void tanh_array(const T* x, T* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes<T>) {
    store_upto(y + i, tanh(load_upto(x + i, n - i)), n - i);
  }
}

template <typename T>
static int64_t multiply_adds(int64_t n, T* sink) {
  constexpr int kChains = 12;  // more than latency times throughput of any processor that this runs on
  Vec<T> acc[kChains];
  for (int i = 0; i < kChains; ++i) acc[i] = broadcast(static_cast<T>(i));
  const Vec<T> a = broadcast(T(0.5)), b = broadcast(T(0.25));
  for (int64_t k = 0; k < n; ++k) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) acc[i] = fma(acc[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) acc[0] += acc[i];
  *sink = acc[0][0];
  return n * kChains * kLanes<T> * 2;
}

template <typename T>
static constexpr Kernels<T> kernels{
    forward_pack_size<T>,
    pack_forward<T>,
    forward_workspace<T>,
    forward<T>,
    backward_pack_size<T>,
    pack_backward<T>,
    backward_workspace<T>,
    gradient_size<T>,
    gradient_stride<T>,
    backward<T>,
    add<T>,
    tanh_array<T>,
    multiply_adds<T>,
};

static constexpr KernelTable table{ELMAN_STRING(ELMAN_ISA), kernels<float>, kernels<double>};

}  // namespace ELMAN_ISA
}  // namespace

const KernelTable* ELMAN_NAME(kernels_, ELMAN_ISA)() { return &ELMAN_ISA::table; }

}  // namespace elman
