// The instruction sets that this build contains and this machine runs.
#pragma once

#include <vector>

#include "kernel/kernel_table.h"

namespace elman {

// Their kernels, those with the narrowest vectors first. There is always at least one.
const std::vector<const KernelTable*>& available_kernels();

}  // namespace elman
