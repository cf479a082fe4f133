"""What `fitted` finds in estimators, pipelines and models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import elman
from elman import RNNClassifier, SequenceScaler
from elman.models import files
from elman.models.fitted import fitted


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((7, 5, 2)), np.arange(7) % 2


def test_an_estimator_its_model_and_a_pipeline_hold_one_model():
    X, y = data()
    clf = RNNClassifier(3, max_iter=1, random_state=0).fit(X, y)
    assert fitted(clf).model is clf.model_
    assert fitted(clf.model_).model is clf.model_
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(3, max_iter=1)).fit(X, y)
    found = fitted(pipeline)
    assert found.model is pipeline[-1].model_
    assert found.estimator is pipeline[-1]
    np.testing.assert_array_equal(found.transform(X), pipeline[:-1].transform(X))


def test_what_holds_no_trained_model_is_refused():
    with pytest.raises(ValueError, match="not fitted"):
        fitted(RNNClassifier())
    with pytest.raises(TypeError, match="LogisticRegression"):
        fitted(LogisticRegression())
    with pytest.raises(TypeError, match="Pipeline that ends in LogisticRegression"):
        fitted(make_pipeline(SequenceScaler(), LogisticRegression()))
    X, y = data()
    search = GridSearchCV(RNNClassifier(3, max_iter=1), {"cell": ["elman"]}, cv=2).fit(X, y)
    with pytest.raises(TypeError, match="GridSearchCV: pass its best_estimator_"):
        fitted(search)


def test_the_scalers_are_those_next_to_the_model(tmp_path):
    X, y = data()
    first, clf = SequenceScaler(), RNNClassifier(3, max_iter=1, random_state=0)
    pipeline = make_pipeline(first, SequenceScaler(), clf).fit(X, y)
    elman.save(pipeline, tmp_path / "one.safetensors")
    model = files.load(tmp_path / "one.safetensors").model
    for given in (pipeline, model):
        (mean, _), (no_mean, _) = fitted(given).scalers
        np.testing.assert_array_equal(mean, first.mean_)
        np.testing.assert_allclose(no_mean, 0, atol=1e-12)
    other = make_pipeline(SequenceScaler(), FunctionTransformer(), clf).fit(X, y)
    assert fitted(other).scalers == []
    assert model.after_scalers.before == ()
