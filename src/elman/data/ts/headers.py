"""The lines above @data in, what they promise of the recordings out."""

from __future__ import annotations

import re
from typing import Any

from elman.data.dataset import cut
from elman.data.ts.place import Place

MOST_HEADERS = 1000
LONGEST_HEADER = 1 << 18
"""Characters of one header: the names of some ten thousand classes."""

_FLAGS = ("timestamps", "missing", "univariate", "equallength")
_COUNTS = ("dimensions", "dimension", "serieslength")
_QUOTED = re.compile(r"""("[^"]++"|'[^']++')(?=\s|$)|\S+""")


class Headers:
    """What the headers of a file say so far.

    Parameters
    ----------
    place : Place
        The line that is being read.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.found: dict[str, Any] = {}
        """by lower-case name without @: bools, whole numbers, a list of labels, or text"""
        self.label_kind = "none"
        """"class", "target" or "none" """
        self.labels: list[str] | None = None
        """those that @classLabel lists, without quotes; None if it lists none"""
        self.labels_line = 0
        """where it lists them"""
        self.timestamps = False
        self.n_features: int | None = None
        self.n_timesteps: int | None = None
        """of every recording, where the headers say so"""
        self.equal_length = False
        """whether the headers say that all recordings are of one length"""

    def add(self, line: str) -> None:
        """Read a header."""
        if not line.startswith("@"):
            self.place.fail(
                f"expected a header such as '@problemName', a # comment or '@data', "
                f"found {cut(line)}"
            )
        if len(line) > LONGEST_HEADER:
            self.place.fail(
                f"a header of {len(line):,} characters, {cut(line)}; at most {LONGEST_HEADER:,} "
                "are read: leave out the list of labels if that is what is so long"
            )
        name, value = (*line[1:].split(maxsplit=1), "", "")[:2]
        name = name.lower()
        if name in self.found and name != "problemname":  # free text; some files give it twice
            self.place.fail(f"@{cut(name)[1:-1]} is given a second time; remove one")
        if len(self.found) == MOST_HEADERS:
            self.place.fail(f"more than {MOST_HEADERS:,} headers; is this a .ts file?")
        self.found[name] = self._parsed(name, value.strip())

    def _parsed(self, name: str, value: str) -> Any:
        if name in _FLAGS:
            return self._flag(name, value)
        if name in _COUNTS:
            if not re.fullmatch(r"[1-9]\d{0,8}", value, re.ASCII):
                self.place.fail(f"@{name} {cut(value)} is not a positive whole number")
            return int(value)
        if name in ("classlabel", "targetlabel"):
            first, rest = (*value.split(maxsplit=1), "", "")[:2]
            if not self._flag(name, first):
                if rest:
                    self.place.fail(f"@{name} false, yet it lists labels: {cut(rest)}")
                return False
            if name == "classlabel" and rest:
                self.labels_line = self.place.line
                return [unquoted(found.group()) for found in _QUOTED.finditer(rest)]
            return True
        return value

    def _flag(self, name: str, value: str) -> bool:
        if value.lower() not in ("true", "false"):
            self.place.fail(f"@{name} is {cut(value)}; expected true or false")
        return value.lower() == "true"

    def finish(self) -> None:
        """Check what the headers say together, at the line @data."""
        found = self.found
        self.timestamps = bool(found.get("timestamps"))
        if "classlabel" not in found and "targetlabel" not in found:
            self.place.fail(
                "no @classLabel header before @data; add '@classLabel true LABEL LABEL ...', or "
                "'@classLabel false' if the recordings have no labels"
            )
        if found.get("classlabel") and found.get("targetlabel"):
            self.place.fail("@classLabel true and @targetLabel true; a recording has one of them")
        if found.get("classlabel"):
            self.label_kind = "class"
            listed = found["classlabel"]
            self.labels = listed if isinstance(listed, list) else None
        elif found.get("targetlabel"):
            self.label_kind = "target"
        self.n_features = found.get("dimensions", found.get("dimension"))
        if found.get("univariate"):
            if self.n_features not in (None, 1):
                self.place.fail(f"@univariate true contradicts @dimensions {self.n_features}")
            self.n_features = 1
        self.equal_length = bool(found.get("equallength"))
        if found.get("equallength", True):
            self.n_timesteps = found.get("serieslength")

    def check_list(self) -> None:
        """Refuse a list that has a label twice."""
        listed = self.found.get("classlabel")
        if isinstance(listed, list) and len(set(listed)) != len(listed):
            self.place.fail(
                f"@classLabel lists a label twice: {cut(' '.join(listed))}", self.labels_line
            )


def unquoted(label: str) -> str:
    """A label without the quotes around it, if it has any."""
    quoted = len(label) > 2 and label[0] == label[-1] and label[0] in "\"'"
    return label[1:-1] if quoted else label
