#include "runtime/dispatch.h"

namespace elman {

const std::vector<const KernelTable*>& available_kernels() {
  static const std::vector<const KernelTable*> tables = [] {
    std::vector<const KernelTable*> found{kernels_baseline()};
#if defined(ELMAN_HAS_X86_UNITS)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      found.push_back(kernels_avx2());
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
        found.push_back(kernels_avx512());
      }
    }
#endif
    return found;
  }();
  return tables;
}

}  // namespace elman
