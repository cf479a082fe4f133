"""The header of a model's C: what it is, what it costs, and the functions that there are."""

from __future__ import annotations

from elman.exchange.c99 import stream, whole
from elman.exchange.c99.costs import Costs
from elman.exchange.c99.names import comment_text
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import struct_text
from elman.exchange.c99.template import fill, joined

MANY = 64
"""Features or categories that are listed in the comment; of more the first ones are."""

BEGINS = "/* Made by elman"
"""With what each file begins that was written here: such a file may be written again."""


def header_text(plan: Plan, costs: Costs, digest: str, version: str) -> str:
    """The whole of NAME.h."""
    guard = f"{plan.upper}_H"
    struct = ""
    if plan.streams:
        struct = struct_text(
            f"{plan.name}_state",
            stream.fields(plan),
            f"What is kept of a sequence while it goes on. {plan.name}_reset begins one.",
        )
    return (
        joined(
            _comment(plan, costs, digest, version),
            f"#ifndef {guard}\n#define {guard}",
            "#include <stddef.h>\n#include <stdint.h>",
            '#ifdef __cplusplus\nextern "C" {\n#endif',
            _macros(plan),
            _statuses(plan),
            struct,
            _names(plan),
            _functions(plan),
            "#ifdef __cplusplus\n}\n#endif",
            f"#endif /* {guard} */",
        )
        + "\n"
    )


# The comment


def _comment(plan: Plan, costs: Costs, digest: str, version: str) -> str:
    sections = [
        [f"Made by elman {version} from the {plan.kind} with the digest", digest],
        _network(plan),
        _features(plan),
        _missing(plan),
        _costs(plan, costs),
        _example(plan),
    ]
    lines: list[str] = []
    for section in sections:
        if section:
            lines += ["", *section] if lines else section
    return "\n".join(["/* " + lines[0], *(f" * {line}".rstrip() for line in lines[1:]), " */"])


def _network(plan: Plan) -> list[str]:
    layout = plan.layout
    cell = {"elman": f"Elman ({layout.cell.activation})", "gru": "GRU", "lstm": "LSTM"}
    sizes = " and ".join(map(str, layout.hidden_sizes))
    options = [
        text
        for text, there in (
            ("layer normalisation", layout.cell.layer_norm),
            ("both directions", layout.bidirectional),
            ("each layer's input added to its output", layout.sums_layers),
            ("a learned initial state", layout.learn_initial_state),
        )
        if there
    ]
    front = plan.model.frontend
    lines = [
        f"Network: {cell[layout.cell.name]}, {sizes} units, readout {', '.join(plan.readouts)}, "
        f"{layout.n_outputs} output(s)" + (f"; {', '.join(options)}" if options else "") + "."
    ]
    if plan.int8:
        lines.append(
            f"Weights of products are whole numbers of 8 bits with a {plan.real} for each row; the "
            "rest is"
        )
        lines.append(f"{plan.real}: state, sums, biases.")
    else:
        lines.append(f"Weights, state and sums are {plan.real}.")
    if not front.plain:
        lines.append(f"The network reads: {front.in_words()}.")
        if front.stride > 1:
            lines.append(
                f"It reads a block at its end, every {front.stride} steps; an answer knows of all "
                "steps before it."
            )
    return lines


def _features(plan: Plan) -> list[str]:
    model = plan.model
    ids, _ = plan.columns
    names = None if model.two_d else model.feature_names
    if model.two_d:
        return [f"A step is one number, {plan.input} x[1]: the next value of the series."]
    n = plan.n_columns
    what = f"one number, {plan.input} x[1]:"
    if n > 1:
        what = f"{n} numbers, {plan.input} x[{n}], in this order:"
    lines = [f"A step is {what}"]
    for j in range(min(n, MANY)):
        name = "" if names is None else f" {comment_text(names[j])}"
        category = ""
        if j in ids and model.symbols is not None:
            count = model.symbols.n_categories[ids.index(j)]
            category = f": the id of a category, 0 to {count - 1}"
        lines.append(f"  x[{j}]{name}{category}")
    if n > MANY:
        lines.append(f"  and so on to x[{n - 1}]")
    if plan.far:
        lines.append(
            "They are double, since a float would round features that lie so far from 0 too much."
        )
    if model.symbols is not None:
        for k in range(len(ids)):
            lines += _tokens(plan, k)
    return lines


def _tokens(plan: Plan, k: int) -> list[str]:
    symbols = plan.model.symbols
    assert symbols is not None
    vocabulary = symbols.vocabularies[k]
    shown = [
        f"{i} {'(missing)' if token is None else comment_text(repr(token), 30)}"
        for i, token in enumerate(vocabulary.tokens[:MANY], start=1)
    ]
    lines, line = [], f"Ids of x[{symbols.categorical[k]}]: 0 unknown"
    for each in shown:
        if len(line) + len(each) > 90:
            lines.append(line + ",")
            line = "  " + each
        else:
            line += ", " + each
    more = vocabulary.n_categories - 1 - len(shown)
    return [*lines, line + (f", and {more} more: see {plan.name}_tokens{k}" if more else "")]


def _missing(plan: Plan) -> list[str]:
    lines = {
        "error": [f"NaN in a step is refused with {plan.upper}_MISSING."],
        "mask": ["NaN in a step is a missing value: the network is told that it is missing."],
        "skip": ["A step with a NaN in it is skipped: the state stays as it is."],
    }[plan.nan if plan.n_numbers else "error"]
    symbols = plan.model.symbols
    if symbols is not None:
        if symbols.missing == "mask":
            lines = lines if plan.n_numbers else []
            lines.append("NaN in the place of an id is the category of what is missing.")
        elif symbols.missing == "skip":
            lines = ["A step with a NaN in it is skipped: the state stays as it is."]
        unknown = (
            "is read as unknown"
            if symbols.handle_unknown == "unknown"
            else f"is refused with {plan.upper}_BAD_CATEGORY"
        )
        lines.append(f"An id out of range {unknown}.")
    return lines


def _costs(plan: Plan, costs: Costs) -> list[str]:
    products = f"{costs.per_step:,} multiply-adds a step, {costs.per_answer:,} an answer."
    lines = [
        f"Flash: {costs.flash:,} bytes of constants, and a few thousand bytes of code.",
    ]
    if plan.streams:
        lines.append(
            f"RAM: {costs.state:,} bytes for the state of a sequence; about {costs.stack:,} bytes "
            "of stack."
        )
    elif plan.layout.bidirectional:
        lines.append(
            f"RAM: {costs.scratch_per_step:,} bytes of scratch memory for each step of a sequence; "
            f"about {costs.stack:,} bytes of"
        )
        lines.append("stack.")
    else:
        lines.append(f"RAM: about {costs.stack:,} bytes of stack.")
    lines.append(f"Work: {products}")
    lines.append("Nothing is allocated, and no global variable changes. Link with -lm.")
    return lines


def _example(plan: Plan) -> list[str]:
    name, upper = plan.name, plan.upper
    declare = f"{plan.answer} out[{upper}_N_OUTPUTS];"
    size = f"{upper}_N_OUTPUTS" if plan.per_step else ""
    if plan.streams:
        called = stream.answers_name(plan)
        use = (
            {
                "softmax": f'      printf("%s\\n", {name}_classes[{name}_most_probable(out)]);',
                "sigmoid": f'      printf("%f\\n", out[0]); /* of the label {name}_classes[0] */',
                "identity": '      printf("%f\\n", out[0]);',
            }[plan.link]
            .replace("*/", "")
            .replace("/*", "//")
        )
        return [
            "Example:",
            "",
            f"  {name}_state state;",
            f"  {plan.input} x[{upper}_N_FEATURES];",
            f"  {declare}",
            "",
            f"  {name}_reset(&state);",
            "  while (read_sensors(x)) { // yours",
            f"    if ({name}_step(&state, x) == {upper}_OK",
            f"        && {called}(&state, out) == {upper}_OK) {{",
            use,
            "    }",
            "  }",
        ]
    scratch = f"  {plan.real} scratch[{upper}_SCRATCH(100)];"
    rows = f"100 * {size}" if size else f"{upper}_N_OUTPUTS"
    return [
        "Example, of a sequence of 100 steps:",
        "",
        f"  {plan.input} x[100 * {upper}_N_FEATURES];",
        f"  {plan.answer} out[{rows}];",
        *([scratch] if plan.layout.bidirectional else []),
        "",
        f"  if ({name}_run(x, 100, out{', scratch' if plan.layout.bidirectional else ''}) "
        f"== {upper}_OK) {{",
        "    ...",
        "  }",
    ]


# Declarations


def _macros(plan: Plan) -> str:
    scratch = ""
    if plan.layout.bidirectional:
        scratch = fill(
            """
            /* Numbers of scratch memory that a sequence of n_steps needs. */
            #define ${NAME}_SCRATCH(n_steps) ((size_t)(n_steps) * $n)
            """,
            NAME=plan.upper,
            n=whole.scratch_per_step(plan),
        )
    classes = f"#define {plan.upper}_N_CLASSES {plan.layout.n_outputs}"
    return fill(
        """
        #define ${NAME}_N_FEATURES $F
        #define ${NAME}_N_OUTPUTS $outputs
        $classes
        $scratch
        """,
        **plan.words | {"classes": "" if plan.link == "identity" else classes, "scratch": scratch},
    )


def _statuses(plan: Plan) -> str:
    category = ""
    symbols = plan.model.symbols
    if plan.n_codes and symbols is not None:
        beyond = ", or out of range" if symbols.handle_unknown == "error" else ""
        category = (
            f"{plan.upper}_BAD_CATEGORY = -4, /* an id is no whole number{beyond}; the step was "
            "not read */"
        )
    takes_nan = plan.nan != "error" and (symbols is None or symbols.missing != "error")
    missing = (
        "not of this model, which takes NaN"
        if takes_nan
        else "a value is NaN; the step was not read"
    )
    return fill(
        """
        /* What the functions return, unless they say otherwise. */
        enum {
            ${NAME}_OK = 0,
            ${NAME}_MISSING = -1, /* $missing */
            ${NAME}_TOO_LARGE = -2, /* a value is infinite, or too large; the step was not read */
            $category
            ${NAME}_NOT_FINITE = -3 /* the answer is NaN or infinite: begin again */
        };
        """,
        **plan.words | {"category": category, "missing": missing},
    )


def _names(plan: Plan) -> str:
    parts = []
    if plan.link != "identity":
        parts.append(
            fill(
                """
                /* Names of the classes in UTF-8, in the order of the probabilities. */
                extern const char *const ${name}_classes[${NAME}_N_CLASSES];
                """,
                **plan.words,
            )
        )
    symbols = plan.model.symbols
    if symbols is not None:
        for k, vocabulary in enumerate(symbols.vocabularies):
            parts.append(
                f"/* The categories of x[{symbols.categorical[k]}] by their ids, in UTF-8; NULL "
                "for what is unknown or missing. */\n"
                f"extern const char *const {plan.name}_tokens{k}[{vocabulary.n_categories}];"
            )
    return joined(*parts)


def _functions(plan: Plan) -> str:
    parts = []
    if plan.streams:
        parts.append(
            "/* Begin a sequence. */\n" + f"void {plan.name}_reset({plan.name}_state *state);"
        )
        parts.append(
            fill(
                """
                /* Read one step, of ${NAME}_N_FEATURES numbers. */
                int ${name}_step(${name}_state *state, const $input *x);
                """,
                **plan.words,
            )
        )
        if plan.link == "identity":
            parts.append(
                fill(
                    """
                    /* The values for the steps so far: ${NAME}_N_OUTPUTS of them. */
                    int ${name}_predict(const ${name}_state *state, double *out);
                    """,
                    **plan.words,
                )
            )
        else:
            what = "labels" if plan.link == "sigmoid" else "classes"
            parts.append(
                fill(
                    """
                    /* Probabilities of all $what for the steps so far: ${NAME}_N_OUTPUTS. */
                    int ${name}_probabilities(const ${name}_state *state, $real *out);
                    """,
                    **plan.words | {"what": what},
                )
            )
        if plan.link == "softmax":
            parts.append(
                fill(
                    """
                    /* The most probable class for the steps so far: its place in ${name}_classes;
                     * or, below 0, what is wrong. */
                    int ${name}_predict(const ${name}_state *state);
                    """,
                    **plan.words,
                )
            )
        elif plan.link == "sigmoid":
            parts.append(
                fill(
                    """
                    /* 1 for each label that is there, else 0, for the steps so far. */
                    int ${name}_predict(const ${name}_state *state, int *labels);
                    """,
                    **plan.words,
                )
            )
    if plan.link == "softmax":
        parts.append(
            fill(
                """
                /* Where the largest probability stands: the place of a class in ${name}_classes. */
                int ${name}_most_probable(const $real *probabilities);
                """,
                **plan.words,
            )
        )
    parts.append(_run_declared(plan))
    return joined(*parts)


def _run_declared(plan: Plan) -> str:
    what = {"softmax": "probabilities", "sigmoid": "probabilities", "identity": "values"}[plan.link]
    rows = f"n_steps rows of {what}, one for each step" if plan.per_step else f"its {what}"
    both = plan.layout.bidirectional
    scratch = f", {plan.real} *scratch" if both else ""
    lines = [
        f"A whole sequence, of n_steps rows of {plan.upper}_N_FEATURES numbers; out takes {rows}.",
    ]
    if both:
        lines.append(f"scratch has {plan.upper}_SCRATCH(n_steps) numbers, which need not be set.")
    if not plan.per_step:
        lines.append("Of a sequence without steps it is the answer to the initial state.")
    comment = "\n * ".join(lines)
    return (
        f"/* {comment} */\nint {plan.name}_run(const {plan.input} *x, size_t n_steps, "
        f"{plan.answer} *out{scratch});"
    )
