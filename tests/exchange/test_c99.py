"""Models written as C99 answer as they do in Python: compiled strictly, called through ctypes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from helpers.c_cases import CASES
from helpers.c_models import STRICT, call, compiled, expected_of, has_compiler
from helpers.exchange_models import (
    HOSTILE_CLASSES,
    data_of_symbols,
    model_of_kind,
    model_of_symbols,
    ragged,
)

from elman.exchange.c99 import to_c
from elman.exchange.c99.plan import Plan

pytestmark = pytest.mark.skipif(not has_compiler(), reason="gcc is not here")

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""What `to_c` promises of probabilities, and of values in units of their target's deviation."""

STREAMS = [name for name, (model, _) in CASES.items() if Plan(model, "", None, False).streams]
"""The names of those that answer while a sequence goes on."""

DTYPES = ("float32", "float64")


@pytest.fixture(scope="module", params=DTYPES)
def built(request, tmp_path_factory):
    """All models as C of a dtype, by name."""
    models = {name: model for name, (model, _) in CASES.items()}
    folder = tmp_path_factory.mktemp(request.param)
    # Some warnings come of optimisation alone.
    optimised = "-O2" if request.param == "float32" else "-O0"
    return compiled(models, folder, dtype=request.param, flags=[optimised])


def in_units(model, answers):
    """Values of a regressor in units of their target's deviation; probabilities as they are."""
    return (
        answers / model.plan.model.target_scale.scale if model.plan.link == "identity" else answers
    )


@pytest.mark.parametrize("name", CASES)
class TestAnswers:
    def test_are_those_of_the_model(self, built, name):
        model, X = built[name], CASES[name][1]
        tolerance = TOLERANCE[model.plan.dtype.name]
        for sample, expected in zip(model.steps(X), expected_of(model.plan, X), strict=True):
            status, answers = model.run(sample)
            assert status == 0
            difference = in_units(model, answers - expected)
            assert np.abs(difference).max(initial=0) <= tolerance, len(sample)


@pytest.mark.parametrize("name", STREAMS)
class TestSteps:
    def test_answers_are_those_of_the_whole_to_the_bit(self, built, name):
        model, X = built[name], CASES[name][1]
        stream = model.stream()
        for sample in model.steps(X):  # one after another: reset leaves nothing behind
            whole = model.run(sample)[1]
            stream.reset()
            for t, x in enumerate(sample):
                assert stream.step(x) == 0
                if model.plan.per_step and model.plan.model.frontend.stride == 1:
                    assert np.array_equal(stream.answer()[1], whole[t])
            status, answers = stream.answer()
            assert status == 0
            if not model.plan.per_step:
                assert np.array_equal(answers, whole)
            if model.plan.link == "softmax":
                assert stream.predict() == answers.argmax() == model.most_probable(answers)
            elif model.plan.link == "sigmoid":
                assert stream.predict() == list(answers > 0.5)

    def test_state_is_as_large_as_the_header_says(self, built, name):
        assert built[name].sizeof_state == built[name].costs.state


class TestSequences:
    def test_two_at_a_time_are_each_as_alone(self, built):
        model = next(
            m for m in built.values() if m.plan.streams and m.plan.model.frontend.stride > 1
        )
        first, _, _, second, _ = model.steps(CASES[model.plan.name][1])
        one, two = model.stream(), model.stream()
        for i in range(max(len(first), len(second))):
            for stream, sample in ((one, first), (two, second)):
                if i < len(sample):
                    assert stream.step(sample[i]) == 0
        assert np.array_equal(one.answer()[1], model.run(first)[1])
        assert np.array_equal(two.answer()[1], model.run(second)[1])

    def test_an_answer_leaves_the_state_as_it_is(self, built):
        for model in built.values():
            if model.plan.streams and model.plan.model.frontend.stride > 1:
                sample = model.steps(CASES[model.plan.name][1])[0]
                stream = model.stream()
                assert stream.step(sample[0]) == 0
                before = stream.bytes
                stream.answer()
                assert stream.bytes == before


class TestRefusals:
    """Statuses: -1 missing, -2 too large, -3 not finite, -4 a bad category."""

    def model(self, built, condition):
        return next(m for m in built.values() if m.plan.streams and condition(m.plan))

    def check(self, model, sample, bad, status):
        stream = model.stream()
        assert stream.step(sample[0]) == 0
        before = stream.bytes
        assert stream.step(bad) == status
        assert stream.bytes == before
        assert model.run(np.concatenate([sample, [bad]]))[0] == status

    @pytest.mark.parametrize("fronted", [False, True])
    @pytest.mark.parametrize(("value", "status"), [(np.nan, -1), (np.inf, -2), (-np.inf, -2)])
    def test_a_value_that_is_no_number(self, built, fronted, value, status):
        model = self.model(
            built,
            lambda plan: plan.nan == "error" and plan.n_numbers > 1 and plan.fronted == fronted,
        )
        sample = model.steps(CASES[model.plan.name][1])[0]
        self.check(model, sample, [*sample[0][:-1], value], status)

    def test_infinity_where_nan_is_allowed(self, built):
        for nan in ("mask", "skip"):
            model = self.model(built, lambda plan, nan=nan: plan.nan == nan and plan.n_numbers > 1)
            sample = np.nan_to_num(model.steps(CASES[model.plan.name][1])[0])
            self.check(model, sample, [*sample[0][:-1], np.inf], -2)

    def test_a_skipped_step_may_hold_values_of_any_size(self, built):
        model = self.model(built, lambda plan: plan.nan == "skip" and plan.n_numbers > 1)
        stream = model.stream()
        largest = np.finfo(model.plan.dtype).max
        before = stream.bytes
        assert stream.step([largest, *[np.nan] * (model.plan.n_columns - 1)]) == 0
        assert stream.bytes == before

    @pytest.mark.parametrize("wrong", [0.5, np.nan, np.inf])
    def test_a_category_that_is_no_whole_number(self, built, wrong):
        model = self.model(
            built, lambda plan: plan.n_codes == 1 and plan.n_numbers == 0 and plan.nan == "error"
        )
        sample = model.steps(CASES[model.plan.name][1])[0]
        self.check(model, sample, [wrong], -1 if np.isnan(wrong) else -4)

    @pytest.mark.parametrize("wrong", [-1, 100, 16777216])
    def test_a_category_out_of_range_is_unknown(self, built, wrong):
        model = self.model(built, lambda plan: plan.n_codes == 1 and plan.n_numbers == 0)
        stream, unknown = model.stream(), model.stream()
        assert stream.step([wrong]) == 0
        assert unknown.step([0]) == 0
        assert stream.bytes == unknown.bytes

    def test_an_answer_that_is_not_finite(self, tmp_path):
        model = model_of_kind(cell="relu", standardised=False)
        c = compiled({"grows": model}, tmp_path)["grows"]
        stream = c.stream()
        for _ in range(3):
            assert stream.step([3e38, -3e38]) == 0
        assert stream.answer()[0] == -3
        assert stream.predict() == -3


class TestOfItsOwn:
    def test_names_of_classes_come_through(self, built):
        model = next(m for m in built.values() if m.plan.link == "softmax")
        assert model.classes() == list(HOSTILE_CLASSES)

    def test_hostile_names(self, tmp_path):
        classes = np.array(
            sorted(["??/", "??=x", "é1", "\x01f7", "\\n", '"', "%s", "*/", "x" * 999])
        )
        model = model_of_kind(classes=classes)
        model = type(model)(
            **{**model.__dict__, "feature_names": ("*/ int x; /*", "??/\n\u202eab")}
        )
        c = compiled({"hostile": model}, tmp_path)["hostile"]
        assert c.classes() == list(classes)

    def test_numbers_and_bools_are_names_too(self, tmp_path):
        models = {
            "ints": model_of_kind(classes=np.array([-3, 7, 12])),
            "bools": model_of_kind(classes=np.array([False, True])),
            "floats": model_of_kind(classes=np.array([0.5, 1.0])),
        }
        c = compiled(models, tmp_path)
        assert c["ints"].classes() == ["-3", "7", "12"]
        assert c["bools"].classes() == ["False", "True"]
        assert c["floats"].classes() == ["0.5", "1.0"]

    def test_unknown_categories_are_refused_where_the_model_does(self, tmp_path):
        model = model_of_symbols("classifier", "tokens", handle_unknown="error")
        stream = compiled({"strict": model}, tmp_path)["strict"].stream()
        assert stream.step([1]) == 0
        assert stream.step([99]) == -4

    def test_features_far_from_zero_are_double(self, tmp_path):
        model = model_of_kind()
        scaling = type(model.standardisation)(np.array([1e9, 2.0]), np.array([0.5, 3.0]))
        model = type(model)(**{**model.__dict__, "standardisation": scaling})
        c = compiled({"far": model}, tmp_path)["far"]
        assert c.plan.input == "double"
        assert "const double *x" in (tmp_path / "far.h").read_text()
        X = [np.array([[1e9 + 0.25, 1.0], [1e9 - 0.5, 2.5]])]
        expected = expected_of(c.plan, X)[0]
        assert np.abs(c.run(X[0])[1] - expected).max() < 1e-5

    def test_one_thousandth_of_a_weight_is_seen(self, tmp_path):
        """The comparison of answers can fail."""
        model = model_of_kind()
        other = type(model)(**{**model.__dict__, "network": model.network.copy()})
        other.network.params["head.W"][...] *= 1.001
        c = compiled({"other": other}, tmp_path)["other"]
        sample = ragged()[0]
        model_answer = expected_of(type(c.plan)(model, "x", c.plan.dtype, False), [sample])[0]
        assert np.abs(c.run(sample)[1] - model_answer).max() > TOLERANCE["float32"]

    def test_fast_math_does_not_compile(self, tmp_path):
        to_c(model_of_kind(), tmp_path)
        source = str(tmp_path / "model.c")
        for flag in ("-ffast-math", "-ffinite-math-only"):
            with pytest.raises(AssertionError, match="take NaN and infinity for numbers"):
                call(["gcc", "-std=c99", flag, "-fsyntax-only", source])

    def test_no_name_of_a_file_clashes_with_its_functions(self, tmp_path):
        """Static names do not end as public ones do, so that any `name` can be chosen."""
        model = model_of_kind(readout=("attention", "mean", "last"), frontend={"stride": 2})
        to_c(model, tmp_path, name="clash")
        source = (tmp_path / "clash.c").read_text()
        statics = set(re.findall(r"static [^(=\n]*?(\w+)(?:\(|\[)", source))
        assert {"attend", "layer0_W_x"} <= statics
        ends = ("state", "reset", "step", "probabilities", "most_probable", "predict", "run")
        for name in statics:
            assert not name.endswith(tuple(f"_{end}" for end in (*ends, "classes"))), name


GOLDEN = {
    "gru": model_of_kind(readout=("attention", "mean", "last"), missing="mask"),
    "tagger": model_of_kind("tagger", stack="two both ways", missing="skip"),
    "values": model_of_kind("two targets", cell="lstm", frontend={"deltas": 1, "stride": 2}),
    "words": model_of_symbols("classifier", "steps", size=3, missing="mask"),
    "flat": model_of_kind(two_d=True, n_features=1, n_scalers=1),
}
"""Models that programs with golden vectors are written of."""


class TestGolden:
    def X(self, name):
        if name == "words":
            return data_of_symbols("steps")
        model = GOLDEN[name]
        X = ragged(1 if model.two_d else 2, model.missing, two_d=model.two_d)
        return X.astype(np.float64) if model.two_d else [x.astype(np.float64) for x in X]

    @pytest.mark.parametrize("weights", ["float", "int8"])
    @pytest.mark.parametrize("name", GOLDEN)
    def test_compiles_and_passes(self, tmp_path, name, weights):
        paths = to_c(
            GOLDEN[name], tmp_path, name=name, weights=weights, test_vectors=self.X(name)
        ).paths
        program = str(tmp_path / "program")
        sources = [str(path) for path in paths if path.suffix == ".c"]
        assert len(sources) == 2
        call(["gcc", *STRICT, "-O0", "-o", program, *sources, "-lm"])
        n = len(self.X(name))
        assert call([program]) == f"{n} of {n} sequences are right\n"

    def test_fails_where_a_weight_is_another(self, tmp_path):
        to_c(GOLDEN["gru"], tmp_path, name="gru", test_vectors=self.X("gru"))
        source = tmp_path / "gru.c"
        text = source.read_text()
        start = text.index("head_b[3] = {\n") + len("head_b[3] = {\n")
        source.write_text(text[:start] + "0.01f + " + text[start:].lstrip())
        program = str(tmp_path / "program")
        call(["gcc", *STRICT, "-o", program, str(source), str(tmp_path / "gru_test.c"), "-lm"])
        with pytest.raises(AssertionError, match="0 of 5 sequences are right"):
            call([program])
