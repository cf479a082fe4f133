"""The `elman` command: arguments in, tables, files and an exit code out."""

from elman.cli.app import main

__all__ = ["main"]
