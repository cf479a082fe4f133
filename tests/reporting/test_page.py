"""The page is whole, says everything, loads nothing, and takes no name of the data for markup."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.html_pages import Reader, check_alone

import elman
from elman.data.named import NamedSequences
from elman.reporting.charts import nice_ticks
from elman.reporting.style import STYLE

ALWAYS = {"scores", "baselines", "data", "drift", "by-length", "recordings", "training", "health"}
OF_KIND = {
    "label": {"confusion", "classes", "calibration"},
    "labels": {"classes", "calibration"},
    "steps": {"confusion", "classes", "calibration"},
    "values": {"targets"},
    "step values": {"targets"},
}


@pytest.mark.parametrize("with_training", [False, True])
def test_each_kind_has_its_sections(case, with_training):
    given = {"X_train": case.X_train, "y_train": case.y_train} if with_training else {}
    told = elman.report(case.model, case.X, case.y, n_resamples=100, **given)
    reader = check_alone(told.to_html())
    sections = {key for key in reader.of("section", "id") if key}
    assert sections == ALWAYS | OF_KIND[case.kind] | {"model"}
    assert {value[1:] for value in reader.of("a", "href")} == sections
    named = reader.of("section", "aria-labelledby")
    assert set(named) <= {value for _, name, value in reader.attributes if name == "id"}
    assert len(reader.tags) > 200
    assert reader.tags.count("h1") == 1
    assert reader.of("article", "class")  # recordings
    assert reader.of("html", "lang") == ["en"]


def test_pictures_have_a_text_and_tables_have_heads(case):
    page = elman.report(case.model, case.X, case.y, n_resamples=100).to_html()
    reader = Reader(page)
    n_pictures = sum(value == "img" for value in reader.of("svg", "role"))
    assert n_pictures >= 6
    assert sum(len(value) > 20 for value in reader.of("svg", "aria-label")) == n_pictures
    hidden = reader.of("svg", "aria-hidden")
    assert n_pictures + len(hidden) == reader.tags.count("svg")
    assert reader.tags.count("caption") == reader.tags.count("table")
    assert len(reader.of("th", "scope")) == reader.tags.count("th")
    assert "nan" not in "".join(reader.of("path", "d"))


def test_light_dark_and_paper():
    assert "@media (prefers-color-scheme: dark)" in STYLE
    assert "@media print" in STYLE
    # what the dark changes, paper changes back
    dark, paper = (STYLE.split(part)[1].split("}")[0] for part in ("scheme: dark)", "@media print"))
    names = {line.split(":")[0].strip() for line in dark.replace(";", "\n").split("\n")}
    names = {name for name in names if name.startswith("--")}
    assert len(names) > 10
    assert all(f"{name}:" in paper for name in names)


HOSTILE = (
    "<script>alert('x')</script> & \"quoted\"",
    "x" * 200,
    "مرحبا \u202e\x1b[2J \ud800",
    "</text></svg><img src=x onerror=alert(1)>",
)


@pytest.mark.parametrize("kind", ["label", "steps"])
def test_names_are_no_markup(kind):
    rng = np.random.default_rng(4)
    names = HOSTILE[:3]
    X = [rng.normal(size=(5, 3)) for _ in range(21)]
    y = [HOSTILE[i % 4] for i in range(21)]
    estimator = elman.RNNClassifier
    if kind == "steps":
        y, estimator = [np.array([label] * 5, object) for label in y], elman.RNNTagger
    X = NamedSequences(X, names)
    model = estimator(hidden_size=3, max_iter=1, random_state=0).fit(X, y)
    ids = [HOSTILE[i % 4] + str(i) for i in range(21)]
    told = elman.report(model, X, y, ids=ids, title=HOSTILE[0], date=HOSTILE[3], n_resamples=100)
    page = told.to_html()
    page.encode()  # whatever cannot be written is spelled out
    reader = check_alone(page)
    assert "style" in reader.tags
    assert not {"b onclick", "i"} & set(reader.tags)
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "x" * 100 not in "".join(reader.texts)
    assert any(HOSTILE[0] in text for text in reader.texts)
    json.loads(told.to_json())
    frame = told._repr_html_()
    assert frame.count("<") == 2  # the frame's own tags
    assert "sandbox" in frame


def test_names_of_targets_are_no_markup():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(17, 5, 2))
    model = elman.RNNRegressor(hidden_size=3, max_iter=1, random_state=0)
    model.fit(X, X[:, 0])
    object.__setattr__(model.model_, "columns", {"target": [HOSTILE[0], HOSTILE[3]]})
    page = elman.report(model, X, X[:, 0], n_resamples=100).to_html()
    assert any(HOSTILE[3] in text for text in check_alone(page).texts)


def test_many_classes_and_features_keep_the_page_short():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(250, 3, 60))
    y = np.arange(250)
    model = elman.RNNClassifier(hidden_size=3, max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="classes"):
        model.fit(X, y)
    told = elman.report(model, X, y, n_resamples=100)
    assert len(told.to_html()) < 100_000
    assert told.to_dict()["confusion"]["matrix"] is None
    assert len(told.to_dict()["classes"]) == 250
    assert len(told.to_dict()["drift"]["features"]) == 60


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.7, 12.2), (1e-9, 2e-9), (7, 800_000)])
def test_ticks_are_round_and_cover_the_range(low, high):
    ticks = nice_ticks(low, high, 5)
    assert ticks[0] <= low < high <= ticks[-1]
    assert 3 <= len(ticks) <= 10
    step = ticks[1] - ticks[0]
    mantissa = step / 10 ** np.floor(np.log10(step) + 1e-9)
    assert min(abs(mantissa - m) for m in (1, 2, 5)) < 1e-6
