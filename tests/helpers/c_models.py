"""Models written as C, compiled into a shared library, and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

from elman.exchange.c99 import to_c
from elman.exchange.c99.golden import steps_of
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.quantising import rounded

STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
"""What every compiler is told: each warning is an error."""

C_TYPES = {"float": ctypes.c_float, "double": ctypes.c_double}
NUMPY_TYPES = {"float": np.float32, "double": np.float64}
GUARD = 7.25
"""What stands behind an array that C writes to, so that a number too many is seen."""


def has_compiler():
    """Whether this machine can compile C."""
    return shutil.which("gcc") is not None


class CModel:
    """The functions of one model in a library."""

    def __init__(self, library, plan, costs):
        self.plan, self.costs, self._library = plan, costs, library
        self.sizeof_state = None
        if plan.streams:
            function = self._function("sizeof_state")
            function.restype = ctypes.c_size_t
            self.sizeof_state = function()

    def _function(self, name):
        return getattr(self._library, f"{self.plan.name}_{name}")

    def _pointer(self, array, kind):
        return array.ctypes.data_as(ctypes.POINTER(C_TYPES[kind]))

    def steps(self, X):
        """X as C reads it."""
        return steps_of(self.plan, X)

    def run(self, sample):
        """The status of a whole sequence, and its answers."""
        plan = self.plan
        sample = np.ascontiguousarray(sample, NUMPY_TYPES[plan.input])
        n_steps, n_outputs = len(sample), plan.layout.n_outputs
        n_answers = n_steps * n_outputs if plan.per_step else n_outputs
        out = np.full(n_answers + 1, GUARD, NUMPY_TYPES[plan.answer])
        arguments = [
            self._pointer(sample, plan.input),
            ctypes.c_size_t(n_steps),
            self._pointer(out, plan.answer),
        ]
        scratch = None
        if plan.layout.bidirectional:
            n_scratch = n_steps * self.costs.scratch_per_step // plan.dtype.itemsize
            scratch = np.full(n_scratch + 1, GUARD, plan.dtype)
            arguments.append(self._pointer(scratch, plan.real))
        status = self._function("run")(*arguments)
        assert out[-1] == GUARD
        assert scratch is None or scratch[-1] == GUARD
        shape = (n_steps, n_outputs) if plan.per_step else (n_outputs,)
        return status, out[:-1].reshape(shape)

    def stream(self):
        """A sequence that is read step by step."""
        return CStream(self)

    def classes(self):
        """The names of the classes."""
        names = (ctypes.c_char_p * self.plan.layout.n_outputs).in_dll(
            self._library, f"{self.plan.name}_classes"
        )
        return [name.decode() for name in names]

    def most_probable(self, probabilities):
        """The place of the largest of them."""
        array = np.ascontiguousarray(probabilities, self.plan.dtype)
        return self._function("most_probable")(self._pointer(array, self.plan.real))


class CStream:
    """The state of a sequence that goes on."""

    def __init__(self, model):
        self._model = model
        self._state = ctypes.create_string_buffer(b"\xff" * model.sizeof_state, model.sizeof_state)
        self.reset()

    @property
    def bytes(self):
        """All of the state."""
        return self._state.raw

    def reset(self):
        """Begin a sequence."""
        self._model._function("reset")(self._state)

    def step(self, x):
        """Read a step; the status."""
        plan = self._model.plan
        x = np.ascontiguousarray(x, NUMPY_TYPES[plan.input])
        return self._model._function("step")(self._state, self._model._pointer(x, plan.input))

    def answer(self):
        """The status, and probabilities or values."""
        plan = self._model.plan
        out = np.full(plan.layout.n_outputs + 1, GUARD, NUMPY_TYPES[plan.answer])
        name = "predict" if plan.link == "identity" else "probabilities"
        status = self._model._function(name)(self._state, self._model._pointer(out, plan.answer))
        assert out[-1] == GUARD
        return status, out[:-1]

    def predict(self):
        """The place of the most probable class; of several labels 0 or 1 for each."""
        if self._model.plan.link == "softmax":
            return self._model._function("predict")(self._state)
        labels = (ctypes.c_int * self._model.plan.layout.n_outputs)()
        assert self._model._function("predict")(self._state, labels) == 0
        return list(labels)


def compiled(models, folder, *, dtype="float32", weights="float", flags=(), compiler="gcc"):
    """Write models, compile all of them in one call, and load them.

    Parameters
    ----------
    models : dict of str to TrainedModel
        By the names of their files.
    folder : Path
    dtype, weights
        As `to_c` takes them.
    flags : sequence of str
        For the compiler, beside `STRICT`.

    Returns
    -------
    dict of str to CModel
    """
    folder = Path(folder)
    costs, plans, sizes = {}, {}, ["#include <stddef.h>"]
    for name, model in models.items():
        costs[name] = to_c(model, folder, name=name, dtype=dtype, weights=weights).costs
        plans[name] = Plan(model, name, np.dtype(dtype), weights == "int8")
        if plans[name].streams:
            sizes += [f'#include "{name}.h"', f"size_t {name}_sizeof_state(void);"]
            sizes += [f"size_t {name}_sizeof_state(void) {{ return sizeof({name}_state); }}"]
    (folder / "sizes.c").write_text("\n".join([*sizes, ""]))
    library = folder / "models.so"
    sources = [str(folder / f"{name}.c") for name in [*models, "sizes"]]
    call([compiler, *STRICT, *flags, "-shared", "-fPIC", "-o", str(library), *sources, "-lm"])
    loaded = ctypes.CDLL(str(library))
    return {name: CModel(loaded, plans[name], costs[name]) for name in models}


def call(command, **options):
    """Run a command; its output is the message where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)[:300]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def expected_of(plan, X):
    """What the model itself answers to X with the weights that C has, for each sample."""
    model = rounded(plan.model, plan.dtype, int8=plan.int8)
    asked = model.predict if plan.kind == "RNNRegressor" else model.predict_proba
    answers = [np.asarray(answer, np.float64) for answer in asked(model.check(X))]
    if plan.per_step:
        return [answer.reshape(-1, plan.layout.n_outputs) for answer in answers]
    return [answer.reshape(-1) for answer in answers]


def program(cases, folder, *, dtype="float32", weights="float"):
    """Write models with their golden vectors, and a program that looks at all of them.

    Parameters
    ----------
    cases : dict of str to (TrainedModel, X)
    folder : Path
    dtype, weights
        As `to_c` takes them.

    Returns
    -------
    list of str
        The sources. The program prints "all N models are right" if they are.
    """
    sources = []
    for name, (model, X) in cases.items():
        options = {"name": name, "dtype": dtype, "weights": weights, "test_vectors": X}
        _, source, test = to_c(model, folder, **options).paths
        text = test.read_text(encoding="utf-8")
        assert text.count("int main(void)") == 1
        test.write_text(text.replace("int main(void)", f"int {name}_main(void)"))
        sources += [str(source), str(test)]
    all_of = folder / "all.c"
    lines = ["#include <stdio.h>", *(f"int {name}_main(void);" for name in cases)]
    lines += ["int main(void)", "{", "    int n_wrong = 0;"]
    lines += [f"    n_wrong += {name}_main();" for name in cases]
    lines += [f'    if (n_wrong == 0) printf("all {len(cases)} models are right\\n");']
    lines += ["    return n_wrong;", "}", ""]
    all_of.write_text("\n".join(lines))
    return [*sources, str(all_of)]
