"""Tables of every library, and files of tables, to sequences; answers back to tables."""

from elman.data.tables.assembly import dataset_of

__all__ = ["dataset_of"]
