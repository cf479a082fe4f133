"""Texts in one array: each comes back as it was, whatever its length and characters."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.reading import peak_memory
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.data.text import Texts

ANY = st.text(st.characters(), max_size=5) | st.none()


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(ANY, max_size=9))
@example(texts=["a", "b\0"])
@example(texts=["\ud800", "é", "\U0001f600", ""])
@example(texts=[""])
@example(texts=[None])
def test_texts_come_back_as_they_were(texts):
    held = Texts(texts)
    array = held.as_array()
    assert array.tolist() == texts
    assert list(held) == texts
    if array.dtype != object:
        assert array.dtype.itemsize <= 4 * max(map(len, texts), default=1) or not any(texts)
    bytes_and_lengths = np.frombuffer(bytes(held.utf8), np.uint8), np.array(held.lengths)
    assert list(Texts.of(*bytes_and_lengths)) == texts


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["up", "down"] * 1000, "U"),
        (["a"] * 100 + ["b" * 1000], "U"),  # little in all
        (["a"] * 20_000 + ["b" * 1000], "O"),
        (["a" * 900] * 20_000 + ["b" * 1000], "U"),  # of about one length
        (["é"] * 20_000 + ["ü" * 1000], "O"),
        (["a", None], "O"),
    ],
)
def test_texts_are_of_one_width_where_that_is_no_waste(texts, kind):
    def array():
        return Texts(texts).as_array()

    assert array().dtype.kind == kind
    size = sum(len((text or "").encode()) + 8 for text in texts)
    assert peak_memory(array) < 10 * size + (6 << 20)


def test_equal_texts_among_objects_are_one():
    found = Texts(["left", None, "right", "left", "right"]).as_array()
    assert found[0] is found[3]
    assert found[2] is found[4]
