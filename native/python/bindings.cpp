// The functions of the module. They check arrays against each other, release the GIL, and call run.h and
// vectors.h.
//
// Nothing is converted: an array of another dtype or layout is a TypeError or a ValueError with a short
// message. The Python side then looks at the arguments again and raises an error with the reason. Results are
// fresh arrays, or are written into arrays of the caller.

#include "python/arrays.h"
#include "python/bindings_stream.h"
#include "python/call.h"
#include "python/names.h"
#include "runtime/dispatch.h"
#include "runtime/run.h"
#include "runtime/vectors.h"

namespace elman {
namespace {

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

// Calls function(T{}), where T is the type of the elements of `array`.
template <typename Function>
auto with_dtype(const char* name, nb::handle array, Function&& function) {
  switch (dtype_of(name, array)) {
    case NPY_FLOAT:
      return function(float{});
    case NPY_DOUBLE:
      return function(double{});
    default:
      throw nb::type_error((std::string(name) + ": neither float32 nor float64").c_str());
  }
}

Activation checked_activation(int activation) {
  require(is_code_of(kActivationNames, activation), "activation: not the code of one");
  return static_cast<Activation>(activation);
}

CellName checked_cell(int cell) {
  require(is_code_of(kCellNames, cell), "cell: not the code of one");
  return static_cast<CellName>(cell);
}

Pool checked_pool(int pool) {
  require(is_code_of(kPoolNames, pool), "pool: not the code of one");
  return static_cast<Pool>(pool);
}

// Whether all n codes are rows of the table.
bool are_rows(const int32_t* codes, int64_t n, int64_t n_rows) {
  const uint32_t end = static_cast<uint32_t>(std::min<int64_t>(n_rows, int64_t{1} << 31));
  uint32_t outside = 0;
  for (int64_t i = 0; i < n; ++i) outside |= static_cast<uint32_t>(codes[i]) >= end;
  return outside == 0;
}

// Takes the table and the number of codes of a step into the problem, whose cell is known.
template <typename T>
void take_table(Problem<T>& p, nb::handle table, int64_t n_codes) {
  require(n_codes > 0, "codes: none in a step");
  p.n_codes = n_codes;
  p.n_rows = shape_of<2>("table", table)[0];
  p.table = read<T>("table", table, {p.n_rows, p.shape().gates * p.hidden_size});
}

// Takes codes and their table into the problem, whose lengths have been checked. The kernel relies on it that
// codes are rows of the table; otherwise it would touch other memory.
template <typename T>
void take_codes(Problem<T>& p, nb::handle codes, nb::handle table) {
  if (codes.is_none()) {
    require(table.is_none(), "table: there are no codes");
    return;
  }
  take_table(p, table, shape_of<3>("codes", codes)[2]);
  p.codes = read<int32_t>("codes", codes, {p.n_samples, p.n_timesteps, p.n_codes});
  for (int64_t i = 0; i < p.n_samples; ++i) {
    const int64_t length = p.lengths ? p.lengths[i] : p.n_timesteps;
    require(are_rows(p.codes + i * p.n_timesteps * p.n_codes, length * p.n_codes, p.n_rows),
            "codes: not in [0, n_rows)");
  }
}

template <typename T>
Problem<T> problem_of(int cell, int activation, nb::handle X, nb::handle lengths, nb::handle initial,
                      nb::handle W_x, nb::handle W_h, nb::handle b, nb::handle gain, nb::handle codes,
                      nb::handle table) {
  Problem<T> p{};
  const auto shape = shape_of<3>("X", X);
  const int64_t B = p.n_samples = shape[0], D = p.n_features = shape[2];
  p.n_timesteps = shape[1];
  const int64_t H = p.hidden_size = shape_of<2>("W_h", W_h)[0];
  p.cell = checked_cell(cell);
  p.activation = checked_activation(activation);
  p.recurrent = true;
  const int64_t width = p.shape().gates * H;
  p.X = read<T>("X", X, {B, p.n_timesteps, D});
  p.lengths = read_if<int64_t>("lengths", lengths, {B});
  p.initial = read_if<T>("initial", initial, {B, p.state_size()});
  p.initial_stride = p.state_size();
  p.W_x = read<T>("W_x", W_x, {D, width});
  p.W_h = read<T>("W_h", W_h, {H, width});
  p.b = read<T>("b", b, {p.shape().biases * H});
  p.gain = read_if<T>("gain", gain, {p.shape().biases * H});
  p.layer_norm = p.gain != nullptr;
  // The kernel relies on it that lengths descend and stay inside X; otherwise it would touch other memory.
  for (int64_t i = 0; p.lengths && i < B; ++i) {
    require(p.lengths[i] >= 0 && p.lengths[i] <= (i ? p.lengths[i - 1] : p.n_timesteps),
            "lengths: not longest first in [0, T]");
  }
  take_codes(p, codes, table);
  return p;
}

template <typename T>
int64_t multiply_adds(const Problem<T>& p) {
  return p.n_samples * p.n_timesteps * p.hidden_size * p.shape().gates *
         (p.n_features + p.n_codes + (p.recurrent ? p.hidden_size : 0));
}

// How many samples the batch has of which the call has n; -1 means that the call has all of them.
int64_t checked_batch(int64_t batch_samples, int64_t n) {
  if (batch_samples == -1) return n;
  require(batch_samples >= n, "batch_samples: fewer than there are");
  require(batch_samples <= int64_t{1} << 48, "batch_samples: too many");
  return batch_samples;
}

// Returns H or None, final, pooled or None, ties or None, checkpoints or None, the number of steps between
// checkpoints, and trace or None.
nb::tuple forward(int isa, int n_threads, int cell, int activation, int pool, nb::handle X,
                  nb::handle lengths, nb::handle initial, nb::handle W_x, nb::handle W_h, nb::handle b,
                  nb::handle gain, bool want_H, bool keep_tape, int64_t recompute_every, nb::handle h_mask,
                  int64_t batch_samples, nb::handle codes, nb::handle table) {
  return with_dtype("X", X, [&](auto zero) {
    using T = decltype(zero);
    ForwardCall<T> call{};
    call.problem = problem_of<T>(cell, activation, X, lengths, initial, W_x, W_h, b, gain, codes, table);
    const Problem<T>& p = call.problem;
    const int64_t n = p.n_samples, width = p.hidden_size;
    require(recompute_every >= 0, "recompute_every: below 0");
    const int64_t batch = checked_batch(batch_samples, n);
    call.problem.h_mask = read_if<T>("h_mask", h_mask, {n, width});
    nb::object H = nb::none(), pooled = nb::none(), ties = nb::none(), checkpoints = nb::none();
    nb::object trace = nb::none();
    if (recompute_every && keep_tape) {
      call.recompute_every = checkpoint_steps(p.cell, batch, p.n_timesteps, width, recompute_every);
      const int64_t n_kept = n_checkpoints(p.n_timesteps, call.recompute_every);
      checkpoints = fresh(call.checkpoints, {n, n_kept, p.state_size()});
    } else if (keep_tape && p.trace_size()) {
      trace = fresh(call.trace, {n, p.n_timesteps, p.trace_size()});
    }
    if (want_H || (keep_tape && !call.recompute_every)) H = fresh(call.H, {n, p.n_timesteps, width});
    nb::object final_state = fresh(call.final_state, {n, p.state_size()});
    call.pool = checked_pool(pool);
    if (call.pool != Pool::kNone) pooled = fresh(call.pooled, {n, pooled_width(call.pool, width)});
    if (pools_largest(call.pool) && keep_tape) ties = fresh(call.ties, {n, width});
    run(multiply_adds(p), [&] { run_forward(kernels_of<T>(isa), call, n_threads); });
    return nb::make_tuple(H, final_state, pooled, ties, checkpoints, call.recompute_every, trace);
  });
}

// Where a gradient of weights goes: into an array of the caller, or into a fresh one.
template <typename T>
nb::object output(const char* name, nb::handle wanted, T*& data, std::initializer_list<int64_t> shape) {
  if (wanted.is_none()) return fresh(data, shape);
  data = write<T>(name, wanted, shape);
  return nb::borrow(wanted);
}

// Returns dX or None, dinitial, dW_x, dW_h, db, dgain or None, and dtable or None.
nb::tuple backward(int isa, int n_threads, int cell, int activation, int pool, nb::handle X,
                   nb::handle lengths, nb::handle initial, nb::handle W_x, nb::handle W_h, nb::handle b,
                   nb::handle gain, nb::handle states, int64_t recompute_every, nb::handle pooled,
                   nb::handle ties, nb::handle trace, nb::handle dH, nb::handle dfinal, nb::handle dpooled,
                   nb::handle h_mask, bool need_dX, nb::handle dW_x, nb::handle dW_h, nb::handle db,
                   nb::handle dgain, int64_t batch_samples, nb::handle codes, nb::handle table) {
  return with_dtype("X", X, [&](auto zero) {
    using T = decltype(zero);
    BackwardCall<T> call{};
    call.problem = problem_of<T>(cell, activation, X, lengths, initial, W_x, W_h, b, gain, codes, table);
    const Problem<T>& p = call.problem;
    const int64_t n = p.n_samples, steps = p.n_timesteps, D = p.n_features, width = p.hidden_size;
    call.recompute_every = recompute_every;
    const int64_t batch = checked_batch(batch_samples, n);
    if (recompute_every) {
      require(recompute_every > 0 &&
                  recompute_every == checkpoint_steps(p.cell, batch, steps, width, recompute_every),
              "recompute_every: not a whole number of chunks");
      call.checkpoints =
          read<T>("states", states, {n, n_checkpoints(steps, recompute_every), p.state_size()});
    } else {
      call.H = read<T>("states", states, {n, steps, width});
      if (p.trace_size()) call.trace = read<T>("trace", trace, {n, steps, p.trace_size()});
    }
    call.problem.h_mask = read_if<T>("h_mask", h_mask, {n, width});
    call.dH = read_if<T>("dH", dH, {n, steps, width});
    call.dfinal = read_if<T>("dfinal", dfinal, {n, p.state_size()});
    if (!dpooled.is_none()) {
      call.pool = checked_pool(pool);
      require(call.pool != Pool::kNone, "dpooled: nothing was pooled");
      call.dpooled = read<T>("dpooled", dpooled, {n, pooled_width(call.pool, width)});
    }
    if (pools_largest(call.pool)) {
      call.pooled = read<T>("pooled", pooled, {n, pooled_width(call.pool, width)});
      call.ties = read<T>("ties", ties, {n, width});
    }
    nb::object dX = nb::none();
    if (need_dX) dX = fresh(call.dX, {n, steps, D});
    nb::object dinitial = fresh(call.dinitial, {n, p.state_size()});
    WeightGradients<T> to{};
    nb::object into_W_x = output("dW_x", dW_x, to.dW_x, {D, p.shape().gates * width});
    nb::object into_W_h = output("dW_h", dW_h, to.dW_h, {width, p.shape().gates * width});
    nb::object into_b = output("db", db, to.db, {p.shape().biases * width});
    nb::object into_gain = nb::none();
    if (p.layer_norm) {
      into_gain = output("dgain", dgain, to.dgain, {p.shape().biases * width});
    } else {
      require(dgain.is_none(), "dgain: there is no gain");
    }
    nb::object dtable = nb::none();
    if (p.n_codes) dtable = fresh_zeros(to.dtable, {p.n_rows, p.shape().gates * width});
    run(multiply_adds(p), [&] { run_backward(kernels_of<T>(isa), call, to, batch, n_threads); });
    return nb::make_tuple(dX, dinitial, into_W_x, into_W_h, into_b, into_gain, dtable);
  });
}

// The affine map is one step of a cell without recurrence or activation.
template <typename T>
Problem<T> linear_problem(nb::handle X, nb::handle W) {
  Problem<T> p{};
  const auto shape = shape_of<2>("W", W);
  p.n_samples = shape_of<2>("X", X)[0];
  p.n_timesteps = 1;
  p.n_features = shape[0];
  p.hidden_size = shape[1];
  p.activation = Activation::kIdentity;
  p.X = read<T>("X", X, {p.n_samples, p.n_features});
  p.W_x = read<T>("W", W, {p.n_features, p.hidden_size});
  return p;
}

nb::object linear_forward(int isa, int n_threads, nb::handle X, nb::handle W, nb::handle b) {
  return with_dtype("X", X, [&](auto zero) {
    using T = decltype(zero);
    ForwardCall<T> call{};
    call.problem = linear_problem<T>(X, W);
    const Problem<T>& p = call.problem;
    call.problem.b = read<T>("b", b, {p.hidden_size});
    nb::object Y = fresh(call.final_state, {p.n_samples, p.hidden_size});
    run(multiply_adds(p), [&] { run_forward(kernels_of<T>(isa), call, n_threads); });
    return Y;
  });
}

// Returns dX or None, dW and db.
nb::tuple linear_backward(int isa, int n_threads, nb::handle dY, nb::handle X, nb::handle W, bool need_dX,
                          nb::handle dW, nb::handle db, int64_t batch_rows) {
  return with_dtype("X", X, [&](auto zero) {
    using T = decltype(zero);
    BackwardCall<T> call{};
    call.problem = linear_problem<T>(X, W);
    const Problem<T>& p = call.problem;
    call.dfinal = read<T>("dY", dY, {p.n_samples, p.hidden_size});
    nb::object dX = nb::none();
    if (need_dX) dX = fresh(call.dX, {p.n_samples, p.n_features});
    WeightGradients<T> to{};
    nb::object into_W = output("dW", dW, to.dW_x, {p.n_features, p.hidden_size});
    nb::object into_b = output("db", db, to.db, {p.hidden_size});
    const int64_t batch = checked_batch(batch_rows, p.n_samples);
    run(multiply_adds(p), [&] { run_backward(kernels_of<T>(isa), call, to, batch, n_threads); });
    return nb::make_tuple(dX, into_W, into_b);
  });
}

// Returns an array (len(order), n_timesteps, n_features). Its sample i has the rows offsets[k] to offsets[k +
// 1] of `values`, with k = order[i], and then zeros.
nb::object gather(nb::handle values, nb::handle offsets, nb::handle order, int64_t n_timesteps) {
  return with_dtype("values", values, [&](auto zero) {
    using T = decltype(zero);
    const auto shape = shape_of<2>("values", values);
    const int64_t D = shape[1], n = shape_of<1>("order", order)[0];
    const int64_t n_all = shape_of<1>("offsets", offsets)[0] - 1;
    const T* from = read<T>("values", values, {shape[0], D});
    const int64_t* offset = read<int64_t>("offsets", offsets, {n_all + 1});
    const int64_t* k = read<int64_t>("order", order, {n});
    for (int64_t i = 0; i < n; ++i) {
      require(k[i] >= 0 && k[i] < n_all, "order: no such sample");
      const int64_t length = offset[k[i] + 1] - offset[k[i]];
      require(offset[k[i]] >= 0 && length >= 0 && length <= n_timesteps && offset[k[i] + 1] <= shape[0],
              "offsets: outside of values, or longer than n_timesteps");
    }
    T* to;
    nb::object X = fresh(to, {n, n_timesteps, D});
    for (int64_t i = 0; i < n;
         ++i, to += n_timesteps * D) {  // with the GIL held, so that nobody changes `order`
      const int64_t size = (offset[k[i] + 1] - offset[k[i]]) * D;
      std::copy_n(from + offset[k[i]] * D, size, to);
      std::fill(to + size, to + n_timesteps * D, T(0));
    }
    return X;
  });
}

bool all_finite(nb::handle values, int n_threads) {
  return with_dtype("values", values, [&](auto zero) {
    using T = decltype(zero);
    const auto shape = shape_of<2>("values", values);
    const T* data = read<T>("values", values, {shape[0], shape[1]});
    bool finite = true;
    run(shape[0] * shape[1], [&] { finite = vectors::all_finite(data, shape[0] * shape[1], n_threads); });
    return finite;
  });
}

bool standardise(nb::handle values, nb::handle mean, nb::handle scale, nb::handle out, int n_threads) {
  return with_dtype("values", values, [&](auto zero) {
    return with_dtype("out", out, [&](auto other_zero) {
      using From = decltype(zero);
      using To = decltype(other_zero);
      const auto shape = shape_of<2>("values", values);
      const int64_t n = shape[0], d = shape[1];
      const From* from = read<From>("values", values, {n, d});
      const double* means = read<double>("mean", mean, {d});
      const double* scales = read<double>("scale", scale, {d});
      To* to = write<To>("out", out, {n, d});
      bool finite = true;
      run(n * d, [&] { finite = vectors::standardise(from, means, scales, n, d, to, n_threads); });
      return finite;
    });
  });
}

// Returns the losses of the rows, their gradient at the logits, and which rows were hit.
nb::tuple cross_entropy(nb::handle logits, nb::handle codes, nb::handle weights, double total) {
  return with_dtype("logits", logits, [&](auto zero) {
    using T = decltype(zero);
    const auto shape = shape_of<2>("logits", logits);
    const T* z = read<T>("logits", logits, {shape[0], shape[1]});
    const int64_t* code = read<int64_t>("codes", codes, {shape[0]});
    const double* weight = read_if<double>("weights", weights, {shape[0]});
    for (int64_t i = 0; i < shape[0]; ++i)
      require(code[i] >= 0 && code[i] < shape[1], "codes: no such class");
    double* loss;
    nb::object losses = fresh(loss, {shape[0]});
    T* dlogits;
    nb::object gradient = fresh(dlogits, {shape[0], shape[1]});
    bool* hit;
    nb::object hits = fresh(hit, {shape[0]});
    // With the GIL held, so that nobody changes `codes`.
    vectors::cross_entropy(z, code, weight, total, shape[0], shape[1], loss, dlogits, hit);
    return nb::make_tuple(losses, gradient, hits);
  });
}

nb::object squared_errors(nb::handle outputs, nb::handle targets) {
  return with_dtype("outputs", outputs, [&](auto zero) {
    using T = decltype(zero);
    const auto shape = shape_of<2>("outputs", outputs);
    const T* z = read<T>("outputs", outputs, {shape[0], shape[1]});
    const T* t = read<T>("targets", targets, {shape[0], shape[1]});
    double* squares;
    nb::object result = fresh(squares, {shape[0], shape[1]});
    run(shape[0] * shape[1], [&] { vectors::squared_errors(z, t, shape[0] * shape[1], squares); });
    return result;
  });
}

double sum(nb::handle values) {
  const int64_t n = shape_of<1>("values", values)[0];
  return vectors::sum(read<double>("values", values, {n}), n);
}

double norm(nb::handle vector) {
  return with_dtype("vector", vector, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = shape_of<1>("vector", vector)[0];
    const T* values = read<T>("vector", vector, {n});
    double result = 0;
    run(n, [&] { result = vectors::norm(values, n); });
    return result;
  });
}

void adam(nb::handle weights, nb::handle gradient, nb::handle m, nb::handle v, nb::handle decay, double scale,
          double penalty, double beta_1, double beta_2, double root_correction_2, double epsilon, double rate,
          double shrink) {
  with_dtype("weights", weights, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = shape_of<1>("weights", weights)[0];
    const vectors::Adam<T> step{static_cast<T>(scale),
                                static_cast<T>(penalty),
                                static_cast<T>(beta_1),
                                static_cast<T>(1 - beta_1),
                                static_cast<T>(beta_2),
                                static_cast<T>(1 - beta_2),
                                static_cast<T>(root_correction_2),
                                static_cast<T>(epsilon),
                                static_cast<T>(rate),
                                static_cast<T>(shrink)};
    T* w = write<T>("weights", weights, {n});
    const T* g = read<T>("gradient", gradient, {n});
    T* first = write<T>("m", m, {n});
    T* second = write<T>("v", v, {n});
    const T* mask = read_if<T>("decay", decay, {n});
    run(8 * n, [&] { vectors::adam(step, w, g, first, second, mask, n); });
  });
}

// A cell that takes one time step after another.
template <typename T>
class PythonStepper {
 public:
  PythonStepper(int isa, int cell, int activation, nb::handle W_x, nb::handle W_h, nb::handle b,
                nb::handle gain, int64_t n_samples, nb::handle table, int64_t n_codes)
      : stepper_(kernels_of<T>(isa),
                 problem_of_weights(cell, activation, W_x, W_h, b, gain, n_samples, table, n_codes)) {}

  void step(nb::handle x, nb::handle codes) {
    const auto& p = stepper_.problem();
    const T* data = try_read<T>(x, {p.n_samples, p.n_features});
    if (!data) {
      throw nb::type_error(("x must be a C-contiguous, aligned, plain " +
                            std::string(sizeof(T) == 4 ? "float32" : "float64") + " array of shape (" +
                            std::to_string(p.n_samples) + ", " + std::to_string(p.n_features) + ")")
                               .c_str());
    }
    const int32_t* rows = p.n_codes || !codes.is_none() ? checked_codes(codes) : nullptr;
    run(multiply_adds(p), [&] { stepper_.step(data, rows); });
  }

  T* state() { return stepper_.state(); }
  Stepper<T>& stepper() { return stepper_; }
  const Problem<T>& problem() const { return stepper_.problem(); }

 private:
  const int32_t* checked_codes(nb::handle codes) {
    const auto& p = stepper_.problem();
    if (!p.n_codes) throw nb::type_error("codes were given, but this stepper was made without a table");
    const int32_t* rows = try_read<int32_t>(codes, {p.n_samples, p.n_codes});
    if (!rows) {
      throw nb::type_error(("codes must be a C-contiguous, aligned, plain int32 array of shape (" +
                            std::to_string(p.n_samples) + ", " + std::to_string(p.n_codes) + ")")
                               .c_str());
    }
    for (int64_t i = 0; i < p.n_samples * p.n_codes; ++i) {
      if (are_rows(rows + i, 1, p.n_rows)) continue;
      throw nb::type_error(("codes[" + std::to_string(i / p.n_codes) + ", " + std::to_string(i % p.n_codes) +
                            "] is " + std::to_string(rows[i]) + ", but the table has " +
                            std::to_string(p.n_rows) + " rows: a code must lie in [0, " +
                            std::to_string(p.n_rows) + ")")
                               .c_str());
    }
    return rows;
  }

  static Problem<T> problem_of_weights(int cell, int activation, nb::handle W_x, nb::handle W_h, nb::handle b,
                                       nb::handle gain, int64_t n_samples, nb::handle table,
                                       int64_t n_codes) {
    require(n_samples >= 0, "n_samples: below 0");
    Problem<T> p{};
    const int64_t D = p.n_features = shape_of<2>("W_x", W_x)[0];
    const int64_t H = p.hidden_size = shape_of<2>("W_h", W_h)[0];
    p.cell = checked_cell(cell);
    const int64_t width = p.shape().gates * H;
    p.n_samples = n_samples;
    p.n_timesteps = 1;
    p.activation = checked_activation(activation);
    p.recurrent = true;
    p.initial_stride = p.state_size();
    p.W_x = read<T>("W_x", W_x, {D, width});
    p.W_h = read<T>("W_h", W_h, {H, width});
    p.b = read<T>("b", b, {p.shape().biases * H});
    p.gain = read_if<T>("gain", gain, {p.shape().biases * H});
    p.layer_norm = p.gain != nullptr;
    if (!table.is_none()) {
      take_table(p, table, n_codes);
    } else {
      require(n_codes == 0, "n_codes: there is no table");
    }
    return p;
  }

  Stepper<T> stepper_;
};

template <typename T>
void define_stepper(nb::module_& m, const char* name) {
  nb::class_<PythonStepper<T>>(m, name)
      .def(nb::init<int, int, int, nb::handle, nb::handle, nb::handle, nb::handle, int64_t, nb::handle,
                    int64_t>(),
           nb::arg("isa"), nb::arg("cell"), nb::arg("activation"), nb::arg("W_x"), nb::arg("W_h"),
           nb::arg("b"), nb::arg("gain").none(), nb::arg("n_samples"), nb::arg("table").none(),
           nb::arg("n_codes"))
      .def("step", &PythonStepper<T>::step, nb::arg("x").none(), nb::arg("codes") = nb::none())
      // For bindings_stream.cpp, which knows from the name of the capsule what it contains.
      .def("steps", [](PythonStepper<T>& self) { return nb::capsule(&self.stepper(), kStepperCapsule<T>); })
      .def("state", [](nb::handle self) {  // a view that keeps the stepper alive
        auto& stepper = nb::cast<PythonStepper<T>&>(self);
        const Problem<T>& p = stepper.problem();
        return view(stepper.state(), {p.n_samples, p.state_size()}, self);
      });
}

void tanh_array(int isa, nb::handle x, nb::handle y) {
  with_dtype("x", x, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = shape_of<1>("x", x)[0];
    const T* from = read<T>("x", x, {n});
    T* to = write<T>("y", y, {n});
    const WithoutGil released;
    kernels_of<T>(isa).tanh(from, to, n);
  });
}

}  // namespace
}  // namespace elman

NB_MODULE(_native, m) {
  using namespace elman;
  m.doc() = "The compiled time loops, and what else a training step does to whole arrays.";
  load_numpy();
  m.def("isas", [] {
    std::vector<std::string> names;
    for (const KernelTable* table : available_kernels()) names.emplace_back(table->isa);
    return names;
  });
  m.def(
      "multiply_adds",
      [](int isa, int64_t n) {
        float sink;
        const WithoutGil released;
        return kernels_of<float>(isa).multiply_adds(n, &sink);
      },
      nb::arg("isa"), nb::arg("n"));
  // Arguments are given by position; _native.pyi has their names. None is let through for all arrays, so that
  // the function itself can refuse it.
  m.def("forward", forward, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
        nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(),
        nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg().none(),
        nb::arg().none());
  m.def("backward", backward, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
        nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(),
        nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none(),
        nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none(),
        nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg().none());
  m.def("group_rows", [](int cell, int64_t n_samples, int64_t hidden_size) {
    require(n_samples >= 0 && hidden_size >= 0, "group_rows: a size below 0");
    return group_rows(checked_cell(cell), checked_batch(n_samples, 0), hidden_size);
  });
  m.def("linear_forward", linear_forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(),
        nb::arg().none());
  m.def("linear_backward", linear_backward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(),
        nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
  m.def("gather", gather, nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg());
  m.def("all_finite", all_finite, nb::arg().none(), nb::arg());
  m.def("standardise", standardise, nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(),
        nb::arg());
  m.def("cross_entropy", cross_entropy, nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg());
  m.def("squared_errors", squared_errors, nb::arg().none(), nb::arg().none());
  m.def("sum", sum, nb::arg().none());
  m.def("norm", norm, nb::arg().none());
  m.def("adam", adam, nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none(),
        nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
        nb::arg());
  m.def("tanh", tanh_array);
  define_stepper<float>(m, "StepperF32");
  define_stepper<double>(m, "StepperF64");
  define_streams(m);
  define_names(m);
}
