// Streams for Python, and the links that make answers of logits.

#include "python/bindings_stream.h"

#include "python/arrays.h"
#include "python/call.h"
#include "python/names.h"
#include "runtime/stream.h"
#include "runtime/vectors.h"

namespace elman {
namespace {

// A stream that keeps the steppers of its layers alive.
template <typename T>
class PythonStream {
 public:
  PythonStream(std::vector<nb::object> steppers, bool residual, const std::vector<int>& readouts, int missing,
               int link, bool flat, int64_t n_features, const std::vector<int64_t>& categories,
               nb::handle mean, nb::handle scale, nb::handle query, nb::handle W, nb::handle b)
      : steppers_(std::move(steppers)),
        flat_(flat),
        stream_(make(residual, readouts, missing, link, n_features, categories, mean, scale, query, W, b)) {
    require(!flat_ || stream_.n_samples() == 1, "flat: more than one stream");
  }

  // Takes a step and returns the answers, or None if the step is refused.
  nb::object step(nb::handle x) {
    if (const float* from = steps_in<float>(x)) return step_from(from);
    if (const double* from = steps_in<double>(x)) return step_from(from);
    return nb::none();
  }

  nb::object answer() {
    T* out;
    nb::object answers = fresh_answers(out);
    require_finite(stream_.answer(out));
    return answers;
  }

  // Takes the same step n times, with an answer each time. The benchmarks measure the time without Python
  // with it.
  bool repeat(nb::handle x, int64_t n) {
    const float* from = steps_in<float>(x);
    T* out;
    nb::object answers = fresh_answers(out);
    bool taken = from != nullptr;
    for (int64_t i = 0; taken && i < n; ++i) {
      taken = stream_.step(from);
      stream_.answer(out);
    }
    return taken;
  }

  // Returns views of all arrays that go from step to step, by name.
  nb::dict state(nb::handle self) {
    const int64_t n = stream_.n_samples(), width = stream_.width();
    nb::dict arrays;
    arrays["n_steps"] = view(stream_.n_steps(), {n}, self);
    for (size_t i = 0; i < steppers_.size(); ++i) {
      arrays[("recurrent" + std::to_string(i)).c_str()] = steppers_[i].attr("state")();
    }
    // Of several readouts, the name of each stands before those of its arrays: "readout.max.largest".
    const bool several = stream_.readouts().size() > 1;
    const auto name = [several](Readout readout, const char* key) {
      return (several ? std::string("readout.") + kReadoutNames[static_cast<int>(readout)] + "."
                      : std::string("readout.")) +
             key;
    };
    for (const Readout readout : stream_.readouts()) {
      if (readout == Readout::kMax) {
        arrays[name(readout, "largest").c_str()] = view(stream_.largest(), {n, width}, self);
      } else if (readout == Readout::kMean) {
        arrays[name(readout, "sum").c_str()] = view(stream_.sum(), {n, width}, self);
      } else if (readout == Readout::kAttention) {
        arrays[name(readout, "sum").c_str()] = view(stream_.attended(), {n, width}, self);
        arrays[name(readout, "weight").c_str()] = view(stream_.weight(), {n}, self);
        arrays[name(readout, "exponent").c_str()] = view(stream_.exponent(), {n}, self);
      }
    }
    return arrays;
  }

  nb::object logits(nb::handle self) {
    return view(stream_.logits(), {stream_.n_samples(), stream_.n_outputs()}, self);
  }

 private:
  Stream<T> make(bool residual, const std::vector<int>& readouts, int missing, int link, int64_t n_features,
                 const std::vector<int64_t>& categories, nb::handle mean, nb::handle scale, nb::handle query,
                 nb::handle W, nb::handle b) {
    require(!steppers_.empty(), "steppers: none");
    require(is_code_of(kMissingNames, missing), "missing: not the code of one");
    require(is_code_of(kLinkNames, link), "link: not the code of one");
    StreamPlan<T> plan{};
    for (const nb::object& stepper : steppers_) {
      const nb::object capsule = stepper.attr("steps")();
      if (!PyCapsule_IsValid(capsule.ptr(), kStepperCapsule<T>)) {
        throw nb::type_error("steppers: one is of another dtype than the stream");
      }
      plan.layers.push_back(
          static_cast<Stepper<T>*>(PyCapsule_GetPointer(capsule.ptr(), kStepperCapsule<T>)));
    }
    const int64_t n_codes = static_cast<int64_t>(categories.size());
    require(n_codes <= n_features, "categories: more columns than features");
    int64_t n_rows = 0;
    for (const int64_t n : categories) {
      require(n >= 0 && n <= int64_t{1} << 31, "categories: a number of them out of range");
      n_rows += n;
    }
    plan.categories = categories;
    int64_t n_in = (n_features - n_codes) * (static_cast<Missing>(missing) == Missing::kMask ? 2 : 1);
    for (const Stepper<T>* layer : plan.layers) {
      const Problem<T>& p = layer->problem();
      require(p.n_samples == plan.layers[0]->problem().n_samples, "steppers: of unequal n_samples");
      require(p.n_features == n_in, "steppers: of sizes that do not fit each other");
      const bool first = layer == plan.layers[0];
      require(p.n_codes == (first ? n_codes : 0) && p.n_rows == (first ? n_rows : 0),
              "steppers: of tables that do not fit the categories");
      require(!residual || layer == plan.layers[0] || p.hidden_size == n_in, "residual: of unequal sizes");
      n_in = p.hidden_size;
    }
    plan.residual = residual;
    bool attends = false;
    for (size_t i = 0; i < readouts.size(); ++i) {
      require(is_code_of(kReadoutNames, readouts[i]), "readouts: not the code of one");
      for (size_t j = 0; j < i; ++j) require(readouts[i] != readouts[j], "readouts: one of them twice");
      plan.readouts.push_back(static_cast<Readout>(readouts[i]));
      attends |= plan.readouts.back() == Readout::kAttention;
    }
    require(!plan.readouts.empty(), "readouts: none");
    plan.missing = static_cast<Missing>(missing);
    plan.link = static_cast<Link>(link);
    plan.n_features = n_features;
    plan.mean = read_if<double>("mean", mean, {n_features});
    plan.scale = read_if<double>("scale", scale, {n_features});
    require(!plan.mean == !plan.scale, "mean and scale: one of them");
    plan.query = read_if<T>("query", query, {n_in});
    require(plan.query || !attends, "query: none");
    plan.n_outputs = shape_of<1>("b", b)[0];
    require(plan.n_outputs > 0, "b: no outputs");
    const int64_t n_read = n_in * static_cast<int64_t>(readouts.size());
    plan.W = read<T>("W", W, {n_read, plan.n_outputs});
    plan.b = read<T>("b", b, {plan.n_outputs});
    return Stream<T>(plan.layers[0]->kernels(), plan);
  }

  template <typename From>
  const From* steps_in(nb::handle x) {
    if (flat_) return try_read<From>(x, {stream_.n_features()});
    return try_read<From>(x, {stream_.n_samples(), stream_.n_features()});
  }

  template <typename From>
  nb::object step_from(const From* x) {
    T* out;
    nb::object answers = fresh_answers(out);
    bool taken = false, finite = true;
    run(stream_.multiply_adds(), [&] {
      taken = stream_.step(x);
      if (taken) finite = stream_.answer(out);
    });
    require_finite(finite);
    return taken ? answers : nb::none();
  }

  // Raises FloatingPointError unless all logits are finite: no answer could be made of them.
  static void require_finite(bool finite) {
    if (finite) return;
    PyErr_SetString(PyExc_FloatingPointError, "logits: NaN or infinity");
    throw nb::python_error();
  }

  nb::object fresh_answers(T*& out) {
    if (flat_) return fresh(out, {stream_.n_outputs()});
    return fresh(out, {stream_.n_samples(), stream_.n_outputs()});
  }

  std::vector<nb::object> steppers_;
  bool flat_;
  Stream<T> stream_;
};

template <typename T>
void define_stream(nb::module_& m, const char* name) {
  nb::class_<PythonStream<T>>(m, name)
      .def(
          nb::init<std::vector<nb::object>, bool, const std::vector<int>&, int, int, bool, int64_t,
                   const std::vector<int64_t>&, nb::handle, nb::handle, nb::handle, nb::handle, nb::handle>(),
          nb::arg("steppers"), nb::arg("residual"), nb::arg("readouts"), nb::arg("missing"), nb::arg("link"),
          nb::arg("flat"), nb::arg("n_features"), nb::arg("categories"), nb::arg("mean").none(),
          nb::arg("scale").none(), nb::arg("query").none(), nb::arg("W"), nb::arg("b"))
      .def("step", &PythonStream<T>::step, nb::arg().none())
      .def("answer", &PythonStream<T>::answer)
      .def("repeat", &PythonStream<T>::repeat, nb::arg("x"), nb::arg("n"))
      .def("state", [](nb::handle self) { return nb::cast<PythonStream<T>&>(self).state(self); })
      .def("logits", [](nb::handle self) { return nb::cast<PythonStream<T>&>(self).logits(self); });
}

template <typename T>
nb::object linked(nb::handle logits, bool softmax) {
  const auto shape = shape_of<2>("logits", logits);
  const int64_t n = shape[0], k = shape[1];
  const T* z = read<T>("logits", logits, {n, k});
  require(k > 0 || n == 0, "logits: no classes");
  T* out;
  nb::object answers = fresh(out, {n, k});
  run(64 * n * k, [&] { softmax ? vectors::softmax(z, n, k, out) : vectors::sigmoid(z, n * k, out); });
  return answers;
}

nb::object linked_of(nb::handle logits, bool softmax) {
  return dtype_of("logits", logits) == NPY_FLOAT ? linked<float>(logits, softmax)
                                                 : linked<double>(logits, softmax);
}

}  // namespace

void define_streams(nb::module_& m) {
  load_numpy();
  define_stream<float>(m, "StreamF32");
  define_stream<double>(m, "StreamF64");
  m.def("softmax", [](nb::handle logits) { return linked_of(logits, true); }, nb::arg().none());
  m.def("sigmoid", [](nb::handle logits) { return linked_of(logits, false); }, nb::arg().none());
}

}  // namespace elman
