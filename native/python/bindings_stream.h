// Defines the streams of the module.
#pragma once

#include <nanobind/nanobind.h>

namespace elman {

void define_streams(nanobind::module_& m);

// The name of the capsule in which a stepper gives its Stepper<T> to a stream. Each type has a name of its own,
// so that a stream never takes one type for another.
template <typename T>
inline constexpr const char* kStepperCapsule =
    sizeof(T) == 4 ? "elman.Stepper<float>" : "elman.Stepper<double>";

}  // namespace elman
