"""Sequences in; a C program that compares the answers of the C to them with those of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.data.symbols import encoded_sequences
from elman.data.validation import check_sequences
from elman.exchange.c99.header import BEGINS
from elman.exchange.c99.literals import listed, literals
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.quantising import rounded
from elman.exchange.c99.template import fill, joined

Array = NDArray[Any]

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""Of a probability, or of a value in units of its target's deviation."""


def steps_of(plan: Plan, X: Any) -> list[Array]:
    """X as C reads it: for each sequence (n_timesteps_i, n_features) of the type of its input.

    Columns stand in the order of X, those of categories with their ids.

    Raises
    ------
    TypeError, ValueError
        X is not what the model was trained on.
    """
    model = plan.model
    dtype = np.float64 if plan.input == "double" else np.float32
    if model.symbols is not None:
        data: Sequences = encoded_sequences(
            X, model.symbols, name="test_vectors", dtype=None, estimator=model.kind
        )
    else:
        data = check_sequences(
            X,
            name="test_vectors",
            dtype=None,
            n_features=model.n_features_in,
            two_d=model.two_d,
            feature_names=model.before[0].feature_names if model.before else model.feature_names,
            estimator=model.kind,
            ensure_min_timesteps=0,
            missing="keep" if plan.nan != "error" else "error",
        )
    ids, numbers = plan.columns
    place = np.argsort([*ids, *numbers])
    return [np.asarray(sample)[:, place].astype(dtype) for sample in data]


def answers_of(plan: Plan, steps: list[Array]) -> list[Array]:
    """What the model answers to sequences as C reads them, with the weights that C has."""
    ids, numbers = plan.columns
    model = rounded(plan.model, plan.dtype, int8=plan.int8)
    X: Any = [sample.astype(np.float64)[:, [*ids, *numbers]] for sample in steps]
    for scaler in model.before:
        X = [_scaled(sample, scaler) for sample in X]
    # The samples are plain arrays by now, without names to be compared with those of training.
    model = replace(model.after_scalers, feature_names=None)
    if model.two_d:
        answers = [_answer(model, sample[:, 0][np.newaxis]) for sample in X]
    else:
        answers = [_answer(model, [sample]) for sample in X]
    return [np.asarray(answer, np.float64) for answer in answers]


def _scaled(sample: Array, scaler: Any) -> Array:
    return np.asarray((sample - scaler.mean) / scaler.scale)


def _answer(model: Any, X: Any) -> Array:
    """Probabilities or values of one sequence, (n_outputs,) or (n_timesteps, n_outputs)."""
    data = model.check(X)
    asked = model.predict if model.kind == "RNNRegressor" else model.predict_proba
    return np.asarray(asked(data)[0]).reshape(-1)


def test_text(plan: Plan, X: Any, version: str) -> str:
    """The whole of NAME_test.c."""
    steps = steps_of(plan, X)
    if not steps:
        raise ValueError("test_vectors has no sequence: pass at least one")
    tolerance = np.full(plan.layout.n_outputs, TOLERANCE[plan.dtype.name])
    if plan.link == "identity":
        tolerance = tolerance * plan.model.target_scale.scale  # type: ignore[attr-defined]
    parts, rows = [], []
    answers = answers_of(plan, steps)
    for i, (sample, answer) in enumerate(zip(steps, answers, strict=True)):
        parts.append(_array(f"static const {plan.input} x{i}", sample, f"Sequence {i}"))
        parts.append(_array(f"static const double expected{i}", answer, ""))
        rows.append(f"{{x{i}, {len(sample)}, expected{i}, {len(answer)}}}")
    longest = max(1, *map(len, steps))
    n_answers = max(1, *map(len, answers))
    both = plan.layout.bidirectional
    return (
        joined(
            f"{BEGINS} {version}: a program that compares the answers of {plan.name}.c\n"
            " * with those of the model in Python. Compile it together with that file. */",
            f'#include "{plan.name}.h"',
            "#include <math.h>\n#include <stdio.h>",
            *parts,
            _array("static const double tolerance", tolerance, "Of each output"),
            fill(
                """
                static const struct {
                    const $input *x;
                    size_t n_steps;
                    const double *expected;
                    size_t n_expected;
                } sequences[$n] = {
                $rows
                };

                static $answer out[$n_answers];
                $scratch

                /* Whether what is in out is what was expected of a sequence. */
                static int is_right(size_t i, const char *how)
                {
                    size_t j;

                    for (j = 0; j < sequences[i].n_expected; j++) {
                        const double wanted = sequences[i].expected[j];
                        const double off = fabs((double)out[j] - wanted);
                        if (!(off <= tolerance[j % ${NAME}_N_OUTPUTS])) {
                            printf("sequence %u %s: output %u is %.17g, expected %.17g\\n",
                                   (unsigned)i, how, (unsigned)j, (double)out[j], wanted);
                            return 0;
                        }
                    }
                    return 1;
                }

                $stepwise

                int main(void)
                {
                    size_t i, n_right = 0;

                    for (i = 0; i < $n; i++) {
                        const int status =
                            ${name}_run(sequences[i].x, sequences[i].n_steps, out$passed);
                        int right = status == ${NAME}_OK && is_right(i, "as a whole");
                        if (status != ${NAME}_OK) {
                            printf("sequence %u is refused with %d\\n", (unsigned)i, status);
                        }
                        $also
                        n_right += right ? 1 : 0;
                    }
                    printf("%u of $n sequences are right\\n", (unsigned)n_right);
                    return n_right == $n ? 0 : 1;
                }
                """,
                **plan.words
                | {
                    "n": len(steps),
                    "rows": listed(rows),
                    "n_answers": n_answers,
                    "scratch": f"static {plan.real} scratch[{plan.upper}_SCRATCH({longest})];"
                    if both
                    else "",
                    "passed": ", scratch" if both else "",
                    "stepwise": _stepwise(plan),
                    "also": "right = reads_stepwise(i) && right;" if _stepwise(plan) else "",
                },
            ),
        )
        + "\n"
    )


def _stepwise(plan: Plan) -> str:
    if not plan.streams or plan.per_step:
        return ""
    answers = "predict" if plan.link == "identity" else "probabilities"
    return fill(
        """
        /* Whether a sequence that is read step by step has the answer that was expected. */
        static int reads_stepwise(size_t i)
        {
            ${name}_state state;
            size_t t;
            int status = ${NAME}_OK;

            ${name}_reset(&state);
            for (t = 0; t < sequences[i].n_steps && status == ${NAME}_OK; t++) {
                status = ${name}_step(&state, sequences[i].x + t * ${NAME}_N_FEATURES);
            }
            if (status == ${NAME}_OK) {
                status = ${name}_$answers(&state, out);
            }
            return status == ${NAME}_OK && is_right(i, "step by step");
        }
        """,
        **plan.words | {"answers": answers},
    )


def _array(declared: str, values: Array, comment: str) -> str:
    """A definition; of an empty array one with a number that nobody reads."""
    words = literals(values) or ["0"]
    above = f"/* {comment} */\n" if comment else ""
    return f"{above}{declared}[{len(words)}] = {{\n{listed(words)}\n}};"
