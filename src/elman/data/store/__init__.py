"""Sequences on disk: a folder of plain .npy files that are read some samples at a time."""
