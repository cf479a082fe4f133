"""The .c file of a model: its constants and its functions, in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from elman.exchange.c99 import answers, cells, inputs, readouts, stream, whole
from elman.exchange.c99.constants import Constants
from elman.exchange.c99.header import BEGINS
from elman.exchange.c99.literals import listed
from elman.exchange.c99.names import c_string
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import struct_text
from elman.exchange.c99.template import joined

FAST_MATH = """
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "-ffast-math lets the compiler take NaN and infinity for numbers: compile without it"
#endif
""".strip()


class Source(NamedTuple):
    """A .c file."""

    text: str
    flash: int
    """bytes of its constants"""


def source_text(plan: Plan, version: str) -> Source:
    """The whole of NAME.c."""
    constants = Constants(int8=plan.int8)
    layers = cells.layers_text(plan, constants)
    both = plan.layout.bidirectional
    functions = [
        layers,
        readouts.take_text(plan, constants),
        readouts.value_text(plan),
        answers.head_text(plan, constants),
        inputs.inputs_text(plan, constants),
        whole.complete_text(plan),
        answers.label_text(plan),
        whole.whole_text(plan, constants) if both else stream.stream_text(plan),
    ]
    names, n_bytes = _names(plan)
    struct = ""
    if not plan.streams:
        fields = (whole if both else stream).fields(plan)
        struct = struct_text(f"{plan.name}_state", fields, "What is kept of a sequence.")
    text = joined(
        f"{BEGINS} {version}: see {plan.name}.h. */",
        f'#include "{plan.name}.h"',
        "#include <float.h>\n#include <math.h>",
        FAST_MATH,
        struct,
        names,
        constants.text,
        *functions,
    )
    return Source(text + "\n", constants.n_bytes + n_bytes)


def _names(plan: Plan) -> tuple[str, int]:
    """The arrays of names, and the bytes of their characters and 32-bit pointers."""
    parts, n_bytes = [], 0
    named: list[tuple[str, list[str | None]]] = []
    if plan.link != "identity":
        classes = plan.model.classes  # type: ignore[attr-defined]
        named.append((f"{plan.name}_classes[{plan.upper}_N_CLASSES]", class_names(classes)))
    symbols = plan.model.symbols
    for k, vocabulary in enumerate(symbols.vocabularies if symbols is not None else ()):
        tokens = [None, *(None if token is None else str(token) for token in vocabulary.tokens)]
        named.append((f"{plan.name}_tokens{k}[{len(tokens)}]", tokens))
    for name, texts in named:
        words = ["NULL" if text is None else c_string(text) for text in texts]
        parts.append(f"const char *const {name} = {{\n{listed(words)}\n}};")
        n_bytes += sum(4 + (0 if text is None else len(text.encode()) + 1) for text in texts)
    return joined(*parts), n_bytes


def class_names(classes: np.ndarray) -> list[str | None]:
    """Labels as texts: as they are, or as Python writes the number."""
    return [str(label) for label in classes.tolist()]
