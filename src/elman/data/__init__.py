"""From what a user has to sequences a network can take: validation, readers, data sets."""

from elman.data.layout import from_channels_first
from elman.data.sequences import Batch, Sequences
from elman.data.validation import check_sequences

__all__ = ["Batch", "Sequences", "check_sequences", "from_channels_first"]
