"""The numbers of a report in; what the model is, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import MOST_ROWS, name, pairs, paragraph, table, text

Fact = dict[str, Any]


def model_section(facts: Fact) -> Sequence[str]:
    """The model in words, its changed hyper-parameters and its weights."""
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
        ("front end", _frontend(told["frontend"])),
        (
            "computed by",
            f"{text(told['backend'])}; "
            + ", ".join(f"{text(k)} {text(v)}" for k, v in told["versions"].items()),
        ),
    ]
    items[8:8] = [
        (name(each["title"]), name(each["in_words"], 1000)) for each in told["vocabularies"]
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


def _frontend(told: Fact) -> str:
    """What the network reads of standardised steps, and below it what "auto" chose and why."""
    reasons = [f"“auto” chose {text(reason)}" for reason in told["reasons"]]
    return text(told["in_words"]) + "".join(f"<br>{reason}" for reason in reasons)
