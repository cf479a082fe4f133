"""C text with gaps in; the gaps filled out."""

from __future__ import annotations

import re
from string import Template
from textwrap import dedent, indent


def fill(template: str, **values: object) -> str:
    """A template with `$name` replaced.

    Where a line holds nothing but one gap, the value may have several lines, which are indented as
    the gap is; of an empty value the line goes too.
    """
    lines = []
    for line in dedent(template).strip("\n").splitlines():
        gap = re.fullmatch(r"(\s*)\$(\w+)", line)
        if gap is None:
            lines.append(Template(line).substitute(values).rstrip())
        elif text := str(values[gap[2]]):
            lines += indent(text, gap[1]).splitlines()
    return "\n".join(lines)


def joined(*parts: str) -> str:
    """The parts that are not empty, a blank line between two."""
    return "\n\n".join(part for part in parts if part)
