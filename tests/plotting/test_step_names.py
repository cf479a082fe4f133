"""Pictures of one recording of symbols have its characters or tokens below them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.symbol_fits import DATA, LENGTHS, TEXTS, fitted_classifier, fitted_once

from elman.explain import occlusion
from elman.models.fitted import fitted
from elman.plotting import (
    AccuracyByLengthDisplay,
    AccuracyByShareDisplay,
    AttributionDisplay,
    GradientFlowDisplay,
    HiddenStatesDisplay,
    KnowledgeCurveDisplay,
)
from elman.plotting.recordings import alone, one_recording

pytest.importorskip("matplotlib")


def below(display):
    return [text.get_text() for text in display.ax_.get_xticklabels()]


def expected_names(form, i):
    if form == "characters":
        return [c.replace(" ", "␣") for c in TEXTS[i]]
    if form == "tokens":
        return DATA[form]()[i]
    return [f"{row[1]}/{row[3]}" for row in DATA[form]()[i]]


@pytest.mark.parametrize("form", DATA)
@pytest.mark.parametrize(
    "display", [KnowledgeCurveDisplay, HiddenStatesDisplay, AttributionDisplay]
)
def test_steps_are_called_what_they_are(display, form):
    fit, X = fitted_once("classifier", form), DATA[form]()
    for x in (X[1], X[1:2]):
        drawn = display.from_estimator(fit, x)
        names = expected_names(form, 1)
        assert drawn.step_names == names
        assert below(drawn) == names
        first = 0 if display is AttributionDisplay else 1
        assert drawn.ax_.get_xticks().tolist() == list(range(first, first + LENGTHS[1]))
        assert drawn.frame()["name"].tolist()[:: len(drawn.frame()) // len(names)] == names


AXES = {"characters": "character", "tokens": "token", "tables": "action/item"}


@pytest.mark.filterwarnings("ignore:.*does not have valid feature names")
@pytest.mark.parametrize("form", DATA)
@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor"])
def test_the_axis_is_called_what_stands_below_it(form, kind):
    fit, X = fitted_once(kind, form), DATA[form]()
    displays = [HiddenStatesDisplay, AttributionDisplay]
    displays += [KnowledgeCurveDisplay] if kind == "classifier" else []
    for display in displays:
        assert display.from_estimator(fit, X[1]).ax_.get_xlabel() == AXES[form]
        assert display.from_estimator(fit, X[1], step_label="base").ax_.get_xlabel() == "base"
        assert display.from_estimator(fit, X[1], step_label="").ax_.get_xlabel() == ""
        numbered = "time step, from 0" if display is AttributionDisplay else "time step"
        many = "ab" * 40 if form == "characters" else [X[1][0]] * 61
        assert display.from_estimator(fit, many).ax_.get_xlabel() == numbered
        rest = (["x", "y"],) if display is KnowledgeCurveDisplay else ()
        rest = (np.ones((3, 2)),) if display is AttributionDisplay else rest
        for names, label in ((None, numbered), ([*"abc"], "character"), (["ab", *"bc"], "token")):
            made = display(np.ones((3, 2)) / 2, *rest, step_names=names)
            assert made.plot().ax_.get_xlabel() == label


@pytest.mark.parametrize("form", DATA)
def test_the_title_and_the_text_of_an_explanation_name_the_step_that_is_explained(form):
    fit, X = fitted_once("tagger", form), DATA[form]()
    found = occlusion(fit, X[1:2], step=1)
    name = expected_names(form, 1)[1]
    shown = AttributionDisplay.from_explanation(fit, found, X[1:2]).ax_.get_title()
    assert f'at step 1 ("{name}"), whose probability' in shown
    assert f'at step 1 "{name}", target' in str(found)


def test_what_is_not_known_is_called_so():
    assert KnowledgeCurveDisplay.from_estimator(
        fitted_once("classifier", "characters"), "xab"
    ).step_names == ["\ufffd", "a", "b"]
    assert KnowledgeCurveDisplay.from_estimator(
        fitted_once("classifier", "tokens"), ["sea", "fish"]
    ).step_names == ["sea", "<unknown>"]


def test_the_title_names_the_step_from_which_it_knew():
    drawn = KnowledgeCurveDisplay.from_probabilities(
        [[0.5, 0.5], [0.9, 0.1], [0.9, 0.1]], ["x", "y"], step_names=["K", "o", "w"]
    )
    assert drawn.ax_.get_title() == 'When did it know? From step 2 of 3, "o".'


def test_many_steps_are_numbered():
    drawn = KnowledgeCurveDisplay.from_estimator(fitted_once("classifier", "characters"), "ab" * 40)
    assert len(drawn.step_names) == 80
    assert "a" not in below(drawn)


@pytest.mark.filterwarnings("ignore:.*does not have valid feature names")
@pytest.mark.parametrize("form", DATA)
def test_one_recording_is_one_in_whatever_form_it_comes(form):
    found = fitted(fitted_once("classifier", form))
    X = DATA[form]()
    given = [X[1], [X[1]], X[1:2]]
    if form == "tokens":
        given += [tuple(X[1]), np.array(X[1]), np.array([X[1]])]
    if form == "tables":
        given += [[tuple(row) for row in X[1]], np.array([X[1]])]
    for x in given:
        np.testing.assert_array_equal(one_recording(found, x)[0], found.model.check(X)[1])
    with pytest.raises(ValueError, match="x holds 2 recordings; it must be one"):
        alone(found, X[1:3])
    with pytest.raises(ValueError, match="at least one time step"):
        alone(found, [] if form != "characters" else "")
    with pytest.raises(TypeError, match="it must be one recording"):
        alone(found, 7)


def test_names_that_do_not_fit_are_an_error():
    for make in (KnowledgeCurveDisplay, HiddenStatesDisplay, AttributionDisplay):
        rest = (["x", "y"],) if make is KnowledgeCurveDisplay else ()
        rest = (np.ones((3, 2)),) if make is AttributionDisplay else rest
        with pytest.raises(ValueError, match="step_names has 2 entries for 3 time steps"):
            make(np.ones((3, 2)) / 2, *rest, step_names=["a", "b"])


def test_categories_have_no_line_and_numbers_have_one():
    fit, X = fitted_once("classifier", "tables"), DATA["tables"]()
    found = AttributionDisplay.from_explanation(fit, occlusion(fit, X, by="mean"), X, row=1)
    assert found.names == ["action", "item", "price", "wait"]
    assert np.isnan(found.signal[:, :2]).all()
    np.testing.assert_array_equal(found.signal[:, 2], X[1][:, 0].astype(float))


def test_a_model_that_knows_no_unknown_token_is_explained_by_removing_steps():
    fit = fitted_classifier("tokens", handle_unknown="error")
    assert AttributionDisplay.from_estimator(fit, DATA["tokens"]()[1]).names == ["token"]


@pytest.mark.parametrize("form", DATA)
def test_pictures_of_many_recordings_take_symbols(form):
    from helpers.symbol_fits import LABELS

    fit, X = fitted_once("classifier", form), DATA[form]()
    AccuracyByShareDisplay.from_estimator(fit, X, LABELS)
    AccuracyByLengthDisplay.from_estimator(fit, X, LABELS)
    GradientFlowDisplay.from_estimator(fit, X, LABELS)
