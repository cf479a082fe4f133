"""docs/how-to/deploy/keras.md, pasted, with Keras on JAX: also what the default suite skips."""

from __future__ import annotations

import os
from importlib.util import find_spec

from helpers.pages import DOCS, Runner, Skipped, blocks, pieces
from helpers.runtimes import absent

PAGE = DOCS / "how-to" / "deploy" / "keras.md"


def test_every_piece_runs_and_prints_what_the_page_says(tmp_path, monkeypatch):
    os.environ.setdefault("KERAS_BACKEND", "jax")  # which keras reads when it is imported
    if find_spec("keras") is None:
        absent("keras")
    import keras

    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    runner = Runner(PAGE)
    for block in blocks(PAGE, skipping=False):
        runner.run(block)


def test_nothing_is_skipped_for_another_reason():
    skipped = [each for each in pieces(PAGE) if isinstance(each, Skipped)]
    assert {each.reason for each in skipped} == {"needs keras"}
    assert len(skipped) >= 5
