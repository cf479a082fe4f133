"""A message in the words of Python in; the same in those of the command line out."""

from __future__ import annotations

import functools
import re

_BEGINS = r"(?<![\w'\"/\\.=-])"
"""An argument is no part of a path, of a quoted text or of another word."""
_VALUE = (
    r"'[^']*'|\"[^\"]*\"|\([^)]*\)|-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|-?inf|nan|None|True|False"
)
_MISSING = re.compile(
    r"read the file with missing='nan' and fit with missing='mask' or missing='skip'"
)
_FEATURES = re.compile(rf"{_BEGINS}(categorical_)?features=\[([^\]]*)\]")
_KIND = re.compile(r"\bRNN(Classifier|Regressor|Tagger) (?=predicts|takes)")
_VALIDATION = re.compile(rf"{_BEGINS}(?:X_val and y_val|[Xy]_val)(?![\w.\[/\\])")
_SCORERS = (
    "choose None, 'loss', one of sklearn.metrics.get_scorer_names(), or a function "
    "(estimator, X, y) -> float",
    "leave it out, or choose loss or a scorer of scikit-learn by its name, such as accuracy, "
    "f1_macro, roc_auc_ovr, r2 or neg_mean_absolute_error",
)
_OF_STEPS = (
    "leave scoring out, which takes R^2 over those that are known, or pass a function (estimator, "
    "X, y) -> float",
    "leave --scoring out, which takes R^2 over those that are known",
)
_READOUTS = re.compile(rf"{_BEGINS}readout=\(([^)]*)\)(?:: readout\[\d+\]=(?='))?")
_SEVERAL = "or a tuple of several of them", "or several of them with commas"
OF_STORES = ("append", "shard_size", "block_size")
_AS_NAMES = "strings say so: np.asarray(y).astype(str)"


def as_options(message: str) -> str:
    """A message that speaks of arguments of Python, with options in their place.

    ``id=`` becomes ``--id``, ``missing='mask'`` becomes ``--missing 'mask'``, ``header=False``
    becomes ``--no-header``, and an estimator that does something becomes the ``--kind`` that does.
    """
    message = _MISSING.sub("train with --missing mask or --missing skip (elman fit)", message)
    message = _FEATURES.sub(
        lambda names: f"--{(names[1] or '').replace('_', '-')}features {_with_commas(names[2])}",
        message,
    )
    message = _READOUTS.sub(_readouts, message).replace(*_SEVERAL)
    message = message.replace(_AS_NAMES, "--kind classifier says so")
    message = message.replace(*_SCORERS).replace(*_OF_STEPS)
    message = _VALIDATION.sub("--validation", message)
    message = _KIND.sub(lambda name: f"--kind {name[1].lower()} ", message)
    with_value, without, bare = _patterns()
    message = with_value.sub(_option, message)
    message = without.sub(lambda name: _dashed(name[1]), message)
    return bare.sub(lambda name: _dashed(name[1]), message)


def _readouts(told: re.Match[str]) -> str:
    """Several readouts as the option takes them, and which of them is wrong."""
    names = ",".join(re.findall("'([^']*)'", told[1]))
    return f"--readout {names}" + (": " if ": " in told[0] else "")


def _with_commas(names: str) -> str:
    """'ax', 'ay' as an option takes them: ax,ay."""
    return "a,b,c" if names == "..." else re.sub(r"'?, '?", ",", names.strip("'"))


def _option(argument: re.Match[str]) -> str:
    name, value = argument[1], argument[2]
    if value == "True":
        return _dashed(name)
    if value == "False":
        return f"--no-{name.replace('_', '-')}"
    if value[0] == '"':
        value = f"'{value[1:-1]}'"
    return f"{_dashed(name)} {value}"


def _dashed(name: str) -> str:
    return "--no-header" if name == "header" else "--" + name.replace("_", "-")


@functools.cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """An argument with its value, one without, and a name that can only be that of an argument."""
    from elman.cli.columns import OPTIONS
    from elman.hyperparameters.declared import DECLARED

    names = [*OPTIONS, "header", *OF_STORES]
    names += [*(name for name, one in DECLARED.items() if one.option)]
    every = "|".join(sorted(names, key=len, reverse=True))
    long = "|".join(name for name in names if "_" in name)
    return (
        re.compile(rf"{_BEGINS}({every})=({_VALUE})(?=[\s,;:)]|\.\s|\.?$)"),
        re.compile(rf"{_BEGINS}({every})=(?![\w'\"\[(-]|\.\w)"),
        re.compile(rf"{_BEGINS}({long})(?![\w='\"/\\.(])"),
    )
