"""Texts in; sequences of the numbers of their tokens out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from elman.data.symbols import Symbols
from elman.data.symbols.folding import ACCENTS, folding
from elman.data.symbols.raw import read_raw, samples_of
from elman.data.symbols.symbols import NO_CHARACTER
from elman.hyperparameters import checks as hp
from elman.targets.checks import shown

Array = NDArray[Any]


class TokenEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Make of each text a sequence of numbers of its characters, words or other tokens.

    The order of tokens is kept, where scikit-learn's `CountVectorizer` counts them. Estimators
    number the tokens of raw text by themselves; this is for whoever wants n-grams, words cut by a
    pattern, or a step of their own in a pipeline. What follows it takes
    ``categorical_features="all"``.

    Parameters
    ----------
    analyzer : {"char", "word"} or callable, default="char"
        A step for each character, for each match of `token_pattern`, or for each token of the list
        that the callable makes of a sample. ``analyzer=list`` takes samples that are lists of
        tokens already.
    ngram_range : tuple (min_n, max_n), default=(1, 1)
        With ``analyzer="char"``: a step holds, for each n from min_n to max_n, the n characters
        that end there, fewer at the beginning of a text. There are as many steps as characters.
    lowercase : bool, default=False
        Turn text into lower case first, character by character.
    strip_accents : {None, "ascii", "unicode"}, default=None
        Take accents off first, as `CountVectorizer` does. A callable analyzer gets samples as they
        are.
    token_pattern : str, default=r"(?u)\b\w\w+\b"
        What a word is, with ``analyzer="word"``; that of `CountVectorizer`, which leaves out words
        of one letter. If there is one group in it, the group is the word.
    min_frequency : int or float, default=None
        Occurrences, or their share, below which a token is unknown.
    max_categories : int, default=None
        The most categories, unknown among them.
    handle_unknown : {"unknown", "error"}, default="unknown"
        Whether a token that was not seen in `fit` becomes 0, or is an error.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        The number of each token, from 1 on by falling frequency, ties in order of code points. 0 is
        unknown.
    n_features_in_ : int
        1: a text is one feature.

    Examples
    --------
    >>> from elman import TokenEncoder
    >>> encoder = TokenEncoder().fit(["abba", "aba"])
    >>> encoder.vocabulary_
    {'a': 1, 'b': 2}
    >>> encoder.transform(["bac"])[0].ravel()
    array([2, 1, 0], dtype=int32)
    >>> words = TokenEncoder(analyzer="word", lowercase=True).fit(["To be or not to be"])
    >>> words.inverse_transform(words.transform(["not to bee"]))
    [['not', 'to', None]]
    """

    def __init__(
        self,
        *,
        analyzer: str | Callable[[Any], Iterable[Any]] = "char",
        ngram_range: tuple[int, int] = (1, 1),
        lowercase: bool = False,
        strip_accents: str | None = None,
        token_pattern: str = r"(?u)\b\w\w+\b",
        min_frequency: float | None = None,
        max_categories: int | None = None,
        handle_unknown: str = "unknown",
    ) -> None:
        self.analyzer = analyzer
        self.ngram_range = ngram_range
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.token_pattern = token_pattern
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def fit(self, X: Any, y: Any = None) -> TokenEncoder:
        """Learn the tokens.

        Parameters
        ----------
        X : list, tuple, array or Series of str
            Texts; with a callable analyzer whatever it takes.
        y : ignored

        Returns
        -------
        TokenEncoder
            The encoder itself.

        Raises
        ------
        TypeError, ValueError
            An argument or a sample that cannot be used; names the sample.
        """
        self.symbols_: Symbols = Symbols.learn(
            self._tokens(X),
            categorical_features="all",
            min_frequency=self.min_frequency,
            max_categories=self.max_categories,
            handle_unknown=self.handle_unknown,  # type: ignore[arg-type]
        )
        if self.symbols_.form == "steps":
            raise TypeError("analyzer gives rows or nested lists; it must give tokens: str or int")
        self.vocabulary_: dict[Any, int] = {
            token: i for i, token in enumerate(self.symbols_.vocabularies[0].tokens, start=1)
        }
        self.n_features_in_ = 1
        return self

    def transform(self, X: Any) -> list[NDArray[np.int32]]:
        """Number the tokens.

        Parameters
        ----------
        X : list, tuple, array or Series of str
            As for `fit`.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_columns), int32
            One column; several of characters whose `ngram_range` has several n. Views of one array.
        """
        check_is_fitted(self)
        block, lengths = self.symbols_.encode_block(self._tokens(X), estimator="TokenEncoder")
        width = self._n_columns()
        ids = block.astype(np.int32).reshape(-1, width)
        ends = np.cumsum(lengths // width).tolist()
        return [ids[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def inverse_transform(self, X: Sequence[ArrayLike]) -> list[Any]:
        """The texts, or the lists of tokens, of numbers.

        Parameters
        ----------
        X : list of array-like of shape (n_timesteps_i, n_columns)
            As `transform` gives them.

        Returns
        -------
        list
            For each sample a str of its characters, in which U+FFFD stands for an unknown one; or,
            of words and other tokens, a list, in which None does. Of n-grams of characters the
            last character of each counts, of the longest n.
        """
        check_is_fitted(self)
        width = self._n_columns()
        encoded = []
        for i, sample in enumerate(X):
            array = np.asarray(sample)
            if array.ndim != 2 or array.shape[1] != width:
                raise ValueError(
                    f"X: sample {i} has shape {array.shape}; expected (n_timesteps, {width}), as "
                    "transform gives it"
                )
            encoded.append(array[:, -1:].astype(np.float64))
        found = self.symbols_.decode(encoded)
        if not self._of_characters() or self.symbols_.form == "characters":
            return found
        return ["".join(NO_CHARACTER if t is None else t[-1] for t in tokens) for tokens in found]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Names of the columns of a step.

        Parameters
        ----------
        input_features : ignored
            A text has no names.

        Returns
        -------
        ndarray of str objects
            "char", "word" or "token"; "char1", "char2" and so on, by their lengths, if there are
            n-grams.
        """
        check_is_fitted(self)
        first, last = self._range()
        if self._of_characters():
            several = (first, last) != (1, 1)
            names = [f"char{n}" for n in range(first, last + 1)] if several else ["char"]
        else:
            names = ["word" if self.analyzer == "word" else "token"]
        return np.array(names, object)

    # How tokens are made

    def _of_characters(self) -> bool:
        return isinstance(self.analyzer, str) and self.analyzer == "char"

    def _n_columns(self) -> int:
        first, last = self._range()
        return last - first + 1 if self._of_characters() else 1

    def _range(self) -> tuple[int, int]:
        """The shortest and the longest n-gram; an error if they are none."""
        value = self.ngram_range
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise TypeError(f"ngram_range={value!r:.60}; it must be a tuple (min_n, max_n)")
        for n in value:
            hp.integer(1)("ngram_range", n)
        first, last = int(value[0]), int(value[1])
        if first > last:
            raise ValueError(f"ngram_range={value!r:.60}: min_n is greater than max_n")
        if not self._of_characters() and (first, last) != (1, 1):
            raise ValueError(
                f"ngram_range={value!r:.60} is for analyzer='char'; with others it must be (1, 1)"
            )
        return first, last

    def _tokens(self, X: Any) -> Any:
        """X as `Symbols` takes it: texts, or lists of tokens."""
        if not callable(self.analyzer):
            hp.one_of("char", "word")("analyzer", self.analyzer)
        hp.boolean("lowercase", self.lowercase)
        if self.strip_accents not in ACCENTS:
            raise ValueError(
                f"strip_accents={self.strip_accents!r:.60} is not known; choose one of "
                + ", ".join(map(repr, ACCENTS))
            )
        first, last = self._range()
        if callable(self.analyzer):
            return [list(self.analyzer(sample)) for sample in samples_of(X, "X")]
        texts = self._texts(X)
        if self._of_characters():
            return texts if (first, last) == (1, 1) else [_windows(t, first, last) for t in texts]
        try:
            pattern = re.compile(self.token_pattern)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"token_pattern={self.token_pattern!r:.60} is no regular expression: {error}"
            ) from error
        if pattern.groups > 1:
            raise ValueError(
                f"token_pattern={self.token_pattern!r:.60} has {pattern.groups} groups; it may "
                "have one, which is the token: write the others as (?:...)"
            )
        return [pattern.findall(text) for text in texts]

    def _texts(self, X: Any) -> list[str]:
        """Samples of X, all of them text, in lower case or without accents if that is asked for."""
        raw = read_raw(X)
        if raw.form != "characters" and len(raw.lengths):
            sample: Any = next((each for each in samples_of(X, "X") if len(each)), [])
            raise TypeError(
                f"X holds {shown(sample)}, a {type(sample).__name__}; expected a list of str with "
                f"analyzer={self.analyzer!r}. Samples that are lists of tokens are read with "
                "analyzer=list, or by an estimator as they are"
            )
        fold = folding(bool(self.lowercase), self.strip_accents)
        return raw.texts if fold is None else [text.translate(fold) for text in raw.texts]


def _windows(text: str, first: int, last: int) -> list[str]:
    """At each character those that end there, of all lengths asked for."""
    return [
        text[max(0, end - n) : end]
        for end in range(1, len(text) + 1)
        for n in range(first, last + 1)
    ]


for _name in ("transform", "fit_transform"):
    # as they were before scikit-learn wrapped them, to make a data frame of whatever they return
    setattr(TokenEncoder, _name, getattr(TokenEncoder, _name).__wrapped__)
