"""`Symbols` in; JSON's words and arrays for a file out. And back, trusting nothing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.folding import ACCENTS
from elman.data.symbols.vocabulary import (
    MOST_BYTES,
    MOST_CATEGORIES,
    Rarity,
    Vocabulary,
    check_frequency,
    check_max_categories,
)
from elman.targets.checks import shown

if TYPE_CHECKING:
    from elman.data.symbols.symbols import Symbols

Array = NDArray[Any]
Described = dict[str, Any]
Tensors = dict[str, Array]

MOST_COLUMNS = 1 << 20
"""columns of a step that a file may tell of"""

KEYS = frozenset(
    {
        *("form", "categorical", "n_columns", "feature_names", "vocabularies"),
        *("handle_unknown", "missing", "lowercase", "strip_accents"),
    }
)
MAY_LACK = frozenset({"rarity"})
"""What files have only since it is asked when training goes on."""


def described(symbols: Symbols, prefix: str) -> tuple[Described, Tensors]:
    """The configuration and the arrays of a file."""
    names = symbols.feature_names
    config: Described = {
        "form": symbols.form,
        "categorical": [*symbols.categorical],
        "n_columns": symbols.n_columns,
        "feature_names": None if names is None else [*names],
        "handle_unknown": symbols.handle_unknown,
        "missing": symbols.missing,
        "lowercase": symbols.lowercase,
        "strip_accents": symbols.strip_accents,
        "vocabularies": [],
    }
    if symbols.rarity is not None:
        config["rarity"] = [*symbols.rarity]
    tensors: Tensors = {}
    for k, vocabulary in enumerate(symbols.vocabularies):
        words, arrays = _described_vocabulary(vocabulary)
        config["vocabularies"].append(words)
        tensors |= {f"{prefix}{k}.{name}": array for name, array in arrays.items()}
    return config, tensors


def _described_vocabulary(vocabulary: Vocabulary) -> tuple[Described, Tensors]:
    tokens = [*vocabulary.tokens, *vocabulary.rare]
    has_missing = None in tokens
    missing = tokens.index(None) + 1 if has_missing else 0
    known = [token for token in tokens if token is not None]
    words = {"kind": vocabulary.kind, "missing_id": missing, "n_rare": len(vocabulary.rare)}
    arrays: Tensors = {"counts": vocabulary.counts}
    if vocabulary.kind in ("characters", "text"):
        encoded = [token.encode() for token in known]
        ends = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=ends[1:])
        arrays |= {"text": np.frombuffer(b"".join(encoded), np.uint8), "offsets": ends}
    else:
        dtype = np.int64 if vocabulary.kind == "int" else bool
        arrays["values"] = np.array(known, dtype)
    return words, arrays


# And back


def restored(config: Any, tensors: Tensors, prefix: str) -> dict[str, Any]:
    """The fields of `Symbols`, of a file that anybody may have written.

    Raises
    ------
    KeyError, TypeError, ValueError
        It describes none.
    """
    if not isinstance(config, dict) or {*config} - MAY_LACK != KEYS:
        seen = sorted(map(str, config)) if isinstance(config, dict) else config
        raise ValueError(f"symbols are described by {shown(seen)}, not by {sorted(KEYS)}")
    _one_of("form", config["form"], "characters", "tokens", "steps")
    _one_of("handle_unknown", config["handle_unknown"], "unknown", "error")
    _one_of("missing", config["missing"], "error", "mask", "skip")
    _one_of("strip_accents", config["strip_accents"], *ACCENTS)
    if not isinstance(config["lowercase"], bool):
        raise TypeError(f"lowercase is {shown(config['lowercase'])}, not true or false")
    n_columns, categorical = config["n_columns"], config["categorical"]
    if type(n_columns) is not int or not 1 <= n_columns <= MOST_COLUMNS:
        raise ValueError(f"n_columns is {shown(n_columns)}, not from 1 to {MOST_COLUMNS}")
    if config["form"] != "steps" and n_columns != 1:
        raise ValueError(f"{config['form']} have {n_columns} columns, not 1")
    if (
        not isinstance(categorical, list)
        or not categorical
        or not all(type(j) is int and 0 <= j < n_columns for j in categorical)
        or sorted(set(categorical)) != categorical
    ):
        raise ValueError(f"categorical columns are {shown(categorical)} of {n_columns}")
    rarity = None
    if "rarity" in config:
        rarity = _rarity(config["rarity"])
    names = config["feature_names"]
    if names is not None and (
        not isinstance(names, list)
        or len(names) != n_columns
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(f"feature_names are {shown(names)} of {n_columns} columns")
    of_columns = config["vocabularies"]
    if not isinstance(of_columns, list) or len(of_columns) != len(categorical):
        raise ValueError(f"there are not {len(categorical)} vocabularies, one for each column")
    vocabularies = tuple(
        _vocabulary(words, tensors, f"{prefix}{k}") for k, words in enumerate(of_columns)
    )
    for vocabulary in vocabularies:
        if (vocabulary.kind == "characters") != (config["form"] == "characters"):
            raise ValueError(f"a vocabulary of {vocabulary.kind} belongs to {config['form']}")
    return {
        **config,
        "categorical": tuple(categorical),
        "feature_names": None if names is None else tuple(names),
        "vocabularies": vocabularies,
        "rarity": rarity,
    }


def _rarity(described: Any) -> Rarity:
    if not isinstance(described, list) or len(described) != 2:
        raise TypeError(f"rarity is {shown(described)}, not a list of two")
    check_frequency(described[0])
    check_max_categories(described[1])
    return Rarity(*described)


def _one_of(name: str, value: Any, *choices: str | None) -> None:
    if not (value is None or isinstance(value, str)) or value not in choices:
        raise ValueError(f"{name} is {shown(value)}, not one of {choices}")


def _vocabulary(words: Any, tensors: Tensors, prefix: str) -> Vocabulary:
    if not isinstance(words, dict) or set(words) != {"kind", "missing_id", "n_rare"}:
        raise ValueError(f"{prefix} is described by {shown(words)}")
    kind, missing_id, n_rare = words["kind"], words["missing_id"], words["n_rare"]
    _one_of(f"{prefix}: kind", kind, "characters", "text", "int", "bool")
    counts = _array(tensors, f"{prefix}.counts", np.int64)
    if not 2 <= len(counts) <= MOST_CATEGORIES:
        raise ValueError(f"{prefix} has {len(counts)} categories; at least 2 are expected")
    if (counts < 0).any() or float(counts.sum(dtype=np.float64)) >= 2.0**62:
        raise ValueError(f"{prefix}.counts are no numbers of occurrences")
    for name, value in (("missing_id", missing_id), ("n_rare", n_rare)):
        if type(value) is not int or value < 0:
            raise ValueError(f"{prefix}: {name} is {shown(value)}")
    tokens: list[Any]
    if kind in ("characters", "text"):
        tokens = _texts(
            _array(tensors, f"{prefix}.text", np.uint8),
            _array(tensors, f"{prefix}.offsets", np.int64),
            prefix,
        )
        if kind == "characters" and any(len(token) != 1 for token in tokens):
            raise ValueError(f"{prefix} holds tokens that are not one character")
    else:
        wanted = np.int64 if kind == "int" else np.bool_
        tokens = _array(tensors, f"{prefix}.values", wanted).tolist()
    if len(set(tokens)) < len(tokens):
        raise ValueError(f"{prefix} holds a token twice")
    n_known = len(counts) - 1
    if missing_id:
        if kind == "characters" or missing_id > n_known:
            raise ValueError(f"{prefix}: missing_id is {missing_id} of {len(counts)} categories")
        tokens.insert(missing_id - 1, None)
    if len(tokens) != n_known + n_rare:
        raise ValueError(
            f"{prefix} has {len(tokens)} tokens, but {n_known} categories and {n_rare} rare tokens"
        )
    return Vocabulary(
        kind=kind,
        tokens=tuple(tokens[:n_known]),
        counts=counts,
        rare=tuple(tokens[n_known:]),
    )


def _array(tensors: Tensors, name: str, dtype: Any) -> Array:
    if name not in tensors:
        raise ValueError(f"there is no array {name}")
    array = tensors.pop(name)
    if array.ndim != 1 or array.dtype != np.dtype(dtype):
        raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}")
    return array


def _texts(text: Array, offsets: Array, prefix: str) -> list[Any]:
    """Tokens of their bytes, one after another, and where each begins and ends."""
    sizes = np.diff(offsets)
    if (
        not len(offsets)
        or offsets[0] != 0
        or offsets[-1] != len(text)
        or (offsets < 0).any()
        or (sizes < 0).any()
    ):
        raise ValueError(f"{prefix}.offsets do not say where tokens begin and end")
    if len(sizes) and sizes.max() > MOST_BYTES:
        raise ValueError(
            f"{prefix} holds a token of {int(sizes.max()):,} bytes; at most {MOST_BYTES:,} are one"
        )
    whole, at = text.tobytes(), offsets.tolist()
    try:
        return [whole[start:end].decode() for start, end in itertools.pairwise(at)]
    except UnicodeDecodeError as error:
        raise ValueError(f"{prefix} holds a token that is not UTF-8 ({error.reason})") from error
