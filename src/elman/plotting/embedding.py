"""A fitted model in; the vectors that it has for categories, on a plane, out."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from elman.data.symbols.naming import name_of_column, names_of_categories, place_of_column
from elman.models.fitted import fitted
from elman.models.token_vectors import token_vectors
from elman.plotting.recordings import check_numbers
from elman.plotting.style import BLUE, Display, drawn, ink_of, percent, shortened, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_TOKENS = 60
"""that are drawn if nothing is said"""
LONGEST = 20
"""characters of a token in a picture"""


class EmbeddingDisplay(Display):
    """What a network knows of tokens: their vectors on the plane in which they differ most.

    The plane is that of the first two principal components of the vectors that are drawn. Tokens
    near each other are alike to the network as far as the plane shows it; how much of all
    differences it shows stands at its axes.

    Make one with `from_estimator` or `from_vectors`, which draw it.

    Parameters
    ----------
    vectors : array-like of shape (n_all_tokens, width)
    tokens : sequence of str
        What each is called.
    counts : array-like of shape (n_all_tokens,) or None
        How often each occurs, which decides who is drawn first; None draws them as they come.
    n_tokens : int or None, default=60
        How many to draw, the most frequent ones; None draws all.
    title : str

    Attributes
    ----------
    tokens : list of str
        Those that are drawn, the most frequent first.
    vectors : ndarray of shape (n_tokens, width)
        Theirs.
    counts : ndarray of shape (n_tokens,) or None
    points : ndarray of shape (n_tokens, 2)
        Where each is drawn. Of the two signs that a principal component may have, it is the one
        that makes its largest coordinate positive.
    shares : ndarray of shape (2,)
        Of the variance of the vectors, by axis.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.plotting import EmbeddingDisplay
    >>> clf = RNNClassifier(3, embedding_size=4, max_iter=1, random_state=0, backend="reference")
    >>> clf = clf.fit(["abba", "cab", "bad", "dab"], [0, 1, 0, 1])
    >>> display = EmbeddingDisplay.from_estimator(clf, n_tokens=3)
    >>> display.tokens, display.points.shape
    (['a', 'b', 'd'], (3, 2))
    """

    _SIZE = (6.4, 5.2)

    def __init__(
        self,
        vectors: ArrayLike,
        tokens: Sequence[str],
        *,
        counts: ArrayLike | None = None,
        n_tokens: int | None = N_TOKENS,
        title: str = "What the network knows of tokens",
    ) -> None:
        found = check_numbers("vectors", vectors)
        if found.ndim != 2 or 0 in found.shape:
            raise ValueError(
                f"vectors must have shape (n_tokens, width), both at least 1, got {found.shape}"
            )
        names = [str(token) for token in tokens]
        if len(names) != len(found):
            raise ValueError(f"tokens has {len(names)} entries for {len(found)} vectors")
        whole = isinstance(n_tokens, numbers.Integral) and not isinstance(n_tokens, bool)
        if n_tokens is not None and not (whole and n_tokens >= 1):
            raise ValueError(f"n_tokens={n_tokens!r} must be a whole number of at least 1, or None")
        chosen = np.arange(len(found))
        of_each = None if counts is None else check_numbers("counts", counts, 0)
        if of_each is not None:
            if of_each.shape != (len(found),):
                raise ValueError(
                    f"counts has shape {of_each.shape}, expected ({len(found)},): one for each "
                    "vector"
                )
            chosen = np.argsort(-of_each, kind="stable")
        chosen = chosen[:n_tokens]
        self.tokens = [names[i] for i in chosen.tolist()]
        self.vectors: NDArray[np.float64] = found[chosen]
        self.counts = None if of_each is None else of_each[chosen]
        self.n_all = len(found)
        self.title = title
        self.points, self.shares = on_a_plane(self.vectors)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        column: str | int | None = None,
        n_tokens: int | None = N_TOKENS,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the vectors that a model has for the tokens of a column of X.

        They are those of its embedding; of a column that is fed one-hot they are the rows of the
        input weights of the first layer. Unknown tokens have a place of their own, "<unknown>",
        unless the model refuses them; how often they occur is how often training had them.

        Parameters
        ----------
        estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
            Fitted on texts, tokens or tables with categories. A pipeline has to end in one of the
            three estimators.
        column : str or int, optional
            Name or index of the column; by default the only categorical one.
        n_tokens : int or None, default=60
            How many to draw, the most frequent ones; None draws all.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        EmbeddingDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no fitted model, it was trained on numbers alone, or there is no such column.
        """
        model = fitted(estimator).model
        vectors = token_vectors(model, column).vectors
        symbols: Any = model.symbols
        k = place_of_column(symbols, column)
        vocabulary = symbols.vocabularies[k]
        counts, names = vocabulary.counts, names_of_categories(symbols, k)
        if symbols.handle_unknown == "error" and not counts[0]:  # nothing was learned of it
            vectors, counts, names = vectors[1:], counts[1:], names[1:]
        called = shortened(name_of_column(symbols, symbols.categorical[k]))
        what = f"{called}s"  # characters or tokens
        if symbols.feature_names is not None or symbols.n_columns > 1:
            what = f'the categories of "{called}"'
        title = f"What the network knows of {what}"
        return cls(vectors, names, counts=counts, n_tokens=n_tokens, title=title).plot(ax)

    @classmethod
    def from_vectors(
        cls,
        vectors: ArrayLike,
        tokens: Sequence[str],
        *,
        counts: ArrayLike | None = None,
        n_tokens: int | None = N_TOKENS,
        ax: Axes | None = None,
    ) -> Self:
        """Draw vectors of tokens, such as `token_vectors` or a file of word vectors gives.

        Parameters
        ----------
        vectors, tokens, counts, n_tokens
            As `EmbeddingDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        EmbeddingDisplay
        """
        return cls(vectors, tokens, counts=counts, n_tokens=n_tokens).plot(ax)

    @override
    def _columns(self) -> dict[str, Any]:
        columns: dict[str, Any] = {"token": np.array(self.tokens, object)}
        if self.counts is not None:
            columns["count"] = self.counts.astype(np.int64)
        return columns | {"first": self.points[:, 0], "second": self.points[:, 1]}

    @override
    def _draw(self, ax: Axes) -> None:
        n = len(self.tokens)
        ax.scatter(self.points[:, 0], self.points[:, 1], s=14, color=BLUE, zorder=2)
        size = float(np.clip(200 / n, 6.5, 10))
        for token, point in zip(self.tokens, self.points.tolist(), strict=True):
            label = repr(token)[1:-1] if token.isspace() else token
            label = f'"{label}"' if token != token.strip() or not token else label
            ax.annotate(
                drawn(shortened(label, LONGEST)),
                (point[0], point[1]),
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=size,
                color=ink_of(ax),
                zorder=3,
            )
        which = f": the {n} most frequent of {self.n_all:,}" if n < self.n_all else ""
        first, second = (percent(share) for share in self.shares.tolist())
        ax.set(
            title=f"{drawn(self.title)}{which}",
            xlabel=f"first principal component ({first} of the variance)",
            ylabel=f"second principal component ({second})",
        )
        ax.margins(0.08)
        tidy(ax)


def on_a_plane(
    vectors: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first two principal components of vectors, and their shares of the variance.

    Parameters
    ----------
    vectors : ndarray of shape (n, width)

    Returns
    -------
    points : ndarray of shape (n, 2)
        0 along a component that there is not: of one vector, or of vectors of one number.
    shares : ndarray of shape (2,)
    """
    centred = vectors - vectors.mean(axis=0)
    U, S, _ = np.linalg.svd(centred, full_matrices=False)
    points, shares = np.zeros((len(vectors), 2)), np.zeros(2)
    total = float(np.square(S).sum())
    for axis in range(min(2, len(S))):
        points[:, axis] = U[:, axis] * S[axis]
        if points[np.abs(points[:, axis]).argmax(), axis] < 0:
            points[:, axis] *= -1
        if total > 0:
            shares[axis] = S[axis] ** 2 / total
    return points, shares
