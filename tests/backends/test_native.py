"""The compiled backend: which one is chosen, its threads, its tanh, and the processor's mode."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from helpers.backends import make_backend

from elman.backends import available_backends, available_isas, available_threads, get_backend
from elman.backends.cells import Cell, Weights

needs_kernel = pytest.mark.skipif(not available_isas(), reason="the kernel is not built")
ISAS = range(len(available_isas()))


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_unknown_backend_names_the_choices(monkeypatch):
    with pytest.raises(ValueError, match=r"backend='cuda' is not available.*reference"):
        get_backend("cuda")
    monkeypatch.setenv("ELMAN_BACKEND", "fast")
    with pytest.raises(ValueError, match=r"ELMAN_BACKEND='fast' is not available.*reference"):
        get_backend()


@needs_kernel
def test_an_unknown_isa_names_the_choices(monkeypatch):
    with pytest.raises(ValueError, match=r"isa='mmx' is not available here.*baseline"):
        get_backend("native", isa="mmx")
    monkeypatch.setenv("ELMAN_ISA", "sve")
    monkeypatch.delenv("ELMAN_BACKEND", raising=False)
    with pytest.raises(ValueError, match=r"ELMAN_ISA='sve' is not available here.*baseline"):
        get_backend()


@needs_kernel
def test_the_environment_forces_backend_and_isa(monkeypatch):
    monkeypatch.delenv("ELMAN_ISA", raising=False)
    monkeypatch.delenv("ELMAN_BACKEND", raising=False)
    assert get_backend().name == "native"
    assert get_backend().isa == available_isas()[-1]
    for isa in available_isas():
        monkeypatch.setenv("ELMAN_ISA", isa)
        assert get_backend().isa == isa
    monkeypatch.setenv("ELMAN_BACKEND", "reference")
    assert get_backend().name == "reference"


BLOCK_KERNEL = """
    import sys, warnings
    sys.modules["elman.backends._native"] = None  # as where it was never built
    from elman.backends import available_backends, get_backend
"""


def test_without_the_kernel_the_reference_runs_and_says_so_once():
    done = python(
        BLOCK_KERNEL
        + """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        print(get_backend().name, get_backend().name, available_backends(), len(caught))
        print(caught[0].category.__name__, caught[0].message)
    """,
        ELMAN_REQUIRE_NATIVE="0",
        ELMAN_BACKEND="",
        ELMAN_ISA="",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "reference reference ('reference',) 1\nRuntimeWarning the compiled"
    )


def test_a_required_kernel_that_is_missing_is_an_error():
    done = python(
        BLOCK_KERNEL + "    get_backend()",
        ELMAN_REQUIRE_NATIVE="1",
        ELMAN_BACKEND="",
        ELMAN_ISA="",
    )
    assert done.returncode == 1
    assert "ImportError: ELMAN_REQUIRE_NATIVE is set, but" in done.stderr


def test_a_forced_isa_without_the_kernel_is_an_error():
    done = python(
        BLOCK_KERNEL + "    get_backend()",
        ELMAN_REQUIRE_NATIVE="0",
        ELMAN_BACKEND="",
        ELMAN_ISA="avx2",
    )
    assert done.returncode == 1
    assert "ValueError: ELMAN_ISA='avx2'" in done.stderr


def test_threads_never_exceed_what_was_given(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    n_cpus = available_threads()
    assert 1 <= n_cpus <= (os.cpu_count() or 1)
    assert available_threads(1) == 1
    assert available_threads(10_000) == n_cpus
    assert available_threads(-1) == n_cpus
    assert available_threads(-10_000) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert available_threads() == available_threads(-1) == available_threads(5) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    assert available_threads() == n_cpus
    with pytest.raises(ValueError, match="n_jobs=0"):
        available_threads(0)


@needs_kernel
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_a_call_starts_no_more_threads_than_it_was_given():
    done = python(
        """
        import os, numpy as np
        from elman.backends import get_backend
        from elman.backends.native import NativeBackend
        from elman.backends.cells import Cell, Weights
        n_tasks = lambda: len(os.listdir("/proc/self/task"))
        X = np.ones((64, 40, 8), np.float32)
        W = Weights(*(np.ones(s, np.float32) for s in ((8, 32), (32, 32), (32,))))
        before = n_tasks()
        get_backend("native", n_threads=3).forward(Cell(), X, None, None, W)
        print(n_tasks() - before)  # too little work to wake anybody for
        for n in (1, 3, 2):
            backend = NativeBackend(n_threads=n, eager_threads=True)
            backend.forward(Cell(), X, None, None, W)
            print(n_tasks() - before)
        """,
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
    )
    assert done.stdout.split() == ["0", "0", "2", "2"], done.stderr


@needs_kernel
@pytest.mark.parametrize("isa", ISAS)
def test_tanh_float32(isa):
    from elman.backends import _native

    # a stride through all bit patterns; tests/proofs takes every one
    x = np.arange(0, 0x7F800001, 9973, dtype=np.uint32).view(np.float32)
    y, negative = np.empty_like(x), np.empty_like(x)
    _native.tanh(isa, x, y)
    _native.tanh(isa, -x, negative)
    assert np.array_equal(negative, -y)
    assert np.abs(y).max() <= 1
    exact = np.tanh(x.astype(np.float64))
    assert np.abs(y - exact).max() <= 3e-7
    assert (np.abs(y - exact) / np.spacing(exact.astype(np.float32))).max() <= 5
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0], np.float32)
    out = np.empty_like(special)
    _native.tanh(isa, special, out)
    assert np.isnan(out[:2]).all()
    assert out[2:].tolist() == [1, -1, 0, 0]
    assert np.signbit(out[4:]).tolist() == [True, False]


@needs_kernel
@pytest.mark.parametrize("isa", ISAS)
def test_tanh_float64(isa):
    from elman.backends import _native

    rng = np.random.default_rng(3)
    x = rng.standard_normal(100_003) * 10.0 ** rng.uniform(-300, 1.6, 100_003)
    y = np.empty_like(x)
    _native.tanh(isa, x, y)
    expected = np.tanh(x)
    assert np.abs(y).max() <= 1
    assert (np.abs(y - expected) / np.spacing(np.abs(expected))).max() <= 4


@needs_kernel
@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_callers_denormal_mode_is_restored(n_threads):
    X = np.ones((64, 40, 8), np.float32)
    W = Weights(*(np.ones(s, np.float32) for s in ((8, 32), (32, 32), (32,))))
    backend = make_backend("native", n_threads)
    tape = backend.forward(Cell(), X, None, None, W, keep_tape=True).tape
    assert tape is not None
    backend.backward(tape.H, None, tape)
    denormal = np.full(5, 1e-40, np.float32)
    assert (denormal * np.float32(0.5) > 0).all()


@needs_kernel
def test_backends_are_listed_preferred_first():
    assert available_backends() == ("native", "reference")
    assert set(available_isas()) <= {"baseline", "avx2", "avx512"}
    assert available_isas()[0] == "baseline"


def test_the_backend_checks_its_own_arguments():
    with pytest.raises(ValueError, match="n_threads=0"):
        get_backend("native" if available_isas() else "reference", n_threads=0)


def test_unknown_outputs_are_refused():
    X = np.ones((3, 5, 2), np.float32)
    W = Weights(*(np.ones(s, np.float32) for s in ((2, 7), (7, 7), (7,))))
    for name in available_backends():
        with pytest.raises(ValueError, match="outputs='all' is not known"):
            get_backend(name).forward(Cell(), X, None, None, W, outputs="all")  # type: ignore[arg-type]


@needs_kernel
def test_a_thread_in_the_kernel_does_not_disturb_the_end_of_the_process():
    done = python(
        """
import threading, time
import numpy as np
from elman.backends import get_backend
from elman.backends.cells import Cell, Weights

backend = get_backend("native", n_threads=1)
W = Weights(*(np.zeros(s, np.float32) for s in ((8, 64), (64, 64), (64,))))
X = np.zeros((500, 50, 8), np.float32)

def forever():
    while True:
        backend.forward(Cell(), X, None, None, W, outputs="final")

for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
"""
    )
    assert done.returncode == 0, done.stderr


@needs_kernel
def test_sizes_past_all_bounds_are_errors():
    backend = get_backend("native")
    W = Weights(*(np.zeros(s, np.float32) for s in ((2, 1), (1, 1), (1,))))
    for n_samples in (2**63 - 1, 2**60, 2**48):
        with pytest.raises((MemoryError, ValueError)):
            backend.stepper(Cell(), W, n_samples)


@needs_kernel
@pytest.mark.parametrize("every", [20, 10**7, 2**62, 2**63 - 1, 2**64])
def test_more_steps_between_checkpoints_than_there_are(every, rng):
    backend = get_backend("native")
    W = Weights(*(rng.normal(size=s) for s in ((2, 7), (7, 7), (7,))))
    X, dfinal = rng.normal(size=(3, 20, 2)), rng.normal(size=(3, 7))
    gradients = [
        backend.backward(
            None,
            dfinal,
            backend.forward(
                Cell(), X, None, None, W, outputs="final", keep_tape=True, recompute_every=k
            ).tape,
        ).dweights.arrays
        for k in (0, every)
    ]
    for whole, kept in zip(*gradients, strict=True):
        assert whole.tobytes() == kept.tobytes()
