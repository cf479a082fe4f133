"""Columns of numbers in; a data frame of a library that is installed out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def to_frame(columns: Mapping[str, Any], caller: str, otherwise: str = "") -> Any:
    """A data frame of the columns: pandas' if it is installed, else Polars'.

    Parameters
    ----------
    columns : mapping of str to sequence
        Of equal length.
    caller : str
        What an error says needs the library, such as "History.to_frame".
    otherwise : str
        What an error says to do without one.

    Raises
    ------
    ImportError
        Neither is installed.
    """
    try:
        import pandas as pd
    except ImportError:
        try:
            import polars as pl
        except ImportError as error:
            raise ImportError(
                f"{caller} needs pandas or polars: pip install pandas"
                + (otherwise and f"; {otherwise}")
            ) from error
        return pl.DataFrame(dict(columns))
    return pd.DataFrame(dict(columns))
