"""The numbers of a report in; its page, one HTML text that needs nothing else, out.

This file has the frame of the page, what stands above its sections, and the order of the sections,
each of which has a file in `elman.reporting.sections`.
"""

from __future__ import annotations

from typing import Any

from elman.reporting.html import bulleted, paragraph, section, text
from elman.reporting.score_text import SCORE_NAMES, interval, shown
from elman.reporting.sections.baselines import baselines_section
from elman.reporting.sections.by_length import by_length_section
from elman.reporting.sections.calibration import calibration_section
from elman.reporting.sections.classes import classes_section
from elman.reporting.sections.confusion import confusion_section
from elman.reporting.sections.data import data_section
from elman.reporting.sections.drift import drift_section
from elman.reporting.sections.health import health_section
from elman.reporting.sections.model import model_section
from elman.reporting.sections.recordings import recordings_section
from elman.reporting.sections.scores import scores_section
from elman.reporting.sections.targets import targets_section
from elman.reporting.sections.training import training_section
from elman.reporting.style import STYLE
from elman.reporting.verdicts import notes, summary

Fact = dict[str, Any]

GENERATOR = "elman report"


def page(facts: Fact) -> str:
    """The whole page."""
    of_labels = facts["model"]["answers"] == "labels"
    sections = [
        ("scores", "Scores", scores_section(facts)),
        ("baselines", "Simple rules on the same recordings", baselines_section(facts)),
        ("data", "The recordings", data_section(facts)),
        ("drift", "Distance from the training data", drift_section(facts)),
        ("confusion", "Which class was taken for which", confusion_section(facts)),
        ("classes", f"Each {'label' if of_labels else 'class'}", classes_section(facts)),
        ("targets", "Each target", targets_section(facts)),
        ("calibration", "Can its probabilities be trusted?", calibration_section(facts)),
        ("by-length", "By length", by_length_section(facts)),
        ("recordings", "A few recordings", recordings_section(facts)),
        ("training", "Training", training_section(facts)),
        ("health", "Health of the network", health_section(facts)),
        ("model", "The model", model_section(facts)),
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


def _about(facts: Fact) -> str:
    return paragraph(
        "Written by <code>elman report</code>. The file with the same name and the suffix .json "
        "holds every number of this page. The page loads nothing and runs no script."
    )
