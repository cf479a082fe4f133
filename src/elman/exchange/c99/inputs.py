"""The features of a step in; what the network reads of them out, as C functions.

In the order of `elman.data.frontend`: missing values, standardisation, scaling by the recording's
own amplitude, means of blocks, differences, indicators.
"""

from __future__ import annotations

import numpy as np

from elman.data.frontend import LEAST_AMPLITUDE
from elman.exchange.c99.constants import Constants
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import Field
from elman.exchange.c99.template import fill, joined


def fields(plan: Plan) -> list[Field]:
    """What is kept of the steps of a sequence before the network reads them."""
    front, n = plan.model.frontend, plan.n_numbers
    found = []
    if front.stride > 1:
        found.append(Field("double", "block_sum", str(n), "of the block that has begun"))
        found.append(Field("uint32_t", "block_size", "", "its steps so far"))
        if plan.nan == "mask":
            found.append(Field("uint32_t", "block_gaps", str(n), "its missing values"))
    if front.deltas:
        size = str(front.deltas * n)
        found.append(Field("double", "before", size, "of the last block: differences are from it"))
        found.append(Field("uint8_t", "known", size, "which of them there are"))
    if front.scale_each:
        found.append(Field("double", "centre", str(n), "the mean of each feature"))
        found.append(Field("double", "amplitude", str(n), "its amplitude about it"))
        if plan.nan == "mask":
            found.append(Field("uint8_t", "observed", str(n), "whether it was ever observed"))
    return found


def reset_text(plan: Plan) -> str:
    """Statements that begin a sequence."""
    front, n = plan.model.frontend, plan.n_numbers
    lines = []
    if front.stride > 1:
        lines += ["state->block_size = 0;", f"for (j = 0; j < {n}; j++) {{"]
        lines += ["    state->block_sum[j] = 0;"]
        if plan.nan == "mask":
            lines += ["    state->block_gaps[j] = 0;"]
        lines += ["}"]
    if front.deltas:
        lines += [f"for (j = 0; j < {front.deltas * n}; j++) {{", "    state->before[j] = 0;"]
        lines += ["    state->known[j] = 0;", "}"]
    return "\n".join(lines)


def inputs_text(plan: Plan, constants: Constants) -> str:
    """The functions; the last of them is `advance(state, x, inputs, ready)`."""
    for i, (mean, scale) in enumerate(plan.affine):
        constants.vector(f"mean{i}", mean, "Features are standardised: (x - mean) / scale")
        constants.vector(f"scale{i}", scale)
    if not plan.fronted:
        return _take(plan, constants)
    front = plan.model.frontend
    if front.deltas:
        constants.vector("delta_scale", front.delta_scale[: front.deltas])
    if front.scale_each and front.log_amplitude is not None:
        constants.vector("log_mean", front.log_amplitude.mean, "Of logarithms of amplitudes")
        constants.vector("log_scale", front.log_amplitude.scale)
    return joined(
        _take(plan, constants),
        _scale_each(plan) if front.scale_each else "",
        _block_inputs(plan),
        _remember(plan) if front.deltas else "",
        _advance(plan),
        _finish(plan) if front.stride > 1 else "",
    )


# Features, one by one


def _take(plan: Plan, constants: Constants) -> str:
    """Without a front end this is `advance`; with one `standardise`, which gives doubles."""
    n, fronted = plan.n_numbers, plan.fronted
    ids, numbers = plan.columns
    column = "i"
    if numbers and numbers != tuple(range(plan.n_columns)):
        column = f"{constants.vector('number_columns', np.array(numbers, np.uint32))}[i]"
    loop = ""
    if n:
        loop = fill(
            """
            for (i = 0; i < $N; i++) {
                $number
            }
            """,
            N=n,
            number=_number(plan, column),
        )
    words = plan.words | {
        "skip": _skipping(plan),
        "categories": _categories(plan, constants, ids),
        "loop": loop,
        "how": ", standardised in double arithmetic" if plan.affine else "",
    }
    body = """
        {
            size_t i;

            $unused
            *ready = 0;
            $skip
            $categories
            $loop
            *ready = 1;
            return ${NAME}_OK;
        }
    """
    if fronted:
        head = """
        /* The features of a step$how. ready: whether the step counts, which one
         * that is skipped does not. */
        static int standardise(const $input *x, double *values, int *ready)
        """
        return fill(head, **words) + "\n" + fill(body, **words, unused="")
    head = """
        /* What the network reads of the features of a step$how.
         * ready: whether it is to read the step. */
        static int advance(${name}_state *state, const $input *x, $real *inputs, int *ready)
    """
    return fill(head, **words) + "\n" + fill(body, **words, unused="(void)state;")


def _number(plan: Plan, column: str) -> str:
    """What is done to one column of numbers."""
    fronted, first = plan.fronted, plan.n_codes
    number = "double" if fronted or plan.affine else plan.real
    place = "values[i]" if fronted else _at(first)
    indicator = _at(first + plan.n_numbers)
    changes = plan.affine or plan.nan == "mask"
    lines = [f"{'' if changes else 'const '}{number} value = x[{column}];"]
    if plan.nan == "mask":
        lines.append("const int missing = isnan(value);")
    lines += [f"value = (value - mean{i}[i]) / scale{i}[i];" for i in range(len(plan.affine))]
    if plan.nan == "error":
        lines += ["if (isnan(value)) {", "    return ${NAME}_MISSING;", "}"]
        if plan.model.missing == "mask" and not fronted:
            lines.append(f"{indicator} = 0;")
    elif plan.nan == "mask" and fronted:
        lines += ["if (missing) {", f"    {place} = NAN;", "    continue;", "}"]
    elif plan.nan == "mask":
        lines += [f"{indicator} = missing ? 1 : 0;", "if (missing) {", "    value = 0;", "}"]
    size = "fabs" if number == "double" else f"fabs{plan.f}"
    lines += [f"if (!({size}(value) <= $largest)) {{", "    return ${NAME}_TOO_LARGE;", "}"]
    cast = "($real)" if not fronted and number != plan.real else ""
    lines.append(f"{place} = {cast}value;")
    return fill("\n".join(lines), **plan.words)


def _at(first: int) -> str:
    return f"inputs[{first} + i]" if first else "inputs[i]"


def _skipping(plan: Plan) -> str:
    """A step with a missing value is skipped, whatever the size of the others."""
    if plan.nan != "skip":
        return ""
    return fill(
        """
        for (i = 0; i < $F; i++) {
            if (isinf(x[i])) {
                return ${NAME}_TOO_LARGE;
            }
        }
        for (i = 0; i < $F; i++) {
            if (isnan(x[i])) {
                return ${NAME}_OK; /* the step is skipped */
            }
        }
        """,
        **plan.words,
    )


def _categories(plan: Plan, constants: Constants, ids: tuple[int, ...]) -> str:
    symbols = plan.model.symbols
    if symbols is None or not ids:
        return ""
    counts = np.array(symbols.n_categories, np.uint32)
    constants.vector("n_categories", counts, "Categories of each column that has them")
    column = "i"
    if ids != tuple(range(len(ids))):
        column = f"{constants.vector('category_columns', np.array(ids, np.uint32))}[i]"
    missing = "return ${NAME}_MISSING;"
    if symbols.missing == "mask":
        of_each = np.array([v.missing_id for v in symbols.vocabularies], np.uint32)
        constants.vector("missing_ids", of_each, "The category of what is missing")
        missing = "id = missing_ids[i];"
    unknown = (
        "id = 0; /* unknown */"
        if symbols.handle_unknown == "unknown"
        else ("return ${NAME}_BAD_CATEGORY;")
    )
    text = """
        for (i = 0; i < $K; i++) {
            double id = x[$column];
            if (isnan(id)) {
                MISSING
            }
            if (!(fabs(id) <= 4294967295.0) || floor(id) != id) {
                return ${NAME}_BAD_CATEGORY; /* no whole number */
            }
            if (id < 0 || id >= n_categories[i]) {
                UNKNOWN
            }
            inputs[i] = ($real)id;
        }
    """.replace("MISSING\n", missing + "\n", 1).replace("UNKNOWN", unknown)
    return fill(text, **plan.words | {"column": column})


# The front end


def _scale_each(plan: Plan) -> str:
    """The mean and the amplitude of each feature of a whole sequence."""
    mask = plan.nan == "mask"
    return fill(
        """
        /* The mean of each feature of a sequence, and the root mean square about it. */
        static int measure(${name}_state *state, const $input *x, size_t n_steps)
        {
            double values[$F], sums[$F], counts[$F];
            size_t t, i;
            int pass, ready, status;

            /* Sums of the values, of what their mean is off, and of squares about it. */
            for (pass = 0; pass < 3; pass++) {
                for (i = 0; i < $F; i++) {
                    sums[i] = 0;
                    counts[i] = 0;
                }
                for (t = 0; t < n_steps; t++) {
                    status = standardise(x + t * $F, values, &ready);
                    if (status != ${NAME}_OK) {
                        return status;
                    }
                    for (i = 0; ready && i < $F; i++) {
                        const double off = pass == 0 ? values[i] : values[i] - state->centre[i];
                        $missing
                        sums[i] += pass == 2 ? off * off : off;
                        counts[i] += 1;
                    }
                }
                for (i = 0; i < $F; i++) {
                    const double share = counts[i] > 0 ? sums[i] / counts[i] : 0;
                    if (pass == 0) {
                        state->centre[i] = share;
                    } else if (pass == 1) {
                        state->centre[i] += share;
                    } else {
                        const double amplitude = sqrt(share);
                        state->amplitude[i] = amplitude > $least ? amplitude : $least;
                        $observed
                        if (!(amplitude <= DBL_MAX)) {
                            return ${NAME}_TOO_LARGE;
                        }
                    }
                }
            }
            return ${NAME}_OK;
        }
        """,
        **plan.words
        | {
            "least": repr(LEAST_AMPLITUDE),
            "missing": "if (isnan(values[i])) {\n    continue;\n}" if mask else "",
            "observed": "state->observed[i] = counts[i] > 0;" if mask else "",
        },
    )


def _block_inputs(plan: Plan) -> str:
    """Means of a block -> the inputs of the network; nothing changes."""
    front, n, mask = plan.model.frontend, plan.n_numbers, plan.nan == "mask"
    cast = "($real)" if plan.f else ""

    def check(value: str) -> list[str]:
        return [f"if (!(fabs({value}) <= $largest)) {{", "    return ${NAME}_TOO_LARGE;", "}"]

    lines = []
    if mask or front.deltas:
        lines.append("int there = " + ("!isnan(means[i]);" if mask else "1;"))
    here = "there ? means[i] : 0" if mask else "means[i]"
    lines += [f"{'' if front.deltas else 'const '}double here = {here};"]
    lines += [*check("here"), f"inputs[i] = {cast}here;"]
    start = n * (1 + front.deltas)
    log_start, mean_start = start, start + n
    if front.scale_each:
        start += 2 * n
    if plan.model.missing == "mask":
        lines.append(f"inputs[{start} + i] = {'there ? 0 : 1' if mask else '0'};")
    if front.deltas:
        lines += [
            f"for (order = 0; order < {front.deltas}; order++) {{",
            f"    const size_t at = order * {n} + i;",
            "    const double difference = here - state->before[at];",
            "    double scaled;",
            "    there = there && state->known[at];",
            "    scaled = there ? difference / delta_scale[at] : 0;",
            *("    " + line for line in check("scaled")),
            f"    inputs[{n} + at] = {cast}scaled;",
            "    here = there ? difference : 0;",
            "}",
        ]
    if front.scale_each:
        log = "(log(state->amplitude[i]) - log_mean[i]) / log_scale[i]"
        for where, value in ((log_start, log), (mean_start, "state->centre[i]")):
            value = f"(state->observed[i] ? {value} : 0)" if mask else f"({value})"
            lines.append(f"inputs[{where} + i] = {cast}{value};")
    uses_state = front.deltas or front.scale_each
    return fill(
        """
        /* What the network reads of a block, given the means of its steps. */
        static int block_inputs(const ${name}_state *state, const double *means, $real *inputs)
        {
            size_t i;
            $order

            $unused
            for (i = 0; i < $F; i++) {
                $lines
            }
            return ${NAME}_OK;
        }
        """,
        **plan.words
        | {
            "order": "size_t order;" if front.deltas else "",
            "unused": "" if uses_state else "(void)state;",
            "lines": fill("\n".join(lines), **plan.words),
        },
    )


def _remember(plan: Plan) -> str:
    """Keep what the next differences are taken from."""
    front, n, mask = plan.model.frontend, plan.n_numbers, plan.nan == "mask"
    return fill(
        """
        /* Keep a block that the network reads: the next differences are taken from it. */
        static void remember(${name}_state *state, const double *means)
        {
            size_t i, order;

            for (i = 0; i < $F; i++) {
                int there = $there;
                double here = $here;
                for (order = 0; order < $deltas; order++) {
                    const size_t at = order * $F + i;
                    const int both = there && state->known[at];
                    const double difference = both ? here - state->before[at] : 0;
                    state->before[at] = here;
                    state->known[at] = (uint8_t)there;
                    here = difference;
                    there = both;
                }
            }
        }
        """,
        **plan.words
        | {
            "there": "!isnan(means[i])" if mask else "1",
            "here": "there ? means[i] : 0" if mask else "means[i]",
            "deltas": front.deltas,
            "F": n,
        },
    )


def _advance(plan: Plan) -> str:
    front, mask = plan.model.frontend, plan.nan == "mask"
    scaled = ""
    if front.scale_each:
        scaled = (
            f"for (i = 0; i < {plan.n_numbers}; i++) {{\n"
            "    values[i] = (values[i] - state->centre[i]) / state->amplitude[i];\n}"
        )
    remember = "remember(state, values);" if front.deltas else ""
    if front.stride == 1:
        return fill(
            """
            /* Take a step into account. ready: whether the network is to read inputs. */
            static int advance(${name}_state *state, const $input *x, $real *inputs, int *ready)
            {
                double values[$F];
                $index
                int status = standardise(x, values, ready);

                if (status != ${NAME}_OK || !*ready) {
                    return status;
                }
                $scaled
                status = block_inputs(state, values, inputs);
                if (status != ${NAME}_OK) {
                    return status;
                }
                $remember
                return ${NAME}_OK;
            }
            """,
            **plan.words
            | {"index": "size_t i;" if scaled else "", "scaled": scaled, "remember": remember},
        )
    if mask:
        add = (
            "if (isnan(values[i])) {\n    state->block_gaps[i]++;\n} else {\n"
            "    state->block_sum[i] += values[i];\n}"
        )
        total = (
            "const int gap = isnan(values[i]);\n"
            "const uint32_t count = size - state->block_gaps[i] - (gap ? 1 : 0);\n"
            "values[i] = count == 0 ? NAN : (state->block_sum[i] + (gap ? 0 : values[i])) / count;"
        )
    else:
        add = "state->block_sum[i] += values[i];"
        total = "values[i] = (state->block_sum[i] + values[i]) / size;"
    return fill(
        """
        /* Take a step into account. ready: whether it ends a block, whose inputs the network is to
         * read. */
        static int advance(${name}_state *state, const $input *x, $real *inputs, int *ready)
        {
            double values[$F];
            uint32_t size;
            size_t i;
            int status = standardise(x, values, ready);

            if (status != ${NAME}_OK || !*ready) {
                return status;
            }
            $scaled
            size = state->block_size + 1;
            if (size < $stride) {
                for (i = 0; i < $F; i++) {
                    $add
                }
                state->block_size = size;
                *ready = 0;
                return ${NAME}_OK;
            }
            for (i = 0; i < $F; i++) {
                $total
            }
            status = block_inputs(state, values, inputs);
            if (status != ${NAME}_OK) {
                return status;
            }
            $remember
            for (i = 0; i < $F; i++) {
                state->block_sum[i] = 0;
                $no_gaps
            }
            state->block_size = 0;
            return ${NAME}_OK;
        }
        """,
        **plan.words
        | {
            "scaled": scaled,
            "remember": remember,
            "stride": front.stride,
            "add": add,
            "total": total,
            "no_gaps": "state->block_gaps[i] = 0;" if mask else "",
        },
    )


def _finish(plan: Plan) -> str:
    """What the network reads of a block that the end of a sequence cut short."""
    mask = plan.nan == "mask"
    count = "(state->block_size - state->block_gaps[i])" if mask else "state->block_size"
    mean = f"state->block_sum[i] / {count}"
    if mask:
        mean = f"state->block_size == state->block_gaps[i] ? NAN : {mean}"
    return fill(
        """
        /* What the network reads of a block that has begun, as if the sequence ended here. */
        static int unfinished(const ${name}_state *state, $real *inputs)
        {
            double means[$F];
            size_t i;

            for (i = 0; i < $F; i++) {
                means[i] = $mean;
            }
            return block_inputs(state, means, inputs);
        }
        """,
        **plan.words | {"mean": mean},
    )
