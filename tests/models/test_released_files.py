"""Model files of released versions are read for ever, and answer as they did.

They were written by elman 0.1.0 on the NumPy reference, in format version 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger

FILES = Path(__file__).parent / "files"
KINDS = {"classifier": RNNClassifier, "tagger": RNNTagger, "regressor": RNNRegressor}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_0_1_0_answers_as_it_did(kind):
    with np.load(FILES / "answers-0.1.0.npz") as kept:
        X = [kept[f"X{i}"] for i in range(8)]
        expected = kept[kind]
    estimator = (
        KINDS[kind].load(FILES / f"{kind}-0.1.0.safetensors").set_params(backend="reference")
    )
    answers = estimator.predict(X) if kind == "regressor" else estimator.predict_proba(X)
    if kind == "tagger":
        answers = np.concatenate(answers)
    # another processor's exp and tanh may differ in the last bits
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-6)


def test_the_former_name_of_a_hyper_parameter_is_read():
    classifier = RNNClassifier.load(FILES / "classifier-0.1.0.safetensors")
    assert classifier.recompute_every == 2
    assert classifier.class_weight == {"ä": 2.0, "b": 1.0}
    assert "checkpoint_every" not in classifier.get_params()
