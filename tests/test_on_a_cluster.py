"""docs/how-to/on-a-cluster.md, pasted: every piece of Python in order, against real libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers.pages import blocks

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "how-to" / "on-a-cluster.md"
BLOCKS = blocks(PAGE)


def run(program, folder, *arguments):
    """What a script prints, in a process whose workers import it again."""
    ran = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_piece_runs_and_prints_what_the_page_says(tmp_path):
    program = "".join(block.text for block in BLOCKS if block.language == "python")
    body = "".join(f"    {line}" if line.strip() else line for line in program.splitlines(True))
    (tmp_path / "page.py").write_text(f'if __name__ == "__main__":\n{body}', encoding="utf-8")
    printed = run("page.py", tmp_path)
    assert printed == "".join(block.text for block in BLOCKS if block.language == "text")


def test_the_page_shows_every_engine():
    assert sum(block.language == "python" for block in BLOCKS) >= 9
    for engine in ("ProcessPoolExecutor", "Client(", "MPI.COMM_WORLD", "mapInPandas", "ray.data"):
        assert engine in PAGE.read_text(encoding="utf-8")


def test_the_example_finds_what_a_serial_search_finds(tmp_path):
    printed = run(ROOT / "examples" / "search_on_a_cluster.py", tmp_path, "--samples", "30")
    assert "The scores of a serial search are equal: True" in printed


def test_the_example_loses_a_worker_and_no_bit(tmp_path):
    arguments = ["--gigabytes", "0.004", "--folder", str(tmp_path / "store")]
    printed = run(ROOT / "examples" / "on_a_cluster.py", tmp_path, *arguments)
    assert "killing worker" in printed
    on_cluster, alone = (line.split() for line in printed.splitlines()[-2:])
    assert on_cluster[:3] == ["on", "the", "cluster"]
    assert on_cluster[3] == alone[1]
