"""A .npz file in, `Dataset` out; and sequences in, a .npz file out. Nothing is ever unpickled."""

from elman.data.npz.reading import read_npz
from elman.data.npz.writing import write_npz

__all__ = ["read_npz", "write_npz"]
