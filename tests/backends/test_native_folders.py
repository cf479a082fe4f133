"""The C++ folders: includes go from python/ to runtime/ to kernel/, which knows no Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"
MAY_INCLUDE = {
    "python": {"python", "runtime", "kernel"},
    "runtime": {"runtime", "kernel"},
    "kernel": {"kernel"},
}
KERNEL_MAY_INCLUDE = {"cstddef", "cstdint", "immintrin.h", "arm_neon.h"}
"""Headers of others for a unit: no templates of the standard library, of which units would share
the code."""

FILES = sorted(path.relative_to(NATIVE).as_posix() for path in NATIVE.rglob("*") if path.is_file())


def includes(name):
    """The headers of ours, and those of others, that a file includes."""
    text = (NATIVE / name).read_text()
    ours = re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.M)
    return ours, re.findall(r"^\s*#\s*include\s+<([^>]+)>", text, re.M)


def test_every_file_is_in_a_folder():
    assert {name.split("/")[0] for name in FILES} == set(MAY_INCLUDE)


@pytest.mark.parametrize("name", FILES)
def test_includes_point_downward(name):
    folder = name.split("/")[0]
    ours, others = includes(name)
    for included in ours:
        assert included in FILES, f"{name} includes {included}, which is not named from native/"
        assert included.split("/")[0] in MAY_INCLUDE[folder], f"{name} includes {included}"
    for included in others:
        if folder == "kernel":
            assert included in KERNEL_MAY_INCLUDE, f"{name} includes {included}"
        elif folder == "runtime":
            assert not re.search(r"python|nanobind|numpy", included, re.I), (
                f"{name} includes {included}"
            )
