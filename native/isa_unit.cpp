// The kernels for one instruction set: compiled once for each, with ELMAN_ISA naming it and flags to match.
//
// Nothing here may leave a symbol that another unit could share: every function is static, in a namespace
// of the set's own, and no standard library template is used. tests/test_native_symbols.py looks.

#include "kernel_table.h"

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

#include "vec.h"
//
#include "pointwise.h"
//
#include "tile.h"
//
#include "sequence.h"

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
};

static constexpr KernelTable table{ELMAN_STRING(ELMAN_ISA), kernels<float>, kernels<double>};

}  // namespace ELMAN_ISA
}  // namespace

const KernelTable* ELMAN_NAME(kernels_, ELMAN_ISA)() { return &ELMAN_ISA::table; }

}  // namespace elman
