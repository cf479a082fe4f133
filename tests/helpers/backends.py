"""The backends that tests run on: the reference, and the kernel once for each instruction set."""

from __future__ import annotations

from elman.backends import available_isas, get_backend

BACKENDS = ["reference", *(f"native-{isa}" for isa in available_isas())]


def make_backend(name: str, n_threads: int = 1):
    """The backend of one of `BACKENDS`."""
    kind, _, isa = name.partition("-")
    if kind == "native":
        from elman.backends.native import NativeBackend

        # Eager, or the small sizes of the tests would never leave one thread.
        return NativeBackend(n_threads=n_threads, isa=isa or None, eager_threads=True)
    return get_backend(kind)
