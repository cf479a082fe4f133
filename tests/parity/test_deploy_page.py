"""docs/how-to/deploy/pytorch.md, pasted, with PyTorch: also what the default suite skips."""

from __future__ import annotations

import torch
from helpers.pages import DOCS, Runner, Skipped, blocks, pieces

PAGE = DOCS / "how-to" / "deploy" / "pytorch.md"


def test_every_piece_runs_and_prints_what_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    try:
        runner = Runner(PAGE)
        for block in blocks(PAGE, skipping=False):
            runner.run(block)
    finally:
        torch.set_num_threads(threads)


def test_nothing_is_skipped_for_another_reason():
    skipped = [each for each in pieces(PAGE) if isinstance(each, Skipped)]
    assert {each.reason for each in skipped} == {"needs torch"}
    assert len(skipped) >= 7
