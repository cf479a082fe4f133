"""The name of a split in, its recordings and labels out, from a file inside the package."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.data.npz import read_npz

JAPANESE_VOWELS = (
    "JapaneseVowels: 640 recordings of 9 speakers saying /ae/, as 12 LPC cepstrum coefficients a "
    "frame (Kudo, Toyama and Shimbo; UCI, doi.org/10.24432/C5NS47, CC BY 4.0)"
)


def load_japanese_vowels(
    split: Literal["train", "test"] | None = "train",
) -> tuple[list[NDArray[np.float32]], NDArray[np.str_]]:
    """Nine male speakers uttering two Japanese vowels; the task is to say who speaks.

    Parameters
    ----------
    split : {"train", "test", None}
        The official split: 270 recordings, 30 of each speaker, to train on, and 370, between 24
        and 88 of each, to test on. None gives all 640, the training recordings first.

    Returns
    -------
    X : list of ndarray of shape (n_timesteps_i, 12), float32
        LPC cepstrum coefficients of a recording's frames (6.4 ms apart); 7 to 29 frames (7 to 26
        in the training split).
    y : ndarray of shape (n_samples,) of str
        The speaker, "1" to "9".

    Raises
    ------
    ValueError
        If `split` is another value.

    Notes
    -----
    M. Kudo, J. Toyama and M. Shimbo, "Japanese Vowels", UCI Machine Learning Repository,
    https://doi.org/10.24432/C5NS47, licensed CC BY 4.0; described in "Multidimensional curve
    classification using passing-through regions", Pattern Recognition Letters 20 (1999) 1103-1111.

    Examples
    --------
    >>> X, y = load_japanese_vowels("train")
    >>> len(X), X[0].shape, y[0]
    (270, (20, 12), np.str_('1'))
    """
    if split not in ("train", "test", None):
        raise ValueError(f"split={split!r} is not known; choose 'train', 'test' or None")
    with as_file(files("elman.data") / "files" / "japanese_vowels.npz") as path:
        X, y, metadata = read_npz(path)
    n_train = int(metadata["n_train"])
    chosen = {"train": slice(None, n_train), "test": slice(n_train, None), None: slice(None)}
    labels: NDArray[Any] = np.asarray(y)[chosen[split]]
    return list(X[chosen[split]]), labels
