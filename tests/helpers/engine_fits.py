"""Fits that every engine must end with the same bits: `mpiexec -n 3 python -m mpi4py -m
helpers.engine_fits NAME...` prints, as JSON, the digest of each named one from every process.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np

from elman import RNNClassifier, RNNRegressor, RNNTagger, TrainingWarning
from elman.training.checkpoints import digest

N_SAMPLES, N_FEATURES, LONGEST = 83, 3, 7
rng = np.random.default_rng(11)
LENGTHS = rng.integers(1, LONGEST + 1, N_SAMPLES)
X = [rng.standard_normal((n, N_FEATURES)).astype(np.float32) for n in LENGTHS]
GAPS = [
    np.where(np.random.default_rng(n).random(x.shape) < 0.1, np.nan, x) for n, x in enumerate(X)
]
WHOLE = rng.standard_normal((N_SAMPLES, 5, N_FEATURES))
LABELS = np.array(["a", "b", "c"])[[int(x.sum() > 0) + int(x[0, 0] > 1) for x in X]]
NUMBERS = np.array([x.mean() for x in X])
TAGS = [(x[:, 0] > 0).astype(int) for x in X]
# All steps of most samples have no label: whole groups of a batch have nothing to learn from.
SPARSE_TAGS = [t if i % 9 == 0 else [None] * len(t) for i, t in enumerate(TAGS)]
STEPS = [x[:, :1] + x[:, 1:2] for x in X]
WEIGHTS = rng.uniform(0.1, 2, N_SAMPLES)

# A batch of 42 or 41 samples has 6 groups of 8 samples or fewer; 25 epochs are 50 steps.
COMMON = {"batch_size": 42, "max_iter": 25, "n_jobs": 1, "random_state": 4}


def classifier(**options):
    return RNNClassifier(**({"hidden_size": 4} | COMMON | options))


def tagger(**options):
    return RNNTagger(**({"hidden_size": 4} | COMMON | options))


def regressor(**options):
    return RNNRegressor(**({"hidden_size": 4} | COMMON | options))


def warm(executor):
    clf = classifier(warm_start=True, max_iter=12).fit(X, LABELS, executor=executor)
    return clf.set_params(max_iter=13).fit(X, LABELS, executor=executor)


def going_on(executor):
    clf = classifier(max_iter=13).fit(X, LABELS, executor=executor)
    return clf.partial_fit(X, LABELS)


CASES = {
    "classifier": lambda e: classifier().fit(X, LABELS, executor=e),
    "tagger": lambda e: tagger().fit(X, TAGS, executor=e),
    "regressor": lambda e: regressor().fit(X, NUMBERS, executor=e),
    "regressor of steps": lambda e: regressor().fit(X, STEPS, executor=e),
    "gru and dropout": lambda e: classifier(
        cell="gru", dropout=0.3, recurrent_dropout=0.2, bidirectional=True
    ).fit(X, LABELS, executor=e),
    "lstm of two widths": lambda e: regressor(hidden_size=(7, 4), cell="lstm").fit(
        X, NUMBERS, executor=e
    ),
    "buckets": lambda e: classifier(bucket_by_length=True).fit(X, LABELS, executor=e),
    "sample_weight": lambda e: classifier(class_weight="balanced").fit(
        X, LABELS, WEIGHTS, executor=e
    ),
    "bptt_steps": lambda e: classifier(bptt_steps=3).fit(X, LABELS, executor=e),
    "bptt_steps of targets at each step": lambda e: regressor(bptt_steps=3, stateful=True).fit(
        X, STEPS, executor=e
    ),
    "dropout of tags": lambda e: tagger(bptt_steps=2, dropout=0.4).fit(X, TAGS, executor=e),
    "initial state, one group": lambda e: classifier(learn_initial_state=True).fit(
        WHOLE, LABELS, executor=e
    ),
    "attention": lambda e: classifier(readout="attention").fit(WHOLE, LABELS, executor=e),
    "reference": lambda e: classifier(backend="reference").fit(X, LABELS, executor=e),
    "float64": lambda e: classifier(dtype="float64").fit(WHOLE, LABELS, executor=e),
    "early stopping": lambda e: classifier(early_stopping=True, n_iter_no_change=25).fit(
        X, LABELS, executor=e
    ),
    "warm_start": warm,
    "partial_fit": going_on,
    "batches smaller than the workers": lambda e: classifier(batch_size=3, max_iter=2).fit(
        X, LABELS, executor=e
    ),
    "a batch size that auto chose": lambda e: regressor(
        batch_size="auto", max_iter=2, early_stopping=True
    ).fit(X, NUMBERS, executor=e),
    "groups without labels": lambda e: tagger().fit(X, SPARSE_TAGS, executor=e),
    "front end": lambda e: classifier(
        deltas=2, stride=2, scale_each=True, missing="mask", early_stopping=True
    ).fit(GAPS, LABELS, executor=e),
    "front end of tags": lambda e: tagger(deltas="auto", stride=3, bptt_steps=2).fit(
        X, SPARSE_TAGS, executor=e
    ),
    "front end of numbers, skipping": lambda e: regressor(
        deltas=1, stride="auto", scale_each=True, missing="skip"
    ).fit(GAPS, NUMBERS, executor=e),
}
LEAN = (
    "classifier",
    "gru and dropout",
    "bptt_steps of targets at each step",
    "groups without labels",
    "front end",
)


def end_of(estimator):
    """SHA-256 of all that a fit leaves: weights, optimizer, generator and history."""
    state = estimator._going_on.optimizer.get_state()
    columns = estimator.history_.to_dict()
    timed = ("seconds", "sequences_per_second")
    return digest(
        estimator.network_.params.flat,
        *(f"{name}={value!r}" for name, value in state.items() if not hasattr(value, "dtype")),
        *(state[name] for name in sorted(state) if hasattr(state[name], "dtype")),
        repr(estimator._going_on.rng.bit_generator.state),
        repr({name: column for name, column in columns.items() if name not in timed}),
        repr((estimator.history_.best_epoch, estimator.history_.stopped_by)),
    )


SERIAL: dict[str, str] = {}


def serial(name):
    """The end of a case in this process, which is trained once."""
    if name not in SERIAL:
        SERIAL[name] = end_of(CASES[name](None))
    return SERIAL[name]


def main():
    from mpi4py import MPI

    warnings.simplefilter("error")
    warnings.simplefilter("ignore", TrainingWarning)  # a few epochs do not learn much
    found = {name: end_of(CASES[name](MPI.COMM_WORLD)) for name in sys.argv[1:]}
    every = MPI.COMM_WORLD.gather(found)
    if every is not None:
        print(json.dumps(every))


if __name__ == "__main__":
    main()
