"""Answers computed by workers: those of one process to the bit, in order, whoever dies."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data import SequenceStore, sequences
from elman.distributed import answers as shared
from elman.distributed import connect, kept, predict

SMALL = {"hidden_size": 3, "max_iter": 1, "random_state": 0}


def recordings(rng, n=23, most=9):
    return [rng.normal(size=(k, 2)) for k in rng.integers(1, most, size=n)]


def of_labels(X, **more):
    return RNNClassifier(**SMALL, **more).fit(X, [*"abc"] * (len(X) // 3) + ["a"] * (len(X) % 3))


def of_steps(X, **more):
    return RNNTagger(**SMALL, **more).fit(X, [np.arange(len(x)) % 2 for x in X])


def of_numbers(X, **more):
    return RNNRegressor(**SMALL, **more).fit(X, [x[-1, 0] for x in X])


def of_step_numbers(X, **more):
    return RNNRegressor(**SMALL, readout="every", **more).fit(X, [np.cumsum(x[:, 0]) for x in X])


FITTED = {
    of_labels: [
        "predict",
        "predict_proba",
        "decision_function",
        "predict_proba_over_time",
        "predict_early",
        "hidden_states",
    ],
    of_steps: ["predict", "predict_proba", "hidden_states"],
    of_numbers: ["predict", "predict_over_time", "hidden_states"],
    of_step_numbers: ["predict", "predict_over_time", "hidden_states"],
}
CASES = [(make, method) for make, methods in FITTED.items() for method in methods]
NAMES = [f"{make.__name__} {method}" for make, method in CASES]


def same(left, right):
    """Whether two answers have the same types, shapes and bits."""
    if isinstance(left, (list, tuple)):
        assert type(left) is type(right)
        assert len(left) == len(right)
        return all(same(a, b) for a, b in zip(left, right, strict=True))
    assert left.dtype == right.dtype
    assert left.shape == right.shape
    return left.tobytes() == right.tobytes()


@pytest.fixture(autouse=True)
def many_pieces(monkeypatch):
    """Pieces of a few samples, of which not all are under way at once."""
    monkeypatch.setattr(shared, "LEAST_VALUES", 1)
    monkeypatch.setattr(shared, "PIECE_VALUES", 20)


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.mark.parametrize(("make", "method"), CASES, ids=NAMES)
def test_every_answer_is_that_of_one_process(make, method, rng, pool):
    X = recordings(rng)
    fitted = make(X)
    assert same(getattr(fitted, method)(X, executor=pool), getattr(fitted, method)(X))


@pytest.mark.parametrize("make", FITTED)
def test_scores_are_those_of_one_process_and_nothing_of_the_engine_stays(make, rng, pool, tmp_path):
    X = recordings(rng)
    fitted = make(X)
    before, described = pickle.dumps(fitted), set(vars(fitted))
    y = fitted.predict(recordings(rng, len(X))) if make in (of_labels, of_numbers) else None
    if y is None:
        y = [answer[::-1] for answer in fitted.predict(X)]
    weight = rng.uniform(size=len(X))
    assert fitted.score(X, y, weight, executor=pool) == fitted.score(X, y, weight)
    assert set(vars(fitted)) == described
    assert fitted.model_.asking is None
    assert pickle.dumps(fitted) == before
    fitted.save(tmp_path / "model.safetensors")
    assert same(elman.load(tmp_path / "model.safetensors").predict(X), fitted.predict(X))


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("make", FITTED)
def test_missing_values_and_arrays(make, missing, rng, pool):
    X = rng.normal(size=(17, 5, 2))
    fitted = make(list(X), missing=missing)
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    method = FITTED[make][1]
    found = getattr(fitted, method)(X, executor=pool)
    assert isinstance(found, np.ndarray)
    assert same(found, getattr(fitted, method)(X))


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("front", [{"deltas": 2, "stride": 3}, {"deltas": 1, "scale_each": True}])
@pytest.mark.parametrize("make", FITTED)
def test_what_a_front_end_makes_of_pieces(make, front, missing, rng, pool):
    X = recordings(rng)
    fitted = make(X, missing=missing, **front)
    if missing != "error":
        X = [np.where(rng.random(x.shape) < 0.2, np.nan, x) for x in X]
    for method in FITTED[make]:
        if not ("scale_each" in front and ("early" in method or "over_time" in method)):
            found = getattr(fitted, method)(X, executor=pool)
            assert same(found, getattr(fitted, method)(X))


def test_no_sample_and_samples_without_steps(rng, pool):
    fitted = of_steps(recordings(rng))
    X = [np.empty((0, 2)), rng.normal(size=(3, 2)), np.empty((0, 2))]
    assert same(fitted.predict_proba(X, executor=pool), fitted.predict_proba(X))


@pytest.mark.parametrize("form", ["list", "array"])
@pytest.mark.parametrize("make", FITTED)
def test_an_X_that_is_too_large_to_be_copied(make, form, rng, pool, monkeypatch, tmp_path):
    cube = rng.normal(size=(7, 5, 2)).astype(np.float16)
    X = [*cube[:6], cube[6, :3]] if form == "list" else cube
    method = FITTED[make][1]
    fitted = make(X)
    expected = getattr(fitted, method)(X)
    monkeypatch.setattr(sequences, "SMALL", 0)
    assert same(getattr(fitted, method)(X, executor=pool), expected)
    assert same(predict(fitted, X, tmp_path, executor=pool, method=method), expected)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("make", FITTED)
@pytest.mark.parametrize("standardize", [True, False])
def test_an_error_names_the_sample_that_one_process_names(make, spoilt, standardize, rng, tmp_path):
    X = recordings(rng)
    fitted = make(X, standardize=standardize, dtype="float32")
    X[19][-1, 1] = spoilt
    with pytest.raises(ValueError, match=r"sample 19|X\[19\]") as alone:
        fitted.predict(X)
    with ThreadPoolExecutor(2) as executor:
        with pytest.raises(ValueError, match="19") as elsewhere:
            fitted.predict(X, executor=executor)
        with pytest.raises(ValueError, match="19") as into_folder:
            predict(fitted, X, tmp_path / "answers", executor=executor)
    with pytest.raises(ValueError, match="19") as by_itself:
        predict(fitted, X, tmp_path / "other")
    messages = {str(raised.value) for raised in (alone, elsewhere, into_folder, by_itself)}
    assert len(messages) == 1


def test_an_answer_that_is_not_finite_names_the_sample(rng, monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "KEPT_VALUES", 30)
    X = recordings(rng)
    fitted = of_numbers(X, cell="elman", readout="last", standardize=False, dtype="float32")
    X = [np.zeros_like(x) for x in X]
    X[14] += 1000  # which saturates the states, while those of the others stay small
    ends = fitted.hidden_states(X)[14][-1]
    fitted.weights_["head.W"][...] = 3e38 * np.sign(ends)[:, np.newaxis]
    with pytest.raises(ValueError, match=r"X\[14\]"), ThreadPoolExecutor(2) as executor:
        fitted.predict(X, executor=executor)
    monkeypatch.setattr(kept, "_manifest", lambda *_: {})  # such weights go into no file
    with pytest.raises(ValueError, match=r"X\[14\]"):
        predict(fitted, X, tmp_path / "answers")


def test_a_network_without_an_answer_says_so_at_once(rng):
    X = recordings(rng)
    fitted = of_labels(X, bidirectional=True)
    with pytest.raises(ValueError, match="bidirectional"), ThreadPoolExecutor(1) as executor:
        fitted.predict_proba_over_time(X, executor=executor)


class Watched(ThreadPoolExecutor):
    """Counts the tasks that it was given and that are not done."""

    def __init__(self, n):
        super().__init__(n)
        self.waiting, self.most, self.total = 0, 0, 0

    def submit(self, *arguments, **more):
        self.waiting += 1
        self.total += 1
        self.most = max(self.most, self.waiting)
        future = super().submit(*arguments, **more)
        future.add_done_callback(self._done)
        return future

    def _done(self, _):
        self.waiting -= 1


def test_a_bounded_number_of_pieces_is_under_way(rng):
    X = recordings(rng, 97)
    fitted = of_labels(X)
    with Watched(2) as executor:
        assert same(fitted.predict_proba(X, executor=executor), fitted.predict_proba(X))
    assert executor.total > 20
    assert executor.most <= 2 * shared.PER_WORKER


def die_once(folder):
    """Kill this process, the first time that it is called with an empty folder."""
    try:
        Path(folder, "died").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


class DyingTask:
    """A task whose worker dies the first time that it is run."""

    def __init__(self, task, folder):
        self.task, self.folder, self.name = task, folder, task.name

    def run(self):
        die_once(self.folder)
        return self.task.run()


def test_the_piece_of_a_killed_worker_is_run_again(rng, monkeypatch, tmp_path):
    X = recordings(rng)
    fitted = of_steps(X)
    task_of = shared.SharedAnswers._task

    def task(self, *arguments):
        return DyingTask(task_of(self, *arguments), str(tmp_path))

    monkeypatch.setattr(shared.SharedAnswers, "_task", task)
    context = multiprocessing.get_context("spawn")
    engine = connect(lambda: ProcessPoolExecutor(2, mp_context=context))
    try:
        found = fitted.predict_proba(X, executor=engine)
    finally:
        engine.close()
    assert (tmp_path / "died").exists()
    assert same(found, fitted.predict_proba(X))


# Kept in a folder


@pytest.fixture
def small_files(monkeypatch):
    monkeypatch.setattr(kept, "KEPT_VALUES", 60)


FOLDER_CASES = [(make, method) for make, method in CASES if method in kept.METHODS]


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize(
    ("make", "method"), FOLDER_CASES, ids=[f"{m.__name__} {n}" for m, n in FOLDER_CASES]
)
def test_a_folder_gives_what_the_method_gives_and_goes_on(make, method, rng, tmp_path):
    X, folder = recordings(rng), tmp_path / "answers"
    fitted = make(X)
    expected = getattr(fitted, method)(X)
    assert same(predict(fitted, X, folder, method=method), expected)
    files = sorted(folder.glob("*.npy"))
    assert len(files) >= 3
    whole = [file.read_bytes() for file in files]
    joined = np.concatenate([np.load(file, allow_pickle=False) for file in files])
    assert same(joined, np.concatenate(expected) if isinstance(expected, list) else expected)

    files[1].unlink()
    files[2].write_bytes(whole[2][:-1])  # damaged
    kept_since = files[0].stat().st_mtime_ns
    with ThreadPoolExecutor(3) as executor:
        assert same(predict(fitted, X, folder, method=method, executor=executor), expected)
    assert [file.read_bytes() for file in files] == whole
    assert files[0].stat().st_mtime_ns == kept_since
    assert predict(fitted, X, folder, method=method, collect=False) is None


@pytest.mark.usefixtures("small_files")
def test_an_interrupted_call_goes_on_behind_its_last_file(rng, tmp_path, monkeypatch):
    X, folder = recordings(rng), tmp_path / "answers"
    fitted = of_labels(X)
    asked = []
    ask = kept._asked

    def interrupted(model, method, data, start, stop):
        asked.append(start)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return ask(model, method, data, start, stop)

    monkeypatch.setattr(kept, "_asked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict(fitted, X, folder)
    assert len([*folder.glob("*.npy")]) == 2
    found = predict(fitted, X, folder)
    assert same(found, fitted.predict(X))
    assert len(asked) == len(set(asked)) + 1  # only the interrupted one was asked for twice


@pytest.mark.usefixtures("small_files")
def test_labels_that_are_objects(rng, tmp_path):
    X = recordings(rng)
    fitted = RNNClassifier(**SMALL).fit(X, np.array(["ab", "c"] * 11 + ["c"], dtype=object))
    assert fitted.classes_.dtype == object
    expected = fitted.predict(X)
    for _ in range(2):
        found = predict(fitted, X, tmp_path / "answers")
        assert found.dtype == object
        assert found.tolist() == expected.tolist()


@pytest.mark.usefixtures("small_files")
def test_a_folder_of_other_answers_is_refused(rng, tmp_path):
    X, folder = recordings(rng), tmp_path / "answers"
    fitted = of_labels(X)
    predict(fitted, X, folder)
    changed = [*X[:-1], X[-1] + 1e-9]
    with pytest.raises(ValueError, match=r"another data \(X\); name another folder"):
        predict(fitted, changed, folder)
    with pytest.raises(ValueError, match="another method"):
        predict(fitted, X, folder, method="predict_proba")
    fitted.weights_["head.b"][0] += 1e-6
    with pytest.raises(ValueError, match="another model"):
        predict(fitted, X, folder)
    with pytest.raises(ValueError, match="RNNClassifier has predict, predict_proba"):
        predict(fitted, X, folder, method="fit")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"holds thesis\.tex, but no answers\.json"):
        predict(fitted, X, tmp_path / "other")
    (folder / "answers.json").write_text("{")
    with pytest.raises(ValueError, match="is not what elman wrote"):
        predict(fitted, X, folder)
    (folder / "answers.json").write_text(json.dumps([]))
    with pytest.raises(ValueError, match="answers of another"):
        predict(fitted, X, folder)


# A store


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("make", FITTED)
def test_what_lies_in_a_store_is_answered_and_trained_on_elsewhere(make, rng, pool, tmp_path):
    X = recordings(rng)
    SequenceStore.write(tmp_path / "store", ((x, None) for x in X), shard_size=200)
    store = SequenceStore(tmp_path / "store")
    fitted = make(X)
    for method in FITTED[make]:
        expected = getattr(fitted, method)(X)
        assert same(getattr(fitted, method)(store, executor=pool), expected)
        assert same(getattr(fitted, method)(store[::-2], executor=pool), picked(expected))
        if method in kept.METHODS:
            folder = tmp_path / method
            assert same(predict(fitted, store, folder, method=method, executor=pool), expected)
            assert same(predict(fitted, store, folder, method=method), expected)
            with pytest.raises(ValueError, match=r"another data \(X\)"):
                predict(fitted, store[np.r_[1, 0, 2 : len(X)]], folder, method=method)
    y = fitted.predict(X)
    again = type(fitted)(**SMALL).fit(X, y).network_.params.flat
    elsewhere = type(fitted)(**SMALL).fit(store, y, executor=pool).network_.params.flat
    assert same(elsewhere, again)


def picked(answers):
    """Every other answer, from the last."""
    if isinstance(answers, tuple):
        return tuple(picked(part) for part in answers)
    return answers[::-2]


def test_a_task_of_a_store_is_small(rng, tmp_path):
    X = [rng.normal(size=(500, 2)) for _ in range(7)]
    store = SequenceStore.write(tmp_path / "store", ((x, None) for x in X))
    sent = []

    class Engine(ThreadPoolExecutor):
        def submit(self, run, *task):
            sent.append(len(pickle.dumps(task)))
            return super().submit(run, *task)

    fitted = of_steps(X)
    with Engine(2) as executor:
        assert same(fitted.predict(store, executor=executor), fitted.predict(X))
    assert len(sent) == 7
    assert max(sent) < X[0].nbytes / 2
