"""X with symbols, such as text, tokens and categories, in; arrays of category numbers out."""

from elman.data.symbols.asked import check_categorical_features
from elman.data.symbols.encoding import encoded_sequences
from elman.data.symbols.hint import (
    hint_of_token_ids,
    hint_of_unknown,
    hint_of_whole_texts,
)
from elman.data.symbols.recognising import has_symbols
from elman.data.symbols.symbols import Symbols
from elman.data.symbols.trained import renumber, symbols_of_training
from elman.data.symbols.vocabulary import Vocabulary

__all__ = [
    "Symbols",
    "Vocabulary",
    "check_categorical_features",
    "encoded_sequences",
    "has_symbols",
    "hint_of_token_ids",
    "hint_of_unknown",
    "hint_of_whole_texts",
    "renumber",
    "symbols_of_training",
]
