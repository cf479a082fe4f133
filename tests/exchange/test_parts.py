"""Whatever a user passes as a model, and what an exporter reads of it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.exchange_models import model_of_kind, model_of_symbols
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, SequenceScaler, save
from elman.exchange.parts import affine_of, directions_of, model_of


def fitted(*steps):
    X = np.random.default_rng(0).normal(3, 2, size=(9, 4, 2))
    clf = RNNClassifier(3, max_iter=1, deltas=0, random_state=0)
    return (make_pipeline(*steps, clf) if steps else clf).fit(X, np.arange(9) % 2)


class TestModelOf:
    def test_the_same_model_however_it_is_passed(self, tmp_path):
        clf = fitted()
        clf.save(tmp_path / "m.safetensors")
        assert model_of(clf) is model_of(clf.model_) is clf.model_
        read = model_of(str(tmp_path / "m.safetensors"))
        assert np.array_equal(read.network.params.flat, clf.network_.params.flat)

    def test_the_scalers_of_a_pipeline_come_first(self, tmp_path):
        pipeline = fitted(SequenceScaler(), SequenceScaler())
        save(pipeline, tmp_path / "m.safetensors")
        for given in (pipeline, tmp_path / "m.safetensors"):
            scales = affine_of(model_of(given))
            assert len(scales) == 3
            assert np.array_equal(scales[0][0], pipeline[0].mean_)
            assert np.array_equal(scales[2][1], pipeline[-1].scale_)

    def test_an_adapter_gives_what_it_holds(self):
        class ElmanClassifier:
            __module__ = "elman.adapters.aeon"
            estimator_ = fitted()

        assert model_of(ElmanClassifier()) is ElmanClassifier.estimator_.model_
        del ElmanClassifier.estimator_
        with pytest.raises(TypeError, match="ElmanClassifier"):
            model_of(ElmanClassifier())

    def test_other_steps_are_named(self):
        class Shift(SequenceScaler):
            pass

        with pytest.raises(TypeError, match="'shift' of the pipeline is a Shift"):
            model_of(fitted(Shift()))
        with pytest.raises(TypeError, match="got PCA"):
            model_of(PCA())
        with pytest.raises(ValueError, match="not fitted"):
            model_of(RNNClassifier())


def test_categories_are_not_scaled():
    model = model_of_symbols(form="steps")
    for mean, scale in affine_of(model):
        assert len(mean) == len(scale) == len(model.symbols.numeric)


@pytest.mark.parametrize(
    ("stack", "sizes"), [("two", [(3,), (4,)]), ("two both ways", [(4, 4), (3, 3)])]
)
def test_every_layer_has_its_directions(stack, sizes):
    layers = directions_of(model_of_kind(stack=stack))
    assert [tuple(len(d.W_h) for d in layer) for layer in layers] == sizes
    assert all(d.gain is None and d.initial is None for layer in layers for d in layer)
