#include "python/names.h"

#include <iterator>

#include "kernel/kernel_table.h"
#include "runtime/stream.h"

namespace nb = nanobind;

namespace elman {
namespace {

template <size_t N>
nb::tuple as_tuple(const char* const (&names)[N]) {
  nb::list list;
  for (const char* name : names) list.append(nb::str(name));
  return nb::tuple(list);
}

// The other functions of the module take the place of a name in its tuple instead of the name.
nb::dict names() {
  nb::dict all;
  all["cells"] = as_tuple(kCellNames);
  all["activations"] = as_tuple(kActivationNames);
  all["pools"] = as_tuple(kPoolNames);
  all["readouts"] = as_tuple(kReadoutNames);
  all["missing"] = as_tuple(kMissingNames);
  all["links"] = as_tuple(kLinkNames);
  return all;
}

// How many gates, biases, states and traced blocks a cell has, by its name.
nb::dict shapes() {
  nb::dict all;
  for (size_t i = 0; i < std::size(kCellNames); ++i) {
    const CellShape& shape = kCellShapes[i];
    all[kCellNames[i]] = nb::make_tuple(shape.gates, shape.biases, shape.states, shape.trace);
  }
  return all;
}

}  // namespace

void define_names(nb::module_& m) {
  m.def("names", names);
  m.def("shapes", shapes);
  m.attr("NORM_EPSILON") = kNormEpsilon;
}

}  // namespace elman
