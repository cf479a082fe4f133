"""A trained model as plain C99: a header, a source file, and a test of them on request."""

from elman.exchange.c99.costs import Costs
from elman.exchange.c99.export import CFiles, to_c
from elman.exchange.c99.quantising import Int8Change, compare_int8
from elman.exchange.c99.reasons import reasons_against

__all__ = ["CFiles", "Costs", "Int8Change", "compare_int8", "reasons_against", "to_c"]
