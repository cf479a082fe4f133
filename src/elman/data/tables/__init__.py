"""Tables of every library, and files of tables, to sequences; answers back to tables."""

from elman.data.tables.answers import to_table
from elman.data.tables.assembly import dataset_of
from elman.data.tables.frames import columns_of
from elman.data.tables.reading import from_table

__all__ = ["columns_of", "dataset_of", "from_table", "to_table"]
