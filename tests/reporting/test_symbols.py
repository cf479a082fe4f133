"""A report on texts, tokens or tables with categories is whole, and its numbers are right."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.html_pages import check_alone
from helpers.symbol_fits import DATA, KINDS, LENGTHS, SMALL, TEXTS, fitted_classifier, fitted_once

import elman
from elman import RNNClassifier
from elman.explain import occlusion

TRUTH = {
    "classifier": lambda X: [("no", "yes")[len(x) % 2] for x in X],
    "tagger": lambda X: [[("no", "yes")[i % 2] for i in range(len(x))] for x in X],
    "regressor": lambda X: [float(len(x)) for x in X],
}


def report_on(fit, X, y, **options):
    return elman.report(fit, X, y, n_resamples=100, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", DATA)
def test_a_page_of_every_kind_renders(kind, form):
    fit, X = fitted_once(kind, form), DATA[form]()
    y = TRUTH[kind](X)
    told = report_on(fit, X, y, X_train=X, y_train=y)
    facts = told.to_dict()
    page = told.to_html()
    check_alone(page)
    assert facts["training_data"]["n_in_both"] == len(X)
    numbers = ["price", "wait"] if form == "tables" else []
    assert [row["feature"] for row in facts["drift"]["features"]] == numbers
    columns = {"characters": ["character"], "tokens": ["token"]}.get(form, ["action", "item"])
    assert [row["column"] for row in facts["drift"]["categories"]] == columns
    assert [row["unknown_here"] for row in facts["drift"]["categories"]] == [0] * len(columns)
    rules = [row["name"] for row in facts["baselines"]["rows"]]
    learner = "ridge" if kind == "regressor" else "logistic"
    if kind == "tagger":
        assert rules[1:] == [
            "logistic regression on the time step alone",
            "logistic regression on the time step and the 4 before it",
        ]
    else:
        assert rules[1:] == [
            f"{learner} regression on counts of tokens",
            f"{learner} regression on counts of tokens and of pairs of neighbours",
        ]
    assert facts["baselines"]["left_out"] == []
    for one in facts["recordings"]:
        assert len(one["tokens"]) == LENGTHS[one["index"]]
        assert one["series"]["features"] == numbers
        if form == "characters":
            assert "".join(one["tokens"]).replace("␣", " ") == TEXTS[one["index"]]
    assert '<p class="tokens">' in page
    assert "vocabulary" in page


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", DATA)
def test_cards_name_steps_by_their_tokens(kind, form):
    fit, X = fitted_once(kind, form), DATA[form]()
    told = report_on(fit, X, TRUTH[kind](X))
    page = told.to_html()
    n_named = 0
    for one in told.to_dict()["recordings"]:
        steps = []
        if kind == "tagger":
            steps = [] if one["worst_step"] is None else [one["worst_step"]]
        elif one["attribution"] is not None:
            found = one["attribution"]
            best = max(range(len(found["values"])), key=lambda k: found["values"][k])
            assert found["to"][best] == found["from"][best] + 1  # parts are steps here
            steps = [found["from"][best]] if found["values"][best] > 0 else []
        for step in steps:
            n_named += 1
            said = "" if kind == "tagger" else "step "
            assert f"{said}{step + 1} “<bdi>{one['tokens'][step]}</bdi>”" in page
    assert n_named


def test_parts_of_several_steps_have_all_their_tokens_and_what_is_not_told_has_a_number():
    from elman.reporting.sections.recordings import recordings_section

    one = {
        "sort": "right",
        "index": 3,
        "id": None,
        "n_steps": 5,
        "series": {"features": []},
        "tokens": ["{}", "<b>", "of", "sea"],
        "truth": "{x}",
        "answer": "{x}",
        "probability": 0.9,
        "attribution": {"of": "{x}", "from": [0, 3], "to": [3, 5], "values": [0.5, 0.25]},
    }
    page = "".join(recordings_section({"recordings": [one], "targets": None}))
    assert "log-odds of <bdi>{x}</bdi>" in page
    assert "steps 1 to 3 “<bdi>{} &lt;b&gt; of</bdi>” (+0.5) and steps 4 to 5 (+0.25)" in page


def test_what_a_recording_rests_on_is_what_occlusion_says():
    fit = fitted_once("classifier", "characters")
    facts = report_on(fit, TEXTS, TRUTH["classifier"](TEXTS)).to_dict()
    found = occlusion(fit, TEXTS)
    for one in facts["recordings"]:
        i = one["index"]
        if LENGTHS[i] < 2:
            assert one["attribution"] is None
            continue
        assert one["attribution"]["of"] == found.target[i]
        np.testing.assert_allclose(one["attribution"]["values"], found.values[i][:, 0], atol=1e-9)


def test_unknown_tokens_are_counted_and_pointed_out():
    rng = np.random.default_rng(0)
    fit = fitted_once("classifier", "characters")
    X = ["".join(rng.choice([*"abc", "X"], size=n, p=[0.3, 0.3, 0.2, 0.2])) for n in [9] * 30]
    told = report_on(fit, X, TRUTH["classifier"](X))
    (row,) = told.to_dict()["drift"]["categories"]
    shares = np.array([x.count("X") / 9 for x in X])
    assert row["unknown_here"] == pytest.approx(shares.mean())
    assert row["unknown_error"] == pytest.approx(shares.std(ddof=1) / np.sqrt(30))
    assert row["unknown_in_training"] == 0
    assert row["flagged"]
    assert "are unknown to the model; in training it was 0.0 %" in told.to_html()
    few = [*X[:1], *["abca"] * 40]
    assert not report_on(fit, few, TRUTH["classifier"](few)).to_dict()["drift"]["categories"][0][
        "flagged"
    ]


def test_recordings_that_only_the_model_takes_for_the_same_are_not_the_same():
    fit = fitted_once("classifier", "characters")
    X, train = ["aXb", "abc", "aYb", ""], ["aZb", "aXb", "cc", "aXa", ""]
    y = TRUTH["classifier"]
    facts = report_on(fit, X, y(X), X_train=train, y_train=y(train)).to_dict()
    assert facts["training_data"]["n_in_both"] == 1


def test_without_training_data_rules_are_cross_validated():
    y = np.arange(40) % 2
    X = ["abc" if label else "bac" for label in y]
    fit = RNNClassifier(**SMALL).fit(X, y)
    rows = report_on(fit, X, y).to_dict()["baselines"]["rows"]
    assert [row["score"]["value"] for row in rows[1:]] == [pytest.approx(0.5, abs=0.2), 1.0]


def test_names_of_tokens_are_no_markup_and_long_texts_are_cut():
    X = [["<b>", "a & b", "\x1b[2J"], ["x" * 99, "<b>"]] * 5 + [["<b>", "a & b"] * 300] * 2
    y = [0, 1] * 6
    fit = RNNClassifier(**SMALL).fit(X, y)
    told = report_on(fit, X, y)
    page = told.to_html()
    check_alone(page)
    assert "&lt;b&gt;</bdi>" in page
    assert "<bdi><b>" not in page
    assert "\x1b" not in page
    longest = max(told.to_dict()["recordings"], key=lambda one: one["n_steps"])
    assert len(longest["tokens"]) == 400
    assert "and 200 more" in page


def test_what_is_missing_and_what_is_refused_is_told_too():
    X = DATA["tables"]()
    X[1][2, 1] = None
    fit = fitted_classifier("tables", missing="skip")
    facts = report_on(fit, X, TRUTH["classifier"](X)).to_dict()
    assert [row["n_missing"] for row in facts["drift"]["categories"]] == [1, 0]
    sure = fitted_classifier("tokens", handle_unknown="error")
    X = DATA["tokens"]()
    check_alone(report_on(sure, X, TRUTH["classifier"](X)).to_html())
