"""From what a user has to sequences a network can take: validation, readers, data sets."""

from elman.data.axes import from_channels_first, unpad
from elman.data.datasets import load_japanese_vowels
from elman.data.readers import (
    Dataset,
    ReaderError,
    read,
    read_folder,
    read_npz,
    read_ts,
    write_npz,
)
from elman.data.sequences import Batch, Sequences
from elman.data.store.building import build_store
from elman.data.store.manifest import StoreError
from elman.data.store.store import SequenceStore, StoreView
from elman.data.store.writing import StoreWriter
from elman.data.synthetic import (
    make_adding_problem,
    make_noisy_sinusoids,
    make_parity,
    make_temporal_xor,
)
from elman.data.tables import from_table, to_table
from elman.data.tomita import make_tomita
from elman.data.validation import check_sequences
from elman.data.windows import windows
from elman.data.word_vectors import read_word_vectors

__all__ = [
    "Batch",
    "Dataset",
    "ReaderError",
    "SequenceStore",
    "Sequences",
    "StoreError",
    "StoreView",
    "StoreWriter",
    "build_store",
    "check_sequences",
    "from_channels_first",
    "from_table",
    "load_japanese_vowels",
    "make_adding_problem",
    "make_noisy_sinusoids",
    "make_parity",
    "make_temporal_xor",
    "make_tomita",
    "read",
    "read_folder",
    "read_npz",
    "read_ts",
    "read_word_vectors",
    "to_table",
    "unpad",
    "windows",
    "write_npz",
]
