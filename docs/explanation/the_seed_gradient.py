"""The classroom class's problems in; how far three shortcuts in backward miss the gradient out.

    python docs/explanation/the_seed_gradient.py

prints the tables of docs/explanation/the-seed.md. The rows "exact" and "all three" come from the
class, by its `backward_rule`; the script computes each shortcut on its own. It needs the package
and nothing else, and draws from a fixed seed.
"""

from __future__ import annotations

import numpy as np

from elman.scratch import ScratchSimpleRNNClassifier

NAMES = ("Wx", "Wh", "b")
SHORTCUTS = {
    "exact": frozenset(),
    "last state for every h_t": frozenset({"last state"}),
    "error at every step": frozenset({"every step"}),
    "no tanh' in the recursion": frozenset({"no tanh'"}),
    "all three": frozenset({"last state", "every step", "no tanh'"}),
}
RULES = {"exact": "exact", "all three": "notebook"}
"""The rows that the class itself computes, and the `backward_rule` of each."""


def loss(rnn, x, y):
    """1/2 ||h_T - y||^2 per sample, averaged over the batch."""
    return np.sum((rnn.forward(x) - y) ** 2) / 2 / len(x)


def numeric_gradients(rnn, x, y, step=1e-4):
    """Central differences of `loss`, an element at a time."""
    gradients = []
    for name in NAMES:
        weight = getattr(rnn, name)
        gradient = np.empty_like(weight)
        for index in np.ndindex(weight.shape):
            kept = weight[index]
            weight[index] = kept + step
            above = loss(rnn, x, y)
            weight[index] = kept - step
            gradient[index] = (above - loss(rnn, x, y)) / (2 * step)
            weight[index] = kept
        gradients.append(gradient)
    return gradients


def gradients(rnn, x, y, shortcuts):
    """Backpropagation through time of `loss`, with the shortcuts named."""
    h = rnn.forward(x)
    hs = rnn.hs
    n_samples, n_timesteps, _ = x.shape
    error = (h - y) / n_samples
    dWx, dWh, db = np.zeros_like(rnn.Wx), np.zeros_like(rnn.Wh), np.zeros_like(rnn.b)
    dh = np.zeros_like(h)
    for t in reversed(range(n_timesteps)):
        before, state = hs[t], hs[t + 1]
        if "last state" in shortcuts:
            state = before = h
        if t == n_timesteps - 1 or "every step" in shortcuts:
            dh = dh + error
        da = dh * (1 - state**2)
        dWx += x[:, t].T @ da
        dWh += before.T @ da
        db += da.sum(axis=0)
        dh = (dh if "no tanh'" in shortcuts else da) @ rnn.Wh.T
    return dWx, dWh, db


def directions(rnn, x, y, label):
    """What `backward` steps along, for a row of the tables: one array for each weight."""
    if label not in RULES:
        return gradients(rnn, x, y, SHORTCUTS[label])
    twin = ScratchSimpleRNNClassifier(
        rnn.n_features, rnn.n_nodes, learning_rate=1, backward_rule=RULES[label]
    )
    for name in NAMES:
        setattr(twin, name, getattr(rnn, name).copy())
    twin.backward(x, y, twin.forward(x))
    return [getattr(rnn, name) - getattr(twin, name) for name in NAMES]


def classroom():
    """The experiment of examples/the_seed.ipynb."""
    rnn = ScratchSimpleRNNClassifier(n_features=2, n_nodes=4)
    rnn.Wx = np.array([[1, 3, 5, 7], [3, 5, 7, 8]]) / 100
    rnn.Wh = np.array([[1, 3, 5, 7], [2, 4, 6, 8], [3, 5, 7, 8], [4, 6, 8, 10]]) / 100
    rnn.b = np.ones(4)
    return rnn, np.array([[[1, 2], [2, 3], [3, 4]]]) / 100, np.array([[0.1, 0.3, 0.5, 0.7]])


def drawn():
    """3 samples, 5 steps, 2 features, 7 nodes, at random."""
    rng = np.random.default_rng(7)
    rnn = ScratchSimpleRNNClassifier(n_features=2, n_nodes=7)
    # smaller than initialize_weights draws them, so that the states do not saturate
    rnn.Wx = rng.standard_normal((2, 7)) / 2**0.5
    rnn.Wh = rng.standard_normal((7, 7)) / 7**0.5
    rnn.b = np.zeros(7)
    return rnn, rng.standard_normal((3, 5, 2)), rng.uniform(-0.9, 0.9, (3, 7))


def table_of_errors(rnn, x, y):
    """||wrong - numeric|| / ||numeric|| for each weight, and the angle between the two."""
    numeric = numeric_gradients(rnn, x, y)
    print("| backward | Wx | Wh | b | angle to the gradient |")
    print("|---|---|---|---|---|")
    for label in SHORTCUTS:
        ours = directions(rnn, x, y, label)
        cells = []
        for mine, right in zip(ours, numeric, strict=True):
            miss = np.linalg.norm(mine - right) / np.linalg.norm(right)
            cells.append(f"{miss:.0e}" if miss < 1e-3 else f"{miss:.0%}")
        a, b = (np.concatenate([g.ravel() for g in group]) for group in (ours, numeric))
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        cells.append(f"{np.degrees(np.arccos(min(1.0, cosine))):.1f}°")
        print(f"| {label} | {' | '.join(cells)} |")


def table_of_elements(rnn, x, y):
    """The numeric gradient of every weight of the classroom's network beside the shortcut's."""
    numeric, wrong = numeric_gradients(rnn, x, y), directions(rnn, x, y, "all three")
    print("| weight | numeric | exact | all three shortcuts | that / numeric |")
    print("|---|---|---|---|---|")
    for name, right, exact, other in zip(NAMES, numeric, rnn.gradients(x, y), wrong, strict=True):
        for index in np.ndindex(right.shape):
            r, e, o = right[index], exact[index], other[index]
            print(f"| {name}{list(index)} | {r:+.6f} | {e:+.6f} | {o:+.6f} | {o / r:.2f} |")


def table_of_descents(steps=500, learning_rate=0.05):
    """Loss after so many steps of gradient descent along each of them, from the same start."""
    print(f"| backward | loss at the start | loss after {steps} steps |")
    print("|---|---|---|")
    for label in SHORTCUTS:
        rnn, x, y = drawn()
        start = loss(rnn, x, y)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(steps):
                for name, gradient in zip(NAMES, directions(rnn, x, y, label), strict=True):
                    setattr(rnn, name, getattr(rnn, name) - learning_rate * gradient)
        end = loss(rnn, x, y)
        print(f"| {label} | {start:.4f} | {f'{end:.4f}' if np.isfinite(end) else 'overflows'} |")


if __name__ == "__main__":
    print("## The classroom's network\n")
    table_of_errors(*classroom())
    print("\n## The same, weight by weight\n")
    table_of_elements(*classroom())
    print("\n## A network drawn at random\n")
    table_of_errors(*drawn())
    print("\n## Descending along each\n")
    table_of_descents()
