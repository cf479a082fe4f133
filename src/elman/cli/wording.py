"""A message in the words of Python in; the same in those of the command line out."""

from __future__ import annotations

import re

_ARGUMENT = r"\w+=(?:\[[^\]]*\]|'[^']*'|\w*)"
_BOTH = re.compile(
    rf"{_ARGUMENT}(?: (?:and|or) {_ARGUMENT})*(?:, on the command line (--[^,:;)]*)| \((--[^)]*)\))"
)
"""What is said in both: id= (--id); header=False, on the command line --no-header."""
_MISSING = re.compile(
    r"read the file with \S*missing='nan'\)? and fit with missing='mask' or 'skip' "
    r"\(elman fit --missing\)"
)
_NAMED = re.compile(r"\bfeatures=\[([^\]]*)\]")
_OPTION = re.compile(
    r"\b(id|time|features|label|step_label|target|step_target|weight|labels|max_bytes)=(?![\w'\[])"
)


def as_options(message: str) -> str:
    """An error of `elman.data.read`, which speaks of its arguments, with options in their place."""
    message = _MISSING.sub("train with --missing mask or skip (elman fit)", message)
    message = _BOTH.sub(lambda both: both[1] or both[2], message)
    message = _NAMED.sub(lambda names: "--features " + re.sub(r"['\s]", "", names[1]), message)
    message = message.replace("time_delta=True", "--time-delta")
    return _OPTION.sub(lambda name: "--" + name[1].replace("_", "-"), message)
