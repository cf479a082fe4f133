"""An .arff file of Weka or the UCR/UEA archive in; sequences, or the columns of a table, out."""

from elman.data.arff.archive import read_arff
from elman.data.arff.table import read_arff_columns

__all__ = ["read_arff", "read_arff_columns"]
