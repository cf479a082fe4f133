"""X with symbols in; arrays of category numbers out, by what was learned from training data."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.data.frames import is_frame_type
from elman.data.names import Names, check_names
from elman.data.rows import order_of, row_of
from elman.data.symbols.asked import check_categorical_features, columns_asked, instead_of_all
from elman.data.symbols.filed import Described, Tensors, described, restored
from elman.data.symbols.flat import Flat, a_kind, as_categories, as_numbers, flat_list, is_missing
from elman.data.symbols.folding import ACCENTS, folding
from elman.data.symbols.places import place_of
from elman.data.symbols.raw import CALLED, Form, Raw, column_called, read_raw
from elman.data.symbols.vocabulary import (
    UNSEEN,
    Rarity,
    Vocabulary,
    check_frequency,
    check_max_categories,
    counts_of,
    counts_of_codes,
    given_categories,
    learned,
    refuse_numbers_as_text,
)
from elman.targets.checks import shown

Array = NDArray[Any]
Missing = Literal["error", "mask", "skip"]
HandleUnknown = Literal["unknown", "error"]

REPLACED = 0.25
"""A token with n occurrences is replaced in training with probability REPLACED / (REPLACED + n):
Kiperwasser and Goldberg 2016, "Simple and accurate dependency parsing using bidirectional LSTM
feature representations", section 4."""

NO_CHARACTER = "\ufffd"
"""What an unknown character is decoded to: the Unicode replacement character."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Symbols:
    """What the columns of X mean, and a vocabulary for each categorical one.

    A step is encoded as a row of floats: the ids of its categories first, in the order of the
    columns, then its numbers. Id 0 is unknown: tokens that are rarer than `min_frequency`, beyond
    `max_categories`, or were never seen.

    Examples
    --------
    >>> from elman.data.symbols import Symbols
    >>> symbols = Symbols.learn([["in", "the", "sea"], ["the", "sea", "the"]])
    >>> symbols
    <Symbols: tokens, 4 categories>
    >>> [steps.ravel().tolist() for steps in symbols.encode([["the", "fish", "in"]])]
    [[1.0, 0.0, 3.0]]
    """

    form: Form
    """"characters": a sample is a str; "tokens": a sequence of them; "steps": one of rows"""
    categorical: tuple[int, ...]
    """the columns of X that are categories, in increasing order"""
    n_columns: int
    """columns of a step of X: 1 for characters and tokens"""
    feature_names: Names | None
    """names of the columns of X, where they had any"""
    vocabularies: tuple[Vocabulary, ...]
    """of each categorical column"""
    rarity: Rarity | None = None
    """what made tokens rare; None where a file does not say"""
    handle_unknown: HandleUnknown = "unknown"
    missing: Missing = "error"
    lowercase: bool = False
    strip_accents: str | None = None

    def __repr__(self) -> str:
        numbers_of = f", {len(self.numeric)} column(s) of numbers" if self.numeric else ""
        sizes = ", ".join(map(str, self.n_categories))
        return f"<Symbols: {self.form}, {sizes} categories{numbers_of}>"

    # What is there

    @property
    def n_codes(self) -> int:
        """Categorical columns, K: the first so many of an encoded step."""
        return len(self.categorical)

    @property
    def numeric(self) -> tuple[int, ...]:
        """The columns of X that are numbers, in increasing order."""
        return tuple(j for j in range(self.n_columns) if j not in self.categorical)

    @property
    def n_categories(self) -> tuple[int, ...]:
        """Categories of each categorical column, unknown among them."""
        return tuple(vocabulary.n_categories for vocabulary in self.vocabularies)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is encoded: float32 if there are only ids, else float64."""
        return np.dtype(np.float64 if self.numeric else np.float32)

    @property
    def encoded_names(self) -> Names | None:
        """Names of the columns of an encoded step, where X had names."""
        if self.feature_names is None:
            return None
        return tuple(self.feature_names[j] for j in (*self.categorical, *self.numeric))

    # Learning

    @classmethod
    def learn(
        cls,
        X: Any,
        *,
        name: str = "X",
        categorical_features: Any = "auto",
        min_frequency: float | None = None,
        max_categories: int | None = None,
        handle_unknown: HandleUnknown = "unknown",
        missing: Missing = "error",
        categories: Any = "auto",
        lowercase: bool = False,
        strip_accents: str | None = None,
    ) -> Symbols:
        """Learn which columns are categories, and number their tokens.

        Parameters
        ----------
        X : list, tuple, array or Series
            Sequences: each a str; a list, tuple, array or Series of tokens; or a table, whose rows
            are steps, as a data frame, a 2-D array or a list of tuples. An array of two dimensions
            is sequences of tokens of one length, one of three is tables.
        name : str
            What errors call X.
        categorical_features : {"auto", "all"}, or list of names, indices or bools
            Which columns are categories. "auto": those of text, of bools and of the categorical
            types of data frames. A column that a list names may hold integers as well, and so may
            every column with "all".
        min_frequency : int or float, optional
            Occurrences, or their share of all of the column's, below which a token is unknown.
        max_categories : int, optional
            The most categories of a column, unknown among them.
        handle_unknown : {"unknown", "error"}
            Whether a token that was never seen is unknown later on, or an error.
        missing : {"error", "mask", "skip"}
            What a missing value (None, NaN) in a categorical column is: an error, a category of
            its own, or NaN in the encoded step, which says to leave out the step.
        categories : "auto" or list of lists
            The tokens of each categorical column, in the order of their ids from 1 on. For one
            column the list of its tokens will do.
        lowercase : bool
            Whether to turn text into lower case.
        strip_accents : {None, "ascii", "unicode"}
            Whether, and how, to take accents off text, as scikit-learn's CountVectorizer does.

        Raises
        ------
        TypeError, ValueError
            An argument or a value of X that cannot be used; names the sample and the step.
        """
        check_categorical_features(categorical_features)
        _check_options(
            min_frequency, max_categories, handle_unknown, missing, lowercase, strip_accents
        )
        raw = read_raw(X, name)
        if not len(raw.lengths):
            raise ValueError(f"{name} has no samples: pass at least one sequence")
        asked = columns_asked(raw, categorical_features)
        said = categorical_features if isinstance(categorical_features, str) else "columns"
        asks_nothing, asks_all = said == "auto", said == "all"
        given = _given(categories, len(asked))
        fold = folding(lowercase, strip_accents)
        vocabularies = []
        for k, j in enumerate(asked):
            column = raw.column(j)
            if raw.form == "characters":
                kind: Any = "characters"
                counts = counts_of_codes(_codes(_folded_texts(raw.texts, fold)))
            else:
                fix = (lambda: instead_of_all(raw)) if asks_all else None
                flat = as_categories(raw.columns[j], raw.place, column, fix)
                flat = _folded(flat, fold)
                _check_missing(flat, missing, raw, column)
                kind = flat.kind
                counts = counts_of(flat)
                if missing == "skip":
                    counts.pop(None, None)
                if kind == "nothing":
                    kind = _kind_of_given(given, k)
                if kind == "text" and asks_nothing and given is None and not flat.categorical:
                    refuse_numbers_as_text(counts, column)
            tokens = None
            if given is not None:
                of_token = None if fold is None else (lambda text: text.translate(fold))
                tokens = given_categories(given[k], kind, column, of_token)
                if handle_unknown == "error":
                    _refuse_beyond(counts, tokens, column)
            vocabularies.append(
                learned(
                    counts,
                    kind,
                    categories=tokens,
                    min_frequency=min_frequency,
                    max_categories=max_categories,
                    keep_rare=handle_unknown == "error",
                    column=column,
                )
            )
        found = cls(
            form=raw.form,
            categorical=tuple(asked),
            n_columns=raw.n_columns,
            feature_names=raw.names,
            vocabularies=tuple(vocabularies),
            rarity=Rarity.of(min_frequency, max_categories),
            handle_unknown=handle_unknown,
            missing=missing,
            lowercase=bool(lowercase),
            strip_accents=strip_accents,
        )
        for j in found.numeric:
            as_numbers(raw.columns[j], raw.place, raw.column(j))
        return found

    # Encoding

    def encode(self, X: Any, name: str = "X", estimator: str = "the model") -> list[Array]:
        """X as arrays: ids of categories, then numbers.

        Parameters
        ----------
        X : list, tuple, array or Series
            In the form that was learned from.
        name, estimator : str
            What errors call X, and what was trained.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_codes + n_numbers), of `dtype`
            Views of one block. NaN for what is missing: in a categorical column only with
            ``missing="skip"``.

        Raises
        ------
        TypeError, ValueError
            X is not of the form of training; names the sample and the step.
        """
        return _cut(*self.encode_block(X, name, estimator))

    def encode_block(
        self, X: Any, name: str = "X", estimator: str = "the model"
    ) -> tuple[Array, NDArray[np.int64]]:
        """What `encode` gives, as one array (n_steps, n_codes + n_numbers), and lengths of samples.

        Much quicker than a list where there are many short sequences.
        """
        if not isinstance(X, np.ndarray) and hasattr(X, "__len__") and len(X) == 0:
            return np.empty((0, self.n_columns), self.dtype), np.zeros(0, np.int64)
        raw = read_raw(X, name)
        self._check_form(raw, estimator)
        fold = folding(self.lowercase, self.strip_accents)
        if raw.form == "characters":
            texts = _folded_texts(raw.texts, fold)
            codes = _codes(texts)
            lengths = np.fromiter(map(len, texts), np.int64, len(texts))
            block = np.empty((len(codes), 1), np.float32)
            self.vocabularies[0].of_codes(codes, block[:, 0])
            unseen = block[:, 0] == UNSEEN
            if unseen.any():
                if self.handle_unknown == "error":
                    i = int(np.argmax(unseen))
                    folded = Raw("characters", lengths, texts, (), None, name)
                    self._refuse_unknown(chr(codes[i]), 0, folded.place(i), name)
                block[unseen] = 0
            return block, lengths
        block = np.empty((int(raw.lengths.sum()), self.n_columns), self.dtype)
        for k, j in enumerate(self.categorical):
            column = raw.column(j)
            flat = _folded(self.vocabularies[k].of_kind(raw.columns[j], raw.place, column), fold)
            _check_missing(flat, self.missing, raw, column)
            block[:, k] = self._ids(flat, k, raw)
        for d, j in enumerate(self.numeric):
            was = "held numbers in training, and now"
            numbers_of = as_numbers(raw.columns[j], raw.place, raw.column(j), was)
            block[:, self.n_codes + d] = numbers_of
        return block, raw.lengths

    def _ids(self, flat: Flat, k: int, raw: Raw) -> Array:
        vocabulary = self.vocabularies[k]
        ids = vocabulary.of_flat(flat)
        if flat.missing is not None:
            ids[flat.missing] = vocabulary.missing_id
        unseen = ids == UNSEEN
        if unseen.any():
            if self.handle_unknown == "error":
                i = int(np.argmax(unseen))
                column = raw.column(self.categorical[k])
                self._refuse_unknown(flat.values[i], k, raw.place(i), column)
            ids[unseen] = 0
        if flat.missing is None or self.missing != "skip":
            return ids
        found = ids.astype(self.dtype)
        found[flat.missing] = np.nan
        return found

    def encode_step(self, x: Any, name: str = "x", estimator: str = "the model") -> Array:
        """One time step as an array.

        Parameters
        ----------
        x : object
            One character; one token; or one row: a tuple, a list or an array of its values in
            order, a mapping, a named tuple, a Series by name, or a data frame of one row.
        name, estimator : str
            What errors call x, and what was trained.

        Returns
        -------
        ndarray of shape (n_codes + n_numbers,), of `dtype`
            The same as `encode` gives.

        Raises
        ------
        TypeError, ValueError
            x is no such step.
        """
        if is_frame_type(type(x)):
            if len(x) != 1:
                raise ValueError(
                    f"{name} is a table of {len(x)} rows: one stream reads one time step in each "
                    "call"
                )
            found: Array = self.encode([x], name, estimator)[0][0]
            return found
        out = np.empty(self.n_columns, self.dtype)
        if self.form == "characters":
            out[0] = self._id_of_character(x, name)
            return out
        values = self._values(x, name, estimator)
        for k, j in enumerate(self.categorical):
            column = column_called(j, self.feature_names, self.n_columns, name)
            out[k] = self._id_of_token(values[j], k, column)
        for d, j in enumerate(self.numeric):
            column = column_called(j, self.feature_names, self.n_columns, name)
            flat = flat_list([values[j]], lambda _, column=column: column)  # type: ignore[misc]
            was = "held numbers in training, and now"
            out[self.n_codes + d] = as_numbers(flat, lambda _: name, column, was)[0]
        return out

    def encode_steps(self, x: Any, n: int, name: str = "x", estimator: str = "the model") -> Array:
        """One time step of each of n sequences, (n, n_codes + n_numbers).

        Parameters
        ----------
        x : str, list, array, Series or data frame
            A step of each sequence: characters (also one str of n of them), tokens, rows, or a
            table with a row for each.
        n : int
        name, estimator : str
            What errors call x, and what was trained.
        """
        if is_frame_type(type(x)):
            steps: Array = self.encode([x], name, estimator)[0]
        else:
            is_one = isinstance(x, str) and self.form != "characters"
            if is_one or isinstance(x, (bytes, Mapping, Set)) or not hasattr(x, "__len__"):
                raise TypeError(
                    f"{name} is {shown(x)}, {a_kind(x)}, for {n} streams: pass a list with a step "
                    "for each"
                )
            rows = x.tolist() if isinstance(x, np.ndarray) else list(x)
            found = [
                self.encode_step(row, f"{name}: stream {i}", estimator)
                for i, row in enumerate(rows)
            ]
            steps = np.stack(found) if found else np.empty((0, self.n_columns), self.dtype)
        if len(steps) != n:
            raise ValueError(f"{name} has {len(steps)} step(s) for {n} streams: pass one for each")
        return steps

    def _values(self, x: Any, name: str, estimator: str) -> Sequence[Any]:
        """The values of one step in the order of the columns."""
        if self.n_columns == 1 and (is_missing(x) or isinstance(x, (str, bytes, numbers.Number))):
            return [x]
        row = row_of(x)
        if row is not None:
            labels, values, has_order = row
            if not has_order or all(isinstance(label, str) for label in labels):
                if self.feature_names is None and not has_order:
                    raise ValueError(
                        f"{name} is {a_kind(x)}, whose values have names, but {estimator} "
                        "was trained without feature names: pass the values in the order of "
                        "training"
                    )
                order = order_of(labels, self.feature_names, name, estimator)
                values = [values[i] for i in order]
        elif isinstance(x, np.ndarray):
            values = x.tolist() if x.ndim else [x.item()]
        elif isinstance(x, (list, tuple)):
            values = x
        else:
            raise TypeError(
                f"{name} is {shown(x)}, {a_kind(x)}; expected a row of {self.n_columns} value(s)"
            )
        if len(values) != self.n_columns:
            raise ValueError(
                f"{name} has {len(values)} value(s), but {estimator} is expecting "
                f"{self.n_columns}: pass one for each column, in the order of training"
            )
        return values

    def _id_of_character(self, x: Any, name: str) -> int:
        if not isinstance(x, str):
            raise TypeError(f"{name} is {shown(x)}, {a_kind(x)}; expected one character, a str")
        fold = folding(self.lowercase, self.strip_accents)
        text = x if fold is None else x.translate(fold)
        if len(text) != 1:
            became = "" if text == x else f", which lowercase or strip_accents makes {shown(text)}"
            raise ValueError(
                f"{name} is {shown(x)}{became}; expected one character: feed one after another, "
                "and none where nothing is left"
            )
        return self._known(self.vocabularies[0].of_value(text), text, 0, name)

    def _id_of_token(self, value: Any, k: int, column: str) -> float:
        vocabulary = self.vocabularies[k]
        if is_missing(value):
            if self.missing == "error":
                raise ValueError(f"{column} is missing ({value!r}): {HOW_TO_ALLOW}")
            return float("nan") if self.missing == "skip" else vocabulary.missing_id
        flat = flat_list([value], lambda _: column)
        flat = vocabulary.of_kind(flat, lambda _: "this step", column)
        token = flat.values[0]
        fold = folding(self.lowercase, self.strip_accents)
        if fold is not None and isinstance(token, str):
            token = token.translate(fold)
        return self._known(int(vocabulary.of_value(token)), token, k, column)

    def _known(self, found: int, token: Any, k: int, column: str) -> int:
        if found == UNSEEN and self.handle_unknown == "error":
            self._refuse_unknown(token, k, column, column)
        return max(found, 0)

    def _refuse_unknown(self, token: Any, k: int, place: str, column: str) -> None:
        at = f"{place} ({column})" if column.startswith("column") and place != column else place
        if isinstance(token, np.generic):
            token = token.item()
        raise ValueError(
            f"{at} is {shown(token)}, which is none of the {self.n_categories[k] - 1} categories "
            "of training: correct it, or train with handle_unknown='unknown'"
        )

    def _check_form(self, raw: Raw, estimator: str) -> None:
        """Whether X has the form and the columns of training."""
        if "characters" in (raw.form, self.form) and raw.form != self.form:
            if self.form == "steps":
                fix = "pass sequences of rows with the same columns"
            elif self.form == "tokens":
                fix = "pass text.split(), or whatever else made the tokens, for each text"
            elif raw.form == "tokens":
                fix = (
                    f"pass [''.join(tokens) for tokens in {raw.name}] if each token is one "
                    "character, or [' '.join(tokens) ...] if each is a word of a text"
                )
            else:
                fix = "pass a list of str"
            raise TypeError(
                f"{raw.name} holds {CALLED[raw.form]}, but {estimator} was trained on "
                f"{CALLED[self.form]}: {fix}"
            )
        if raw.names is not None and self.feature_names is not None:
            check_names(
                raw.names, self.feature_names, name=raw.name, sample=None, estimator=estimator
            )
        if raw.n_columns != self.n_columns:
            raise ValueError(
                f"{raw.name} has {raw.n_columns} column(s), but {estimator} was trained on "
                f"{self.n_columns}: pass the same columns in the same order"
            )
        if raw.form == self.form:
            check_names(
                raw.names, self.feature_names, name=raw.name, sample=None, estimator=estimator
            )

    # Rare tokens

    def thinned(self, encoded: Sequence[Array], rng: np.random.Generator) -> list[Array]:
        """Encoded training data in which some occurrences of rare tokens became unknown.

        So that what unknown means is learned. An occurrence of a token that occurred n times in
        training is replaced with probability 0.25 / (0.25 + n); of each token one is kept.

        Parameters
        ----------
        encoded : sequence of ndarray of shape (n_timesteps_i, n_codes + n_numbers)
            Not changed.
        rng : numpy.random.Generator
            A number for each step and categorical column is drawn; none with
            ``handle_unknown="error"``.

        Returns
        -------
        list of ndarray
            Views of one new block; the same arrays with ``handle_unknown="error"``.
        """
        if self.handle_unknown == "error" or not len(encoded):
            return list(encoded)
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return _cut(self.thinned_block(np.concatenate(encoded), rng), lengths)

    def thinned_block(self, block: Array, rng: np.random.Generator) -> Array:
        """What `thinned` gives, of all steps in one array, with the same draws.

        A new array; the same one with ``handle_unknown="error"``.
        """
        if self.handle_unknown == "error":
            return block
        block = block.copy()
        for k, vocabulary in enumerate(self.vocabularies):
            chance = REPLACED / (REPLACED + np.maximum(vocabulary.counts, 1))
            ids = block[:, k]
            known = np.nan_to_num(ids).astype(np.int64)
            replaced = (rng.random(len(block)) < chance[known]) & (known > 0)
            # Of a token that has no occurrence left, whose vector would never be trained, the
            # first one stays.
            n = vocabulary.n_categories
            lost = np.bincount(known[replaced], minlength=n) == np.bincount(known, minlength=n)
            places = np.flatnonzero(replaced & lost[known])
            _, first = np.unique(known[places], return_index=True)
            replaced[places[first]] = False
            ids[replaced] = 0
        return block

    # And back

    def decode(self, encoded: Sequence[Array], unknown: Any = None) -> list[Any]:
        """Tokens of encoded steps.

        Parameters
        ----------
        encoded : sequence of ndarray of shape (n_timesteps_i, n_codes + n_numbers)
        unknown : object, optional
            What stands for an unknown token: None by default, and U+FFFD, the Unicode replacement
            character, among characters.

        Returns
        -------
        list
            For each sample a str (characters), a list of tokens, or an array (n_timesteps_i,
            n_columns) of objects. What was missing is None.
        """
        if self.form == "characters" and unknown is None:
            unknown = NO_CHARACTER
        parts = [np.asarray(steps) for steps in encoded]
        for i, part in enumerate(parts):
            if part.ndim != 2 or part.shape[1] != self.n_columns:
                raise ValueError(
                    f"encoded[{i}] has shape {part.shape}; expected (n_timesteps, {self.n_columns})"
                )
        if not parts:
            return []
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        block = np.concatenate(parts)
        out = np.empty(block.shape, object)
        for k, j in enumerate(self.categorical):
            table = self.vocabularies[k].objects(unknown)
            out[:, j] = _tokens_of(block[:, k], table, lengths)
        for d, j in enumerate(self.numeric):
            out[:, j] = block[:, self.n_codes + d].tolist()
        if self.form == "steps":
            return _cut(out, lengths)
        tokens, ends = out[:, 0].tolist(), np.cumsum(lengths).tolist()
        found = [tokens[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return ["".join(each) for each in found] if self.form == "characters" else found

    # Files

    def describe(self, prefix: str = "symbols") -> tuple[Described, Tensors]:
        """What a model file keeps: JSON's words, and arrays called "prefix..."."""
        return described(self, prefix)

    @classmethod
    def restore(cls, config: Any, tensors: Tensors, prefix: str = "symbols") -> Symbols:
        """What `describe` gave, from a file that anybody may have written.

        The arrays that belong to it are taken out of `tensors`.

        Raises
        ------
        KeyError, TypeError, ValueError
            It describes no such object.
        """
        return cls(**restored(config, tensors, prefix))


HOW_TO_ALLOW = (
    'fill it in, or train with missing="mask" (a category of its own) or missing="skip" (the step '
    "is left out)"
)


def _check_options(
    min_frequency: Any,
    max_categories: Any,
    handle_unknown: Any,
    missing: Any,
    lowercase: Any,
    strip_accents: Any,
) -> None:
    """Raise TypeError or ValueError for an argument that cannot be used."""
    check_frequency(min_frequency)
    check_max_categories(max_categories)
    for what, value, choices in (
        ("handle_unknown", handle_unknown, ("unknown", "error")),
        ("missing", missing, ("error", "mask", "skip")),
        ("strip_accents", strip_accents, ACCENTS),
    ):
        if not (value is None or isinstance(value, str)) or value not in choices:
            listed = ", ".join(map(repr, choices))
            raise ValueError(f"{what}={value!r:.60} is not known; choose one of {listed}")
    if not isinstance(lowercase, (bool, np.bool_)):
        raise TypeError(f"lowercase={lowercase!r:.60}; it must be True or False")


def by_column(categories: Any) -> list[Any]:
    """Categories with a list for each column, whether or not a user wrote one around a single."""
    given = list(categories)
    return given if any(map(_is_list, given)) or not given else [given]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _given(categories: Any, n: int) -> list[Any] | None:
    """The categories of each of n columns; None for "auto"."""
    if isinstance(categories, str):
        if categories == "auto":
            return None
        raise ValueError(
            f"categories={categories!r:.60}; it must be 'auto', or for each categorical column a "
            "list of its tokens"
        )
    if not _is_list(categories):
        raise TypeError(
            f"categories is {shown(categories)}, {a_kind(categories)}; it must be 'auto', "
            "or for each categorical column a list of its tokens"
        )
    given = by_column(categories)
    odd = [each for each in given if not _is_list(each)]
    if len(given) != n or odd:
        has = f"holds {shown(odd[0])} beside lists" if odd else f"has {len(given)} list(s)"
        raise ValueError(
            f"categories {has}; it must have a list of tokens for each of the {n} categorical "
            "column(s) of X"
        )
    return given


def _kind_of_given(given: list[Any] | None, k: int) -> str:
    """The kind of a column of which every value is missing: that of its categories, or text."""
    first = next((each for each in (given[k] if given else []) if not is_missing(each)), "")
    if isinstance(first, (bool, np.bool_)):
        return "bool"
    return "int" if isinstance(first, numbers.Integral) else "text"


def _refuse_beyond(counts: dict[Any, int], tokens: tuple[Any, ...], column: str) -> None:
    known = set(tokens)
    for token in counts:
        if token not in known and token is not None:
            raise ValueError(
                f"{column} holds {shown(token)}, which is not among its categories: list it there, "
                "or choose handle_unknown='unknown'"
            )


def _check_missing(flat: Flat, missing: Missing, raw: Raw, column: str) -> None:
    if flat.missing is None or missing != "error" or not flat.missing.any():
        return
    i = int(np.argmax(flat.missing))
    called = "" if column == raw.name else f" ({column})"
    raise ValueError(f"{raw.place(i)}{called} is missing (None or NaN): {HOW_TO_ALLOW}")


def _folded_texts(texts: list[str], fold: Any) -> list[str]:
    return texts if fold is None else [text.translate(fold) for text in texts]


def _folded(flat: Flat, fold: Any) -> Flat:
    if fold is None or flat.kind != "text":
        return flat
    known = {text: None if text is None else text.translate(fold) for text in set(flat.values)}
    return flat._replace(values=[known[text] for text in flat.values])


def _codes(texts: list[str]) -> NDArray[np.uint32]:
    """The code points of all texts, one after another."""
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")


def _cut(block: Array, lengths: NDArray[np.int64]) -> list[Array]:
    ends = np.cumsum(lengths).tolist()
    return [block[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _tokens_of(
    ids: Array, table: NDArray[np.object_], lengths: NDArray[np.int64]
) -> NDArray[np.object_]:
    missing = np.isnan(ids)
    with np.errstate(invalid="ignore"):
        known = np.where(missing, 0, ids).astype(np.int64)
    bad = ((known != ids) & ~missing) | (known < 0) | (known >= len(table))
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(
            f"{place_of(i, lengths, 'encoded')} is {ids[i].item()!r}, which is no id: ids are "
            f"whole numbers from 0 to {len(table) - 1}"
        )
    tokens = table[known]
    tokens[missing] = None
    return tokens
