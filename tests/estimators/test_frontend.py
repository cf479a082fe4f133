"""A front end in fits and answers: what is learned from inputs that are made by hand, anywhere."""

from __future__ import annotations

import copy
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
import pytest
from helpers.explained import MODELS, classifier, labels, recordings, small, tagger

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data import SequenceStore, check_sequences, frontend_choice
from elman.data import sequences as module
from elman.data.scaling import standardise
from elman.estimators.advice import among_all_steps
from elman.formats import archive
from elman.training.divergence import Place

FRONT = {"deltas": 1, "stride": 3, "scale_each": True}
COMBINATIONS = [
    {"deltas": d, "stride": s, "scale_each": e}
    for d, s, e in product((0, 1, 2), (1, 2), (False, True))
]


def made_by_hand(fit, X):
    """What the network of a fit reads of X, each sample alone."""
    out = []
    for x in X:
        values = np.array(x, np.float64)
        if fit.mean_ is not None:
            standardise(np.array(x, np.float64), fit.mean_, fit.scale_, values)
        out.append(fit.frontend_.apply(values, np.array([len(x)]), fit.missing)[0])
    return out


def numbers(fit):
    history = fit.history_
    return (
        fit.network_.params.flat.tobytes(),
        history.loss,
        history.score,
        history.validation_loss,
        history.validation_score,
    )


def answers(fit, X):
    found = [fit.predict(X), fit.hidden_states(X)]
    if hasattr(fit, "predict_proba"):
        found.append(fit.predict_proba(X))
    return [np.concatenate([np.ravel(np.asarray(a)) for a in part]).tobytes() for part in found]


@pytest.mark.parametrize("front", COMBINATIONS, ids=str)
@pytest.mark.parametrize("missing", ["error", "mask"])
def test_the_network_learns_what_it_would_from_inputs_made_by_hand(front, missing, rng):
    X = [rng.normal(size=(n, 2)) for n in (5, 0, 7, 1, 4)]
    if missing == "mask":
        X[2][3, 1] = np.nan
    y = np.array([0, 1, 1, 0, 1])
    fit = small(RNNClassifier, missing=missing, **front).fit(X, y)
    made = made_by_hand(fit, X)
    by_hand = small(RNNClassifier, standardize=False).fit(made, y)
    assert numbers(fit) == numbers(by_hand)
    assert np.array_equal(fit.predict_proba(X), by_hand.predict_proba(made))


@pytest.mark.parametrize("options", [{"bidirectional": True}, {"bptt_steps": 2}, {"n_layers": 2},
                                     {"recompute_every": 2, "dtype": "float32"},
                                     {"missing": "skip"}])  # fmt: skip
@pytest.mark.parametrize("kind", ["tagger", "regressor of steps"])
def test_each_labelled_step_is_an_example_for_its_block(kind, options):
    # so slow that no weight moves, the loss of an epoch is that of the answers to all steps
    fit = MODELS[kind](learning_rate_init=1e-30, deltas=1, stride=2, **options)
    X = recordings()
    if kind == "tagger":
        y = np.concatenate([(np.arange(len(x)) + len(x)) % 3 for x in X])
        found = np.concatenate(fit.predict_proba(X))
        codes = {"no": 0, "why": 1, "yes": 2}
        right = [codes[("no", "yes", "why")[i]] for i in y]
        expected = -np.log(found[np.arange(len(y)), right]).mean()
    else:
        y = np.concatenate([np.cumsum(x[:, 0]) for x in X])
        errors = np.square(np.concatenate(fit.predict(X)) - y)
        expected = errors.mean() / y.var()
        np.testing.assert_allclose(fit.history_.score[-1], 1 - errors.mean() / y.var(), rtol=1e-5)
    np.testing.assert_allclose(fit.history_.loss[-1], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_large_data_has_the_bits_of_small(kind, monkeypatch):
    X = recordings()
    front = FRONT if kind != "pipeline" else {"deltas": 2, "stride": 2}
    found = []
    for bound in (module.SMALL, 0):
        monkeypatch.setattr(module, "SMALL", bound)
        fit = MODELS[kind](**front)
        last = fit[-1] if kind == "pipeline" else fit
        found.append((numbers(last), answers(last, X)))
    assert found[0] == found[1]


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor of steps"])
def test_gaps_in_large_data_and_a_memory_map(kind, missing, monkeypatch, tmp_path, rng):
    cube = rng.normal(size=(7, 9, 3))
    cube[rng.random(cube.shape) < 0.1] = np.nan
    np.save(tmp_path / "X.npy", cube)
    options = {"readout": "every"} if kind == "regressor of steps" else {}
    makers = {
        "classifier": (RNNClassifier, labels()),
        "tagger": (RNNTagger, np.arange(63).reshape(7, 9) % 2),
        "regressor of steps": (RNNRegressor, rng.normal(size=(7, 9))),
    }
    make, y = makers[kind]
    found = []
    for bound, X in ((module.SMALL, cube), (0, np.load(tmp_path / "X.npy", mmap_mode="r"))):
        monkeypatch.setattr(module, "SMALL", bound)
        fit = small(make, missing=missing, **FRONT, **options).fit(X, y)
        found.append((numbers(fit), answers(fit, X)))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["classifier", "tagger"])
def test_a_store_and_workers_have_the_bits_of_one_process(kind, tmp_path):
    X = recordings()
    y = labels() if kind == "classifier" else [np.arange(len(x)) % 2 for x in X]
    make = RNNClassifier if kind == "classifier" else RNNTagger
    plain = small(make, **FRONT).fit(X, y)
    SequenceStore.write(tmp_path / "store", ((x, None) for x in X), shard_size=200)
    store = SequenceStore(tmp_path / "store")
    with ProcessPoolExecutor(2) as pool:
        for data, executor in ((store, None), (X, pool), (store, pool)):
            fit = small(make, **FRONT).fit(data, y, executor=executor)
            assert numbers(fit) == numbers(plain)
            found = plain.predict_proba(data, executor=executor)
            assert np.array_equal(np.concatenate(found), np.concatenate(plain.predict_proba(X)))


@pytest.mark.parametrize("front", [{"deltas": 2, "stride": 3}, FRONT], ids=str)
@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "pipeline"])
def test_replicas_read_through_the_same_front_end(kind, front):
    options = {"mode": "local", "replicas": 2, "batch_size": 2, "missing": "mask", **front}
    alone = MODELS[kind](**options)
    with ProcessPoolExecutor(2) as executor:
        fit = alone.__class__(**alone.get_params())
        X = recordings()
        y = alone.predict(X)
        first = alone.__class__(**alone.get_params()).fit(X, y)
        fit.fit(X, y, executor=executor)
    assert numbers(fit) == numbers(first)
    assert fit.frontend_.delta_scale.tobytes() == alone.frontend_.delta_scale.tobytes()


def test_what_leaves_the_range_on_a_worker_names_the_sample():
    fit = classifier(deltas=1, standardize=False, dtype="float32")
    X = [*recordings(), np.array([[3e38, 0, 0], [-3e38, 0, 0]])]
    with ProcessPoolExecutor(2) as pool:
        for executor in (None, pool):
            with pytest.raises(ValueError, match="sample 7, feature 0, leaves the range"):
                fit.predict(X, executor=executor)


@pytest.mark.parametrize("kind", MODELS)
def test_a_file_gives_it_back(kind, tmp_path):
    front = {"deltas": 2, "stride": "auto"}
    fit = MODELS[kind](**front)
    elman.save(fit, tmp_path / "model.safetensors")
    found = elman.load(tmp_path / "model.safetensors")
    last, restored = (f[-1] if kind == "pipeline" else f for f in (fit, found))
    assert repr(restored.frontend_) == repr(last.frontend_)
    assert restored.stride == "auto"
    assert answers(restored, recordings()) == answers(last, recordings())


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_the_longest_block_there_can_be_is_one_recording(kind, tmp_path):
    X, longest = recordings(), 2**31 - 1
    y = [np.arange(len(x)) % 2 for x in X] if kind is RNNTagger else np.arange(len(X)) % 2
    with pytest.raises(ValueError, match="larger than any number of time steps"):
        small(kind, stride=longest + 1).fit(X, y)
    fit = small(kind, stride=longest, deltas=1, missing="mask").fit(X, y)
    fit.save(tmp_path / "model.safetensors")
    again = elman.load(tmp_path / "model.safetensors")
    assert answers(again, X) == answers(fit, X)
    assert [len(states) for states in fit.hidden_states(X)] == [len(x) for x in X]
    stream = fit.stream()
    for x_t in X[0]:
        stream.step(x_t)
    assert stream.n_waiting == len(X[0])
    expected = fit.predict_proba(X[:1]) if hasattr(fit, "predict_proba") else fit.predict(X[:1])
    assert np.array_equal(stream.answer(), np.atleast_2d(expected[0])[-1].squeeze())


def before_there_were_front_ends(monkeypatch):
    """Files are written from now on as they were then."""
    save = archive.save

    def save_as_before(path, tensors, config):
        config = copy.deepcopy(config)
        for found in (config["parameters"], config.get("training", {}).get("fingerprint", {})):
            for name in FRONT:
                found.pop(name, None)
        config.pop("frontend", None)
        save(path, tensors, config)

    monkeypatch.setattr(archive, "save", save_as_before)


@pytest.mark.parametrize("kind", MODELS)
def test_a_file_from_before_is_read_as_it_was_meant(kind, tmp_path, monkeypatch):
    fit = MODELS[kind](deltas=0, stride=1)
    with monkeypatch.context() as patched:
        before_there_were_front_ends(patched)
        elman.save(fit, tmp_path / "model")
    loaded = elman.load(tmp_path / "model")
    last, own = (f[-1] if kind == "pipeline" else f for f in (loaded, fit))
    assert answers(last, recordings()) == answers(own, recordings())
    assert (last.deltas, last.stride, last.scale_each) == (0, 1, False)


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "pipeline"])
def test_a_run_from_before_goes_on_as_it_was_meant(kind, tmp_path, monkeypatch):
    options = {"checkpoint": tmp_path / "kept", "deltas": 0, "stride": 1}
    with monkeypatch.context() as patched:
        before_there_were_front_ends(patched)
        one = MODELS[kind](**options)
    assert numbers(MODELS[kind](**options)) == numbers(one)
    with pytest.raises(ValueError, match="deltas is 2 here and 0 there"):
        MODELS[kind](**{**options, "deltas": 2})
    with pytest.raises(ValueError, match="stride is 2 here and 1 there"):
        MODELS[kind](**{**options, "stride": 2})


def test_a_run_whose_folder_says_auto_goes_on(tmp_path, monkeypatch):
    """As folders did before they said what "auto" came to."""
    save = archive.save

    def save_as_before(path, tensors, config):
        config = copy.deepcopy(config)
        config.get("training", {}).get("fingerprint", {}).update(deltas="auto", stride="auto")
        save(path, tensors, config)

    options = {"checkpoint": tmp_path / "kept"}
    with monkeypatch.context() as patched:
        patched.setattr(archive, "save", save_as_before)
        one = classifier(**options)
    assert numbers(classifier(**options)) == numbers(one)
    with pytest.raises(ValueError, match="deltas is 1 here and 0 there"):
        classifier(**options, deltas=1)


def test_what_was_changed_after_training_is_not_saved(tmp_path):
    fit = classifier(deltas=1)
    fit.deltas = 2
    with pytest.raises(ValueError, match="deltas is 2 among the hyper-parameters and 1 in the mod"):
        fit.save(tmp_path / "model.safetensors")


@pytest.mark.parametrize("name", FRONT)
def test_training_goes_on_with_the_front_end_that_is_there(name):
    X, y = recordings(), labels()
    fit = classifier(**FRONT, warm_start=True)
    before = fit.frontend_
    fit.fit(X, y).partial_fit(X, y)
    assert fit.frontend_ is before
    fit.set_params(deltas="auto", stride="auto").partial_fit(X, y)
    other = {"deltas": 0, "stride": 1, "scale_each": False}[name]
    fit.set_params(**FRONT).set_params(**{name: other})
    for go_on in (fit.fit, fit.partial_fit):
        with pytest.raises(ValueError, match=f"whose {name} is"):
            go_on(X, y)


def test_a_checkpoint_of_another_front_end_is_refused(tmp_path):
    folder = tmp_path / "kept"
    one = classifier(checkpoint=folder, stride=2)
    assert numbers(classifier(checkpoint=folder, stride=2)) == numbers(one)
    with pytest.raises(ValueError, match="stride is 3 here and 2 there"):
        classifier(checkpoint=folder, stride=3)
    with pytest.raises(ValueError, match="stride is 1 here and 2 there"):
        classifier(checkpoint=folder)


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "pipeline"])
def test_auto_is_the_run_of_the_numbers_that_it_stands_for(kind, tmp_path):
    options = {"checkpoint": tmp_path / "kept", "deltas": 0, "stride": 1}
    one = MODELS[kind](**options)
    auto = {"deltas": "auto", "stride": "auto"}
    assert numbers(MODELS[kind](**{**options, **auto})) == numbers(one)
    with pytest.raises(ValueError, match="deltas is 1 here and 0 there"):
        MODELS[kind](**{**options, "deltas": 1})


def partial_fit(fit):
    """One call with the recordings and targets of the estimator's kind."""
    X = recordings()
    if isinstance(fit, RNNRegressor):
        return fit.partial_fit(X, np.arange(len(X)))
    y = [np.arange(len(x)) % 2 for x in X] if isinstance(fit, RNNTagger) else np.arange(len(X)) % 2
    return fit.partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("front", [{"deltas": 1}, {"stride": 2}, {"scale_each": True}])
@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_pieces_of_recordings_are_refused(kind, front):
    (name, value), *_ = front.items()
    why = "divides a recording by" if name == "scale_each" else "would begin anew"
    with pytest.raises(ValueError, match=f"recordings in pieces, and {name}={value} {why}"):
        partial_fit(small(kind, stateful=True, **front))
    whole = partial_fit(small(kind, **front))
    whole.set_params(stateful=True, deltas="auto", stride="auto", scale_each=False)
    with pytest.raises(ValueError, match=r"reads .*, and stateful=True with recordings in pieces"):
        partial_fit(whole)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_auto_does_nothing_with_pieces_of_recordings(kind, monkeypatch):
    monkeypatch.setattr(frontend_choice, "LONG", 3)
    monkeypatch.setattr(frontend_choice, "SMOOTH", -9)
    monkeypatch.setattr(frontend_choice, "MOST_LOST", 1)
    assert not partial_fit(small(kind)).frontend_.plain
    fit = partial_fit(small(kind, stateful=True))
    assert fit.frontend_.plain
    why = "recordings come in pieces (stateful=True)"
    assert fit.frontend_.reasons == (f"stride=1: {why}", f"deltas=0: {why}")
    partial_fit(fit)
    given = partial_fit(small(kind, stateful=True, deltas=0, stride=1))
    assert given.frontend_.reasons == ()
    assert numbers(partial_fit(given)) == numbers(fit)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("deltas", 3, ValueError), ("deltas", True, TypeError), ("deltas", "many", TypeError),
     ("stride", 0, ValueError), ("stride", 1.5, TypeError), ("scale_each", "auto", TypeError)],
)  # fmt: skip
def test_a_wrong_value_is_refused(name, value, error):
    X = recordings()
    with pytest.raises(error, match=name):
        small(RNNTagger, **{name: value}).fit(X, [np.arange(len(x)) for x in X])


def test_two_dimensional_X_validation_weights_and_early_stopping(rng):
    X, y = rng.normal(size=(13, 11)), np.arange(13) % 2
    options = {"deltas": 1, "stride": 4, "scale_each": True}
    one = small(RNNClassifier, **options).fit(X, y, X_val=X[:4], y_val=y[:4])
    cube = small(RNNClassifier, **options).fit(
        X[..., np.newaxis], y, X_val=X[:4, :, np.newaxis], y_val=y[:4]
    )
    assert numbers(one) == numbers(cube)
    weight = np.arange(13) % 3
    weighted = small(RNNClassifier, **options).fit(X, y, sample_weight=weight)
    chosen = small(RNNClassifier, **options).fit(X[weight > 0], y[weight > 0], weight[weight > 0])
    assert numbers(weighted)[0] == numbers(chosen)[0]
    tags = [np.arange(len(x)) % 2 for x in recordings()]
    stopped = small(RNNTagger, early_stopping=True, validation_fraction=0.3, stride=2)
    assert len(stopped.fit(recordings(), tags).history_.validation_score) == 2


@pytest.mark.parametrize(
    ("kind", "of_steps"),
    [
        (RNNClassifier, False),
        (RNNTagger, False),
        (RNNTagger, True),
        (RNNRegressor, False),
        (RNNRegressor, True),
    ],
)
def test_auto_counts_a_weight_as_repeated_recordings(kind, of_steps):
    """Of four short ones and three long ones, where the long ones count more."""
    lengths = 9, 11, 8, 12, 301, 260, 287
    X = [np.sin(np.arange(n) / n)[:, np.newaxis] for n in lengths]
    if kind is RNNTagger or (kind is RNNRegressor and of_steps):
        y = [np.arange(n) % 2 for n in lengths]
    else:
        y = [0, 1, 1, 0, 1, 0, 1]
    weight = np.array([1, 1, 0, 1, 2, 2, 1])
    again = np.repeat(np.arange(7), weight)
    given = [np.full(n, w) for n, w in zip(lengths, weight, strict=True)]
    weighted = small(kind).fit(X, y, given if of_steps and isinstance(y[0], np.ndarray) else weight)
    repeated = small(kind).fit([X[i] for i in again], [y[i] for i in again])
    assert weighted.frontend_.reasons == repeated.frontend_.reasons
    assert (weighted.frontend_.stride > 1) is not isinstance(y[0], np.ndarray)


def test_auto_says_what_it_chose_and_why(rng, capsys):
    t = np.arange(300)
    X = np.sin(t / 40 + rng.uniform(0, 6, size=(9, 1)))
    fit = small(RNNClassifier, deltas="auto", stride="auto", verbose=1).fit(X, np.arange(9) % 2)
    assert (fit.frontend_.deltas, fit.frontend_.stride) == (1, 3)
    assert fit.network_.layout.n_features == 2
    said = capsys.readouterr().out.splitlines()[-1]
    assert '; "auto" chose stride=3, deltas=1, batch_size=32' in said
    assert "stride=3: recordings have 300 steps (median), more than 128" in repr(fit.frontend_)
    assert "deltas=1: neighbouring steps have an autocorrelation of" in repr(fit.frontend_)
    assert tagger(stride="auto", deltas=1).frontend_.stride == 1


def test_nothing_is_done_if_nothing_is_asked_for():
    fit = classifier(deltas=0, stride=1)
    assert fit.frontend_.plain
    assert fit.frontend_.reasons == ()
    assert repr(fit.frontend_) == "Frontend(deltas=0, stride=1, scale_each=False)"


@pytest.mark.parametrize("kind", MODELS)
def test_the_default_asks_the_data(kind, capsys):
    """And the last line of a fit says what is done, not what is not."""
    fit = MODELS[kind](verbose=1)
    fit = fit[-1] if kind == "pipeline" else fit
    assert (fit.deltas, fit.stride, fit.scale_each) == ("auto", "auto", False)
    assert fit.frontend_.plain
    assert [reason[:9] for reason in fit.frontend_.reasons] == ["stride=1:", "deltas=0:"]
    given = MODELS[kind](deltas=0, stride=1)
    assert numbers(given[-1] if kind == "pipeline" else given) == numbers(fit)
    assert "deltas" not in capsys.readouterr().out
    with pytest.raises(AttributeError, match="frontend_ exists once the RNNClassifier is fitted"):
        _ = RNNClassifier().frontend_


@pytest.mark.parametrize(("missing", "expected"), [("error", 6), ("skip", 8)])
def test_a_block_where_training_broke_is_named_by_its_first_time_step(missing, expected):
    x = np.ones((11, 1))
    x[[1, 4]] = np.nan if missing == "skip" else 1
    data = check_sequences([np.ones((3, 1)), x], missing=missing)
    place = Place(1, 2, "input")
    assert among_all_steps(place, data, 3) == place._replace(step=expected)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_scales_are_learned_once_and_from_what_is_trained_on(kind, rng):
    X = [rng.normal(size=(n, 2)).cumsum(axis=0) for n in rng.integers(9, 20, size=20)]
    y = [np.arange(len(x)) % 2 for x in X] if kind is RNNTagger else np.arange(20) % 2
    options = {"deltas": "auto", "stride": 2, "scale_each": True}
    classes = {} if kind is RNNRegressor else {"classes": [0, 1]}
    fit = small(kind, **options).partial_fit(X[:10], y[:10], **classes)
    kept = fit.frontend_
    fit.partial_fit([100 * x for x in X[10:]], y[10:])
    assert fit.frontend_ is kept or fit.frontend_.describe() == kept.describe()
    assert fit.frontend_.delta_scale.tobytes() == kept.delta_scale.tobytes()
    # What is held out, or has no weight, says nothing of the scales.
    weight = np.repeat([1.0, 0.0], [10, 10])
    weighted = small(kind, **options).fit(X, y, weight)
    assert weighted.frontend_.delta_scale.tobytes() == kept.delta_scale.tobytes()
    held_out = small(kind, early_stopping=True, **options)
    loud = [x * (100 if i >= 10 else 1) for i, x in enumerate(X)]
    held_out.fit(X[:10], y[:10], X_val=loud[10:], y_val=y[10:])
    for array, own in zip(held_out.frontend_.log_amplitude, kept.log_amplitude, strict=True):
        assert array.tobytes() == own.tobytes()
