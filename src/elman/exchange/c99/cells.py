"""The recurrent layers as C functions: state and what a layer reads in, the new state out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import CELLS, NORM_EPSILON
from elman.exchange.c99.constants import Constants
from elman.exchange.c99.literals import literals
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.template import fill, joined
from elman.exchange.parts import Direction
from elman.nn.categories import embedding_name

Array = NDArray[Any]

SUMS = {
    "elman": ("h",),
    "gru": ("n", "r", "z", "hn"),
    "lstm": ("i", "f", "g", "o"),
}
"""The sums of a step in the order in which C has them, by our names of the biases. With a GRU's in
this order what comes of x, (n, r, z), and what comes of h, (r, z, hn), are one stretch each."""
FROM_X = {"elman": ("h",), "gru": ("n", "r", "z"), "lstm": ("i", "f", "g", "o")}
FROM_H = {"elman": ("h",), "gru": ("r", "z", "n"), "lstm": ("i", "f", "g", "o")}

ABOUT = {
    "elman": "h = f(x W_x + h W_h + b)",
    "gru": "r, z = logistic(x W_x + h W_h + b), n = tanh(x W_xn + b_n + r (h W_hn + b_hn)), "
    "h = n + z (h - n)",
    "lstm": "i, f, o = logistic(x W_x + h W_h + b), g = tanh(...), c = f c + i g, h = o tanh(c)",
}

STEPS = {
    ("elman", "tanh"): """
        for (j = 0; j < $H; j++) {
            h[j] = hyperbolic_tangent(sums[j]);
        }
    """,
    ("elman", "relu"): """
        for (j = 0; j < $H; j++) {
            h[j] = sums[j] <= 0 ? 0 : sums[j]; /* NaN stays NaN */
        }
    """,
    ("gru", "tanh"): """
        for (j = 0; j < $H; j++) {
            const $real r = logistic(sums[$H + j]);
            const $real z = logistic(sums[$H2 + j]);
            const $real n = hyperbolic_tangent(sums[j] + r * sums[$H3 + j]);
            h[j] = n + z * (h[j] - n);
        }
    """,
    ("lstm", "tanh"): """
        for (j = 0; j < $H; j++) {
            const $real i = logistic(sums[j]);
            const $real f = logistic(sums[$H + j]);
            const $real g = hyperbolic_tangent(sums[$H2 + j]);
            const $real o = logistic(sums[$H3 + j]);
            const $real c = f * h[$H + j] + i * g; /* the cell's own state is behind h */
            h[$H + j] = c;
            h[j] = o * hyperbolic_tangent(c);
        }
    """,
}


def layers_text(plan: Plan, constants: Constants) -> str:
    """The functions of all layers, in each direction; their weights go to the constants."""
    cell, texts = plan.layout.cell, []
    embeddings = []
    for k, (_, size) in enumerate(plan.layout.categories):
        if size:
            E = plan.weight(embedding_name(k))
            embeddings.append(f"embedding{k}")
            constants.matrix(f"embedding{k}", E, f"Vectors of the categories of column {k}")
    for i, layer in enumerate(plan.directions):
        for direction, suffix in zip(layer, ("", "_reverse"), strict=False):
            texts.append(_layer(plan, constants, i, suffix, direction))
    helpers = [_product(plan)]
    if cell.layer_norm:
        helpers.append(_normalise(plan))
    return joined(*helpers, *_activations(plan), *texts)


def _layer(plan: Plan, constants: Constants, i: int, suffix: str, direction: Direction) -> str:
    cell, name = plan.layout.cell, f"layer{i}{suffix}"
    size = plan.layout.hidden_sizes[i]
    called = {"elman": "Elman layer", "gru": "GRU", "lstm": "LSTM"}[cell.name]
    ours, gates = CELLS[cell.name].biases, CELLS[cell.name].gates
    title = f"Layer {i}" + (", backward" if suffix else "")
    constants_of = {
        "W_x": (_blocks(direction.W_x, gates, FROM_X[cell.name]), "from what it reads"),
        "W_h": (_blocks(direction.W_h, gates, FROM_H[cell.name]), "from its own state"),
    }
    matrices = {
        part: constants.matrix(f"{name}_{part}", W, f"{title}, {what}")
        for part, (W, what) in constants_of.items()
    }
    b = constants.vector(f"{name}_b", _blocks(direction.b, ours, SUMS[cell.name]))
    if direction.initial is not None:
        constants.vector(
            f"{name}_initial", direction.initial, f"{title}: the state before the first step"
        )
    n_sums = len(ours)
    offset = size if cell.name == "gru" else 0  # the product with h goes to r, z and hn
    reads = _reads(plan, matrices["W_x"]) if i == 0 else matrices["W_x"].product("sums", "x")
    normalised = ""
    if direction.gain is not None:
        gain = constants.vector(f"{name}_gain", _blocks(direction.gain, ours, SUMS[cell.name]))
        normalised = f"normalise(sums, {gain}, {b}, {n_sums}, {size});"
    shown = (
        ABOUT[cell.name].replace(" f(", f" {cell.activation}(")
        if cell.name == "elman"
        else (ABOUT[cell.name])
    )
    width = plan.n_inputs if i == 0 else plan.width_below(i)
    return fill(
        """
        /* $title, $called of $H units over $width numbers:
         * $about. */
        static void $layer($real *h, const $real *x)
        {
            $real sums[$n];
            $vector
            size_t j;

            for (j = 0; j < $n; j++) {
                sums[j] = $start;
            }
            $reads
            $recurrent
            $normalised
            $step
        }
        """,
        **plan.words
        | {
            "title": title,
            "called": f"{'an' if called[0] in 'EL' else 'a'} {called}",
            "layer": name,
            "H": size,
            "width": width,
            "about": shown + (", each sum normalised first" if cell.layer_norm else ""),
            "n": n_sums * size,
            "vector": _vector(plan) if i == 0 else "",
            "start": "0" if cell.layer_norm else f"{b}[j]",
            "reads": reads,
            "recurrent": matrices["W_h"].product(f"sums + {offset}" if offset else "sums", "h"),
            "normalised": normalised,
            "step": fill(
                STEPS[cell.name, cell.activation],
                real=plan.real,
                H=size,
                H2=2 * size,
                H3=3 * size,
            ),
        },
    )


def _reads(plan: Plan, W_x: Any) -> str:
    """What the first layer adds to its sums: categories by their rows, then numbers."""
    lines, row = [], 0
    for k, (n_categories, size) in enumerate(plan.layout.categories):
        if not size:
            where = f"{row} + (size_t)x[{k}]" if row else f"(size_t)x[{k}]"
            lines.append(
                f"add_row(sums, {W_x.name}{f', {W_x.name}_scale' if W_x.int8 else ''}, {where}, "
                f"{W_x.n_columns});"
            )
        elif plan.int8:
            lines.append(
                f"take_row(vector, embedding{k}, embedding{k}_scale, (size_t)x[{k}], {size});"
            )
            lines.append(W_x.product("sums", "vector", row, size))
        else:
            lines.append(W_x.product("sums", f"embedding{k} + (size_t)x[{k}] * {size}", row, size))
        row += size or n_categories
    if row < W_x.n_rows:
        x = f"x + {plan.n_codes}" if plan.n_codes else "x"
        lines.append(W_x.product("sums", x, row))
    return "\n".join(lines)


def _vector(plan: Plan) -> str:
    """The declaration of a category's vector, which int8 weights have to be unpacked to."""
    longest = max((size for _, size in plan.layout.categories), default=0)
    return f"{plan.real} vector[{longest}];" if longest and plan.int8 else ""


def _blocks(values: Array, have: tuple[str, ...], want: tuple[str, ...]) -> Array:
    """Blocks of columns in another order."""
    size = values.shape[-1] // len(have)
    apart = values.reshape(*values.shape[:-1], len(have), size)
    return np.ascontiguousarray(apart[..., [have.index(name) for name in want], :]).reshape(
        values.shape
    )


def _product(plan: Plan) -> str:
    weight = "int8_t" if plan.int8 else plan.real
    scaled = plan.int8
    text = fill(
        """
        /* Add x W to sums. W has n_in rows of n_out numbers$units. The rows are
         * added in their order, four at a time. */
        static void add_product($real *restrict sums, const $weight *restrict W,
                                $parameters
        {
            size_t j;

            for (; n_in >= 4; n_in -= 4) {
                const $real a = x[0]$s0, b = x[1]$s1, c = x[2]$s2, d = x[3]$s3;
                for (j = 0; j < n_out; j++) {
                    sums[j] = sums[j] + a * ${cast}W[j] + b * ${cast}W[n_out + j]
                              + c * ${cast}W[2 * n_out + j] + d * ${cast}W[3 * n_out + j];
                }
                W += 4 * n_out;
                x += 4;
                $scale4
            }
            for (; n_in > 0; n_in--) {
                const $real a = x[0]$s0;
                for (j = 0; j < n_out; j++) {
                    sums[j] += a * ${cast}W[j];
                }
                W += n_out;
                x++;
                $scale1
            }
        }
        """,
        real=plan.real,
        weight=weight,
        units=", in units of a scale for each" if scaled else "",
        parameters=(f"const {plan.real} *restrict scale, " if scaled else "")
        + f"const {plan.real} *restrict x,\nsize_t n_in, size_t n_out)",
        cast=f"({plan.real})" if scaled else "",
        scale4="scale += 4;" if scaled else "",
        scale1="scale++;" if scaled else "",
        **{f"s{i}": f" * scale[{i}]" if scaled else "" for i in range(4)},
    )
    extra = []
    one_hot = any(not size for _, size in plan.layout.categories)
    if one_hot:
        extra.append(
            fill(
                """
                /* Add one row of W to sums: what a category that is fed one-hot picks. */
                static void add_row($real *sums, const $weight *W, $scale
                                    size_t row, size_t n_out)
                {
                    size_t j;

                    for (j = 0; j < n_out; j++) {
                        sums[j] += $value;
                    }
                }
                """,
                real=plan.real,
                weight=weight,
                scale=f"const {plan.real} *scale," if scaled else "",
                value=f"scale[row] * ({plan.real})W[row * n_out + j]"
                if scaled
                else "W[row * n_out + j]",
            )
        )
    if scaled and any(size for _, size in plan.layout.categories):
        extra.append(
            fill(
                """
                /* One row of a matrix as numbers: the vector of a category. */
                static void take_row($real *out, const int8_t *W, const $real *scale, size_t row,
                                     size_t n_out)
                {
                    size_t j;

                    for (j = 0; j < n_out; j++) {
                        out[j] = scale[row] * ($real)W[row * n_out + j];
                    }
                }
                """,
                real=plan.real,
            )
        )
    return joined(text, *extra)


def _normalise(plan: Plan) -> str:
    epsilon = literals(np.array([NORM_EPSILON], plan.dtype))[0]
    return fill(
        """
        /* Layer normalisation of n_blocks blocks of n sums: gain (a - mean) / deviation + b. */
        static void normalise($real *sums, const $real *gain, const $real *b, size_t n_blocks,
                              size_t n)
        {
            size_t i, j;

            for (i = 0; i < n_blocks; i++) {
                $real mean = 0, variance = 0, inverse;
                for (j = 0; j < n; j++) {
                    mean += sums[j];
                }
                mean /= ($real)n;
                for (j = 0; j < n; j++) {
                    sums[j] -= mean;
                    variance += sums[j] * sums[j];
                }
                inverse = 1 / sqrt$f(variance / ($real)n + $epsilon);
                for (j = 0; j < n; j++) {
                    sums[j] = sums[j] * inverse * gain[j] + b[j];
                }
                sums += n;
                gain += n;
                b += n;
            }
        }
        """,
        real=plan.real,
        f=plan.f,
        epsilon=epsilon,
    )


def _activations(plan: Plan) -> list[str]:
    """tanh, and the logistic function by it, where the cell has them."""
    cell = plan.layout.cell
    if cell.activation == "relu":
        return []
    if plan.dtype == np.float32:
        tangent = """
            /* tanh(x) to 1e-6 of its value, by a ratio of polynomials in x x: the same on every
             * machine, and several times as fast as a tanhf that is right to the last bit. */
            static float hyperbolic_tangent(float x)
            {
                const float square = x * x;
                const float u = square > 77.44f ? 77.44f : square, u2 = u * u;
                const float p = 1.0f + 0.134201348f * u
                                + u2 * (0.00354226655f + 2.1390113e-05f * u + 1.44716292e-08f * u2);
                const float q = 1.0f + 0.467534602f * u
                                + u2 * (0.0260539334f + 0.000336247351f * u + 8.22571053e-07f * u2);
                const float y = x * p / q;
                return y > 1.0f ? 1.0f : y < -1.0f ? -1.0f : y;
            }
        """
    else:
        tangent = """
            static double hyperbolic_tangent(double x)
            {
                return tanh(x);
            }
        """
    found = [fill(tangent)]
    if cell.name != "elman":
        found.append(
            fill(
                """
                /* 1 / (1 + exp(-x)), by tanh, which does not overflow. */
                static $real logistic($real x)
                {
                    return 0.5$f * hyperbolic_tangent(0.5$f * x) + 0.5$f;
                }
                """,
                real=plan.real,
                f=plan.f,
            )
        )
    return found
