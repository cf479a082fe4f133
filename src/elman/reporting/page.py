"""The numbers of a report in; its page, one HTML text that needs nothing else, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting import charts
from elman.reporting.charts import Line
from elman.reporting.html import (
    bulleted,
    name,
    names,
    number,
    pairs,
    paragraph,
    percent,
    scrolled,
    section,
    table,
    text,
)
from elman.reporting.style import STYLE
from elman.reporting.verdicts import notes, summary

Fact = dict[str, Any]

GENERATOR = "elman report"
MOST_ROWS = 40
"""of a table on the page; the JSON has all"""
MOST_OF_MATRIX = 20
"""classes of a confusion matrix on the page"""

HIT = ' class="hit"'
SHARES = {"accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "subset_accuracy"}
SCORE_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "subset_accuracy": "all labels right",
    "log_loss": "log-loss (nats)",
    "r2": "R²",
    "mae": "mean absolute error",
    "rmse": "root mean square error",
}
SORTS = {
    "right": "Right, and sure",
    "wrong": "Wrong",
    "unsure": "Unsure",
    "smallest error": "Smallest error",
    "largest error": "Largest error",
    "middling error": "Middling error",
}


def page(facts: Fact) -> str:
    """The whole page."""
    of_labels = facts["model"]["answers"] == "labels"
    sections = [
        ("scores", "Scores", _scores(facts)),
        ("baselines", "Simple rules on the same recordings", _baselines(facts)),
        ("data", "The recordings", _data(facts)),
        ("drift", "Distance from the training data", _drift(facts)),
        ("confusion", "Which class was taken for which", _confusion(facts)),
        ("classes", f"Each {'label' if of_labels else 'class'}", _classes(facts)),
        ("targets", "Each target", _targets(facts)),
        ("calibration", "Can its probabilities be trusted?", _calibration(facts)),
        ("by-length", "By length", _by_length(facts)),
        ("recordings", "A few recordings", _recordings(facts)),
        ("training", "Training", _training(facts)),
        ("health", "Health of the network", _health(facts)),
        ("model", "The model", _model(facts)),
    ]
    there = [(key, title, parts) for key, title, parts in sections if any(parts)]
    links = "".join(f'<li><a href="#{key}">{title}</a></li>' for key, title, _ in there)
    title = text(facts["title"])
    when = f"{text(facts['date'])} · " if facts["date"] else ""
    version = text(facts["model"]["versions"]["elman"])
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="generator" content="{GENERATOR}">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{title}</title>",
            f"<style>\n{STYLE}\n</style>",
            "</head>",
            "<body>",
            "<header>",
            f"<h1><bdi>{title}</bdi></h1>",
            f'<p class="muted">{when}{text(facts["model"]["kind"])} · elman {version}</p>',
            "</header>",
            "<main>",
            paragraph(*summary(facts)),
            _figures(facts),
            _notes(facts),
            f'<nav aria-label="Contents"><ul>{links}</ul></nav>',
            *(section(key, title, *parts) for key, title, parts in there),
            "</main>",
            f"<footer>{_about(facts)}</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def shown(score: str, value: float | None) -> str:
    """A score as it is written: shares in percent."""
    return percent(value) if score in SHARES else number(value)


def interval(score: str, fact: Fact) -> str:
    """The interval of a score, or that there is none."""
    if fact["low"] is None:
        return "–"
    return f"{shown(score, fact['low'])} to {shown(score, fact['high'])}"


def _figures(facts: Fact) -> str:
    values = facts["scores"]["values"]
    items = []
    for score, fact in values.items():
        told = interval(score, fact)
        below = SCORE_NAMES[score] + (f"<br>{told}" if told != "–" else "")
        items.append(f"<li><b>{shown(score, fact['value'])}</b><span>{below}</span></li>")
    return f'<ul class="figures">{"".join(items)}</ul>'


def _notes(facts: Fact) -> str:
    found = notes(facts)
    if not found:
        return ""
    return (
        '<section class="note" aria-labelledby="notes-title"><h2 id="notes-title">Points to note'
        f"</h2>{bulleted(found)}</section>"
    )


def _scores(facts: Fact) -> Sequence[str]:
    scores = facts["scores"]
    rows = [
        [SCORE_NAMES[score], shown(score, fact["value"]), interval(score, fact)]
        for score, fact in scores["values"].items()
    ]
    n, per_step = facts["data"]["n_recordings"], facts["model"]["answers"] in STEPS
    how = (
        f"Intervals hold the middle 95 % of {scores['n_resamples']:,} scores, each of "
        f"{n:,} recordings drawn from these with repetition (seed {facts['seed']})."
        if n > 1
        else "One recording has no interval: there is nothing to draw anew."
    )
    whole = "A recording is drawn with all of its time steps." if per_step and n > 1 else ""
    return [
        table("Scores on the recordings of this report", ["score", "value", "95 % interval"], rows),
        paragraph(how, whole, kind="muted"),
    ]


STEPS = ("steps", "step values")


def _baselines(facts: Fact) -> Sequence[str]:
    told = facts["baselines"]
    score = told["score"]
    rows = []
    for row in told["rows"]:
        rows.append(
            [
                text(row["name"]),
                shown(score, row["score"]["value"]),
                interval(score, row["score"]),
                points(score, row["difference"]["value"]),
                _points_interval(score, row["difference"]),
                f"{row['n']:,}",
            ]
        )
    main = facts["scores"]["main"]
    rows.append(
        [
            "<strong>the network</strong>",
            f"<strong>{shown(main, facts['scores']['values'][main]['value'])}</strong>",
            interval(main, facts["scores"]["values"][main]),
            "",
            "",
            f"{facts['data']['n_recordings']:,}",
        ]
    )
    if told["source"] == "training data":
        how = (
            "The rules were learned from the training data that was passed, "
            "and answered the recordings of this report."
        )
    else:
        how = (
            "No training data was passed, so that the learned rules were cross-validated in "
            f"{told['n_folds']} parts on the recordings of this report themselves: each answer is "
            "of a rule that has not seen the recording. They learned from fewer recordings than "
            "the network may have had, of the kind that they are judged on, so that the comparison "
            "is a guide and no proof. The constant answer is the best one for these very "
            "recordings."
        )
    left_out = [f"{text(one['name'])} is left out: {text(one['why'])}." for one in told["left_out"]]
    head = [
        "rule",
        SCORE_NAMES[main],
        "95 % interval",
        "network is better by",
        "95 % interval",
        "recordings",
    ]
    return [
        paragraph(how),
        table("What rules without memory reach", head, rows),
        bulleted(left_out) if left_out else "",
    ]


def points(score: str, value: float | None) -> str:
    """A difference of scores, with its sign."""
    if value is None:
        return "–"
    sign = "+" if value > 0 else "−" if value < 0 else ""
    if score in SHARES:
        return f"{sign}{100 * abs(value):.1f} points"
    return sign + number(abs(value))


def _points_interval(score: str, fact: Fact) -> str:
    if fact["low"] is None:
        return "–"
    low, high = (points(score, fact[end]).replace(" points", "") for end in ("low", "high"))
    return f"{low} to {high}"


def _data(facts: Fact) -> Sequence[str]:
    data, training = facts["data"], facts["training_data"]
    lengths = data["lengths"]
    same = lengths["min"] == lengths["max"]
    told = [
        ("recordings", f"{data['n_recordings']:,}"),
        ("time steps", f"{data['n_steps']:,} in all"),
        ("features", f"{data['n_features']:,}"),
        (
            "length",
            f"{lengths['min']:,} steps each"
            if same
            else f"{lengths['min']:,} to {lengths['max']:,} steps, half of them from "
            f"{number(lengths['q1'])} to {number(lengths['q3'])}, median "
            f"{number(lengths['median'])}",
        ),
        (
            "missing values",
            f"{data['n_missing']:,} of {data['n_values']:,} "
            f"({percent(data['n_missing'] / max(data['n_values'], 1))})"
            if data["n_missing"]
            else "none",
        ),
    ]
    if training is not None:
        there = training["lengths"]
        told.append(
            (
                "training data",
                f"{training['n_recordings']:,} recordings of {there['min']:,} to "
                f"{there['max']:,} steps, median {number(there['median'])}",
            )
        )
    parts = [pairs(told)]
    figures = []
    if not same:
        edges = [(bar["from"], bar["to"] + 1) for bar in data["histogram"]]
        counts = [bar["n"] for bar in data["histogram"]]
        alt = (
            f"How many recordings have each length: {data['n_recordings']} recordings of "
            f"{lengths['min']} to {lengths['max']} time steps, most often "
            f"{edges[counts.index(max(counts))][0]} to {edges[counts.index(max(counts))][1] - 1}"
        )
        picture = charts.bars(edges, counts, alt=alt, x_label="time steps", y_label="recordings")
        figures.append(charts.figure(picture, "Recordings by their length"))
    answers = data["answers"]
    if "classes" in answers:
        figures.append(_class_counts(answers, training))
    else:
        rows = [
            [
                name(one["target"]),
                f"{one['n']:,}",
                number(one["mean"]),
                number(one["deviation"]),
                number(one["min"]),
                number(one["max"]),
            ]
            for one in answers["targets"][:MOST_ROWS]
        ]
        head = ["target", "known", "mean", "deviation", "lowest", "highest"]
        figures.append(table("The numbers to be predicted", head, rows))
    parts.append(f'<div class="charts">{"".join(figures)}</div>')
    return parts


def _class_counts(answers: Fact, training: Fact | None) -> str:
    classes = answers["classes"]
    n_all = sum(one["n"] for one in classes) or 1
    head = ["class", "number", "share"]
    before: dict[str, int] = {}
    if training is not None:
        head.append("share in training")
        before = {repr(one["label"]): one["n"] for one in training["answers"]["classes"]}
    n_before = sum(before.values()) or 1
    kept = sorted(range(len(classes)), key=lambda k: (-classes[k]["n"], k))[:MOST_ROWS]
    rows = []
    for k in sorted(kept):
        one = classes[k]
        row = [
            name(one["label"]) + ("" if one["known"] else " (not known to the model)"),
            f"{one['n']:,}",
            percent(one["n"] / n_all),
        ]
        if training is not None:
            row.append(percent(before.get(repr(one["label"]), 0) / n_before))
        rows.append(row)
    more = len(classes) - len(rows)
    caption = "How often each class occurs" + (
        f" (the {len(rows)} commonest of {len(classes):,})" if more else ""
    )
    if answers["n_unlabelled"]:
        caption += f"; {answers['n_unlabelled']:,} time steps have no label"
    return table(caption, head, rows)


def _drift(facts: Fact) -> Sequence[str]:
    drift = facts["drift"]
    if drift is None:
        return [
            paragraph(
                "The model keeps no statistics of its training data (standardize=False), and no "
                "training data was passed, so that nothing can be said of drift."
            )
        ]
    rule = drift["rule"]
    rows = drift["features"]
    order = sorted(
        range(len(rows)),
        key=lambda k: (not rows[k]["flagged"], -abs(rows[k]["shift"] or 0), k),
    )[:MOST_ROWS]
    if len(rows) <= MOST_ROWS:
        order = [*range(len(rows))]
    cells = [
        [
            name(rows[k]["feature"]) + (" <b>(drifted)</b>" if rows[k]["flagged"] else ""),
            number(rows[k]["training_mean"]),
            number(rows[k]["training_deviation"]),
            points("", rows[k]["shift"] and round(rows[k]["shift"], 3)),
            number(rows[k]["shift_error"], 2),
            number(rows[k]["ratio"]),
            f"{rows[k]['n_missing']:,}",
        ]
        for k in order
    ]
    caption = "Each feature against the training data"
    if len(rows) > len(order):
        caption += f" (the {len(order)} that moved most of {len(rows):,})"
    head = [
        "feature",
        "mean in training",
        "deviation in training",
        "shift of the mean, in deviations",
        "its standard error",
        "ratio of deviations",
        "missing here",
    ]
    where = (
        "The model keeps mean and deviation of each feature in its training data."
        if drift["source"] == "the model"
        else "Mean and deviation are those of the training data that was passed."
    )
    flagged = drift["n_flagged"]
    many = f"{flagged:,} of {len(rows):,} features have" if flagged != 1 else "One feature has"
    verdict = f"{many} drifted." if flagged else "No feature has drifted."
    how = (
        f"A feature is pointed out if its mean moved by at least {rule['shift']} deviations and "
        f"more than {rule['errors']} standard errors (recordings count as independent, their steps "
        f"do not), or if its deviation is over {rule['ratio']} times or under 1/{rule['ratio']} of "
        f"that in training (of {rule['fewest']} recordings or more)."
    )
    return [
        paragraph(where, f"<strong>{verdict}</strong>"),
        table(caption, head, cells, flags=[rows[k]["flagged"] for k in order]),
        paragraph(how, kind="muted"),
    ]


def _confusion(facts: Fact) -> Sequence[str]:
    told = facts["confusion"]
    if told is None:
        return []
    labels, matrix = told["labels"], told["matrix"]
    unit = "time steps" if facts["model"]["answers"] == "steps" else "recordings"
    parts = []
    if matrix is not None and len(labels) <= MOST_OF_MATRIX:
        head = "".join(f'<th scope="col">{name(label, 24)}</th>' for label in labels)
        lines = []
        for i, row in enumerate(matrix):
            n = sum(row) or 1
            cells = "".join(
                f'<td{HIT if i == j else ""} style="--a:{_shade(c / n, i == j)}">{c:,}</td>'
                if c
                else '<td><span class="muted">·</span></td>'
                for j, c in enumerate(row)
            )
            lines.append(f'<tr><th scope="row">{name(labels[i], 24)}</th>{cells}</tr>')
        parts.append(
            scrolled(
                f'<table class="matrix"><caption>Rows are the true class, columns the answer; '
                f"{unit}. Shading is the share of the row.</caption>"
                f'<thead><tr><th scope="col">true \\ answer</th>{head}</tr></thead><tbody>\n'
                + "\n".join(lines)
                + "\n</tbody></table>"
            )
        )
        n_listed = 5
    else:
        parts.append(
            paragraph(
                f"There are {len(labels):,} classes, too many for a matrix on a page; these are "
                "the commonest mistakes."
            )
        )
        n_listed = MOST_ROWS
    rows = [
        [name(one["true"]), name(one["predicted"]), f"{one['count']:,}"]
        for one in told["mistakes"][:n_listed]
    ]
    if len(rows) > 1 or n_listed > 5:
        head_ = ["true class", "was taken for", unit]
        parts.append(table("The commonest mistakes", head_, rows, words=(0, 1)) if rows else "")
    if not rows:
        parts.append(paragraph("No class was taken for another."))
    return parts


def _shade(share: float, hit: bool) -> str:
    return f"{0.06 + 0.44 * (share if hit else share**0.5):.2f}"


def _classes(facts: Fact) -> Sequence[str]:
    classes = facts["classes"]
    if classes is None:
        return []
    order = [*range(len(classes))]
    what = "label" if facts["model"]["answers"] == "labels" else "class"
    caption = f"Precision, recall and F1 of each {what}"
    if len(classes) > MOST_ROWS:
        order = sorted(
            (k for k in order if classes[k]["n_true"]),
            key=lambda k: (classes[k]["f1"] or 0, k),
        )[:MOST_ROWS]
        caption += f" (the {len(order)} with the lowest F1 of {len(classes):,})"
    rows = [
        [
            name(classes[k]["label"]),
            f"{classes[k]['n_true']:,}",
            f"{classes[k]['n_predicted']:,}",
            percent(classes[k]["precision"]),
            percent(classes[k]["recall"]),
            percent(classes[k]["f1"]),
        ]
        for k in order
    ]
    return [table(caption, [what, "true", "answered", "precision", "recall", "F1"], rows)]


def _targets(facts: Fact) -> Sequence[str]:
    targets = facts["targets"]
    if targets is None:
        return []
    rows = [
        [
            name(one["target"]),
            f"{one['n']:,}",
            number(one["r2"]),
            number(one["mae"]),
            number(one["rmse"]),
        ]
        for one in targets[:MOST_ROWS]
    ]
    head = ["target", "known", "R²", "mean absolute error", "root mean square error"]
    figures = []
    for one, bins in list(zip(targets, facts["answers_by_size"], strict=True))[:4]:
        line = Line("mean of the truth", [b["answer"] for b in bins],
                    [b["truth"] for b in bins], dots=True)  # fmt: skip
        both = [v for b in bins for v in (b["answer"], b["truth"])]
        ends = (min(both), max(both)) if both and max(both) > min(both) else None
        alt = (
            f"Truth by answer for {one['target']}: answers of about the same size beside the mean "
            "of the truth; on the dotted line both are equal"
        )
        picture = charts.lines(
            [line],
            alt=alt,
            x_label="answer",
            y_label="mean of the truth",
            x_range=ends,
            y_range=ends,
            diagonal=ends is not None,
        )
        caption = f"{name(one['target'], 40)}: on the dotted line, answer and truth are equal"
        figures.append(charts.figure(picture, caption))
    return [
        table("Errors of each target, in its own unit", head, rows),
        f'<div class="charts">{"".join(figures)}</div>',
    ]


def _calibration(facts: Fact) -> Sequence[str]:
    told = facts["calibration"]
    if told is None:
        return []
    bins = [b for b in told["bins"] if b["n"]]
    of_labels = facts["model"]["answers"] == "labels"
    what = "labels that are there" if of_labels else "answers that are right"
    line = Line(what, [b["probability"] for b in bins], [b["right"] for b in bins], dots=True)
    gap = told["expected_calibration_error"]
    alt = (
        f"Share of {what} by probability, in {len(bins)} groups; on the dotted line the "
        f"probabilities would be exact. Expected calibration error {percent(gap)}"
    )
    picture = charts.lines(
        [line],
        alt=alt,
        x_label="probability of the answer" if not of_labels else "probability of the label",
        y_label=f"share of {what}",
        x_range=(0, 1),
        y_range=(0, 1),
        percent=(True, True),
        diagonal=True,
    )
    rows = [
        [
            f"{percent(b['from'])} to {percent(b['to'])}".replace(".0 %", " %"),
            f"{b['n']:,}",
            percent(b["probability"]),
            percent(b["right"]),
        ]
        for b in bins
    ]
    head = ["probability", "answers", "mean probability", "right"]
    return [
        paragraph(
            f"Expected calibration error: <strong>{percent(gap)}</strong>, the mean distance "
            f"between the probability of {told['of']} and how often it is true."
        ),
        '<div class="charts">'
        + charts.figure(picture, "Below the dotted line, probabilities are too high")
        + table("Answers by their probability", head, rows)
        + "</div>",
    ]


def _by_length(facts: Fact) -> Sequence[str]:
    rows = facts["by_length"]
    if not rows:
        return [paragraph("All recordings are of about the same length.")]
    score = next(key for key in rows[0] if key in SCORE_NAMES)
    cells = [
        [
            f"{row['shortest']:,}"
            + (f" to {row['longest']:,}" if row["longest"] > row["shortest"] else "")
            + " steps",
            f"{row['n']:,}",
            shown(score, row[score]),
        ]
        for row in rows
    ]
    unit = ", mean over targets" if score == "rmse" and len(facts["targets"]) > 1 else ""
    return [
        table(
            "Recordings in groups of about the same length",
            ["length", "recordings", SCORE_NAMES[score] + unit],
            cells,
        )
    ]


def _training(facts: Fact) -> Sequence[str]:
    told = facts["history"]
    if told is None:
        return [
            paragraph(
                "What was passed is a model without the record of its training: pass the estimator "
                "to see the learning curve."
            )
        ]
    columns, best = told["columns"], told["best_epoch"]
    epochs = columns["epoch"]
    ended = f", and was ended by {text(told['stopped_by'])}" if told["stopped_by"] else ""
    words = f"Training took {told['n_epochs']:,} epoch(s){ended}. " + (
        f"The best one was epoch {best:,}, which the pictures mark." if best else ""
    )
    figures = []
    losses = _lines(columns, epochs, ("loss", "training"), ("validation_loss", "validation"))
    values = [v for line in losses for v in line.y if v is not None]
    log = bool(values) and min(values) > 0 and max(values) > 20 * min(values)
    scores = _lines(columns, epochs, ("score", "training"), ("validation_score", "validation"))
    of_numbers = facts["targets"] is not None
    for what, found, scale in (
        ("loss", losses, log),
        ("R²" if of_numbers else "accuracy", scores, False),
    ):
        if not found:
            continue
        end = [next((v for v in reversed(line.y) if v is not None), None) for line in found]
        alt = f"{what} by epoch, 1 to {epochs[-1]}: " + ", ".join(
            f"{line.name} ends at {number(v)}" for line, v in zip(found, end, strict=True)
        )
        share = what == "accuracy"
        low = min([0, *(v for line in found for v in line.y if v is not None)])
        ends = (0, 1) if share else (max(low, -1), 1) if what == "R²" else None
        picture = charts.lines(
            found,
            alt=alt,
            x_label="epoch",
            y_label=what,
            x_range=(1, max(epochs[-1], 2)),
            y_range=ends,
            percent=(False, share),
            log=scale,
            whole=True,
            mark=best or None,
        )
        legend = charts.key([line.name for line in found])
        figures.append(charts.figure(picture, f"{what[0].upper()}{what[1:]} by epoch. {legend}"))
    return [paragraph(words), f'<div class="charts">{"".join(figures)}</div>']


def _lines(columns: Fact, epochs: list[int], *wanted: tuple[str, str]) -> list[Line]:
    found = []
    for column, label in wanted:
        values = columns.get(column)
        if values and any(v is not None for v in values):
            found.append(Line(label, epochs, values, dots=len(epochs) < 3))
    return found


def _health(facts: Fact) -> Sequence[str]:
    told = facts["health"]
    saturated, norm = told["saturated"], told["gradient_norm"]
    rows = [
        [
            "saturated gates and states",
            percent(saturated),
            "share without a derivative to speak of, on "
            f"{told['n_probed']} of these recordings; near 100 % such a network learns nothing "
            "more",
        ]
    ]
    for layer, radius in told["spectral_radius"].items():
        rows.append(
            [
                f"spectral radius, {text(layer)}",
                number(radius),
                "of the weights from state to state; far above 1 gradients may explode, far below "
                "they vanish",
            ]
        )
    if norm is not None:
        rows.append(
            [
                "norm of the gradient",
                number(norm["last"]),
                f"in the last epoch, before clipping; {number(norm['first'])} in the first, "
                f"{number(norm['largest'])} at most",
            ]
        )
    return [table("Gauges", ["gauge", "value", "what it is"], rows, words=(0, 2))]


def _model(facts: Fact) -> Sequence[str]:
    told = facts["model"]
    sizes = [*told["hidden_sizes"]]
    ways = " in each direction" if told["bidirectional"] else ""
    layers = (
        f"{len(sizes)} recurrent layer(s) of {', '.join(f'{size:,}' for size in sizes)} units{ways}"
    )
    what = {
        "label": "one label for each recording",
        "labels": "any of several labels for each recording",
        "steps": "a label for each time step",
        "values": "numbers for each recording",
        "step values": "numbers for each time step",
    }[told["answers"]]
    items = [
        ("answers", what),
        ("cell", text(told["cell"]) + (" with layer norm" if told["layer_norm"] else "")),
        ("activation", text(told["activation"])),
        ("layers", layers),
        ("readout", text(told["readout"])),
        ("features in", f"{told['n_features_in']:,}"),
        ("outputs", f"{told['n_outputs']:,}"),
        ("parameters", f"{told['n_parameters']:,}, {text(told['dtype'])}"),
        ("standardised", "yes" if told["standardize"] else "no"),
        ("missing values", f"missing={text(repr(told['missing']))}"),
        (
            "computed by",
            f"{text(told['backend'])}; "
            + ", ".join(f"{text(k)} {text(v)}" for k, v in told["versions"].items()),
        ),
    ]
    if told["steps_before"]:
        before = ", ".join(
            f"{name(step['name'])} ({text(step['kind'])})" for step in told["steps_before"]
        )
        items.insert(1, ("steps before it", before))
    changed = [
        [f"<code>{text(key)}</code>", f"<code>{name(repr(told['parameters'][key]))}</code>"]
        for key in told["changed"]
    ]
    weights = [
        [
            f"<code>{text(w['name'])}</code>",
            " × ".join(f"{n:,}" for n in w["shape"]),
            f"{w['parameters']:,}",
        ]
        for w in told["weights"][:MOST_ROWS]
    ]
    return [
        pairs(items),
        '<div class="charts">'
        + (
            table(
                "Hyper-parameters that are not as by default",
                ["name", "value"],
                changed,
                words=(0, 1),
            )
            if changed
            else paragraph("All hyper-parameters are as by default.")
        )
        + table("Weights", ["array", "shape", "parameters"], weights)
        + "</div>",
    ]


def _recordings(facts: Fact) -> Sequence[str]:
    cards = [_card(facts, one) for one in facts["recordings"]]
    if not cards:
        return []
    if facts["targets"] is not None:
        which = (
            "Those with the smallest error, with the largest, and with one in the middle of all."
        )
    else:
        which = (
            "Those that were answered rightly or wrongly with most certainty, and those whose "
            "answer was least certain."
        )
    how = ""
    if any(one.get("attribution") for one in facts["recordings"]):
        how = (
            "Bars below each picture say how much the answer loses when that part is taken out of "
            "the recording: upward bars speak for the answer, downward ones against it."
        )
    return [paragraph(which, how), f'<div class="cards">{"".join(cards)}</div>']


def _card(facts: Fact, one: Fact) -> str:
    series = one["series"]
    number_ = f"recording {one['index']:,}"
    who = number_ if one["id"] is None else f"{name(_id(one['id']), 60)} ({number_})"
    told, strip, caption = _answered(facts, one)
    parts = [f"<h3>{SORTS[one['sort']]}: {who}</h3>", pairs(told)]
    n = one["n_steps"]
    if n:
        steps = [s + 1 for s in series["steps"]]
        lines = [
            Line(feature, steps, values)
            for feature, values in zip(series["features"], series["values"], strict=True)
        ]
        unit = "in deviations" if series["standardised"] else "value"
        alt = (
            f"{n} time steps of {', '.join(series['features'])}"
            + (f" of {series['n_features']} features" if len(lines) < series["n_features"] else "")
            + (f". {caption[0]}" if caption else "")
        )
        picture = charts.lines(
            lines,
            alt=alt,
            x_label="time step",
            y_label=unit,
            x_range=(0.5, n + 0.5),
            whole=True,
            strip=strip,
        )
        legend = charts.key([line.name for line in lines])
        if len(lines) < series["n_features"]:
            legend += f"(the {len(lines)} of {series['n_features']:,} features that vary most)"
        below = f"<br>{caption[1]}" if caption else ""
        parts.append(charts.figure(picture, legend + below))
    return f'<article class="card">{"".join(parts)}</article>'


def _id(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _answered(
    facts: Fact, one: Fact
) -> tuple[list[tuple[str, str]], list[tuple[float, float, float | None]], tuple[str, str] | None]:
    """Truth and answer of a recording; bars below its picture; what is said of the bars."""
    n = one["n_steps"]
    told = [("length", f"{n:,} steps")]
    if "steps" in one:
        return _answered_steps(one, told)
    if isinstance(one["truth"], list):
        several = facts["targets"] is None
        for key in ("truth", "answer"):
            values = one[key]
            shown_ = (names(values) or "none") if several else ", ".join(map(number, values[:8]))
            told.append((key, shown_))
    else:
        true_p = one.get("probability_of_truth")
        beside = f" (probability {percent(true_p)})" if one["truth"] != one["answer"] else ""
        told.append(("truth", name(one["truth"]) + (beside if true_p is not None else "")))
        told.append(
            ("answer", f"{name(one['answer'])} (probability {percent(one['probability'])})")
        )
    found = one["attribution"]
    if found is None:
        return told, [], None
    strip = [
        (a + 0.5, b + 0.5, v)
        for a, b, v in zip(found["from"], found["to"], found["values"], strict=True)
    ]
    known = [(v, a, b) for a, b, v in zip(found["from"], found["to"], found["values"], strict=True)
             if v is not None]  # fmt: skip
    strongest = sorted(known, key=lambda part: (-part[0], part[1]))[:2]
    of_numbers = facts["targets"] is not None
    parts = [f"{_steps(a, b)} (+{number(v, 2)})" for v, a, b in strongest if v > 0]
    what = "predicted value" if of_numbers else "log-odds"
    if parts:
        speak = "speak" if len(parts) > 1 else "speaks"
        verb = ("raise it" if len(parts) > 1 else "raises it") if of_numbers else f"{speak} for it"
        words = f"{' and '.join(parts)} {verb} most"
    else:
        words = "no single part raises it" if of_numbers else "no single part speaks for it"
    said = f"What the {what} of {{}} lose{'s' * of_numbers} without each part: {words}."
    return told, strip, (said.format(found["of"]), said.format(name(found["of"], 40)))


def _steps(a: int, b: int) -> str:
    return f"step {a + 1:,}" if b == a + 1 else f"steps {a + 1:,} to {b:,}"


def _answered_steps(
    one: Fact, told: list[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[tuple[float, float, float | None]], tuple[str, str] | None]:
    steps = one["steps"]
    starts = steps["from"]
    ends = [*starts[1:], one["n_steps"]]
    if "truth" in steps:
        told.append(("error", f"{number(one['error'])} deviations (root mean square)"))
        values = [
            None if t is None or z is None else z - t
            for t, z in zip(steps["truth"], steps["answer"], strict=True)
        ]
        plain, shown_ = str(steps["target"]), name(steps["target"], 40)
        said = "Bars: answer less truth of {}; upward where it is too high."
    else:
        told.append(("right", f"{one['n_right']:,} of {one['n_labelled']:,} labelled steps"))
        if one["mistakes"]:
            mistakes = "; ".join(
                f"{name(m['true'], 30)} taken for {name(m['predicted'], 30)} ({m['count']:,})"
                for m in one["mistakes"]
            )
            told.append(("mistakes", mistakes))
        values = [
            None if r is None else p * (2 * r - 1)
            for r, p in zip(steps["right"], steps["probability"], strict=True)
        ]
        plain = shown_ = ""
        said = "Bars: probability of the answer, downward where it is wrong{}."
    if one["worst_step"] is not None:
        told.append(("worst step", f"{one['worst_step'] + 1:,}"))
    strip = [(a + 0.5, b + 0.5, v) for a, b, v in zip(starts, ends, values, strict=True)]
    return told, strip, (said.format(plain), said.format(shown_))


def _about(facts: Fact) -> str:
    return paragraph(
        "Written by <code>elman report</code>. The file with the same name and the suffix .json "
        "holds every number of this page. The page loads nothing and runs no script."
    )
