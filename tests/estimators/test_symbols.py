"""Texts, tokens and tables with categories, from raw X to answers, streams and files."""

import pickle
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline

import elman
from elman import (
    RNNClassifier,
    RNNRegressor,
    RNNTagger,
    SequenceScaler,
    TokenEncoder,
    TrainingWarning,
)
from elman.backends import get_backend

WORDS = ["Nagy", "Toth", "", "Kovacs", "Smith", "Jones", "Ng", "Abdullah", "Li", "Öz"]
LANGUAGES = np.array(["hu", "hu", "en", "hu", "en", "en", "zh", "ar", "zh", "tr"])
SENTENCES = [["the", "dog", "runs"], ["a", "cat"], ["dog"], [], ["the", "cat", "sees", "a", "dog"]]
TAGS = [["D", "N", "V"], ["D", "N"], ["N"], [], ["D", "N", "V", "D", "N"]]
VISITS = [
    pd.DataFrame(
        {"item": ["a", "b", "a"], "price": [1.0, 20.0, 3.5], "act": ["buy", "see", "see"]}
    ),
    pd.DataFrame({"item": ["c"], "price": [7.0], "act": ["see"]}),
    pd.DataFrame({"item": ["b", "c"], "price": [2.0, 2.5], "act": ["buy", "buy"]}),
    pd.DataFrame({"item": ["a", "d"], "price": [0.5, 11.0], "act": ["see", "buy"]}),
]
SPENT = np.array([1.0, 0.0, 4.5, 11.0])
SMALL = {"hidden_size": 5, "max_iter": 3, "random_state": 0}

KINDS = {
    "characters": lambda **more: (RNNClassifier(**SMALL | more), WORDS, LANGUAGES),
    "tokens": lambda **more: (RNNTagger(**SMALL | more), SENTENCES, TAGS),
    "tables": lambda **more: (RNNRegressor(**SMALL | more), VISITS, SPENT),
}


@pytest.fixture(params=KINDS)
def case(request):
    return KINDS[request.param]


def answers(model, X):
    found = getattr(model, "predict_proba", model.predict)(X)
    return np.concatenate([np.atleast_1d(each) for each in found])


def same(one, other):
    np.testing.assert_array_equal(answers(*one), answers(*other))


def test_the_same_bits_for_any_threads_and_in_any_company(case):
    model, X, y = case()
    model.fit(X, y)
    again = clone(model).set_params(n_jobs=1).fit(X, y)
    np.testing.assert_array_equal(
        model.model_.network.params.flat, again.model_.network.params.flat
    )
    whole = getattr(model, "predict_proba", model.predict)(X)
    for i, x in enumerate(X):
        alone = getattr(model, "predict_proba", model.predict)([x])
        np.testing.assert_array_equal(alone[0], whole[i])


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("size", [None, 3])
def test_the_kernel_agrees_with_the_reference(case, cell, size):
    found = []
    for backend in ("reference", "native"):
        get_backend(backend)
        model, X, y = case(cell=cell, embedding_size=size, backend=backend, dtype="float64")
        found.append(answers(model.fit(X, y), X))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-11)


def test_one_hot_has_the_bits_of_one_hot_columns_forward():
    """What the first layer adds up is the same: a row of the weights."""
    model = RNNClassifier(**SMALL, embedding_size=None).fit(WORDS, LANGUAGES)
    n = model.model_.symbols.n_categories[0]
    ids = model.model_.symbols.encode(WORDS)
    plain = RNNClassifier(**SMALL, standardize=False, deltas=0, stride=1)
    dense = [np.eye(n, dtype=np.float32)[each[:, 0].astype(int)] for each in ids]
    plain.fit(dense, LANGUAGES)
    plain.model_.network.params.flat[...] = model.model_.network.params.flat
    np.testing.assert_array_equal(model.predict_proba(WORDS), plain.predict_proba(dense))


@pytest.mark.parametrize("backend", ["reference", "native"])
@pytest.mark.parametrize("n", [None, 2])
def test_a_stream_answers_as_a_whole_sequence_to_the_bit(backend, n):
    model = RNNClassifier(**SMALL, cell="gru", backend=backend).fit(WORDS, LANGUAGES)
    stream = model.stream(n)
    for letter in "Kovacs":
        p = stream.step(letter if n is None else [letter, "x"])
    whole = model.predict_proba(["Kovacs", "xxxxxx"])
    np.testing.assert_array_equal(p, whole[0] if n is None else whole)
    table = RNNRegressor(**SMALL, readout="last", backend=backend).fit(VISITS, SPENT).stream()
    for row in VISITS[0].to_dict("records"):
        value = table.step(row)
    model = RNNRegressor(**SMALL, readout="last", backend=backend).fit(VISITS, SPENT)
    np.testing.assert_array_equal(value, model.predict(VISITS[:1])[0])


def test_files_and_pickles_answer_to_the_bit(case, tmp_path):
    model, X, y = case(embedding_size=4)
    model.fit(X, y)
    path = tmp_path / "m.safetensors"
    model.save(path)
    same((model, X), (elman.load(path), X))
    same((model, X), (type(model).load(path), X))
    same((model, X), (pickle.loads(pickle.dumps(model)), X))
    assert elman.load(path).model_.symbols.n_categories == model.model_.symbols.n_categories


def test_resumed_from_a_checkpoint_to_the_bit(case, tmp_path):
    model, X, y = case(max_iter=4, dropout=0.2)
    model.fit(X, y)
    half = clone(model).set_params(
        checkpoint=str(tmp_path), on_epoch=lambda e: e.epoch == 2 and "pause"
    )
    half.fit(X, y)
    assert half.n_iter_ == 2
    half.set_params(on_epoch=None).fit(X, y)
    np.testing.assert_array_equal(half.model_.network.params.flat, model.model_.network.params.flat)


OTHER_RUNS = {
    "other vectors": ({"embedding_init": 2.0}, "embedding_init is another"),
    "no vectors": ({"embedding_init": None, "embedding_size": 2}, "embedding_init"),
    "other categories": ({"categories": 7}, "vocabulary of X is another"),
}


@pytest.mark.parametrize("what", OTHER_RUNS)
def test_a_checkpoint_of_other_vectors_or_categories_is_not_gone_on_with(case, what, tmp_path):
    """Half of the training would be that of the other run."""

    def vectors(model, value):
        known = model.symbols_.vocabularies
        by_column = {k: np.full((v.n_categories, 2), value) for k, v in enumerate(known)}
        by_column = {known_as(model, k): E for k, E in by_column.items()}
        return by_column if len(by_column) > 1 else by_column.popitem()[1]

    def known_as(model, k):
        return model.symbols_.categorical[k]

    model, X, y = case()
    model.fit(X, y)
    listed = [[*v.tokens] for v in model.symbols_.vocabularies]
    run = clone(model).set_params(
        categories=listed,
        embedding_init=vectors(model, 1.0),
        checkpoint=str(tmp_path),
        on_epoch=lambda e: e.epoch == 1 and "pause",
    )
    run.fit(X, y)
    changed, message = OTHER_RUNS[what]
    if isinstance(changed.get("embedding_init"), float):
        changed = {"embedding_init": vectors(model, changed["embedding_init"])}
    if "categories" in changed:  # as many, of which one never occurs
        changed = {"categories": [[*column[:-1], "$"] for column in listed]}
    with pytest.raises(ValueError, match=message):
        clone(run).set_params(on_epoch=None, **changed).fit(X, y)
    clone(run).set_params(on_epoch=None).fit(X, y)


def test_partial_fit_keeps_the_vocabulary_of_the_first_call():
    model = RNNClassifier(**SMALL).partial_fit(WORDS[:6], LANGUAGES[:6], classes=[*set(LANGUAGES)])
    n = model.model_.symbols.n_categories
    model.partial_fit(WORDS[6:], LANGUAGES[6:])
    assert model.model_.symbols.n_categories == n
    listed = RNNClassifier(**SMALL, categories=[[*"abcdefghijklmnopqrstuvwxyzAKLNSTJÖ"]])
    listed.partial_fit(WORDS[:2], LANGUAGES[:2], classes=[*set(LANGUAGES)])
    assert listed.model_.symbols.n_categories == (35,)


def test_warm_start_goes_on_with_what_is_known(case):
    model, X, y = case(warm_start=True)
    model.fit(X, y).fit(X[:3], y[:3])
    assert len(model.history_) == 6


SINGLE = {
    "list": ([*"acgt"], None),
    "array": (np.array([*"acgt"]), None),
    "integers": ([3, 1, 2, 0], "int"),
    "bools": ([True, False], "bool"),
    "with missing": ([*"acgt", None], "text"),
}


@pytest.mark.parametrize("what", SINGLE)
@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_the_list_of_a_single_column_needs_no_list_around_it(kind, what):
    categories, as_what = SINGLE[what]
    X = ["acgg", "ta"]
    if as_what is not None:
        tokens = {"int": [3, 1, 2], "bool": [True, False, True], "text": ["a", None, "c"]}[as_what]
        X = [tokens, tokens[:2]]
    y = [[0, 1, 1, 0][: len(x)] for x in X] if kind is RNNTagger else [0, 1]
    model = kind(**SMALL, categories=categories, categorical_features="all", warm_start=True)
    model.set_params(missing="mask" if as_what == "text" else "error").fit(X, y)
    assert model.symbols_.vocabularies[0].tokens == tuple(categories)
    around = clone(model).set_params(categories=[categories]).fit(X, y)
    same((model, X), (around, X))
    model.fit(X, y).partial_fit(X, y)
    with pytest.raises(ValueError, match="whose categories is"):
        model.set_params(categories=list(categories)[::-1]).fit(X, y)


@pytest.mark.parametrize("form", ["tables", "tuples"])
@pytest.mark.parametrize("categories", [["a", "b"], [["a", "b"], "see"]])
def test_the_lists_of_several_columns_are_not_guessed(form, categories):
    X = VISITS
    if form == "tuples":
        X = [[*frame.itertuples(index=False, name=None)] for frame in VISITS]
    with pytest.raises((TypeError, ValueError), match=r"list of .* for each|a list of the categor"):
        RNNRegressor(**SMALL, categories=categories).fit(X, SPENT)


LEFT_OUT = {"characters": 8, "tokens": 4, "tables": 3}
"""a sample of each case that has a symbol of its own"""


@pytest.mark.parametrize("form", KINDS)
@pytest.mark.parametrize("by", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"embedding_size": 2, "min_frequency": 2},
        {"handle_unknown": "error", "early_stopping": True},
    ],
)
def test_a_sample_of_weight_0_is_as_one_left_out(form, by, more):
    """Its tokens are not in the vocabulary, either."""
    model, X, y = KINDS[form](**more)
    options = {"classes": np.unique(np.concatenate([*map(np.atleast_1d, y)]).astype(str))}
    if by == "fit" or form == "tables":
        options = {}
    kept = [i for i in range(len(X)) if i != LEFT_OUT[form]]
    weights = np.ones(len(X))
    weights[LEFT_OUT[form]] = 0
    few, few_y = [X[i] for i in kept], [y[i] for i in kept]
    without = getattr(clone(model), by)(few, few_y, **options)
    weighted = getattr(model, by)(X, y, sample_weight=weights, **options)
    one, other = without.symbols_.vocabularies, weighted.symbols_.vocabularies
    assert [v.tokens for v in one] == [v.tokens for v in other]
    same((without, few), (weighted, few))


@pytest.mark.parametrize("handle_unknown", ["unknown", "error"])
def test_what_only_samples_held_out_have_is_unknown(case, handle_unknown):
    """Its vector would never be trained; that of what is unknown is."""
    model, X, y = case(early_stopping=True, validation_fraction=0.4, handle_unknown=handle_unknown)
    y = np.arange(len(X)) % 2 if isinstance(model, RNNClassifier) else y
    model.fit(X, y)
    whole = clone(model).set_params(early_stopping=False).fit(X, y)
    found = model.symbols_.vocabularies
    assert sum(v.counts.sum() for v in found) < sum(
        v.counts.sum() for v in whole.symbols_.vocabularies
    )
    assert model.symbols_.n_categories != whole.symbols_.n_categories
    assert all(v.counts[1:].min() > 0 for v in found)
    categories = model.model_.network.layout.categories
    assert tuple(n for n, _ in categories) == tuple(v.n_categories for v in found)
    model.predict(X)  # no error: they were passed in to `fit`


def test_what_is_only_in_steps_left_out_is_unknown():
    holed = [each.copy() for each in VISITS]
    holed[3].loc[1, "price"] = np.nan
    model = RNNRegressor(**SMALL, missing="skip").fit(holed, SPENT)
    assert set(model.symbols_.vocabularies[0].tokens) == {"a", "b", "c"}


CHANGED = {
    "embedding_size": ({"embedding_size": 3}, "embedding_size"),
    "handle_unknown": ({"handle_unknown": "error"}, "handle_unknown"),
    "categories": ({"categories": [["x"]] * 3}, "categories"),
    "min_frequency": ({"min_frequency": 2}, "min_frequency is None, but it is 2"),
    "a share": ({"min_frequency": 0.1}, "min_frequency is None, but it is 0.1"),
    "max_categories": ({"max_categories": 3}, "max_categories is None, but it is 3"),
    "categorical_features": ({"categorical_features": [1]}, "categorical_features"),
}


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("by", ["fit", "partial_fit"])
def test_other_symbols_than_those_of_the_network_are_no_longer_asked_for(case, name, by):
    """What cannot be had is an error, and not forgotten in silence."""
    model, X, y = case(warm_start=True)
    model.fit(X, y)
    changed, said = CHANGED[name]
    if name == "categorical_features" and not isinstance(model, RNNRegressor):
        changed = {name: "all"}
        model.set_params(**changed)
        getattr(model, by)(X, y)  # the same columns
        return
    with pytest.raises(ValueError, match=f"goes on with .* whose {said}"):
        getattr(model.set_params(**changed), by)(X, y)


RARITIES = {
    "another": ({"min_frequency": 3}, "min_frequency is 2, but it is 3"),
    "a share": ({"min_frequency": 0.2}, "min_frequency is 2, but it is 0.2"),
    "none": ({"min_frequency": None}, "min_frequency is 2, but it is None"),
    "more categories": ({"max_categories": 9}, "max_categories is 4, but it is 9"),
    "other categories": ({"categories": "another token"}, "categories is"),
    "another order": ({"categories": "turned"}, "categories is"),
    "the same": ({"min_frequency": np.int64(2), "max_categories": np.int32(4)}, None),
    "the same categories": ({"categories": "listed"}, None),
}


@pytest.mark.parametrize("what", RARITIES)
@pytest.mark.parametrize("by", ["fit", "partial_fit"])
@pytest.mark.parametrize("kept", ["in memory", "in a file"])
def test_what_made_tokens_rare_stays_as_it_was(case, what, by, kept, tmp_path):
    """A vocabulary is not made anew, so that another min_frequency would do nothing."""
    model, X, y = case(warm_start=True, min_frequency=2, max_categories=4)
    every = clone(model).set_params(min_frequency=None, max_categories=None).fit(X, y)
    listed = [[*v.tokens] for v in every.symbols_.vocabularies]
    model.set_params(categories=listed).fit(X, y)
    assert model.symbols_.n_categories < every.symbols_.n_categories  # some are rare
    if kept == "in a file":
        model.save(tmp_path / "m.safetensors")
        model = type(model).load(tmp_path / "m.safetensors").set_params(warm_start=True)
    changed, says = RARITIES[what]
    which = changed.get("categories")
    known = [[*v.tokens] for v in model.symbols_.vocabularies]
    if which == "another token":
        changed = {"categories": [[*column[1:], "$"] for column in known]}
    elif which == "turned":
        changed = {"categories": [column[::-1] for column in known]}
    elif which == "listed":
        changed = {"categories": listed}
    model.set_params(**changed)
    if says is None:
        getattr(model, by)(X, y)
        return
    with pytest.raises(ValueError, match=f"goes on with .* whose {says}"):
        getattr(model, by)(X, y)


def test_a_file_that_does_not_say_what_made_tokens_rare_goes_on(case):
    model, X, y = case(min_frequency=2)
    model.fit(X, y)
    model.model_ = replace(model.model_, symbols=replace(model.symbols_, rarity=None))
    model.set_params(min_frequency=3).partial_fit(X, y)


def test_numbers_do_not_become_categories_of_a_network_that_is_there():
    X, y = [np.array([[1.0], [2.0]]), np.array([[2.0]])], [0.0, 1.0]
    model = RNNRegressor(**SMALL, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="categorical_features"):
        model.set_params(categorical_features="all").fit(X, y)


def test_a_network_goes_on_that_began_with_vectors_which_a_file_does_not_keep(tmp_path):
    model = RNNClassifier(**SMALL, embedding_init={"a": np.ones(2)}, categories=[["a", "N"]])
    path = tmp_path / "m.safetensors"
    model.fit(WORDS, LANGUAGES).save(path)
    loaded = RNNClassifier.load(path).partial_fit(WORDS, LANGUAGES)
    assert loaded.model_.network.layout.categories == ((3, 2),)
    assert len(model.partial_fit(WORDS, LANGUAGES).history_) == 4


@pytest.mark.parametrize(
    "x", ["dog", {"token": "dog", "more": "a", "last": "the"}, {"a", "b", "c"}, b"dog", 3]
)
def test_streams_of_tokens_take_a_list_of_steps_and_nothing_that_only_looks_like_one(x):
    stream = RNNTagger(**SMALL).fit(SENTENCES, TAGS).stream(3)
    with pytest.raises(TypeError, match="for 3 streams: pass a list"):
        stream.step(x)
    assert stream.step(["dog", "a", "the"]).shape == (3, 3)


BOOLS = {
    "pandas": (lambda **columns: pd.DataFrame(columns)),
    "pandas, nullable": (lambda **columns: pd.DataFrame(columns).astype({"b": "boolean"})),
    "pandas, objects": (lambda **columns: pd.DataFrame(columns).astype({"b": object})),
    "polars": (lambda **columns: pl.DataFrame(columns)),
    "rows": (lambda **columns: [*zip(*columns.values(), strict=True)]),
}


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize("where", BOOLS)
def test_bools_are_categories_beside_categories_and_numbers_among_numbers(kind, where):
    make = BOOLS[where]
    y = [[0, 1], [1, 0]] if kind is RNNTagger else [0, 1]
    lone = [make(b=[True, False], n=[1.5, 2.0]), make(b=[False, False], n=[0.5, 1.0])]
    model = kind(**SMALL).fit(lone, y)
    assert model.symbols_ is None
    as_numbers = [make(b=[1.0, 0.0], n=[1.5, 2.0]), make(b=[0.0, 0.0], n=[0.5, 1.0])]
    same((model, lone), (kind(**SMALL).fit(as_numbers, y), as_numbers))
    beside = [make(b=[True, False], t=["x", "y"]), make(b=[False, False], t=["y", "y"])]
    found = kind(**SMALL).fit(beside, y).symbols_
    assert [v.tokens for v in found.vocabularies] == [(False, True), ("y", "x")]
    of_bools = kind(**SMALL, categorical_features=[0]).fit(lone, y).symbols_
    assert of_bools.vocabularies[0].tokens == (False, True)


FRACTIONS = {
    "data frames": (lambda rows: [pd.DataFrame(x, columns=["n", "f", "t"]) for x in rows], "'f'"),
    "polars": (
        lambda rows: [pl.DataFrame(x, schema=["n", "f", "t"], orient="row") for x in rows],
        "'f'",
    ),
    "rows": (lambda rows: rows, "1"),
    "arrays": (lambda rows: [np.array(x, object) for x in rows], "1"),
}


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize("where", FRACTIONS)
def test_all_columns_are_no_categories_where_one_holds_fractions(kind, where):
    """The error names it, and what to write; whole numbers in floats are categories."""
    make, called = FRACTIONS[where]
    rows = [[(3.0, 2.0, "x"), (4.0, 1.5, "y")], [(3.0, 2.0, "y")]]
    y = [[0, 1], [1]] if kind is RNNTagger else [0, 1]
    model = kind(**SMALL, categorical_features="all")
    named = ["n", "t"] if called == "'f'" else [0, 2]
    says = rf"time step 1 is 1\.5, but column {called} .* such as categorical_features="
    with pytest.raises(ValueError, match=says + re.escape(f"{named}, whose")):
        model.fit(make(rows), y)
    kind(**SMALL, categorical_features=named).fit(make(rows), y)
    whole = [[(n, 2 * f, t) for n, f, t in x] for x in rows]
    assert clone(model).fit(make(whole), y).symbols_.vocabularies[1].tokens == (4, 3)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_a_sequence_of_fractions_has_no_categories(kind):
    X, y = [[1.0, 2.5], [2.0]], [[0, 1], [1]] if kind is RNNTagger else [0, 1]
    for many in (X, [[(v,) * 25 for v in x] for x in X]):
        with pytest.raises(ValueError, match=r"is 2\.5.*leave categorical_features out"):
            kind(**SMALL, categorical_features="all").fit(many, y)
    wide = [[(0.5, *range(25)), (1.0, *range(25))], [(0.5, *range(25))]]
    with pytest.raises(ValueError, match=r"column 0 .*: list in categorical_features the columns"):
        kind(**SMALL, categorical_features="all").fit(wide, y)


def test_numbers_as_text_are_categories_where_their_type_says_so():
    frames = [pd.DataFrame({"size": ["0.5", "1.5"]}), pd.DataFrame({"size": ["0.5"]})]
    with pytest.raises(ValueError, match="numbers as text"):
        RNNClassifier(**SMALL).fit(frames, [0, 1])
    frames = [frame.astype(pd.CategoricalDtype(["0.5", "1.5"])) for frame in frames]
    found = RNNClassifier(**SMALL).fit(frames, [0, 1]).symbols_.vocabularies[0]
    assert found.tokens == ("0.5", "1.5")


MIXED = {
    "in a list": [[1, True], [2]],
    "in an array of objects": [np.array([2, np.True_], object), [1]],
    "in arrays of two types": [np.array([True]), np.array([1, 2])],
    "beside floats": [[1.0, False], [2.0]],
    "in a table": [[(1, 0.5), (True, 1.5)], [(2, 2.5)]],
}


@pytest.mark.parametrize("where", MIXED)
@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_a_bool_is_no_whole_number_among_categories(kind, where):
    """In Python True is 1, and would be its category in silence."""
    X, columns = MIXED[where], [0] if where == "in a table" else "all"
    plain = [[(1, 0.5), (2, 2.5)]] * 2 if where == "in a table" else [[1, 2]] * 2
    y = [["D", "N"]] * 2 if kind is RNNTagger else [0, 1]
    model = kind(**SMALL, categorical_features=columns)
    with pytest.raises(TypeError, match=r"sample 0, time step \d.* is a bool"):
        clone(model).fit(X, [[*"DN"][: len(x)] for x in X] if kind is RNNTagger else y)
    with pytest.raises(TypeError, match=r"sample 0, time step \d.* is a bool"):
        model.fit(plain, y).predict(X)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize(
    "option",
    [
        {"embedding_size": 3},
        {"categories": [[1, 2]]},
        {"embedding_init": np.ones((3, 2))},
        {"freeze_embedding": True},
    ],
)
def test_numbers_alone_have_neither_categories_nor_vectors(kind, option):
    X = [np.array([[1], [2]]), np.array([[2]])]
    y = [["D", "N"], ["N"]] if kind is RNNTagger else [0, 1]
    with pytest.raises(ValueError, match=f"(?s){next(iter(option))}.*X has numbers alone"):
        kind(**SMALL, **option).fit(X, y)
    kind(**SMALL, **{"embedding_size": 2} | option, categorical_features="all").fit(X, y)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize("place", [1, 2])
def test_categories_of_numbers_are_no_numbers_in_any_sample(kind, place):
    """Whatever the first sample holds: pandas makes numbers of both where it joins them."""
    frames = [pd.DataFrame({"n": [3, 4], "price": [0.5, 1.5]}) for _ in range(3)]
    y = [["D", "N"]] * 3 if kind is RNNTagger else [0, 1, 1]
    numbers = kind(**SMALL).fit(frames, y)
    frames[place] = frames[place].astype({"n": "category"})
    for ask in (lambda: kind(**SMALL).fit(frames, y), lambda: numbers.predict(frames)):
        with pytest.raises(TypeError, match=f"sample {place}: column 'n' holds categories"):
            ask()
    kind(**SMALL, categorical_features=["n"]).fit(frames, y)


def encoded(values):
    return pa.array(values).dictionary_encode()


CATEGORICAL = {
    "pandas": lambda values: pd.Series(values, dtype="category"),
    "an array of pandas": pd.Categorical,
    "Arrow": encoded,
    "Arrow in chunks": lambda values: pa.chunked_array([encoded(values)]),
    "Arrow in pandas": lambda values: pd.Series(pd.arrays.ArrowExtensionArray(encoded(values))),
    "polars": lambda values: pl.Series(map(str, values), dtype=pl.Categorical),
    "polars, listed": lambda values: pl.Series(map(str, values), dtype=pl.Enum([*"1234"])),
}


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize("what", CATEGORICAL)
def test_sequences_of_a_type_of_categories_are_categories_or_an_error(kind, what):
    """As arrays, which some were made silently, numbers would be quantities."""
    make, rows = CATEGORICAL[what], [[3, 1, 3], [4, 1], [1]]
    y = [[0, 1, 0], [1, 0], [1]] if kind is RNNTagger else [0, 1, 1]
    X = [make(row) for row in rows]
    model = kind(**SMALL).fit(X, y)
    text = str if what.startswith("polars") else int
    assert model.symbols_.vocabularies[0].tokens == (text(1), text(3), text(4))
    plain = [[text(token) for token in row] for row in rows]
    same((model, X), (kind(**SMALL, categorical_features="all").fit(plain, y), plain))
    numbers = [np.array(row) for row in rows]
    of_numbers = kind(**SMALL).fit(numbers, y)
    for place in (1, 2):
        mixed = [*numbers]
        mixed[place] = X[place]
        for ask in (
            lambda mixed=mixed: kind(**SMALL).fit(mixed, y),
            lambda mixed=mixed: of_numbers.predict(mixed),
            lambda mixed=mixed: SequenceScaler().fit(mixed),
        ):
            with pytest.raises(TypeError, match=f"sample {place} holds categories"):
                ask()


CONTAINERS = {
    "array": lambda: np.array(WORDS),
    "objects": lambda: np.array(WORDS, dtype=object),
    "pandas": lambda: pd.Series(WORDS, index=range(5, 15)),
    "polars": lambda: pl.Series(WORDS),
    "tuple": lambda: tuple(WORDS),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_texts_come_in_any_container(container):
    X = CONTAINERS[container]()
    want = RNNClassifier(**SMALL).fit(WORDS, LANGUAGES)
    found = RNNClassifier(**SMALL).fit(X, LANGUAGES)
    same((want, WORDS), (found, X))


def test_scikit_learn_splits_searches_and_pipelines_take_texts():
    train, test, y, _ = train_test_split(WORDS, LANGUAGES, test_size=4, random_state=0)
    RNNClassifier(**SMALL).fit(train, y).predict(test)
    y = np.arange(10) % 2
    cross_val_predict(RNNClassifier(**SMALL), WORDS, y, cv=2)
    search = GridSearchCV(RNNClassifier(**SMALL), {"embedding_size": [None, 2]}, cv=2)
    assert search.fit(WORDS, y).best_params_["embedding_size"] in (None, 2)
    piped = make_pipeline(
        TokenEncoder(lowercase=True), RNNClassifier(**SMALL, categorical_features="all")
    )
    assert piped.fit(WORDS, y).predict(WORDS).shape == (10,)


def test_early_stopping_and_validation_data_take_texts():
    y = np.arange(10) % 2
    held_out = RNNClassifier(**SMALL, early_stopping=True, validation_fraction=0.4).fit(WORDS, y)
    assert len(held_out.history_.validation_loss) == held_out.n_iter_
    given = RNNClassifier(**SMALL, early_stopping=True).fit(
        WORDS, y, X_val=["Nagy", "Wu"], y_val=[0, 1]
    )
    assert len(given.history_.validation_loss) == given.n_iter_


def test_integers_are_categories_where_that_is_asked():
    ids = [[3, 1, 2], [5], [2, 2]]
    model = RNNClassifier(**SMALL, categorical_features="all").fit(ids, [0, 1, 0])
    assert model.model_.symbols.vocabularies[0].tokens == (2, 1, 3, 5)
    model.predict([[9, 1]])
    table = [np.array([[3, 0.5], [1, 2.5]]), np.array([[2, 0.25]])]
    mixed = RNNRegressor(**SMALL, categorical_features=[0]).fit(table, [0.5, 1.0])
    assert mixed.model_.network.layout.categories == ((4, 0),)
    masked = RNNRegressor(**SMALL, categorical_features=[True, False]).fit(table, [0.5, 1.0])
    same((mixed, table), (masked, table))


def test_numbers_beside_categories_are_standardised_and_categories_are_not():
    model = RNNRegressor(**SMALL).fit(VISITS, SPENT)
    mean, scale = model.model_.standardisation
    prices = np.concatenate([each["price"] for each in VISITS])
    np.testing.assert_allclose(mean, [0, 0, prices.mean()])
    np.testing.assert_allclose(scale, [1, 1, prices.std()])
    assert model.frontend_.plain


@pytest.mark.parametrize(("missing", "n_inputs"), [("mask", 4), ("skip", 3)])
def test_missing_values_in_tables(missing, n_inputs):
    holed = [each.copy() for each in VISITS]
    holed[0].loc[1, "price"] = np.nan
    holed[2].loc[0, "item"] = None
    with pytest.raises(ValueError, match="missing="):
        RNNRegressor(**SMALL).fit(holed, SPENT)
    model = RNNRegressor(**SMALL, missing=missing, readout="last").fit(holed, SPENT)
    assert model.model_.network.layout.n_features == n_inputs
    whole = model.predict(holed)
    for i, table in enumerate(holed):
        stream = model.stream()
        value = stream.answer()
        for row in table.to_dict("records"):
            value = stream.step(row)
        np.testing.assert_array_equal(value, whole[i])


def test_unknown_tokens_have_a_learned_answer_or_are_an_error():
    model = RNNClassifier(**SMALL, embedding_size=2, min_frequency=2).fit(WORDS, LANGUAGES)
    assert model.model_.symbols.vocabularies[0].unknown_share > 0
    one, other = model.predict_proba(["q"]), model.predict_proba(["日"])
    np.testing.assert_array_equal(one, other)
    strict = RNNClassifier(**SMALL, handle_unknown="error").fit(WORDS, LANGUAGES)
    with pytest.raises(ValueError, match=r"sample 1, time step 2 is '日'.*26 categories"):
        strict.predict(["Nagy", "Na日"])


def test_what_replaces_rare_tokens_is_drawn_from_random_state():
    rare = RNNClassifier(**SMALL, embedding_size=2)
    one, again = clone(rare).fit(WORDS, LANGUAGES), clone(rare).fit(WORDS, LANGUAGES)
    same((one, WORDS), (again, WORDS))
    started = RNNClassifier(**SMALL | {"max_iter": 1}, embedding_size=2, alpha=0.0)
    moved = clone(started).fit(WORDS, LANGUAGES).model_.network.params["embedding0.E"][0]
    still = clone(started).set_params(handle_unknown="error").fit(WORDS, LANGUAGES)
    assert not np.array_equal(moved, still.model_.network.params["embedding0.E"][0])


def test_vectors_to_begin_with_and_to_keep():
    vectors = {"dog": [1.0, 0.0, 2.0], "cat": [0.5, 0.5, 0.0], "bird": [9.0, 9.0, 9.0]}
    model = RNNTagger(**SMALL, embedding_init=vectors, freeze_embedding=True).fit(SENTENCES, TAGS)
    E, symbols = model.model_.network.params["embedding0.E"], model.model_.symbols
    assert E.shape == (symbols.n_categories[0], 3)
    np.testing.assert_array_equal(E[symbols.vocabularies[0].id_of("dog")], np.float32([1, 0, 2]))
    array = np.arange(2.0 * len(E)).reshape(len(E), 2)
    given = RNNTagger(**SMALL, embedding_init=array, freeze_embedding=True).fit(SENTENCES, TAGS)
    np.testing.assert_array_equal(given.model_.network.params["embedding0.E"], array)
    trained = RNNTagger(**SMALL, embedding_init=array).fit(SENTENCES, TAGS)
    assert not np.array_equal(trained.model_.network.params["embedding0.E"], array)
    by_column = RNNRegressor(**SMALL, embedding_init={"item": np.ones((5, 2))}).fit(VISITS, SPENT)
    assert by_column.model_.network.layout.categories == ((5, 2), (3, 0))


@pytest.mark.parametrize("by", ["fit", "partial_fit"])
def test_verbose_says_how_many_tokens_begin_with_a_given_vector(by, capsys):
    """Word vectors in another case than the data's would cover few, and nobody would know."""
    cases = {
        RNNClassifier: (WORDS, LANGUAGES, {"a": np.ones(2), "K": np.ones(2), "q": np.ones(2)}),
        RNNTagger: (SENTENCES, TAGS, {"dog": np.ones(2), "Cat": np.ones(2)}),
        RNNRegressor: (
            VISITS,
            SPENT,
            {"item": {"a": np.ones(2), "c": np.ones(2)}, "act": {"buy": [1.0], "see": [2.0]}},
        ),
    }
    for kind, (X, y, vectors) in cases.items():
        first = {"classes": np.unique([*"DNV"] if y is TAGS else y)}
        first = {} if by == "fit" or kind is RNNRegressor else first
        model = kind(**SMALL, embedding_init=vectors, verbose=1)
        getattr(model, by)(X, y, **first)
        told = [line for line in capsys.readouterr().out.splitlines() if "embedding_init" in line]
        assert len(told) == model.symbols_.n_codes
        by_column = vectors if kind is RNNRegressor else {"X": vectors}
        for line, vocabulary, given in zip(
            told, model.symbols_.vocabularies, by_column.values(), strict=True
        ):
            known = [token in given for token in vocabulary.tokens]
            assert f"for {sum(known)} of the {len(known)} tokens of" in line
            share = vocabulary.counts[1:][known].sum() / vocabulary.counts.sum()
            assert f", {100 * share:.0f} % of" in line
            assert ("begin at random" in line) == (not all(known))
        getattr(model.set_params(warm_start=True), by)(X, y)
        assert "embedding_init" not in capsys.readouterr().out  # nothing begins
        getattr(clone(model).set_params(freeze_embedding=True), by)(X, y, **first)
        assert "stay as they were drawn" in capsys.readouterr().out
        getattr(clone(model).set_params(verbose=0), by)(X, y, **first)
        assert not capsys.readouterr().out


ALL_ONE_HOT = "freeze_embedding=True changes nothing.*one-hot.*Set embedding_size"


@pytest.mark.parametrize("size", ["auto", None])
def test_embeddings_to_freeze_where_there_are_none_are_said(size):
    """In every estimator, whatever makes its categories one-hot, and when training goes on."""
    few = ["aba", "bb", "abb", "ba"]
    cases = [
        (RNNClassifier(**SMALL), few, [0, 1, 0, 1]),
        (RNNTagger(**SMALL), SENTENCES, TAGS),
        (RNNRegressor(**SMALL), VISITS, SPENT),
    ]
    for model, X, y in cases:
        model.set_params(embedding_size=size, freeze_embedding=True)
        classes = {RNNClassifier: [0, 1], RNNTagger: [*"DNV"]}.get(type(model))
        first = {} if classes is None else {"classes": classes}
        for by, more in (("fit", {}), ("partial_fit", first)):
            with pytest.warns(UserWarning, match=ALL_ONE_HOT) as caught:
                getattr(clone(model), by)(X, y, **more)
            assert [w.filename for w in caught if "freeze" in str(w.message)] == [__file__]
        going_on = clone(model).set_params(freeze_embedding=False, warm_start=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            going_on.fit(X, y)
        with pytest.warns(UserWarning, match=ALL_ONE_HOT):
            going_on.set_params(freeze_embedding=True).fit(X, y)
        with warnings.catch_warnings():  # with a vector there is something to freeze
            warnings.simplefilter("error")
            clone(model).set_params(embedding_size=2).fit(X, y)
            if isinstance(model, RNNRegressor):
                clone(model).set_params(embedding_size={"item": 2}).fit(X, y)


REFUSED = {
    "size of an unknown column": (
        {"embedding_size": {"prize": 3}},
        r"'prize'.*columns \('item', 'price', 'act'\)",
    ),
    "size of a number": ({"embedding_size": {"price": 3}}, r"'price'.*\['item', 'act'\]"),
    "vectors of which column": ({"embedding_init": np.ones((5, 2))}, "dict.*by column"),
    "vectors of another length": (
        {"embedding_init": {"item": np.ones((5, 2))}, "embedding_size": {"item": 3}},
        "vectors of 2 numbers.*embedding_size is 3",
    ),
    "too few vectors": ({"embedding_init": {"item": np.ones((4, 2))}}, r"\(4, 2\).*5 categories"),
    "vectors of other tokens": (
        {"embedding_init": {"act": {"VIEW": [1.0, 2.0]}}},
        "no token of column 'act'.*keys are such as 'VIEW', and the tokens such as '[a-z]+'",
    ),
    "NaN": ({"embedding_init": {"item": np.full((5, 2), np.nan)}}, "NaN"),
    "differences": ({"deltas": 1}, "deltas=1"),
    "blocks": ({"stride": 2}, "stride=2"),
    "amplitudes": ({"scale_each": True}, "scale_each=True"),
    "no category but unknown": ({"max_categories": 1}, "max_categories=1.*at least 2"),
    "a column that is not there": ({"categorical_features": ["itm"]}, "itm"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_is_refused_with_the_reason(reason):
    changed, message = REFUSED[reason]
    model = RNNRegressor(**SMALL | changed)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(VISITS, SPENT)
    assert not hasattr(model, "model_")


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_a_model_of_numbers_refuses_texts_and_the_reverse(kind):
    X, n = np.zeros((4, 3, 1)), 4
    y = [np.arange(3) % 2] * n if kind is RNNTagger else np.arange(4.0) % 2
    numbers = kind(**SMALL).fit(X, y)
    with pytest.raises(TypeError, match=f"{kind.__name__} was trained on numbers"):
        numbers.predict(["abc"])
    y = [["D"] * 3] * n if kind is RNNTagger else y
    texts = kind(**SMALL).fit(["abc", "bca", "cab", "aaa"], y)
    with pytest.raises((TypeError, ValueError), match=r"text|character|str"):
        texts.predict(X)
    with pytest.raises((TypeError, ValueError), match="X"):
        texts.predict("abc")


def test_integers_that_look_like_token_ids_get_a_hint():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, size=(20, 30))
    with pytest.warns(UserWarning, match='categorical_features="all"'):
        RNNClassifier(**SMALL).fit(X, np.arange(20) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", TrainingWarning)
        RNNClassifier(**SMALL).fit(X.astype(float), np.arange(20) % 2)


def test_bidirectional_stacks_and_truncation_take_texts():
    for more in (
        {"bidirectional": True, "n_layers": 2, "embedding_size": 3},
        {"bptt_steps": 2, "embedding_size": 3},
        {"layer_norm": True, "cell": "gru"},
        {"readout": ("last", "max"), "recurrent_dropout": 0.3},
    ):
        model = RNNClassifier(**SMALL | more).fit(WORDS, LANGUAGES)
        whole = model.predict_proba(WORDS)
        np.testing.assert_array_equal(model.predict_proba(WORDS[3:4]), whole[3:4])


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_warnings_about_what_x_means_name_the_line_of_the_caller(estimator, method):
    texts = [[f"name {i}"] for i in range(10)]
    ids = np.random.default_rng(0).integers(0, 7, (10, 9))
    y = [0, 1] * 5
    for X, says in ((texts, "single token"), (ids, "categorical_features=")):
        targets = [[label] * len(x) for label, x in zip(y, X, strict=True)]
        model = estimator(hidden_size=2, max_iter=1, random_state=0)
        of_classes = {} if method == "fit" or estimator is RNNRegressor else {"classes": [0, 1]}
        with pytest.warns(UserWarning, match=says) as caught:
            getattr(model, method)(X, targets if estimator is RNNTagger else y, **of_classes)
        assert [w.filename for w in caught if says in str(w.message)] == [__file__]


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNTagger, RNNRegressor])
def test_answers_to_nothing_but_unknown_tokens_come_with_a_warning(estimator):
    genes, n = ["ACGTA", "CCGTA", "TTGCA", "GATCC"], 5
    y = [[0, 1, 0, 1, 0]] * 4 if estimator is RNNTagger else [0, 1, 0, 1]
    model = estimator(**SMALL).fit(genes, y)
    lower = [gene.lower() for gene in genes]
    with pytest.warns(
        UserWarning, match="all 20 characters of X are unknown.*such as 'C', 'A', 'T'"
    ) as got:
        model.predict(lower)
    assert [warning.filename for warning in got] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(lower[:3])  # too few to tell
        model.predict([*lower, "A"])
    tables = [[(token, i * n + j) for j, token in enumerate(g)] for i, g in enumerate(genes)]
    mixed = estimator(**SMALL).fit(tables, y)
    with pytest.warns(UserWarning, match="all 20 tokens in column 0 of X are unknown"):
        mixed.predict([[(token.lower(), value) for token, value in rows] for rows in tables])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rare = estimator(**SMALL, min_frequency=6).fit(genes, y)  # two of three are unknown
        rare.predict(lower)


def test_a_size_by_column_where_no_column_has_a_name():
    clf = RNNClassifier(**SMALL, embedding_size={"name": 3})
    with pytest.raises(ValueError, match=r"'name', but X has no names .* itself, without a dict"):
        clf.fit(["ab", "c"], [0, 1])
