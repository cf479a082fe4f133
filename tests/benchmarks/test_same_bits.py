"""The list of configurations covers what it says, and a comparison sees a single bit."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.bits.cases import AXES, SPECIAL, Case, all_cases, settled
from benchmarks.bits.comparing import (
    DIFFERS,
    EQUAL,
    EXCEPTED,
    FAILED,
    NEWER,
    Exceptions,
    compare,
    compare_reading,
    in_common,
)
from benchmarks.bits.data import make_data
from benchmarks.bits.running import KilledError, Runner
from benchmarks.bits.special import SPECIALS
from benchmarks.bits.values import Record, digest

CASES = all_cases()
OF_AXES = [case for case in CASES if "special" not in case.axes]


def test_every_value_of_every_axis_is_there_twice():
    assert len(CASES) >= 80
    assert len({case.name for case in CASES}) == len(CASES)
    counts = Counter(pair for case in OF_AXES for pair in case.axes.items())
    for axis, values in AXES.items():
        for value in values:
            assert counts[axis, value] >= 2, (axis, value)
    assert all(set(case.axes) == set(AXES) for case in OF_AXES)
    assert set(SPECIALS) == set(SPECIAL)


def test_every_pair_of_values_that_go_together_meets(rng):
    """Of those that 4,000 configurations at random have; the reference is another list."""
    met, possible = set(), set()
    for case in OF_AXES:
        met |= {*combinations(case.axes.items(), 2)}
    for _ in range(4000):
        drawn = {axis: values[rng.integers(len(values))] for axis, values in AXES.items()}
        possible |= {*combinations(settled(drawn | {"backend": "native"}).items(), 2)}
    assert len(possible) > 4000
    assert not possible - met


def test_the_list_is_always_the_same():
    assert all_cases() == CASES


def test_settled_configurations_stay():
    for case in OF_AXES:
        assert settled(case.axes) == case.axes


@pytest.fixture
def record():
    made = Record()
    rng = np.random.default_rng(1)
    made.add("weights/head.W", rng.standard_normal((3, 2)).astype(np.float32))
    made.add("answers/predict", [np.array(["a", "b"]), rng.standard_normal(5)])
    made.add("checkpoint/training.m", rng.standard_normal(4))
    made.notes["checkpoint's format"] = "1"
    return made


@pytest.fixture
def flip(record):
    def flipped(name, change=lambda bits: bits ^ 1):
        """The same record, with one bit of one value's first number changed."""
        value = np.array([record.numbers[name][0]]).view(np.uint64)
        numbers = record.numbers[name].copy()
        numbers[:1] = change(value).view(np.float64)
        other = Record()
        other.digests, other.numbers = dict(record.digests), dict(record.numbers)
        other.notes = dict(record.notes)
        other.digests[name], other.numbers[name] = digest(numbers), numbers
        return other

    return flipped


CASE = Case("one", {axis: values[0] for axis, values in AXES.items()})


def test_a_record_is_equal_to_itself_and_not_with_a_flipped_bit(record, flip):
    assert compare(CASE, record, record, Exceptions()).outcome == EQUAL
    found = compare(CASE, record, flip("weights/head.W"), Exceptions())
    assert found.outcome == DIFFERS
    assert found.details[0] == "first: weights/head.W"
    assert found.details[1].startswith("weights: 1 of 1 differ, by at most ")


def test_a_record_survives_its_files(record, tmp_path):
    record.write(tmp_path, "one")
    read = Record.read(tmp_path, "one")
    assert (read.digests, read.notes) == (record.digests, record.notes)
    for name, numbers in record.numbers.items():
        assert np.array_equal(read.numbers[name], numbers)


def test_what_is_in_one_only_differs(record):
    more = Record()
    more.digests, more.numbers = dict(record.digests), dict(record.numbers)
    more.notes = dict(record.notes)
    more.add("weights/new", np.zeros(2))
    for pair in ((record, more), (more, record)):
        found = compare(CASE, *pair, Exceptions())
        assert found.outcome == DIFFERS
        assert "weights/new is in one only" in found.details[1]


def test_a_column_of_the_history_that_only_the_newer_build_has_is_no_difference(record):
    more = Record()
    for name, value in record.digests.items():
        more.digests[name], more.numbers[name] = value, record.numbers[name]
    more.add("fitted_history/score", [0.5, 0.75])
    assert compare(CASE, record, more, Exceptions()).outcome == EQUAL
    assert compare(CASE, more, record, Exceptions()).outcome == DIFFERS


def test_an_error_is_a_failure_even_if_both_have_it(record):
    record.notes["error"] = "ValueError: no"
    assert compare(CASE, record, record, Exceptions("estimator=classifier")).outcome == FAILED


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", DIFFERS),
        ("readout=last", EXCEPTED),
        ("readout=mean", DIFFERS),
        ("readout=mean,cell=tanh", EXCEPTED),
        ("readout=last+dtype=float32", EXCEPTED),
        ("readout=last+dtype=float64", DIFFERS),
        ("result=weights", EXCEPTED),
        ("result=answers", DIFFERS),
        ("result=weights+cell=gru", DIFFERS),
    ],
)
def test_exceptions(record, flip, text, outcome):
    found = compare(CASE, record, flip("weights/head.W"), Exceptions(text))
    assert found.outcome == outcome


def test_an_exception_for_one_group_does_not_cover_another(record, flip):
    other = flip("weights/head.W")
    other.digests["answers/predict"] = digest("another")
    assert compare(CASE, record, other, Exceptions("result=weights")).outcome == DIFFERS
    both = Exceptions("result=weights,result=answers")
    assert compare(CASE, record, other, both).outcome == EXCEPTED


@pytest.mark.parametrize("text", ["readout", "readout=median", "colour=red", "readout=mean+"])
def test_exceptions_that_mean_nothing_are_refused(text):
    with pytest.raises(ValueError, match=r"is not AXIS=VALUE .*readout: last, mean"):
        Exceptions(text)


def test_checkpoints_of_another_format_may_call_their_arrays_otherwise(record):
    other = Record()
    other.digests, other.numbers = dict(record.digests), dict(record.numbers)
    for kept in (other.digests, other.numbers):
        kept["checkpoint/state.first_moment"] = kept.pop("checkpoint/training.m")
    other.notes = dict(record.notes)
    assert compare(CASE, record, other, Exceptions()).outcome == DIFFERS
    other.notes["checkpoint's format"] = "2"
    assert compare(CASE, record, other, Exceptions()).outcome == EQUAL
    other.digests["checkpoint/state.first_moment"] = digest("another")
    assert compare(CASE, record, other, Exceptions()).outcome == DIFFERS


def test_only_the_older_build_may_refuse_and_only_a_newer_format(record):
    refused = Record()
    refused.notes = {"error": "ArchiveError: format 2", "format": "2", "format of its own": "1"}
    record.notes["format"] = "2"

    def outcome(older_reads):
        return compare_reading(CASE, record, refused, Exceptions(), older_reads=older_reads).outcome

    assert outcome(older_reads=True) == NEWER
    assert outcome(older_reads=False) == FAILED
    record.notes["format"] = "1"
    assert outcome(older_reads=True) == FAILED


def test_what_differing_configurations_have_in_common(record, flip):
    other = flip("weights/head.W")
    findings = [
        compare(case, record, other if case.axes["readout"] == "mean" else record, Exceptions())
        for case in OF_AXES
    ]
    n_mean = sum(case.axes["readout"] == "mean" for case in OF_AXES)
    assert in_common(findings) == [f"all {n_mean} with readout=mean differ and no other"]
    assert in_common([f for f in findings if f.outcome == EQUAL]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.float32(1), np.float64(1)),
        (np.zeros(2), -np.zeros(2)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        ([1, 2], (1, 2)),
        (1, True),
        (["ab", "c"], ["a", "bc"]),
        ({"a": 1}, {"b": 1}),
        (None, "None"),
        (np.array([1, None], dtype=object), [1, None]),
    ],
)
def test_digests_tell_values_apart(one, other):
    assert digest(one) == digest(one)
    assert digest(one) != digest(other)


def test_what_has_no_digest_is_refused():
    with pytest.raises(TypeError, match="no digest of a set"):
        digest({1})


def small_case(way):
    return next(
        case
        for case in OF_AXES
        if (case.axes["way"], case.axes["size"], case.axes["backend"]) == (way, "small", "native")
    )


@pytest.mark.parametrize("way", AXES["way"])
def test_a_configuration_runs_twice_to_the_same_and_reads_its_files(way, tmp_path):
    case, records = small_case(way), []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        record = Record()
        Runner(case.name, case.axes).run(folder, record)
        records.append(record)
    assert compare(case, *records, Exceptions()).outcome == EQUAL
    groups = {name.partition("/")[0] for name in records[0].digests}
    assert {"fitted_weights", "fitted_history", "answers", "continued_weights"} <= groups
    assert ("checkpoint" in groups) == (way in ("fit", "resume"))
    read = Record()
    Runner(case.name, case.axes).read(tmp_path / "one", tmp_path, read)
    assert read.notes["format"].isdigit()
    same = {"loaded_weights": "fitted_weights", "loaded_answers": "answers"}
    if way == "resume":
        same |= {
            "resumed_weights": "fitted_weights",
            "resumed_continued_weights": "continued_weights",
        }
    for name, written in same.items():
        assert of_group(read, name)
        assert of_group(read, name) == of_group(records[0], written)


def of_group(record, group):
    parts = {name.partition("/"): found for name, found in record.digests.items()}
    return {rest: found for (name, _, rest), found in parts.items() if name == group}


def test_data_depend_on_the_name_alone():
    case = small_case("fit")
    one, again = (make_data(case.name, case.axes) for _ in range(2))
    other = make_data("another", case.axes)
    assert digest([one.X, one.y]) == digest([again.X, again.y])
    assert digest(one.X) != digest(other.X)


def test_a_training_that_ends_before_it_is_killed_is_an_error(tmp_path, monkeypatch):
    case = small_case("resume")
    runner = Runner(case.name, case.axes)
    monkeypatch.setattr("benchmarks.bits.running.KILLED_AFTER", 99)
    with pytest.raises(RuntimeError, match="training ended before epoch 99"):
        runner.run(tmp_path, Record())
    assert issubclass(KilledError, Exception)
