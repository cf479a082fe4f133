// Streams, for the module.
#pragma once

#include <nanobind/nanobind.h>

namespace elman {

void define_streams(nanobind::module_& m);

}  // namespace elman
