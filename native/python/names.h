// The names by which Python knows cells, activations, readouts and the like.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>

namespace elman {

// Defines names(), shapes() and NORM_EPSILON of the module.
void define_names(nanobind::module_& m);

// Whether a code from Python is the place of a name in a list.
template <size_t N>
bool is_code_of(const char* const (&)[N], int code) {
  return code >= 0 && code < static_cast<int>(N);
}

}  // namespace elman
