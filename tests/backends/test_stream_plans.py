"""Plans of streams: which a backend takes, which it leaves to NumPy, and which are errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.problems import cell_of
from helpers.sequence_data import draw_network

from elman.backends import available_isas, get_backend
from elman.backends.tolerances import TOLERANCES
from elman.data.scaling import Standardisation
from elman.models.classifier import TrainedClassifier
from elman.models.stepping import ComposedNetwork, make_stepped
from elman.models.streaming import plan_of

needs_kernel = pytest.mark.skipif(not available_isas(), reason="the kernel is not built")
needs_two_sets = pytest.mark.skipif(len(available_isas()) < 2, reason="one instruction set only")
OTHER = {"float32": "float64", "float64": "float32"}


class Drawn(NamedTuple):
    """A model of two layers, and steps of three streams for it."""

    model: TrainedClassifier
    X: np.ndarray

    def plan(self, backend, n=3):
        return plan_of(self.model, backend, n)

    def answers(self, steps):
        answers = [steps.step(np.ascontiguousarray(self.X[t])) for t in range(len(self.X))]
        assert all(answer is not None for answer in answers)
        return np.array(answers)


def draw(rng, *, kind="tanh", readout="mean", dtype="float64", sizes=(7, 4)):
    network = draw_network(2, sizes, 3, cell=cell_of(kind), readout=readout, rng=rng, dtype=dtype)
    network.params.flat[...] = rng.normal(scale=0.6, size=network.params.flat.size)
    model = TrainedClassifier(
        network=network,
        n_features_in=2,
        two_d=False,
        standardisation=Standardisation(rng.normal(size=2), rng.uniform(0.5, 2, 2)),
        backend=None,
        missing="error",
        classes=np.array(["do", "mi", "sol"]),
        multilabel=False,
    )
    return Drawn(model, rng.normal(size=(5, 3, 2)))


@pytest.mark.parametrize("name", BACKENDS)
def test_the_kernel_takes_its_own_steppers_and_the_reference_none(name, rng):
    backend = make_backend(name)
    own = backend.stream(draw(rng).plan(backend))
    assert (own is None) == (name == "reference")


@pytest.mark.parametrize("name", BACKENDS)
def test_a_readout_written_in_python_alone_is_left_to_numpy(name, rng):
    backend = make_backend(name)
    plan = draw(rng).plan(backend)
    assert backend.stream(plan._replace(readout="median")) is None
    assert backend.stream(plan._replace(readout=("mean", "median"))) is None


@needs_kernel
@pytest.mark.parametrize("foreign", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("dtype", OTHER)
@pytest.mark.parametrize("kind", ["tanh", "lstm"])
def test_no_layer_is_lost_that_another_backend_steps(foreign, dtype, kind, rng):
    native, reference = get_backend("native"), get_backend("reference")
    drawn = draw(rng, kind=kind, dtype=dtype)
    plan, other = drawn.plan(native), drawn.plan(reference)
    mixed = tuple((other if i in foreign else plan).steppers[i] for i in range(2))
    plan = plan._replace(steppers=mixed)
    assert native.stream(plan) is None
    expected = drawn.answers(make_stepped(drawn.plan(reference), reference))
    tolerance = TOLERANCES[dtype]
    np.testing.assert_allclose(
        drawn.answers(make_stepped(plan, native)), expected, tolerance.rtol, tolerance.atol
    )


@needs_two_sets
@pytest.mark.parametrize("foreign", [0, 1])
def test_steppers_of_another_instruction_set_are_left_to_numpy(foreign, rng):
    narrow, wide = (make_backend(f"native-{isa}") for isa in available_isas()[:2])
    drawn = draw(rng)
    plan, other = drawn.plan(narrow), drawn.plan(wide)
    mixed = tuple((other if i == foreign else plan).steppers[i] for i in range(2))
    assert narrow.stream(plan._replace(steppers=mixed)) is None
    again = [drawn.plan(wide if i == foreign else narrow).steppers[i] for i in range(2)]
    composed = ComposedNetwork(plan._replace(steppers=tuple(again)), narrow)
    answers = drawn.answers(make_stepped(plan._replace(steppers=mixed), narrow))
    assert answers.tobytes() == drawn.answers(composed).tobytes()


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("dtype", OTHER)
def test_a_stepper_of_another_dtype_is_refused(name, dtype, rng):
    backend = make_backend(name)
    plan = draw(rng, dtype=dtype).plan(backend)
    steppers = draw(rng, dtype=OTHER[dtype]).plan(backend).steppers
    mixed = plan._replace(steppers=(plan.steppers[0], steppers[1]))
    with pytest.raises(TypeError, match=rf"steppers\[1\] has states of {OTHER[dtype]}, but W"):
        backend.stream(mixed)
    with pytest.raises(TypeError, match=f"plan.b has dtype {OTHER[dtype]}, expected {dtype}"):
        backend.stream(plan._replace(b=plan.b.astype(OTHER[dtype])))


@pytest.mark.parametrize("name", BACKENDS)
def test_what_a_plan_may_not_be(name, rng):
    backend = make_backend(name)
    drawn = draw(rng)
    plan = drawn.plan(backend)
    with pytest.raises(ValueError, match="missing='zero' is not known; choose one of error, mask"):
        backend.stream(plan._replace(missing="zero"))
    with pytest.raises(ValueError, match="link='probit' is not known; choose one of identity"):
        backend.stream(plan._replace(link="probit"))
    with pytest.raises(ValueError, match="steppers is empty"):
        backend.stream(plan._replace(steppers=()))
    with pytest.raises(ValueError, match="flat is for one stream, but"):
        backend.stream(plan._replace(flat=True))
    mixed = (plan.steppers[0], drawn.plan(backend, 2).steppers[1])
    with pytest.raises(ValueError, match=r"steppers\[1\] has 2 streams, but the first one has 3"):
        backend.stream(plan._replace(steppers=mixed))


@needs_kernel
@pytest.mark.parametrize("dtype", OTHER)
def test_the_kernel_itself_refuses_steppers_of_another_dtype(dtype, rng):
    from elman.backends import _native

    backend = get_backend("native")
    plan = draw(rng, dtype=dtype, sizes=(7,)).plan(backend)
    W, b = plan.W.astype(OTHER[dtype]), plan.b.astype(OTHER[dtype])
    kind = _native.StreamF64 if dtype == "float32" else _native.StreamF32
    steppers = [stepper.compiled for stepper in plan.steppers]
    with pytest.raises(TypeError, match="steppers: one is of another dtype"):
        kind(steppers, False, [0], 0, 0, False, 2, (), None, None, None, W, b)
