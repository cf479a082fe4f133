"""What stands behind the last colon of each recording in, y out."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import cut
from elman.data.text import Texts
from elman.data.ts.headers import Headers, unquoted
from elman.data.ts.numbers import NUMBER, is_missing
from elman.data.ts.place import Place

Array = NDArray[Any]

NO_LABEL = ("?", "NaN", "nan")
"""What the archive's programs write for a label that is not there."""
MOST_SPACED = 1000
"""Different labels with spaces that are held against the header's list."""


class Labels:
    """The label or the target of each recording.

    Parameters
    ----------
    headers : Headers
        Finished.
    place : Place
        The line that is being read.
    unlabelled : {"keep", "error"}
        What to do with a recording whose label is `?`.
    """

    def __init__(self, headers: Headers, place: Place, unlabelled: str) -> None:
        self.place = place
        self.kind = headers.label_kind
        self._headers = headers
        self._unlabelled = unlabelled
        listed = headers.labels or []
        self._known = frozenset(listed)
        self._between_commas = {word for part in listed if "," in part for word in part.split(",")}
        self._listed = " ".join(listed)
        self._spaced: set[str] = set()
        """labels that the header cannot list, because they have spaces"""
        self._first_spaced = 0, ""
        """the line of the first of them, and its error"""
        self._texts = Texts()
        self._targets = array("d")

    def split(self, line: str) -> tuple[str | None, str]:
        """The values of a recording, None if there are none, and its label."""
        if self.kind == "none":
            # The archive's writers end each dimension with a colon where no label follows.
            return (line[:-1] if line.endswith(":") else line), ""
        quote = line[-1]
        if quote in "\"'":  # there may be a colon in the label
            start = line.rfind(":" + quote, 0, -1)
            if start >= 0 and line.find(quote, start + 2) == len(line) - 1:
                return line[:start], line[start + 1 :]
        body, colon, label = line.rpartition(":")
        return (body if colon else None), label.strip()

    def add(self, text: str) -> None:
        """Take the label of the next recording."""
        if self.kind == "none":
            return
        if text in self._known:
            self._texts.append(text)
            return
        if not text:
            self.place.fail(
                "the class label, after the last ':', is missing; write ? where there is none"
            )
        if self._is_missing(text):
            if self._unlabelled == "error":
                self.place.fail(
                    f"the label is missing ({text}): write it, or leave out the recording"
                )
            if self.kind == "class":
                self._texts.append(None)
            else:
                self._targets.append(math.nan)
        elif self.kind == "class":
            label = unquoted(text)
            if self._headers.labels is not None and label not in self._known:
                self._stranger(label)
            self._texts.append(label)
        else:
            if not NUMBER.fullmatch(text):
                self.place.fail(f"the target {cut(text)} is not a number")
            self._targets.append(float(text))
            if math.isinf(self._targets[-1]):
                self.place.fail(f"the target {cut(text)} is too large for float64")

    def _is_missing(self, text: str) -> bool:
        if self.kind == "target":
            return is_missing(text)
        return text in NO_LABEL

    def _stranger(self, label: str) -> None:
        """Refuse a label that is not listed, unless its spaces may be why."""
        if label in self._spaced:
            return
        reason = f"class label {cut(label)} is not one that @classLabel lists: {cut(self._listed)}"
        if label in self._between_commas:
            self.place.fail(f"{reason}; separate the labels there by spaces, not by commas")
        one_word = len(label) > len(self._listed) or len(label.split(None, 1)) < 2
        if one_word or len(self._spaced) == MOST_SPACED:
            self.place.fail(reason)
        if not self._spaced:
            self._first_spaced = (
                self.place.line,
                f"{reason}; spaces separate the labels there, so put one that has spaces in "
                "quotes, in the header and here, or write '@classLabel true' without a list",
            )
        self._spaced.add(label)

    def check(self) -> None:
        """Hold the list of the header against all labels.

        Labels with spaces are taken although the list has their words apart, if it has the words of
        all labels and no others: then there is nothing else that it could mean.
        """
        if self._spaced:
            used = {label for label in self._texts if label is not None}
            words = Counter(word for label in used for word in label.split())
            if words != Counter(self._listed.split()):
                line, error = self._first_spaced
                self.place.fail(error, line)
            self._headers.found["classlabel"] = sorted(used)
        else:
            self._headers.check_list()

    def target(self) -> Array | None:
        """y: texts (None among them where one is missing), floats (NaN), or None without any."""
        if self.kind == "class":
            return None if max(self._texts.lengths) < 0 else self._texts.as_array()
        targets = np.array(self._targets, np.float64)
        return None if self.kind == "none" or np.isnan(targets).all() else targets
