// Reads and makes NumPy arrays by NumPy's own C interface. Included by the bindings alone.
//
// This takes a few nanoseconds an argument. The generic exchange protocols take a tenth of a microsecond
// each, and a call on a small network has a dozen arguments.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <vector>

namespace nb = nanobind;

namespace elman {
namespace {

template <typename T>
constexpr int kTypeNumber = std::is_same_v<T, bool>      ? NPY_BOOL
                            : std::is_same_v<T, int32_t> ? NPY_INT32
                            : std::is_same_v<T, int64_t> ? NPY_INT64
                            : sizeof(T) == 4             ? NPY_FLOAT
                                                         : NPY_DOUBLE;

void load_numpy() {
  if (_import_array() < 0) throw nb::python_error();
}

nb::handle masked_array_type() {
  static nb::object* type = new nb::object(nb::module_::import_("numpy").attr("ma").attr("MaskedArray"));
  return *type;
}

// The array, or null if h is no array, or a masked one, whose data do not show what is masked.
PyArrayObject* plain_array(nb::handle h) {
  if (PyArray_CheckExact(h.ptr())) return reinterpret_cast<PyArrayObject*>(h.ptr());
  if (!PyArray_Check(h.ptr()) || PyObject_IsInstance(h.ptr(), masked_array_type().ptr())) return nullptr;
  return reinterpret_cast<PyArrayObject*>(h.ptr());
}

PyArrayObject* array_of(const char* name, nb::handle h) {
  PyArrayObject* array = plain_array(h);
  if (!array) throw nb::type_error((std::string(name) + ": not a plain array").c_str());
  return array;
}

int dtype_of(const char* name, nb::handle h) { return PyArray_TYPE(array_of(name, h)); }

template <int N>
std::array<int64_t, N> shape_of(const char* name, nb::handle h) {
  PyArrayObject* array = array_of(name, h);
  if (PyArray_NDIM(array) != N) throw nb::value_error((std::string(name) + ": wrong number of axes").c_str());
  std::array<int64_t, N> shape{};
  std::copy_n(PyArray_DIMS(array), N, shape.begin());
  return shape;
}

template <typename T>
bool has_dtype(PyArrayObject* array) {
  if constexpr (std::is_same_v<T, int64_t>) {
    const int type = PyArray_TYPE(array);
    if (type != NPY_INT64 && !(type == NPY_LONGLONG && sizeof(npy_longlong) == 8)) return false;
  } else if constexpr (std::is_same_v<T, int32_t>) {
    const int type = PyArray_TYPE(array);
    if (type != NPY_INT32 && !(type == NPY_LONG && sizeof(npy_long) == 4)) return false;
  } else if (PyArray_TYPE(array) != kTypeNumber<T>) {
    return false;
  }
  return PyArray_ISNOTSWAPPED(array);
}

bool has_shape(PyArrayObject* array, std::initializer_list<int64_t> shape) {
  return PyArray_NDIM(array) == static_cast<int>(shape.size()) &&
         std::equal(shape.begin(), shape.end(), PyArray_DIMS(array));
}

// The data of an array that has this type and shape and is contiguous; otherwise null.
template <typename T>
const T* try_read(nb::handle h, std::initializer_list<int64_t> shape) {
  PyArrayObject* array = plain_array(h);
  if (!array || !has_dtype<T>(array) || !has_shape(array, shape) ||
      !PyArray_CHKFLAGS(array, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED)) {
    return nullptr;
  }
  return static_cast<const T*>(PyArray_DATA(array));
}

template <typename T>
const T* read(const char* name, nb::handle h, std::initializer_list<int64_t> shape) {
  if (const T* data = try_read<T>(h, shape)) return data;
  PyArrayObject* array = array_of(name, h);
  if (!has_dtype<T>(array)) throw nb::type_error((std::string(name) + ": wrong dtype").c_str());
  const char* what = has_shape(array, shape) ? ": not C-contiguous and aligned" : ": wrong shape";
  throw nb::value_error((std::string(name) + what).c_str());
}

// As `read`, but null for None.
template <typename T>
const T* read_if(const char* name, nb::handle h, std::initializer_list<int64_t> shape) {
  return h.is_none() ? nullptr : read<T>(name, h, shape);
}

template <typename T>
T* write(const char* name, nb::handle h, std::initializer_list<int64_t> shape) {
  T* data = const_cast<T*>(read<T>(name, h, shape));
  if (!PyArray_ISWRITEABLE(array_of(name, h))) {
    throw nb::value_error((std::string(name) + ": read-only").c_str());
  }
  return data;
}

// Makes a new array, which is not filled. `data` becomes its memory.
template <typename T>
nb::object fresh(T*& data, std::initializer_list<int64_t> shape) {
  std::array<npy_intp, 3> dims{};
  std::copy(shape.begin(), shape.end(), dims.begin());
  PyObject* array = PyArray_SimpleNew(static_cast<int>(shape.size()), dims.data(), kTypeNumber<T>);
  if (!array) throw nb::python_error();
  data = static_cast<T*>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)));
  return nb::steal(array);
}

// Makes a new array of zeros, to which the system gives memory where it is written for the first time.
template <typename T>
nb::object fresh_zeros(T*& data, std::initializer_list<int64_t> shape) {
  std::array<npy_intp, 3> dims{};
  std::copy(shape.begin(), shape.end(), dims.begin());
  PyObject* array = PyArray_ZEROS(static_cast<int>(shape.size()), dims.data(), kTypeNumber<T>, 0);
  if (!array) throw nb::python_error();
  data = static_cast<T*>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)));
  return nb::steal(array);
}

// Makes an array of memory that belongs to `owner`, and keeps `owner` alive.
template <typename T>
nb::object view(T* data, std::initializer_list<int64_t> shape, nb::handle owner) {
  std::array<npy_intp, 3> dims{};
  std::copy(shape.begin(), shape.end(), dims.begin());
  PyObject* array =
      PyArray_SimpleNewFromData(static_cast<int>(shape.size()), dims.data(), kTypeNumber<T>, data);
  if (!array) throw nb::python_error();
  nb::object result = nb::steal(array);
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), owner.inc_ref().ptr()) < 0) {
    throw nb::python_error();
  }
  return result;
}

}  // namespace
}  // namespace elman
