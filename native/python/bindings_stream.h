// Streams, for the module; and how a stream finds the steps of a layer.
#pragma once

#include <nanobind/nanobind.h>

namespace elman {

void define_streams(nanobind::module_& m);

// The name of the capsule in which a stepper hands its Steps<T> over, so that a stream never takes those of
// another type for its own.
template <typename T>
inline constexpr const char* kStepsCapsule = sizeof(T) == 4 ? "elman.Steps<float>" : "elman.Steps<double>";

}  // namespace elman
