"""The numbers of a report in; a few recordings, with what their answers rest on, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from elman.reporting import charts
from elman.reporting.charts import Line
from elman.reporting.html import cut, name, names, number, pairs, paragraph, percent

Fact = dict[str, Any]

LONGEST_PART = 30
"""characters of the tokens of a part of a recording"""

SORTS = {
    "right": "Right, and sure",
    "wrong": "Wrong",
    "unsure": "Unsure",
    "smallest error": "Smallest error",
    "largest error": "Largest error",
    "middling error": "Middling error",
}


def recordings_section(facts: Fact) -> Sequence[str]:
    """A card for each recording, and how to read the bars on it."""
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
    of_tokens = any("tokens" in one for one in facts["recordings"])
    has_bars = any(one["series"]["features"] for one in facts["recordings"])
    if any(one.get("attribution") for one in facts["recordings"]):
        bars = "Bars below each picture" if has_bars else ""
        colours = "colours behind the tokens" if of_tokens else ""
        what = " and ".join(filter(None, (bars, colours)))
        upward = "upward bars speak for the answer, downward ones against it" if has_bars else ""
        blue = "blue speaks for the answer, orange with dots below against it" if of_tokens else ""
        how = (
            f"{what[0].upper()}{what[1:]} say how much the answer loses when that part is taken "
            f"out of the recording: {'; '.join(filter(None, (upward, blue)))}."
        )
    return [paragraph(which, how), f'<div class="cards">{"".join(cards)}</div>']


def _card(facts: Fact, one: Fact) -> str:
    series = one["series"]
    number_ = f"recording {one['index']:,}"
    who = number_ if one["id"] is None else f"{name(_id(one['id']), 60)} ({number_})"
    told, strip, caption = _answered(facts, one)
    parts = [f"<h3>{SORTS[one['sort']]}: {who}</h3>", pairs(told)]
    n = one["n_steps"]
    if "tokens" in one and n:
        parts.append(_tokens(one["tokens"], n, strip))
    if n and not series["features"] and caption:
        parts.append(paragraph(caption[1], kind="muted"))
    if n and series["features"]:
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


def _tokens(
    tokens: Sequence[str], n_steps: int, strip: list[tuple[float, float, float | None]]
) -> str:
    """The tokens of a recording, coloured by what speaks for its answer and what against it."""
    values: list[float] = [0.0] * n_steps
    for start, stop, value in strip:
        for step in range(round(start - 0.5), round(stop - 0.5)):
            values[step] = value or 0.0
    most = max(map(abs, values)) or 1.0
    single = max(map(len, tokens), default=0) <= 1
    spans = []
    for token, value in zip(tokens, values, strict=False):
        kind = ' class="against"' if value < 0 else ""
        share = f"{abs(value) / most:.2f}"
        title = f"{number(value, 2)}"
        spans.append(f'<span{kind} style="--a:{share}" title="{title}">{name(token, 24)}</span>')
    more = n_steps - len(tokens)
    rest = f" … and {more:,} more" if more > 0 else ""
    return f'<p class="tokens">{("" if single else " ").join(spans)}{rest}</p>'


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
    tokens = one.get("tokens", [])
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
    parts = [(number(v, 2), a, b) for v, a, b in strongest if v > 0]
    what = "predicted value" if of_numbers else "log-odds"
    verb = "raises" if of_numbers else "speaks for"
    if len(parts) > 1:
        verb = "raise" if of_numbers else "speak for"

    def said(quoted: Callable[[str], str]) -> str:
        words = f"no single part {'raises' if of_numbers else 'speaks for'} it"
        if parts:
            each = [f"{_steps(a, b)}{_called(tokens, a, b, quoted)} (+{v})" for v, a, b in parts]
            words = f"{' and '.join(each)} {verb} it most"
        of = quoted(found["of"])
        return f"What the {what} of {of} lose{'s' * of_numbers} without each part: {words}."

    return told, strip, (said(str), said(lambda value: name(value, 40)))


def _steps(a: int, b: int) -> str:
    return f"step {a + 1:,}" if b == a + 1 else f"steps {a + 1:,} to {b:,}"


def _called(tokens: Sequence[str], a: int, b: int, quoted: Callable[[str], str]) -> str:
    """The tokens of steps a to b - 1 in quotation marks; nothing where they are not known."""
    if b > len(tokens):
        return ""
    between = "" if max(map(len, tokens)) <= 1 else " "
    return f" “{quoted(cut(between.join(tokens[a:b]), LONGEST_PART))}”"


def _answered_steps(
    one: Fact, told: list[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[tuple[float, float, float | None]], tuple[str, str] | None]:
    steps, has_bars = one["steps"], bool(one["series"]["features"])
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
        if not has_bars:
            said = "Colours: answer less truth of {}; blue where it is too high."
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
        if not has_bars:
            said = "Colours: probability of the answer, orange with dots where it is wrong{}."
    if one["worst_step"] is not None:
        worst = one["worst_step"]
        called = _called(one.get("tokens", []), worst, worst + 1, name)
        told.append(("worst step", f"{worst + 1:,}{called}"))
    strip = [(a + 0.5, b + 0.5, v) for a, b, v in zip(starts, ends, values, strict=True)]
    return told, strip, (said.format(plain), said.format(shown_))
