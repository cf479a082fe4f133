"""The readouts as C: the hidden states of a sequence in, one by one; what the head reads out."""

from __future__ import annotations

import math

import numpy as np

from elman.exchange.c99.constants import Constants
from elman.exchange.c99.literals import literals
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import Field
from elman.exchange.c99.template import fill, joined
from elman.nn.readouts.attention import Attention

MEMBERS = {
    "mean": [("double", "sum", "$W", "sums of the hidden states, for their mean")],
    "max": [("$real", "peak", "$W", "the largest hidden states so far")],
    "attention": [
        ("double", "attended", "$W", "weighted sums of the hidden states, in units of 2^exponent"),
        ("double", "weight", "", "the sum of their weights, in the same units"),
        ("double", "exponent", "", ""),
    ],
}
RESET = {
    "mean": "state->sum[j] = 0;",
    "max": "state->peak[j] = -HUGE_VAL$F;",
    "attention": "state->attended[j] = 0;",
}
TAKE = {
    "mean": "state->sum[j] += $double_h;",
    "max": "state->peak[j] = h[j] <= state->peak[j] ? state->peak[j] : h[j];",
}


def folds(plan: Plan) -> list[str]:
    """The readouts that keep something between steps."""
    return [name for name in plan.readouts if name in MEMBERS]


def fields(plan: Plan) -> list[Field]:
    """What they keep of a sequence."""
    if not folds(plan):
        return []
    found = [Field("uint64_t", "n_steps", "", "steps that the network has read")]
    for name in folds(plan):
        for kind, member, size, about in MEMBERS[name]:
            found.append(
                Field(
                    kind.replace("$real", plan.real),
                    member,
                    size.replace("$W", str(plan.layout.width)),
                    about,
                )
            )
    return found


def reset_text(plan: Plan) -> str:
    """Statements that begin a sequence."""
    if not folds(plan):
        return ""
    upper = "F" if plan.f else ""
    lines = ["state->n_steps = 0;", f"for (j = 0; j < {plan.layout.width}; j++) {{"]
    lines += [f"    {RESET[name].replace('$F', upper)}" for name in folds(plan)]
    lines += ["}"]
    if "attention" in plan.readouts:
        lines += ["state->weight = 0;", "state->exponent = 0;"]
    return "\n".join(lines)


def take_text(plan: Plan, constants: Constants) -> str:
    """The function that takes the hidden states of one step into account; empty if none does."""
    if not folds(plan):
        return ""
    each = [
        TAKE[name].replace("$double_h", "(double)h[j]" if plan.f else "h[j]")
        for name in folds(plan)
        if name in TAKE
    ]
    loop = ""
    if each:
        inner = "\n".join(f"    {line}" for line in each)
        loop = f"for (j = 0; j < {plan.layout.width}; j++) {{\n{inner}\n}}"
    attends = "attention" in plan.readouts
    return joined(
        _attention(plan, constants) if attends else "",
        fill(
            """
            /* Take the hidden states of one step into account. */
            static void pool(${name}_state *state, const $real *h)
            {
                $declared

                state->n_steps++;
                $loop
                $attend
            }
            """,
            **plan.words
            | {
                "declared": "size_t j;" if each else "",
                "loop": loop,
                "attend": "attend(state, h);" if attends else "",
            },
        ),
    )


def _attention(plan: Plan, constants: Constants) -> str:
    width = plan.layout.width
    query = constants.vector("query", plan.weight(Attention.QUERY), "The query of attention")
    factor = literals(np.array([1 / math.sqrt(width)], plan.dtype))[0]
    series = [1 / math.factorial(i) for i in range(13, -1, -1)]
    constants.vector(
        "exp_series", np.array(series), "1/13!, 1/12!, ..., 1/0!: the Taylor series of exp"
    )
    power = """
        /* 2^k for a whole k of at most 0; where that is too small for a double it is 0. */
        static double power_of_2(double k)
        {
            return k < -5000 ? 0 : ldexp(1.0, (int)k);
        }
    """
    attend = """
        /* Add one step to the weighted sums of attention. Its weight is exp(score), held as r 2^k:
         * a new largest score changes the units of what was summed before without rounding. */
        static void attend(${name}_state *state, const $real *h)
        {
            const double limit = 1099511627776.0; /* 2^40 */
            $real score = 0;
            double exact, k, rest, r, exponent;
            size_t j;

            for (j = 0; j < $W; j++) {
                score += h[j] * $query[j];
            }
            score *= $factor;
            exact = score >= -limit ? (score <= limit ? ${cast}score : limit) : -limit;
            k = rint(exact * 1.4426950408889634);
            rest = exact - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10;
            r = exp_series[0];
            for (j = 1; j < 14; j++) {
                r = r * rest + exp_series[j];
            }
            exponent = k;
            if (state->weight > 0) {
                double kept;
                exponent = k > state->exponent ? k : state->exponent;
                kept = power_of_2(state->exponent - exponent);
                state->weight *= kept;
                for (j = 0; j < $W; j++) {
                    state->attended[j] *= kept;
                }
            }
            r *= power_of_2(k - exponent);
            state->weight += r;
            state->exponent = exponent;
            for (j = 0; j < $W; j++) {
                state->attended[j] += ${cast}h[j] * r;
            }
        }
    """
    words = plan.words | {"query": query, "factor": factor, "cast": "(double)" if plan.f else ""}
    return joined(fill(power), fill(attend, **words))


def value_text(plan: Plan) -> str:
    """The function that gives what the head reads; empty if that is the hidden states alone."""
    if plan.readouts in (("last",), ("every",)):
        return ""
    width, real = plan.layout.width, plan.real
    cast = f"({real})" if plan.f else ""
    parts = {
        "last": "h[j]",
        "mean": f"{cast}state->sum[j] / ({real})state->n_steps",
        "max": "state->peak[j]",
        "attention": f"{cast}state->attended[j] / {cast}state->weight",
    }
    initial, after = [], []
    for i, name in enumerate(plan.readouts):
        where = f"value[{i * width} + j]" if i else "value[j]"
        initial.append(f"{where} = h[j];")
        after.append(f"{where} = {parts[name]};")
    return fill(
        """
        /* What the head reads: $names of the hidden states; of a sequence without a step, its
         * initial state. h: the hidden states after the last step. */
        static void value_of(const ${name}_state *state, const $real *h, $real *value)
        {
            size_t j;

            for (j = 0; j < $W; j++) {
                if (state->n_steps == 0) {
                    $initial
                } else {
                    $after
                }
            }
        }
        """,
        **plan.words
        | {
            "names": ", ".join(plan.readouts),
            "initial": "\n".join(initial),
            "after": "\n".join(after),
        },
    )
