"""`python -m benchmarks.tables`: the measured JSON into the tables of README.md and docs/.

Whatever stands between `<!-- figures: NAME -->` and `<!-- /figures -->` is replaced. NAME is a
part of the benchmarks, with `-ISA` where one was forced; `bench`, the compact table;
`overview`, the README's; `accuracy` and those that begin with it; `selection`; `learning` and
`learning-linear`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import learning_table, selection_table
from benchmarks.accuracy import sheets as accuracy_sheets
from benchmarks.machine import machine_text
from benchmarks.overview import overview
from benchmarks.parts import PARTS, layer, part
from benchmarks.sheet import Sheet

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
ACCURACY = ROOT / "docs" / "explanation" / "accuracy.md"
PAGES = (
    ROOT / "README.md",
    ACCURACY,
    ROOT / "docs" / "explanation" / "performance.md",
    ROOT / "docs" / "explanation" / "scale.md",
)
SECTION = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- /figures -->)", re.DOTALL)


def machine_line(result: dict[str, Any]) -> str:
    """Where, with what and when; said too if the run was a quick one."""
    line = machine_text(result["machine"], result.get("isa"))
    return f"A quick run, only to be taken as a hint. {line}" if result.get("quick") else line


def _source(name: str) -> tuple[str, Callable[[dict[str, Any]], list[Sheet]]]:
    """Which file a section comes from, and what makes its tables."""
    if name == "bench":
        return "layer", lambda result: [layer.compact(result)]
    if name == "learning":
        return "learning", learning_table.sheets
    if name.split("-")[0] in PARTS:
        return name, part(name.split("-")[0]).sheets
    raise SystemExit(f"<!-- figures: {name} -->: nothing makes these; know {', '.join(PARTS)}")


def section(name: str, results: Path) -> str | None:
    """The Markdown of a section, or None where it was not measured."""
    if name == "overview":
        return overview(results)
    if name == "learning-linear":
        return learning_table.linear_section(results)
    if name == "selection":
        return selection_table.section(results)
    if name in accuracy_sheets.SECTIONS:
        return accuracy_sheets.section(name, results)
    stem, sheets = _source(name)
    path = results / f"{stem}.json"
    if not path.exists():
        return None
    result = json.loads(path.read_text())
    return "\n\n".join([*(sheet.markdown() for sheet in sheets(result)), machine_line(result)])


def rewrite(page: str, results: Path) -> tuple[str, list[str], list[str]]:
    """The page with its sections renewed; names of those renewed, and of those left."""
    renewed: list[str] = []
    left: list[str] = []

    def fill(match: re.Match[str]) -> str:
        text = section(match[2], results)
        (left if text is None else renewed).append(match[2])
        return match[0] if text is None else f"{match[1]}\n{text}\n\n{match[3]}"

    return SECTION.sub(fill, page), renewed, left


def renew(path: Path, results: Path = RESULTS) -> None:
    """Rewrite a page, and say what was renewed."""
    page, renewed, left = rewrite(path.read_text(), results)
    path.write_text(page)
    print(f"{path.name}: {', '.join(renewed) or 'nothing'} renewed", end="")
    print(f"; not measured, left as it was: {', '.join(left)}" if left else "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON")
    args = parser.parse_args()
    for path in PAGES:
        renew(path, args.results)


if __name__ == "__main__":
    main()
