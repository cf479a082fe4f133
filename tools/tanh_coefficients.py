"""Coefficients of the kernel's float32 tanh: prints the two polynomials as C++ constants.

tanh(x) = x P(u) / Q(u) with u = x^2, degrees 4 and 4, minimax in relative error on [0, LIMIT].
Lawson's iteration (reweighted least squares) on the linearised rational problem. Many fits come
within 1e-8, far below one ulp; how their coefficients round decides between 4.8 and 5.5 ulp, and
tests/proofs tries every input with these. Run:

    python tools/tanh_coefficients.py
"""

from __future__ import annotations

import numpy as np

DEGREE = 4
LIMIT = 8.4  # of the fit; a little further the rational reaches 1, where the kernel cuts it off
N_POINTS = 6000
N_ITERATIONS = 300


def fit() -> tuple[float, np.ndarray, np.ndarray]:
    """Return the largest relative error, P and Q (Q[0] = 1), lowest power first."""
    k = np.arange(N_POINTS) + 0.5
    x = LIMIT * 0.5 * (1 - np.cos(np.pi * k / N_POINTS))
    x = np.maximum(x, 1e-6)
    f = np.where(x < 1e-4, 1.0, np.tanh(x) / x)
    powers = np.vander((x / LIMIT) ** 2, DEGREE + 1, increasing=True)
    weights, denominator = np.ones(N_POINTS), np.ones(N_POINTS)
    best: tuple[float, np.ndarray] | None = None
    for iteration in range(N_ITERATIONS):
        scale = np.sqrt(weights) / (f * denominator)
        system = np.hstack([powers, -f[:, None] * powers[:, 1:]]) * scale[:, None]
        norms = np.linalg.norm(system, axis=0)
        solution = np.linalg.lstsq(system / norms, f * scale, rcond=None)[0] / norms
        denominator = 1 + powers[:, 1:] @ solution[DEGREE + 1 :]
        error = np.abs(powers @ solution[: DEGREE + 1] / denominator / f - 1)
        if best is None or error.max() < best[0]:
            best = error.max(), solution
        if iteration > 3:
            weights *= np.sqrt(error / error.max() + 1e-3)
            weights /= weights.sum()
    error_max, solution = best
    unscale = LIMIT ** (-2.0 * np.arange(DEGREE + 1))
    p = solution[: DEGREE + 1] * unscale
    q = np.concatenate([[1.0], solution[DEGREE + 1 :]]) * unscale
    return error_max, p, q


def main() -> None:
    error, p, q = fit()
    print(f"// largest relative error of the exact rational: {error:.2e}")
    for name, values in (("P", p), ("Q", q)):
        body = ", ".join(
            f"{float(v):.9g}f"
            if "e" in f"{float(v):.9g}" or "." in f"{float(v):.9g}"
            else f"{float(v):.9g}.0f"
            for v in values.astype(np.float32)
        )
        print(f"constexpr float kTanh{name}[] = {{{body}}};")


if __name__ == "__main__":
    main()
