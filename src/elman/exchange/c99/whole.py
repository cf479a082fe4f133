"""The function that reads a whole sequence in both directions, in a caller's scratch memory."""

from __future__ import annotations

import numpy as np

from elman.exchange.c99 import inputs, readouts
from elman.exchange.c99.constants import Constants
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import Field
from elman.exchange.c99.template import fill, joined


def fields(plan: Plan) -> list[Field]:
    """What is kept of a sequence beside the scratch memory."""
    # Layers below may be wider than the last one.
    last = Field(plan.real, "last", str(buffer_width(plan)), "the last hidden states")
    return [last, *readouts.fields(plan), *inputs.fields(plan)]


def buffer_width(plan: Plan) -> int:
    """Numbers of a step in a buffer of hidden states."""
    return plan.layout.n_directions * max(plan.layout.hidden_sizes)


def scratch_per_step(plan: Plan) -> int:
    """Numbers of scratch memory for each step of a sequence."""
    return plan.n_inputs + min(2, plan.layout.n_layers) * buffer_width(plan)


def whole_text(plan: Plan, constants: Constants) -> str:
    """All functions that take a sequence through the layers to its answer."""
    return joined(_begin(plan), _sweep(plan), _run(plan, constants))


def _begin(plan: Plan) -> str:
    body = "\n".join(part for part in (readouts.reset_text(plan), inputs.reset_text(plan)) if part)
    if not body:
        return ""
    return fill(
        """
        /* Before the first step of a sequence. */
        static void begin(${name}_state *state)
        {
            $declared

            $body
        }
        """,
        **plan.words | {"declared": "size_t j;" if "(j = 0" in body else "", "body": body},
    ).replace("{\n\n", "{\n")


def _sweep(plan: Plan) -> str:
    return fill(
        """
        /* One layer over n rows, from the first to the last or backward. Its hidden states go to
         * out, which has out_size numbers in a row, the last to last. initial: NULL is 0. */
        static void sweep(void (*layer)($real *, const $real *), const $real *initial, size_t size,
                          size_t state_size, const $real *rows, size_t row_size, size_t n,
                          int backward, $real *out, size_t out_size, $real *last)
        {
            $real h[$most];
            size_t i, j;

            for (j = 0; j < state_size; j++) {
                h[j] = initial == NULL ? 0 : initial[j];
            }
            for (i = 0; i < n; i++) {
                const size_t t = backward ? n - 1 - i : i;
                layer(h, rows + t * row_size);
                for (j = 0; j < size; j++) {
                    out[t * out_size + j] = h[j];
                }
            }
            for (j = 0; j < size; j++) {
                last[j] = h[j];
            }
        }
        """,
        **plan.words | {"most": max(plan.state_sizes)},
    )


def _layers(plan: Plan) -> tuple[str, str]:
    """The statements that run all layers, and the buffer that then holds the last one's states."""
    layout, width = plan.layout, buffer_width(plan)
    lines, below, row_size = [], "inputs", plan.n_inputs
    for i, (size, state_size) in enumerate(zip(layout.hidden_sizes, plan.state_sizes, strict=True)):
        above = f"buffer{i % 2}"
        summed = layout.sums_layers and i
        last = "last" if summed else "state.last"
        for end, backward in (("", 0), ("_reverse", 1)):
            initial = f"layer{i}{end}_initial" if layout.learn_initial_state else "NULL"
            offset = f" + {size}" if backward else ""
            lines.append(
                f"sweep(layer{i}{end}, {initial}, {size}, {state_size}, {below}, {row_size}, n, "
                f"{backward},\n      {above}{offset}, {width}, {last}{offset});"
            )
        if summed:
            lines += [
                "for (t = 0; t < n; t++) { /* a layer's output is its states plus its input */",
                f"    for (j = 0; j < {2 * size}; j++) {{",
                f"        {above}[t * {width} + j] += {below}[t * {width} + j];",
                "    }",
                "}",
                f"for (j = 0; j < {2 * size}; j++) {{",
                "    state.last[j] += last[j];",
                "}",
            ]
        below, row_size = above, width
    return "\n".join(lines), below


def _run(plan: Plan, constants: Constants) -> str:
    layout, front = plan.layout, plan.model.frontend
    layers, rows = _layers(plan)
    width = buffer_width(plan)
    two = layout.n_layers > 1
    begins = bool(_begin(plan))
    finish = ""
    if front.stride > 1:
        finish = fill(
            """
            if (state.block_size > 0) { /* the last block is shorter */
                status = unfinished(&state, inputs + n * $inputs);
                if (status != ${NAME}_OK) {
                    return status;
                }
                n++;
            }
            """,
            **plan.words,
        )
    measure = ""
    if front.scale_each:
        measure = fill(
            """
            status = measure(&state, x, n_steps);
            if (status != ${NAME}_OK) {
                return status;
            }
            """,
            **plan.words,
        )
    words = plan.words | {
        "begin": "begin(&state);" if begins else "",
        "measure": measure,
        "finish": finish,
        "layers": layers,
        "buffer1": f"{plan.real} *const buffer1 = buffer0 + n_steps * {width};" if two else "",
        "last": f"{plan.real} last[{layout.width}];" if layout.sums_layers else "",
        "width": width,
        "size": "size_t t, n = 0"
        + (", j" if layout.sums_layers else "")
        + (", kept = 0;" if plan.per_step else ";"),
        "answers": _step_answers(plan, constants, rows, width)
        if plan.per_step
        else _one_answer(plan, rows, width),
    }
    return fill(
        """
        int ${name}_run(const $input *x, size_t n_steps, $answer *out, $real *scratch)
        {
            ${name}_state state;
            $real logits[$outputs];
            $last
            $real *const inputs = scratch;
            $real *const buffer0 = scratch + n_steps * $inputs;
            $buffer1
            $size /* n: steps that the network reads */
            int ready, status;

            $begin
            $measure
            for (t = 0; t < n_steps; t++) {
                status = advance(&state, x + t * $F, inputs + n * $inputs, &ready);
                if (status != ${NAME}_OK) {
                    return status;
                }
                n += ready ? 1 : 0;
            }
            $finish
            $layers
            $answers
        }
        """,
        **words,
    )


def _one_answer(plan: Plan, rows: str, width: int) -> str:
    pool = ""
    if readouts.folds(plan):
        pool = f"for (t = 0; t < n; t++) {{\n    pool(&state, {rows} + t * {width});\n}}"
    return fill(
        """
        $pool
        status = outputs_of(&state, state.last, logits);
        if (status == ${NAME}_OK) {
            answer_of(logits, out);
        }
        return status;
        """,
        **plan.words | {"pool": pool},
    )


def _step_answers(plan: Plan, constants: Constants, rows: str, width: int) -> str:
    """The answer to each step is that to its block; to a skipped one that to the step before."""
    stride = plan.model.frontend.stride
    place = f"(kept - 1) / {stride}" if stride > 1 else "(kept - 1)"
    row = f"{rows} + {place} * {width}"
    count = "kept++;"
    if plan.nan == "skip":
        sums = np.zeros(plan.layout.width, plan.dtype)
        for i, layer in enumerate(plan.directions):
            size = plan.layout.hidden_sizes[i]
            starts = [np.zeros(size, plan.dtype) if d.initial is None else d.initial for d in layer]
            of_layer = np.concatenate([start[:size] for start in starts])
            sums = of_layer + (sums if plan.layout.sums_layers and i else 0)
        constants.vector(
            "before_steps", sums.astype(plan.dtype), "Hidden states before the first step"
        )
        row = f"kept == 0 ? before_steps : {row}"
        count = "kept += is_complete(x + t * $F) ? 1 : 0;".replace("$F", str(plan.n_columns))
    return fill(
        """
        for (t = 0; t < n_steps; t++) {
            $count
            status = outputs_of(&state, $row, logits);
            if (status != ${NAME}_OK) {
                return status;
            }
            answer_of(logits, out + t * $outputs);
        }
        return ${NAME}_OK;
        """,
        **plan.words | {"count": count, "row": row},
    )


def complete_text(plan: Plan) -> str:
    """`is_complete(x)`, where steps are skipped that have an answer all the same."""
    if not (plan.per_step and plan.nan == "skip" and plan.layout.bidirectional):
        return ""
    return fill(
        """
        /* Whether nothing of a step is missing. */
        static int is_complete(const $input *x)
        {
            size_t i;

            for (i = 0; i < $F; i++) {
                if (isnan(x[i])) {
                    return 0;
                }
            }
            return 1;
        }
        """,
        **plan.words,
    )
