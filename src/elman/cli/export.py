"""`elman export`: a saved model in, a file for another runtime or framework out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.console import output as console
from elman.cli.errors import UserError
from elman.cli.files import check_output, load_model, read_for
from elman.cli.labelled import read_labelled
from elman.cli.text import visible
from elman.exchange.roads import ROADS

MOST_TESTED = 20
"""Recordings that the program of --tests holds at most: they are in its source."""


class CType(StrEnum):
    """Of weights, state and sums in C."""

    float32 = "float32"
    float64 = "float64"


def export(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit` or `elman.save`.")],
    to: Annotated[
        Path | None,
        typer.Argument(help="MODEL.onnx or MODEL.keras: the suffix says what is written."),
    ] = None,
    c: Annotated[
        Path | None,
        typer.Option("--c", metavar="FOLDER", help="Write C99 into a folder, which may be new."),
    ] = None,
    torch: Annotated[
        Path | None,
        typer.Option(
            "--torch", metavar="FILE", help="Write PyTorch's weights, as a .safetensors file."
        ),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream", help="ONNX that reads one time step in a call, with its state in and out."
        ),
    ] = False,
    numbers: Annotated[
        bool,
        typer.Option(
            "--numbers",
            help="ONNX whose labels are the numbers of the classes, and whose categories come as "
            "numbers, for runtimes without strings (tract, OpenVINO).",
        ),
    ] = False,
    no_lengths: Annotated[
        bool,
        typer.Option(
            "--no-lengths",
            help="ONNX that takes every sequence of a batch to be as long as it, for runtimes "
            "that take no lengths (tract).",
        ),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="C: what its files and functions begin with; by default model."
        ),
    ] = None,
    dtype: Annotated[
        CType | None, typer.Option("--dtype", help="C: its arithmetic; by default float32.")
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="C: weights of 8 bits, with a scale for each row.")
    ] = False,
    tests: Annotated[
        Path | None,
        typer.Option(
            "--tests",
            metavar="DATA",
            help="C: also write a program that compares its answers on a few of these recordings.",
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="DATA",
            help="C with --int8: tell what 8 bits change in the answers to these recordings.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Write a model for another runtime or framework.

    Where it goes is said in one of these ways, or in several, but for one of the first two:

    MODEL.onnx: ONNX Runtime on servers, phones and in browsers, and other runtimes. It refuses
    layer_norm, missing=skip and features whose changes float32 does not hold, such as time stamps;
    with --stream also bidirectional and scale_each.

    MODEL.keras: Keras 3. It refuses what Keras' own layers cannot say: layer_norm, a learned
    initial state, readout=attention, a front end (deltas, stride, scale_each).

    --torch FILE.safetensors: weights under PyTorch's names. It refuses nothing.
    elman.exchange.to_torch makes a module of a model, to be trained on.

    --c FOLDER: plain C for microcontrollers and anything else. Of a bidirectional model it has
    whole sequences alone, and it refuses names that no C string holds.

    `elman inspect` says which of them a model can take, and what stands in the way of the others.
    """
    if to is None and c is None and torch is None:
        raise UserError(
            "name what to write: MODEL.onnx, MODEL.keras, --torch FILE.safetensors or --c FOLDER"
        )
    kind = None if to is None else to.suffix.lower()
    if kind not in (None, ".onnx", ".keras"):
        raise UserError(f"{to}: {_not_a_target(kind)}")
    _check_options(
        kind,
        c,
        of_onnx={"--stream": stream, "--numbers": numbers, "--no-lengths": no_lengths},
        of_c={
            "--name": name,
            "--dtype": dtype,
            "--int8": int8,
            "--tests": tests,
            "--check": check,
        },
    )
    if check is not None and not int8:
        raise UserError("--check tells what --int8 changes: give both, or leave it out")
    for path in (to, torch):
        if path is not None:
            check_output(path, force=force, inputs=(model,))
    if name == "":
        raise UserError("--name is empty: leave it out, or name what the files begin with")
    if torch is not None and torch.suffix.lower() != ".safetensors":
        raise UserError(f"{torch}: name PyTorch's weights FILE.safetensors")
    trained = load_model(model).model
    wanted = {"ONNX": kind == ".onnx" and not stream, "ONNX stream": kind == ".onnx" and stream}
    wanted |= {"Keras": kind == ".keras", "PyTorch": torch is not None, "C99": c is not None}
    asked_dtype = (dtype or CType.float32).value
    for road in ROADS:
        asked: dict[str, object] = {}
        if road.name.startswith("ONNX"):
            asked = {"labels": not numbers, "lengths": not no_lengths}
        elif road.name == "C99":
            asked = {"dtype": asked_dtype}
        reasons = road.reasons_against(trained, **asked) if wanted[road.name] else []
        if reasons:  # before anything is written
            why = " ".join(reasons).replace("elman.exchange.to_c", "--c FOLDER")
            raise UserError(f"{model} cannot go out as {road.name}: {why}")
    as_c = None
    if c is not None:
        settings = {"name": name or "model", "dtype": asked_dtype}
        as_c = _as_c(trained, model, c, settings, given, int8=int8, tests=tests, force=force)
    change = None
    if check is not None:
        from elman.exchange import compare_int8

        asked_about = read_labelled(trained, check, given, model)
        change = compare_int8(trained, asked_about.X, asked_about.y, dtype=asked_dtype)
    if kind == ".onnx" and to is not None:
        from elman.exchange import to_onnx

        to_onnx(trained, to, stream=stream, labels=not numbers, lengths=not no_lengths)
        _wrote(to)
    if kind == ".keras" and to is not None:
        from elman.exchange import write_keras

        write_keras(trained, to)
        _wrote(to)
    if torch is not None:
        from elman.exchange import save_state_dict

        save_state_dict(trained, torch)
        _wrote(torch)
    if as_c is not None:
        for path in as_c.write().paths:
            _wrote(path)
        console().print(visible(_costs(as_c.costs)))
    if change is not None:
        console().print(visible(f"{change} ({check})"))


def _as_c(
    trained: Any,
    model: Path,
    folder: Path,
    settings: dict[str, str],
    given: Mapping[str, Any],
    *,
    int8: bool,
    tests: Path | None,
    force: bool,
) -> Any:
    """C that only has to be written: what is wrong with it is told before any file is there."""
    from elman.exchange import ExchangeError
    from elman.exchange.c99.export import Prepared

    X = None
    if tests is not None:
        X = read_for(trained, tests, given, need_labels=False, model_path=model).X
        trained.check(X, str(tests))
        X = X[:MOST_TESTED]
    try:
        return Prepared.of(
            trained,
            folder,
            **settings,
            weights="int8" if int8 else "float",
            test_vectors=X,
            overwrite=force,
        )
    except ExchangeError as error:
        raise UserError(str(error).replace("overwrite=True", "--force")) from error


def _costs(costs: Any) -> str:
    """What the C takes of a machine, in a line."""
    facts = [
        f"{costs.flash:,} bytes of constants",
        f"{costs.state:,} of state",
        f"about {costs.stack:,} of stack",
        *([f"{costs.scratch_per_step:,} of scratch a step"] if costs.scratch_per_step else []),
        f"{costs.per_step:,} multiply-adds a step and {costs.per_answer:,} an answer",
    ]
    return ", ".join(facts)


def _check_options(
    kind: str | None, c: Path | None, *, of_onnx: Mapping[str, Any], of_c: Mapping[str, Any]
) -> None:
    """Raise UserError for an option that belongs to a way that was not chosen."""
    for options, chosen, way in (
        (of_onnx, kind == ".onnx", "MODEL.onnx"),
        (of_c, c is not None, "--c FOLDER"),
    ):
        for option, value in options.items():
            if value not in (None, False) and not chosen:
                raise UserError(f"{option} is for {way}, which is not among what is to be written")


def _not_a_target(suffix: str) -> str:
    """What to do instead of naming a file with another suffix."""
    if suffix in (".c", ".h", ""):
        return "is no file that says what is written; for C name a folder: --c FOLDER"
    if suffix in (".safetensors", ".pt", ".pth"):
        return "PyTorch's weights are written by --torch FILE.safetensors"
    return "the suffix has to be .onnx or .keras; for C and PyTorch there are --c and --torch"


def _wrote(path: Path) -> None:
    console().print(visible(f"wrote {path}: {path.stat().st_size:,} bytes"))
