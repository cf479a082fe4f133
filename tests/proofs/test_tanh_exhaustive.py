"""The kernel's float32 tanh over all 2^32 inputs, on every instruction set: `make proofs`."""

from __future__ import annotations

import numpy as np
import pytest

from elman.backends import available_isas

_native = pytest.importorskip("elman.backends._native")

CHUNK = 1 << 22
ISAS = available_isas()
POSITIVE_FINITE = 0x7F800000  # bit patterns of 0 up to the largest float32; then inf, then NaN


def kernel_tanh(isa: int, x: np.ndarray) -> np.ndarray:
    y = np.empty_like(x)
    _native.tanh(isa, x, y)
    return y


@pytest.mark.parametrize("isa", range(len(ISAS)), ids=ISAS)
def test_tanh_of_every_float32(isa):
    worst_ulp = worst_absolute = 0.0
    at = np.float32(0)
    for first in range(0, 1 << 31, CHUNK):
        bits = np.arange(first, first + CHUNK, dtype=np.uint32)
        x = bits.view(np.float32)
        y = kernel_tanh(isa, x)
        # odd, to the bit, NaN and denormals included
        negative = kernel_tanh(isa, (bits | np.uint32(0x80000000)).view(np.float32))
        ordinary = bits <= POSITIVE_FINITE
        assert np.array_equal(
            (y.view(np.uint32) ^ negative.view(np.uint32))[ordinary],
            np.full(int(ordinary.sum()), 0x80000000, np.uint32),
        )
        assert np.isnan(y[~ordinary]).all()
        assert np.isnan(negative[~ordinary]).all()
        x, y = x[ordinary], y[ordinary]
        if not len(x):
            continue
        assert (y <= 1).all()
        assert (y >= 0).all()
        exact = np.tanh(x.astype(np.float64))
        error = np.abs(y - exact)
        # the spacing of float32 at the exact value; below the normal range it is that of denormals
        _, exponent = np.frexp(exact)
        ulp = error / np.ldexp(1.0, np.maximum(exponent - 24, -149))
        if ulp.max() > worst_ulp:
            worst_ulp, at = float(ulp.max()), x[int(ulp.argmax())]
        worst_absolute = max(worst_absolute, float(error.max()))
    print(f"\n{ISAS[isa]}: {worst_ulp:.3f} ulp at x = {at:.9g}, {worst_absolute:.3e} absolute")
    assert worst_ulp <= 5
    assert worst_absolute <= 3e-7


@pytest.mark.parametrize("isa", range(len(ISAS)), ids=ISAS)
def test_tanh_of_float64(isa):
    """A dense sample, since 2^64 is too many: within 4 ulp of NumPy's."""
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(50):
        x = rng.standard_normal(1 << 20) * 10.0 ** rng.uniform(-12, 1.6, 1 << 20)
        y, expected = kernel_tanh(isa, x), np.tanh(x)
        assert (np.abs(y) <= 1).all()
        assert np.array_equal(kernel_tanh(isa, -x), -y)
        worst = max(worst, float((np.abs(y - expected) / np.spacing(np.abs(expected))).max()))
    print(f"\n{ISAS[isa]} float64: {worst:.1f} ulp from NumPy on {50 << 20:,} numbers")
    assert worst <= 4
