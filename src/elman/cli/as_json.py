"""What a command has to say in; one JSON object on standard output out."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import typer

AsJson = Annotated[
    bool, typer.Option("--json", help="Write one JSON object, and nothing else, instead of tables.")
]


def print_json(told: Mapping[str, Any]) -> None:
    """Write one JSON object and a line's end.

    Characters beyond ASCII are escaped, so that no label can tell a terminal what to do.
    """
    sys.stdout.write(json.dumps(plain(told), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """A value as JSON has it: NaN and infinity are null, and what JSON does not know is text.

    Numbers, texts, true and false keep their type, those of NumPy too.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
