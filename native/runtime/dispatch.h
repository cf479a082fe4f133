// Which instruction sets this build holds and this machine runs.
#pragma once

#include <vector>

#include "kernel/kernel_table.h"

namespace elman {

// Narrowest first; never empty.
const std::vector<const KernelTable*>& available_kernels();

}  // namespace elman
