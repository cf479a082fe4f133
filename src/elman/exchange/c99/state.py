"""The fields of the state of a sequence, and the bytes that they take."""

from __future__ import annotations

from typing import NamedTuple

SIZES = {"double": 8, "uint64_t": 8, "float": 4, "uint32_t": 4, "uint8_t": 1}


class Field(NamedTuple):
    """A member of a struct."""

    type: str
    name: str
    size: str
    """how many of them; empty: one, and no array"""
    about: str

    @property
    def n_bytes(self) -> int:
        """What it takes."""
        return SIZES[self.type] * int(self.size or 1)


def in_order(fields: list[Field]) -> list[Field]:
    """Fields from the widest type to the narrowest, so that there are no gaps between them."""
    return sorted(fields, key=lambda field: -SIZES[field.type])


def struct_bytes(fields: list[Field]) -> int:
    """What a struct of these fields takes, where each type is aligned to its size."""
    total = sum(field.n_bytes for field in fields)
    widest = max(SIZES[field.type] for field in fields)
    return -(-total // widest) * widest


def struct_text(name: str, fields: list[Field], comment: str) -> str:
    """The definition of a struct type."""
    lines = []
    for field in in_order(fields):
        size = f"[{field.size}]" if field.size else ""
        about = f" /* {field.about} */" if field.about else ""
        lines.append(f"    {field.type} {field.name}{size};{about}")
    return "\n".join([f"/* {comment} */", "typedef struct {", *lines, f"}} {name};"])
