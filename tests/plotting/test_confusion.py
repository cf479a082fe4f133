"""The confusion matrix shows every count, and which are right, without red beside green."""

from __future__ import annotations

import numpy as np
import pytest

from elman.evaluation.scores import class_scores, confusion_counts
from elman.plotting import plot_confusion_matrix

pytest.importorskip("matplotlib")

CLASSES = ["do", "mi", "sol"]


def test_confusion_matrix_shows_counts():
    y_true = ["do", "do", "do", "mi", "sol"]
    y_pred = ["do", "do", "mi", "mi", "do"]
    ax = plot_confusion_matrix(y_true, y_pred)
    texts = {tuple(t.get_position()): t.get_text() for t in ax.texts}
    # position is (column, row)
    assert texts == {(0, 0): "2", (1, 0): "1", (1, 1): "1", (0, 2): "1", (2, 2): "0"}
    red, green, blue = np.moveaxis(np.asarray(ax.images[0].get_array()), -1, 0)
    assert blue[0, 0] > red[0, 0]
    assert red[0, 1] > blue[0, 1]
    assert red[0, 2] == green[0, 2] == blue[0, 2]
    assert "3 of 5" in ax.get_title()
    assert [t.get_text() for t in ax.get_xticklabels()] == CLASSES


def test_confusion_matrix_keeps_the_order_of_classes():
    ax = plot_confusion_matrix([1, 2], [1, 2], classes=[2, 1, 3])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2", "1", "3"]


def test_confusion_matrix_refuses_strangers():
    with pytest.raises(ValueError, match=r"y_pred\[1\] is 4, which is not a known class: \[1, 2\]"):
        plot_confusion_matrix([1, 2], [1, 4], classes=[1, 2])
    with pytest.raises(ValueError, match="equally long"):
        plot_confusion_matrix([1, 2], [1])


def test_long_names_stay_apart():
    names = [f"a class whose name differs only at the end {i}" for i in range(3)]
    ax = plot_confusion_matrix(names, names)
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert len(set(labels)) == 3
    assert max(map(len, labels)) <= 24


@pytest.mark.parametrize("lengths", [(3, 5), (4, 4)])
def test_labels_of_time_steps_are_joined_first(lengths):
    y = [["a", "b", "a", "c", "c"][:n] for n in lengths]
    with pytest.raises(ValueError, match=r"np\.concatenate"):
        confusion_counts(y, y)
    joined = np.concatenate(y)
    assert confusion_counts(joined, joined)[1].trace() == sum(lengths)


def test_confusion_counts_and_class_scores():
    classes, counts = confusion_counts(["a", "b", "b", "b"], ["a", "b", "b", "a"], ["a", "b", "c"])
    assert counts.tolist() == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
    a, b, c = class_scores(classes, counts)
    assert (a.n_true, a.precision, a.recall, a.f1) == (1, 0.5, 1.0, pytest.approx(2 / 3))
    assert (b.n_true, b.precision, b.recall, b.f1) == (3, 1.0, pytest.approx(2 / 3), 0.8)
    assert c.n_true == 0
    assert np.isnan([c.precision, c.recall, c.f1]).all()


def test_scores_agree_with_scikit_learn(rng):
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    y_true, y_pred = rng.integers(0, 4, (2, 61))
    classes, counts = confusion_counts(y_true, y_pred)
    assert np.array_equal(counts, confusion_matrix(y_true, y_pred))
    ours = np.array(
        [[s.precision, s.recall, s.f1, s.n_true] for s in class_scores(classes, counts)]
    )
    assert np.allclose(ours.T, precision_recall_fscore_support(y_true, y_pred), rtol=1e-14, atol=0)
