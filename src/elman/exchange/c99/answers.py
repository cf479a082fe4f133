"""The head, the link and the labels as C: what the readout gives in, answers out."""

from __future__ import annotations

from elman.exchange.c99.constants import Constants
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.template import fill, joined


def head_text(plan: Plan, constants: Constants) -> str:
    """`outputs_of(state, h, out)`: the outputs of the head, through the link."""
    W = constants.matrix("head_W", plan.weight("head.W"), "The head")
    b = constants.vector("head_b", plan.weight("head.b"))
    read = "h"
    value = ""
    if plan.readouts not in (("last",), ("every",)):
        read, value = "value", f"{plan.real} value[{plan.layout.n_read}];"
    return joined(
        fill(
            """
            /* The outputs of the head, for hidden states h and what was kept of those before. */
            static int outputs_of(const ${name}_state *state, const $real *h, $real *out)
            {
                $value
                size_t j;

                $gather
                for (j = 0; j < $outputs; j++) {
                    out[j] = head_b[j];
                }
                $product
                for (j = 0; j < $outputs; j++) {
                    if (!(fabs$f(out[j]) <= $largest)) {
                        return ${NAME}_NOT_FINITE;
                    }
                }
                return ${NAME}_OK;
            }
            """,
            **plan.words
            | {
                "value": value,
                "gather": "value_of(state, h, value);" if value else "(void)state;",
                "product": W.product("out", read).replace("head_b", b),
            },
        ),
        _link(plan, constants),
    )


def _link(plan: Plan, constants: Constants) -> str:
    """`answer_of(out, answer)`: from the outputs of the head to what the caller is given."""
    if plan.link == "softmax":
        return fill(
            """
            /* Probabilities: the softmax of the outputs of the head. */
            static void answer_of(const $real *out, $real *answer)
            {
                $real largest = out[0], sum = 0;
                size_t j;

                for (j = 1; j < $outputs; j++) {
                    largest = out[j] > largest ? out[j] : largest;
                }
                for (j = 0; j < $outputs; j++) {
                    answer[j] = exp$f(out[j] - largest);
                    sum += answer[j];
                }
                for (j = 0; j < $outputs; j++) {
                    answer[j] /= sum;
                }
            }
            """,
            **plan.words,
        )
    if plan.link == "sigmoid":
        return fill(
            """
            /* The probability of each label: the logistic function of an output of the head. */
            static void answer_of(const $real *out, $real *answer)
            {
                size_t j;

                for (j = 0; j < $outputs; j++) {
                    answer[j] = 1 / (1 + exp$f(-out[j]));
                }
            }
            """,
            **plan.words,
        )
    scale = plan.model.target_scale  # type: ignore[attr-defined]
    constants.vector("target_scale", scale.scale, "Values are target_scale output + target_mean")
    constants.vector("target_mean", scale.mean)
    return fill(
        """
        /* Values, in double arithmetic, of the outputs of the head. */
        static void answer_of(const $real *out, double *answer)
        {
            size_t j;

            for (j = 0; j < $outputs; j++) {
                answer[j] = out[j] * target_scale[j] + target_mean[j];
            }
        }
        """,
        **plan.words,
    )


def label_text(plan: Plan) -> str:
    """`NAME_most_probable`, of models that give one label out of several."""
    if plan.link != "softmax":
        return ""
    return fill(
        """
        int ${name}_most_probable(const $real *probabilities)
        {
            int j, best = 0;

            for (j = 1; j < $outputs; j++) {
                if (probabilities[j] > probabilities[best]) {
                    best = j;
                }
            }
            return best;
        }
        """,
        **plan.words,
    )
