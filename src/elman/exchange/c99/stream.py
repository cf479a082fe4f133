"""The functions that read a sequence step by step: reset, step, probabilities, predict, run."""

from __future__ import annotations

from elman.exchange.c99 import inputs, readouts
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import Field
from elman.exchange.c99.template import fill, joined


def fields(plan: Plan) -> list[Field]:
    """All that is kept of a sequence."""
    states = [
        Field(plan.real, f"layer{i}", str(size), "the state of the layer")
        for i, size in enumerate(plan.state_sizes)
    ]
    return [*states, *readouts.fields(plan), *inputs.fields(plan)]


def stream_text(plan: Plan) -> str:
    """All of them; of a model that needs whole sequences they are static but for the last."""
    return joined(_reset(plan), _read(plan), _hidden(plan), _step(plan), _answers(plan), _run(plan))


def _reset(plan: Plan) -> str:
    lines = []
    for i, size in enumerate(plan.state_sizes):
        start = f"layer{i}_initial[j]" if plan.layout.learn_initial_state else "0"
        lines += [f"for (j = 0; j < {size}; j++) {{", f"    state->layer{i}[j] = {start};", "}"]
    return fill(
        """
        ${static}void ${name}_reset(${name}_state *state)
        {
            size_t j;

            $layers
            $readouts
            $inputs
        }
        """,
        **plan.words
        | {
            "static": "" if plan.streams else "static ",
            "layers": "\n".join(lines),
            "readouts": readouts.reset_text(plan),
            "inputs": inputs.reset_text(plan),
        },
    )


def _read(plan: Plan) -> str:
    """The network reads one step of inputs."""
    layout = plan.layout
    pools = bool(readouts.folds(plan))
    lines = ["layer0(state->layer0, inputs);"]
    if layout.sums_layers:
        lines += _summed(plan, "layer{i}(state->layer{i}, h);")
    else:
        lines += [
            f"layer{i}(state->layer{i}, state->layer{i - 1});" for i in range(1, layout.n_layers)
        ]
    last = "h" if layout.sums_layers else f"state->layer{layout.n_layers - 1}"
    if pools:
        lines.append(f"pool(state, {last});")
    return fill(
        """
        /* The network reads one step. */
        static void network_reads(${name}_state *state, const $real *inputs)
        {
            $declared

            $lines
        }
        """,
        **plan.words
        | {
            "declared": f"{plan.real} h[{layout.hidden_sizes[0]}]; /* of the layers so far */\n"
            "size_t j;"
            if layout.sums_layers
            else "",
            "lines": "\n".join(lines),
        },
    ).replace("{\n\n", "{\n")


def _summed(plan: Plan, call: str) -> list[str]:
    """Layer after layer, each adding its state to h."""
    size = plan.layout.hidden_sizes[0]
    lines = [f"for (j = 0; j < {size}; j++) {{", "    h[j] = state->layer0[j];", "}"]
    for i in range(1, plan.layout.n_layers):
        lines += [call.replace("{i}", str(i))] if call else []
        lines += [f"for (j = 0; j < {size}; j++) {{", f"    h[j] += state->layer{i}[j];", "}"]
    return lines


def _hidden(plan: Plan) -> str:
    """`outputs(state, out)`: what the head gives for the steps so far."""
    layout = plan.layout
    lines, declared, h = [], [], f"state->layer{layout.n_layers - 1}"
    blocks = plan.model.frontend.stride > 1
    if layout.sums_layers:
        declared += [f"{plan.real} h[{layout.hidden_sizes[0]}];", "size_t j;"]
        lines += _summed(plan, "")
        h = "h"
    if not blocks:
        return fill(
            """
            /* The outputs of the head for the steps so far. */
            static int outputs(const ${name}_state *state, $real *out)
            {
                $declared

                $lines
                return outputs_of(state, $h, out);
            }
            """,
            **plan.words | {"declared": "\n".join(declared), "lines": "\n".join(lines), "h": h},
        ).replace("{\n\n", "{\n")
    return fill(
        """
        /* The outputs of the head for the blocks that have ended. */
        static int whole_blocks(const ${name}_state *state, $real *out)
        {
            $declared

            $lines
            return outputs_of(state, $h, out);
        }

        /* The outputs of the head for the steps so far, those of a block that has begun included: a
         * copy of the state reads what there is of it. */
        static int outputs(const ${name}_state *state, $real *out)
        {
            ${name}_state end;
            $real inputs[$inputs];
            int status;

            if (state->block_size == 0) {
                return whole_blocks(state, out);
            }
            end = *state;
            status = unfinished(state, inputs);
            if (status != ${NAME}_OK) {
                return status;
            }
            network_reads(&end, inputs);
            return whole_blocks(&end, out);
        }
        """,
        **plan.words | {"declared": "\n".join(declared), "lines": "\n".join(lines), "h": h},
    ).replace("{\n\n", "{\n")


def _step(plan: Plan) -> str:
    return fill(
        """
        ${static}int ${name}_step(${name}_state *state, const $input *x)
        {
            $real inputs[$inputs];
            int ready, status = advance(state, x, inputs, &ready);

            if (status == ${NAME}_OK && ready) {
                network_reads(state, inputs);
            }
            return status;
        }
        """,
        **plan.words | {"static": "" if plan.streams else "static "},
    )


def _answers(plan: Plan) -> str:
    answers = fill(
        """
        ${static}int ${called}(const ${name}_state *state, $answer *out)
        {
            $real logits[$outputs];
            const int status = outputs(state, logits);

            if (status == ${NAME}_OK) {
                answer_of(logits, out);
            }
            return status;
        }
        """,
        **plan.words | {"static": "" if plan.streams else "static ", "called": answers_name(plan)},
    )
    if not plan.streams or plan.link == "identity":
        return answers
    if plan.link == "sigmoid":
        return joined(
            answers,
            fill(
                """
                int ${name}_predict(const ${name}_state *state, int *labels)
                {
                    $real logits[$outputs];
                    const int status = outputs(state, logits);
                    size_t j;

                    for (j = 0; status == ${NAME}_OK && j < $outputs; j++) {
                        labels[j] = logits[j] > 0;
                    }
                    return status;
                }
                """,
                **plan.words,
            ),
        )
    return joined(
        answers,
        fill(
            """
            int ${name}_predict(const ${name}_state *state)
            {
                $real logits[$outputs];
                const int status = outputs(state, logits);

                return status == ${NAME}_OK ? ${name}_most_probable(logits) : status;
            }
            """,
            **plan.words,
        ),
    )


def answers_name(plan: Plan) -> str:
    """The function that gives the answer to a state."""
    return f"{plan.name}_{'predict' if plan.link == 'identity' else 'probabilities'}"


def _run(plan: Plan) -> str:
    measure = ""
    if plan.model.frontend.scale_each:
        measure = fill(
            """
            status = measure(&state, x, n_steps);
            if (status != ${NAME}_OK) {
                return status;
            }
            """,
            **plan.words,
        )
    words = plan.words | {"answers": answers_name(plan), "measure": measure}
    if not plan.per_step:
        return fill(
            """
            int ${name}_run(const $input *x, size_t n_steps, $answer *out)
            {
                ${name}_state state;
                size_t t;
                $status

                ${name}_reset(&state);
                $measure
                for (t = 0; t < n_steps; t++) {
                    $const${name}_step(&state, x + t * $F);
                    if (status != ${NAME}_OK) {
                        return status;
                    }
                }
                return $answers(&state, out);
            }
            """,
            **words
            | {
                "status": "int status;" if measure else "",
                "const": "status = " if measure else "const int status = ",
            },
        )
    if plan.model.frontend.stride == 1:
        return fill(
            """
            int ${name}_run(const $input *x, size_t n_steps, $answer *out)
            {
                ${name}_state state;
                size_t t;
                int status;

                ${name}_reset(&state);
                $measure
                for (t = 0; t < n_steps; t++) {
                    status = ${name}_step(&state, x + t * $F);
                    if (status == ${NAME}_OK) {
                        status = $answers(&state, out + t * $outputs);
                    }
                    if (status != ${NAME}_OK) {
                        return status;
                    }
                }
                return ${NAME}_OK;
            }
            """,
            **words,
        )
    return fill(
        """
        int ${name}_run(const $input *x, size_t n_steps, $answer *out)
        {
            ${name}_state state;
            size_t t, first = 0, j; /* first: the first step that has no answer yet */
            int status;

            ${name}_reset(&state);
            $measure
            for (t = 0; t < n_steps; t++) {
                status = ${name}_step(&state, x + t * $F);
                if (status != ${NAME}_OK) {
                    return status;
                }
                if (state.block_size > 0 && t + 1 < n_steps) {
                    continue; /* all steps of a block have the answer at its end */
                }
                status = $answers(&state, out + t * $outputs);
                if (status != ${NAME}_OK) {
                    return status;
                }
                for (; first < t; first++) {
                    for (j = 0; j < $outputs; j++) {
                        out[first * $outputs + j] = out[t * $outputs + j];
                    }
                }
                first = t + 1;
            }
            return ${NAME}_OK;
        }
        """,
        **words,
    )
