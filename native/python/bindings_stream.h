// Defines the streams of the module.
#pragma once

#include <nanobind/nanobind.h>

namespace elman {

void define_streams(nanobind::module_& m);

// The name of the capsule in which a stepper gives its Steps<T> to a stream. Each type has a name of its own,
// so that a stream never takes one type for another.
template <typename T>
inline constexpr const char* kStepsCapsule = sizeof(T) == 4 ? "elman.Steps<float>" : "elman.Steps<double>";

}  // namespace elman
