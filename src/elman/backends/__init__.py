"""Implementations of the time loops: which there are, and which one a call uses."""

from __future__ import annotations

import os
import warnings
from functools import cache

from elman.backends.contract import Backend
from elman.backends.threads import available_threads

__all__ = ["available_backends", "available_isas", "available_threads", "get_backend"]


@cache
def available_isas() -> tuple[str, ...]:
    """Instruction sets this machine can run, slowest first; empty without the compiled kernel.

    Raises
    ------
    ImportError
        The compiled kernel was built from other sources than this package.
    """
    try:
        from elman.backends import _native  # noqa: F401
    except ImportError:
        return ()
    from elman.backends import native

    return native.available_isas()


def available_backends() -> tuple[str, ...]:
    """Names `get_backend` takes here, preferred first."""
    return ("native", "reference") if available_isas() else ("reference",)


@cache
def _warn_no_kernel() -> None:
    message = (
        "the compiled kernel is not installed (no C++20 compiler when elman was built): using the "
        "NumPy reference, which gives the same answers more slowly; install a compiler and elman "
        "again, or set ELMAN_BACKEND=reference to say that this is meant"
    )
    if os.environ.get("ELMAN_REQUIRE_NATIVE", "0") not in ("", "0"):
        raise ImportError(f"ELMAN_REQUIRE_NATIVE is set, but {message.split(':')[0]}")
    warnings.warn(message, RuntimeWarning, stacklevel=3)


def _check_isa_without_kernel(isa: str | None) -> None:
    """Refuse an instruction set asked for by name where there is no kernel to run it."""
    source = f"isa={isa!r}" if isa else f"ELMAN_ISA={os.environ.get('ELMAN_ISA')!r}"
    if isa or os.environ.get("ELMAN_ISA"):
        raise ValueError(
            f"{source} is not available here: the compiled kernel is not installed, and the "
            "reference backend has no instruction sets to choose from"
        )


def get_backend(
    name: str | None = None, *, n_threads: int | None = None, isa: str | None = None
) -> Backend:
    """The backend to use.

    Parameters
    ----------
    name : {"native", "reference"} or None
        None takes `$ELMAN_BACKEND`, else the compiled kernel, else, with one warning, the
        reference.
    n_threads : int or None
        Threads a call may use; None takes `available_threads()`.
    isa : str or None
        Instruction set of the compiled kernel; None takes `$ELMAN_ISA`, else the widest available.

    Raises
    ------
    ValueError
        An unknown or unavailable backend or instruction set; the message names those available.
    ImportError
        `ELMAN_REQUIRE_NATIVE=1` and the compiled kernel is not installed; or it was built from
        other sources than this package, unless the reference is asked for.
    """
    source = f"backend={name!r}"
    if name is None:
        name = os.environ.get("ELMAN_BACKEND") or None
        source = f"ELMAN_BACKEND={name!r}"
    choices = ("reference",) if name == "reference" else available_backends()
    if name is None:
        name = choices[0]
        if name != "native":
            _check_isa_without_kernel(isa)
            _warn_no_kernel()
    if name not in choices:
        raise ValueError(f"{source} is not available here; choose one of {', '.join(choices)}")
    n_threads = available_threads() if n_threads is None else n_threads
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if name == "native":
        from elman.backends.native import NativeBackend

        return NativeBackend(n_threads=n_threads, isa=isa)
    from elman.backends.reference import ReferenceBackend

    return ReferenceBackend()
