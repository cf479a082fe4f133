"""Answers to texts, tokens and tables are explained by what is left of them without a part."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.symbol_fits import (
    DATA,
    KINDS,
    LABELS,
    LENGTHS,
    TEXTS,
    fitted_classifier,
    fitted_once,
    fitted_regressor,
    tables,
    tokens,
)

from elman.data.named import NamedSequences
from elman.explain import (
    input_gradient,
    integrated_gradients,
    occlusion,
    permutation_importance,
    shortest_prefix,
    two_step_rescaling,
)
from elman.explain.permutation import _partners

NEVER = "never seen"


def number(model, x, column):
    """What is explained of a recording that is encoded already, in float64, by its definition."""
    z = np.asarray(model.logits(model.check([x], "x"))[0], float)
    if hasattr(model, "target_scale"):
        return float(z[column] * model.target_scale.scale[column] + model.target_scale.mean[column])
    others = np.delete(z, column)
    return float(z[column] - np.logaddexp.reduce(others))


def unknown_at(form, X, i, step, column):
    """Sample i with an unknown category, or the mean of a number, at one step."""
    fit = fitted_once("classifier", form)
    if form == "characters":
        return X[i][:step] + "\x00" + X[i][step + 1 :]
    if form == "tokens":
        return [*X[i][:step], NEVER, *X[i][step + 1 :]]
    x = X[i].copy()
    place = fit.feature_names_in_.tolist().index(column)
    standards = dict(zip(fit.model_.symbols.encoded_names, fit.mean_, strict=True))
    x[step, place] = {"action": NEVER, "item": -1}.get(column, standards[column])
    return NamedSequences([x], X.feature_names)


@pytest.mark.filterwarnings("ignore:.*does not have valid feature names")
@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("form", DATA)
def test_removing_a_step_is_asking_about_the_rest(form, cell):
    fit, X = fitted_classifier(form, cell=cell), DATA[form]()
    model = fit.model_
    found = occlusion(fit, X)
    for i in (1, 2, 4):
        k = fit.classes_.tolist().index(found.target[i])
        whole = number(model, X[i], k)
        assert found.answers[i] == pytest.approx(whole, abs=1e-6)
        for t in range(LENGTHS[i]):
            is_table = form == "tables"
            rest = np.delete(X[i], t, axis=0) if is_table else X[i][:t] + X[i][t + 1 :]
            expected = whole - number(model, rest, k)
            assert found.values[i][t, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.filterwarnings("ignore:.*does not have valid feature names")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("form", DATA)
def test_overwriting_a_category_makes_it_unknown(form, bidirectional):
    fit, X = fitted_classifier(form, bidirectional=bidirectional), DATA[form]()
    found = occlusion(fit, X, by="mean", target="yes")
    i, t = 1, 3
    for k, column in enumerate(found.feature_names):
        changed = unknown_at(form, X, i, t, column)
        changed = changed if form == "tables" else [changed]
        z = np.asarray(fit.model_.logits(fit.model_.check(changed))[0], float)
        expected = found.answers[i] - (z[1] - z[0])
        assert found.values[i][t, k] == pytest.approx(expected, abs=1e-5)


def test_names_are_those_of_columns_and_of_steps():
    found = occlusion(fitted_once("classifier", "tables"), tables(), by="mean")
    assert found.feature_names == ("action", "item", "price", "wait")
    assert found.step_names[2] == [f"{row[1]}/{row[3]}" for row in tables()[2]]
    frame = found.frame()
    first = frame[frame["sample"] == 4]
    assert first["name"].tolist() == [n for n in found.step_names[4] for _ in range(4)]
    told = repr(occlusion(fitted_once("classifier", "characters"), TEXTS))
    assert ' "' in told
    assert occlusion(fitted_once("tagger", "tokens"), tokens()).feature_names == ("token",)


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("by", ["mean", "window", "delete"])
def test_missing_values_beside_categories(missing, by):
    X = tables()
    X[1][2, 2] = None  # a number
    X[4][1, 1] = None  # a category
    fit = fitted_classifier("tables", missing=missing)
    fit.fit(X, LABELS)
    found = occlusion(fit, X, by=by)
    for values, n in zip(found.values, LENGTHS, strict=True):
        assert values.shape == (n, 4 if by == "mean" else 1)
    if missing == "skip":
        assert not found.values[1][2].any()
        assert not found.values[4][1].any()
    if by == "mean" and missing == "mask":  # overwriting a value takes its indicator with it
        x = X[1].copy()
        x[2, 2] = fit.mean_[3]
        answers = [
            np.diff(np.asarray(fit.model_.logits(fit.model_.check(one))[0], float))[0]
            for one in (
                NamedSequences([X[1]], X.feature_names),
                NamedSequences([x], X.feature_names),
            )
        ]
        sign = 1 if found.target[1] == "yes" else -1
        assert found.values[1][2, 3] == pytest.approx(sign * (answers[0] - answers[1]), abs=1e-5)


@pytest.mark.parametrize("embedding_size", [None, 2])
@pytest.mark.parametrize("form", DATA)
def test_integrated_gradients_add_up_from_unknown_to_what_is_there(form, embedding_size):
    fit, X = fitted_classifier(form, embedding_size=embedding_size, cell="gru"), DATA[form]()
    found = integrated_gradients(fit, X, target="yes")
    assert np.abs(found.residual).max() < 1e-5
    for i, values in enumerate(found.values):
        assert values.shape == (LENGTHS[i], len(found.feature_names))
        assert found.answers[i] == pytest.approx(
            found.baseline_answers[i] + values.sum() + found.residual[i], abs=1e-5
        )
    nothing = {"characters": ["\x00"], "tokens": [[NEVER]]}.get(form)
    if nothing is not None:  # the baseline is a recording of unknown tokens
        z = fit.model_.logits(fit.model_.check(nothing))[0]
        assert found.baseline_answers[2] == pytest.approx(float(z[1] - z[0]), abs=1e-5)


def test_of_one_step_a_gradient_goes_all_the_way():
    """What a single category adds is the answer to it less that to an unknown one."""
    fit = fitted_regressor("characters", bidirectional=True)
    found = integrated_gradients(fit, ["c"])
    known, unknown = fit.predict(["c", "\x00"])
    assert found.values[0][0, 0] == pytest.approx(known - unknown, abs=1e-4)
    other = integrated_gradients(fit, ["c"], baseline=["a"])
    assert other.values[0][0, 0] == pytest.approx(known - fit.predict(["a"])[0], abs=1e-4)
    assert not integrated_gradients(fit, ["\x00"]).values[0].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", DATA)
def test_every_kind_of_model_is_explained(kind, form):
    fit, X = fitted_once(kind, form), DATA[form]()
    for explain in (occlusion, integrated_gradients):
        found = explain(fit, X[:4])
        assert [len(values) for values in found.values] == [*LENGTHS[:4]]
    prefixes = shortest_prefix(fit, X[:4])
    assert prefixes.lengths.tolist() == [*LENGTHS[:4]]
    found = two_step_rescaling(fit, X[1:3])
    assert [len(values) for values in found.values] == [*LENGTHS[1:3]]
    assert max(values.max() for values in found.values) > 0


def test_what_has_no_answer_is_an_error():
    with pytest.raises(ValueError, match="use occlusion or integrated_gradients"):
        input_gradient(fitted_once("classifier", "tables"), tables())
    sure = fitted_classifier("tokens", handle_unknown="error")
    for explain in (
        lambda: occlusion(sure, tokens(), by="mean"),
        lambda: integrated_gradients(sure, tokens()),
        lambda: two_step_rescaling(sure, tokens()),
    ):
        with pytest.raises(ValueError, match="never met an unknown one: pass"):
            explain()
    occlusion(sure, tokens())
    occlusion(sure, tokens(), by="window", baseline=[["the"]] * len(LENGTHS))
    with pytest.raises(ValueError, match="of a model of symbols it must be 'mean'"):
        occlusion(sure, tokens(), by="mean", baseline=0.0)


@pytest.mark.parametrize("form", DATA)
def test_permutation_trades_categories_like_numbers(form):
    fit, X = fitted_once("classifier", form), DATA[form]()
    seen = []

    def scoring(estimator, given, y):
        seen.append(given)
        return float(np.mean(estimator.predict(given) == y))

    found = permutation_importance(fit, X, LABELS, n_repeats=1, scoring=scoring, random_state=3)
    names = {"characters": ("character",), "tokens": ("token",)}
    assert found.names == names.get(form, ("price", "action", "wait", "item"))
    partner = _partners(np.array(LENGTHS), np.random.default_rng(3))
    whole, *traded = seen
    for i in range(len(LENGTHS)):
        assert np.array_equal(np.array([*whole[i]]), np.array([*X[i]]))
        j = partner[i]
        source = (2 * np.arange(LENGTHS[i]) + 1) * LENGTHS[j] // (2 * LENGTHS[i])
        for k, given in enumerate(traded):
            if form == "tables":
                expected = X[i].copy()
                expected[:, k] = X[j][source, k]
                np.testing.assert_array_equal(given[i], expected)
            else:
                assert [*given[i]] == [X[j][s] for s in source]
    assert permutation_importance(
        fit, X, LABELS, by="time", n_blocks=3, random_state=0
    ).importances.shape == (3, 5)


def test_permutation_of_token_ids_and_of_taggers():
    from elman import RNNClassifier

    X = np.random.default_rng(0).integers(0, 5, size=(8, 4))
    fit = RNNClassifier(
        3, max_iter=1, random_state=0, categorical_features="all", backend="reference"
    ).fit(X, LABELS)
    assert permutation_importance(fit, X, LABELS, random_state=0).names == ("token",)
    tagger = fitted_once("tagger", "tokens")
    y = tagger.predict(tokens())
    found = permutation_importance(tagger, tokens(), y, random_state=0)
    assert found.score == 1
