"""A folder with a file for each recording, and their labels, in; sequences out."""

from elman.data.folder.reading import read_folder

__all__ = ["read_folder"]
