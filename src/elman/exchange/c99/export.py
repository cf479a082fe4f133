"""A trained model in; C99 that answers as it does, in files of a folder, out."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.exchange.c99.costs import Costs, costs_of
from elman.exchange.c99.golden import test_text
from elman.exchange.c99.header import BEGINS, header_text
from elman.exchange.c99.names import check_name
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.reasons import reasons_against
from elman.exchange.c99.source import source_text
from elman.exchange.digest import digest_of
from elman.exchange.parts import ExchangeError, model_of
from elman.formats.atomic import replacing

DTYPES = ("float32", "float64")
WEIGHTS = ("float", "int8")


class CFiles(NamedTuple):
    """The files that `to_c` wrote, and what they take of a machine."""

    paths: tuple[Path, ...]
    """NAME.h, NAME.c and, if it was asked for, NAME_test.c"""
    costs: Costs


def to_c(
    model: Any,
    folder: str | os.PathLike[str],
    *,
    name: str = "model",
    dtype: str = "float32",
    weights: str = "float",
    test_vectors: Any = None,
    overwrite: bool = False,
) -> CFiles:
    """Write a model as plain C99, for a microcontroller or any other program.

    It allocates nothing, changes no global variable and needs no library but math.h. A caller holds
    the state of each sequence in a struct of its own, so that several can go on at a time. The
    header says how it is used, what a step is made of, and what it costs.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        Fitted, or the file of one. A pipeline may have steps of `SequenceScaler` before it.
    folder : path-like
        Where the files go; it is made if it is not there.
    name : str, default="model"
        With which the names of files, functions and types begin: ``model_step``.
    dtype : {"float32", "float64"}, default="float32"
        The type of weights, state and sums. Probabilities differ from those of the model, computed
        in the same type, by at most 1e-5 in float32 and 1e-12 in float64, unless activation="relu"
        lets states grow without bound. Weights of a model of the other type are rounded.
    weights : {"float", "int8"}, default="float"
        "int8": the weights of products are whole numbers of 8 bits, with a scale for each row,
        which takes about a quarter of the flash; state and sums stay as `dtype` says.
        `compare_int8` says what that changes in answers.
    test_vectors : array-like, optional
        Sequences as the model takes them. NAME_test.c, a program, then compares the answers of the
        C with those of the model, where it is compiled and run.
    overwrite : bool, default=False
        Whether to replace files of these names that are not of elman's making. Those that it wrote
        earlier are replaced in any case.

    Returns
    -------
    CFiles

    Raises
    ------
    ExchangeError
        The model cannot be written as C, an argument has a value of no use, or a file is there that
        is somebody else's.
    TypeError, ValueError
        `model` is no fitted model, or `test_vectors` are no sequences that it takes.
    OSError
        A file cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.exchange.c99 import to_c
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> clf = RNNClassifier(hidden_size=4, max_iter=3, deltas=0, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = to_c(clf, folder, name="swing")
    ...     header = Path(folder, "swing.h").read_text(encoding="utf-8")
    >>> [path.name for path in written.paths]
    ['swing.h', 'swing.c']
    >>> "int swing_step(swing_state *state, const float *x);" in header
    True
    """
    return Prepared.of(
        model,
        folder,
        name=name,
        dtype=dtype,
        weights=weights,
        test_vectors=test_vectors,
        overwrite=overwrite,
    ).write()


class Prepared(NamedTuple):
    """The texts of a model's C, and the files that they are for, of which none is written yet."""

    texts: dict[Path, str]
    costs: Costs

    @classmethod
    def of(
        cls,
        model: Any,
        folder: str | os.PathLike[str],
        *,
        name: str,
        dtype: str,
        weights: str,
        test_vectors: Any,
        overwrite: bool,
    ) -> Prepared:
        """All that `to_c` does, and refuses, before it writes; it says what the arguments are."""
        check_name(name)
        if Path(folder).suffix.lower() in (".c", ".h"):
            raise ExchangeError(
                f"{folder}: is the name of a file, and C is written into a folder: pass the "
                "folder, and say with name= what the files begin with"
            )
        for argument, value, choices in (("dtype", dtype, DTYPES), ("weights", weights, WEIGHTS)):
            if value not in choices:
                raise ExchangeError(
                    f"{argument}={value!r:.60} is not known; choose one of {', '.join(choices)}"
                )
        found = model_of(model)
        reasons = reasons_against(found, dtype=dtype, weights=weights)
        if reasons:
            raise ExchangeError("this model cannot be written as C. " + " ".join(reasons))
        target = Path(folder)
        if target.exists() and not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(folder))
        files = [f"{name}.h", f"{name}.c"]
        if test_vectors is not None:
            files.append(f"{name}_test.c")
        paths = [target / file for file in files]
        if not overwrite:
            for path in paths:
                _refuse_stranger(path)
        from elman import __version__

        plan = Plan(found, name, np.dtype(dtype), weights == "int8")
        source = source_text(plan, __version__)
        costs = costs_of(plan, source.flash)
        texts = [header_text(plan, costs, digest_of(found), __version__), source.text]
        if test_vectors is not None:
            texts.append(test_text(plan, test_vectors, __version__))
        return cls(dict(zip(paths, texts, strict=True)), costs)

    def write(self) -> CFiles:
        """Write the files: all are complete on the disk before the first takes its place.

        A header beside the source of another model would compile, and answer wrongly.
        """
        for path in self.texts:
            path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(replacing(path)) for path in self.texts]
            for file, text in zip(files, self.texts.values(), strict=True):
                file.write(text.encode())
                file.flush()
        return CFiles(tuple(self.texts), self.costs)


def _refuse_stranger(path: Path) -> None:
    """Raise ExchangeError for a file that was not written here."""
    if not path.exists():
        return
    start = b""
    if path.is_file():  # to open a pipe would wait for somebody who writes to it
        with open(path, "rb") as file:
            start = file.read(len(BEGINS))
    if start != BEGINS.encode():
        raise ExchangeError(
            f"{path} is there and was not written by elman: choose another folder or name, or pass "
            "overwrite=True to replace it"
        )
