// The one file that knows Python: checks arrays against each other, releases the GIL, calls run.h.
//
// Results are written into arrays that the caller allocated. Nothing is converted: an array of another dtype,
// layout or device does not match a signature, and the call is a TypeError.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "dispatch.h"
#include "run.h"

namespace nb = nanobind;

namespace elman {
namespace {

template <typename T, int N>
using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <typename T, int N>
using Out = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Maybe = std::optional<T>;

const KernelTable& table_of(int isa) {
  const auto& tables = available_kernels();
  if (isa < 0 || static_cast<size_t>(isa) >= tables.size()) throw nb::index_error("no such instruction set");
  return *tables[static_cast<size_t>(isa)];
}

template <typename T>
const Kernels<T>& kernels_of(int isa) {
  if constexpr (sizeof(T) == 4) {
    return table_of(isa).f32;
  } else {
    return table_of(isa).f64;
  }
}

void require(bool ok, const char* what) {
  if (!ok) throw nb::value_error(what);
}

// The array's data, its shape and alignment checked.
template <typename A>
auto* data_of(const char* name, const A& array, std::initializer_list<int64_t> shape) {
  size_t axis = 0;
  for (int64_t n : shape) {
    if (static_cast<int64_t>(array.shape(axis++)) != n)
      throw nb::value_error((std::string(name) + ": wrong shape").c_str());
  }
  if (reinterpret_cast<uintptr_t>(array.data()) % array.itemsize()) {
    throw nb::value_error((std::string(name) + ": not aligned").c_str());
  }
  return array.data();
}
template <typename A>
auto data_of(const char* name, const Maybe<A>& array, std::initializer_list<int64_t> shape)
    -> decltype(array->data()) {
  return array ? data_of(name, *array, shape) : nullptr;
}

template <typename T>
Problem<T> problem_of(int activation, const In<T, 3>& X, const Maybe<In<int64_t, 1>>& lengths,
                      const Maybe<In<T, 2>>& initial, const In<T, 2>& W_x, const In<T, 2>& W_h,
                      const In<T, 1>& b) {
  const auto B = static_cast<int64_t>(X.shape(0)), T_ = static_cast<int64_t>(X.shape(1));
  const auto D = static_cast<int64_t>(X.shape(2)), H = static_cast<int64_t>(b.shape(0));
  require(activation == 0 || activation == 1, "activation: 0 is tanh, 1 is relu");
  Problem<T> p{B,
               T_,
               D,
               H,
               static_cast<Activation>(activation),
               true,
               data_of("X", X, {B, T_, D}),
               data_of("lengths", lengths, {B}),
               data_of("initial", initial, {B, H}),
               H,
               data_of("W_x", W_x, {D, H}),
               data_of("W_h", W_h, {H, H}),
               data_of("b", b, {H})};
  // Memory safety, not courtesy: the kernel trusts that lengths descend and stay inside X.
  for (int64_t i = 0; p.lengths && i < B; ++i) {
    require(p.lengths[i] >= 0 && p.lengths[i] <= (i ? p.lengths[i - 1] : T_),
            "lengths: not longest first in [0, T]");
  }
  return p;
}

Pool checked_pool(int pool) {
  require(pool >= 0 && pool <= 2, "pool: 0 is none, 1 is mean, 2 is max");
  return static_cast<Pool>(pool);
}

// The steps between checkpoints, 0 for none; how many checkpoints that makes.
template <typename T>
int64_t checkpoints_of(const Problem<T>& p, int64_t every) {
  if (every == 0) return 0;
  require(every > 0 && every == checkpoint_steps(p.n_samples, p.n_timesteps, p.hidden_size, every),
          "checkpoint_every: not a whole number of chunks; see checkpoint_steps");
  return n_checkpoints(p.n_timesteps, every);
}

template <typename T>
void forward(int isa, int n_threads, int activation, In<T, 3> X, Maybe<In<int64_t, 1>> lengths,
             Maybe<In<T, 2>> initial, In<T, 2> W_x, In<T, 2> W_h, In<T, 1> b, Maybe<Out<T, 3>> H,
             Out<T, 2> final_state, int pool, Maybe<Out<T, 2>> pooled, Maybe<Out<T, 2>> ties,
             Maybe<Out<T, 3>> checkpoints, int64_t checkpoint_every) {
  ForwardCall<T> call{};
  call.problem = problem_of<T>(activation, X, lengths, initial, W_x, W_h, b);
  const Problem<T>& p = call.problem;
  call.H = data_of("H", H, {p.n_samples, p.n_timesteps, p.hidden_size});
  call.final_state = data_of("final", final_state, {p.n_samples, p.hidden_size});
  call.pool = checked_pool(pool);
  require(call.pool == Pool::kNone || pooled.has_value(), "pooled: wanted with a pool");
  call.pooled = data_of("pooled", pooled, {p.n_samples, p.hidden_size});
  if (call.pool == Pool::kMax) call.ties = data_of("ties", ties, {p.n_samples, p.hidden_size});
  call.checkpoint_every = checkpoint_every;
  const int64_t n_kept = checkpoints_of(p, checkpoint_every);
  require(checkpoints.has_value() == (checkpoint_every != 0),
          "checkpoints: wanted with checkpoint_every alone");
  call.checkpoints = data_of("checkpoints", checkpoints, {p.n_samples, n_kept, p.hidden_size});
  nb::gil_scoped_release release;
  run_forward(kernels_of<T>(isa), call, n_threads);
}

template <typename T>
void backward(int isa, int n_threads, int activation, In<T, 3> X, Maybe<In<int64_t, 1>> lengths,
              Maybe<In<T, 2>> initial, In<T, 2> W_x, In<T, 2> W_h, In<T, 1> b, In<T, 3> H,
              int64_t checkpoint_every, Maybe<In<T, 3>> dH, Maybe<In<T, 2>> dfinal, int pool,
              Maybe<In<T, 2>> dpooled, Maybe<In<T, 2>> pooled, Maybe<In<T, 2>> ties, Maybe<Out<T, 3>> dX,
              Out<T, 2> dinitial, Out<T, 2> dW_x, Out<T, 2> dW_h, Out<T, 1> db) {
  BackwardCall<T> call{};
  call.problem = problem_of<T>(activation, X, lengths, initial, W_x, W_h, b);
  const Problem<T>& p = call.problem;
  const int64_t n = p.n_samples, steps = p.n_timesteps, D = p.n_features, width = p.hidden_size;
  call.checkpoint_every = checkpoint_every;
  if (checkpoint_every) {
    call.checkpoints = data_of("H", H, {n, checkpoints_of(p, checkpoint_every), width});
  } else {
    call.H = data_of("H", H, {n, steps, width});
  }
  call.dH = data_of("dH", dH, {n, steps, width});
  call.dfinal = data_of("dfinal", dfinal, {n, width});
  call.pool = checked_pool(pool);
  if (call.pool != Pool::kNone) {
    call.dpooled = data_of("dpooled", dpooled, {n, width});
    require(call.dpooled, "dpooled: wanted with a pool");
  }
  if (call.pool == Pool::kMax) {
    call.pooled = data_of("pooled", pooled, {n, width});
    call.ties = data_of("ties", ties, {n, width});
    require(call.pooled && call.ties, "pooled, ties: wanted with max");
  }
  call.dX = data_of("dX", dX, {n, steps, D});
  call.dinitial = data_of("dinitial", dinitial, {n, width});
  T* dW_x_ = data_of("dW_x", dW_x, {D, width});
  T* dW_h_ = data_of("dW_h", dW_h, {width, width});
  T* db_ = data_of("db", db, {width});
  nb::gil_scoped_release release;
  run_backward(kernels_of<T>(isa), call, dW_x_, dW_h_, db_, n_threads);
}

// The affine map is one step of a cell without recurrence or activation.
template <typename T>
Problem<T> linear_problem(int64_t n, int64_t n_in, int64_t n_out, const T* X, const T* W, const T* b) {
  return {n, 1, n_in, n_out, Activation::kIdentity, false, X, nullptr, nullptr, 0, W, nullptr, b};
}

template <typename T>
void linear_forward(int isa, int n_threads, In<T, 2> X, In<T, 2> W, In<T, 1> b, Out<T, 2> Y) {
  const auto n = static_cast<int64_t>(X.shape(0)), n_in = static_cast<int64_t>(X.shape(1));
  const auto n_out = static_cast<int64_t>(b.shape(0));
  ForwardCall<T> call{};
  call.problem = linear_problem<T>(n, n_in, n_out, data_of("X", X, {n, n_in}), data_of("W", W, {n_in, n_out}),
                                   data_of("b", b, {n_out}));
  call.final_state = data_of("Y", Y, {n, n_out});
  nb::gil_scoped_release release;
  run_forward(kernels_of<T>(isa), call, n_threads);
}

template <typename T>
void linear_backward(int isa, int n_threads, In<T, 2> dY, In<T, 2> X, In<T, 2> W, Maybe<Out<T, 2>> dX,
                     Out<T, 2> dW, Out<T, 1> db) {
  const auto n = static_cast<int64_t>(X.shape(0)), n_in = static_cast<int64_t>(X.shape(1));
  const auto n_out = static_cast<int64_t>(W.shape(1));
  BackwardCall<T> call{};
  call.problem =
      linear_problem<T>(n, n_in, n_out, data_of("X", X, {n, n_in}), data_of("W", W, {n_in, n_out}), nullptr);
  call.dfinal = data_of("dY", dY, {n, n_out});
  call.dX = data_of("dX", dX, {n, n_in});
  T* dW_ = data_of("dW", dW, {n_in, n_out});
  T* db_ = data_of("db", db, {n_out});
  nb::gil_scoped_release release;
  run_backward(kernels_of<T>(isa), call, dW_, static_cast<T*>(nullptr), db_, n_threads);
}

// One time step after another, for streams.
template <typename T>
class Stepper {
 public:
  Stepper(int isa, int activation, In<T, 2> W_x, In<T, 2> W_h, In<T, 1> b, int64_t n_samples)
      : steps_(kernels_of<T>(isa), problem_of_weights(activation, W_x, W_h, b, n_samples)) {}

  void step(nb::handle x) {
    In<T, 2> array;
    const auto& p = steps_.problem();
    // A masked array would be taken for its data.
    if (PyObject_IsInstance(x.ptr(), masked_array().ptr()) || !nb::try_cast(x, array, false) ||
        static_cast<int64_t>(array.shape(0)) != p.n_samples ||
        static_cast<int64_t>(array.shape(1)) != p.n_features ||
        reinterpret_cast<uintptr_t>(array.data()) % sizeof(T)) {
      throw nb::type_error(("x must be a C-contiguous, aligned, plain " +
                            std::string(sizeof(T) == 4 ? "float32" : "float64") + " array of shape (" +
                            std::to_string(p.n_samples) + ", " + std::to_string(p.n_features) + ")")
                               .c_str());
    }
    if (p.n_samples * p.hidden_size * (p.hidden_size + p.n_features) < kQuick) {
      steps_.step(array.data());
    } else {
      nb::gil_scoped_release release;
      steps_.step(array.data());
    }
  }

  T* state() { return steps_.state(); }
  const Problem<T>& problem() const { return steps_.problem(); }

 private:
  static constexpr int64_t kQuick =
      200000;  // multiply-adds that take less than it is worth to let go of the GIL

  static nb::handle masked_array() {
    static nb::object* type = new nb::object(nb::module_::import_("numpy").attr("ma").attr("MaskedArray"));
    return *type;
  }
  static Problem<T> problem_of_weights(int activation, const In<T, 2>& W_x, const In<T, 2>& W_h,
                                       const In<T, 1>& b, int64_t n_samples) {
    const auto D = static_cast<int64_t>(W_x.shape(0)), H = static_cast<int64_t>(b.shape(0));
    require(activation == 0 || activation == 1, "activation: 0 is tanh, 1 is relu");
    require(n_samples >= 0, "n_samples: below 0");
    return {n_samples,
            1,
            D,
            H,
            static_cast<Activation>(activation),
            true,
            nullptr,
            nullptr,
            nullptr,
            H,
            data_of("W_x", W_x, {D, H}),
            data_of("W_h", W_h, {H, H}),
            data_of("b", b, {H})};
  }

  Steps<T> steps_;
};

template <typename T>
void define_stepper(nb::module_& m, const char* name) {
  nb::class_<Stepper<T>>(m, name)
      .def(nb::init<int, int, In<T, 2>, In<T, 2>, In<T, 1>, int64_t>(), nb::arg("isa"), nb::arg("activation"),
           nb::arg("W_x").noconvert(), nb::arg("W_h").noconvert(), nb::arg("b").noconvert(),
           nb::arg("n_samples"))
      .def("step", &Stepper<T>::step, nb::arg("x").none())
      .def("state", [](nb::handle self) {  // a view, which keeps the stepper alive
        auto& stepper = nb::cast<Stepper<T>&>(self);
        const Problem<T>& p = stepper.problem();
        return nb::ndarray<nb::numpy, T, nb::ndim<2>, nb::c_contig>(
            stepper.state(), {static_cast<size_t>(p.n_samples), static_cast<size_t>(p.hidden_size)}, self);
      });
}

template <typename T>
void tanh_array(int isa, In<T, 1> x, Out<T, 1> y) {
  const auto n = static_cast<int64_t>(x.shape(0));
  const T* from = data_of("x", x, {n});
  T* to = data_of("y", y, {n});
  nb::gil_scoped_release release;
  kernels_of<T>(isa).tanh(from, to, n);
}

template <typename T>
void define(nb::module_& m) {
  m.def("forward", forward<T>, nb::arg("isa"), nb::arg("n_threads"), nb::arg("activation"),
        nb::arg("X").noconvert(), nb::arg("lengths").noconvert().none(),
        nb::arg("initial").noconvert().none(), nb::arg("W_x").noconvert(), nb::arg("W_h").noconvert(),
        nb::arg("b").noconvert(), nb::arg("H").noconvert().none(), nb::arg("final").noconvert(),
        nb::arg("pool"), nb::arg("pooled").noconvert().none(), nb::arg("ties").noconvert().none(),
        nb::arg("checkpoints").noconvert().none(), nb::arg("checkpoint_every"));
  m.def("backward", backward<T>, nb::arg("isa"), nb::arg("n_threads"), nb::arg("activation"),
        nb::arg("X").noconvert(), nb::arg("lengths").noconvert().none(),
        nb::arg("initial").noconvert().none(), nb::arg("W_x").noconvert(), nb::arg("W_h").noconvert(),
        nb::arg("b").noconvert(), nb::arg("H").noconvert(), nb::arg("checkpoint_every"),
        nb::arg("dH").noconvert().none(), nb::arg("dfinal").noconvert().none(), nb::arg("pool"),
        nb::arg("dpooled").noconvert().none(), nb::arg("pooled").noconvert().none(),
        nb::arg("ties").noconvert().none(), nb::arg("dX").noconvert().none(), nb::arg("dinitial").noconvert(),
        nb::arg("dW_x").noconvert(), nb::arg("dW_h").noconvert(), nb::arg("db").noconvert());
  m.def("linear_forward", linear_forward<T>, nb::arg("isa"), nb::arg("n_threads"), nb::arg("X").noconvert(),
        nb::arg("W").noconvert(), nb::arg("b").noconvert(), nb::arg("Y").noconvert());
  m.def("linear_backward", linear_backward<T>, nb::arg("isa"), nb::arg("n_threads"),
        nb::arg("dY").noconvert(), nb::arg("X").noconvert(), nb::arg("W").noconvert(),
        nb::arg("dX").noconvert().none(), nb::arg("dW").noconvert(), nb::arg("db").noconvert());
  m.def("tanh", tanh_array<T>, nb::arg("isa"), nb::arg("x").noconvert(), nb::arg("y").noconvert());
}

}  // namespace
}  // namespace elman

NB_MODULE(_native, m) {
  m.doc() = "The compiled time loops: arrays in, arrays written.";
  m.def("isas", [] {
    std::vector<std::string> names;
    for (const elman::KernelTable* table : elman::available_kernels()) names.emplace_back(table->isa);
    return names;
  });
  m.def(
      "multiply_adds",
      [](int isa, int64_t n) {
        float sink;
        nb::gil_scoped_release release;
        return elman::kernels_of<float>(isa).multiply_adds(n, &sink);
      },
      nb::arg("isa"), nb::arg("n"));
  m.def("checkpoint_steps", elman::checkpoint_steps, nb::arg("n_samples"), nb::arg("n_timesteps"),
        nb::arg("hidden_size"), nb::arg("wanted"));
  elman::define<float>(m);
  elman::define<double>(m);
  elman::define_stepper<float>(m, "StepperF32");
  elman::define_stepper<double>(m, "StepperF64");
}
