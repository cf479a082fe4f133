"""Fixtures of the tests of data: files to be read."""

from __future__ import annotations

import pytest


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="x.ts", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return to_file
