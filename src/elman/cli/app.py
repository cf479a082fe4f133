"""The command's entry point: registers the commands, and turns a mistake into one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from elman.cli.columns import with_columns
from elman.cli.demo import demo
from elman.cli.errors import INTERRUPTED, UserError, is_users_mistake, one_line
from elman.cli.evaluate import evaluate
from elman.cli.export import export
from elman.cli.fit import fit
from elman.cli.gradcheck import gradcheck
from elman.cli.inspect import inspect
from elman.cli.job import Job, is_first, job_of
from elman.cli.predict import predict
from elman.cli.report import report
from elman.cli.store import make_store_app
from elman.cli.stream import stream
from elman.cli.text import visible
from elman.cli.tune import tune
from elman.cli.wording import as_options

SETTINGS = {"help_option_names": ["-h", "--help"]}
SHARED = ("fit", "predict", "evaluate")
"""commands whose work the processes share that MPI started"""


def _show_version(wanted: bool) -> None:
    if wanted:
        import elman

        print(f"elman {elman.__version__}")
        raise typer.Exit


def _elman(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and stop."
        ),
    ] = False,
) -> None:
    """Learn from sequences with recurrent neural networks: labels, labels of time steps, numbers.

    Data are tables (.csv, .tsv, .jsonl, .parquet, .feather, .arrow), a folder with a table for each
    recording, files of the UCR/UEA archive (.ts, .arff), or .npz as elman.data.write_npz makes it.
    ELMAN_BACKEND and ELMAN_ISA choose the implementation and its instruction set; ELMAN_DEBUG=1
    shows the traceback of an error.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


def make_app(arguments: Sequence[str]) -> typer.Typer:
    """The commands, with all the options that such arguments may name.

    The options of `fit` and `tune` are made of the declared hyper-parameters. To load those takes a
    tenth of the time in which the help of all commands is shown, so they are left out where nobody
    asks for either.
    """
    app = typer.Typer(
        name="elman",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: its panels cut long option names short
        context_settings=SETTINGS,
    )
    app.callback(invoke_without_command=True)(_elman)
    train: Callable[..., int] = with_columns(fit)
    search: Callable[..., int] = with_columns(tune)
    if {"fit", "tune"} & set(arguments):
        from elman.cli.hyperparameters import with_hyperparameters

        train = with_hyperparameters(train, before="seed")
        search = with_hyperparameters(search, before="seed")
    answering = with_columns(predict), with_columns(evaluate), with_columns(report)
    others = inspect, with_columns(export), gradcheck
    for command in (demo, train, search, answering[0], stream, *answering[1:], *others):
        app.command()(command)
    app.add_typer(make_store_app(SETTINGS))
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `elman` command.

    Parameters
    ----------
    arguments : sequence of str or None
        What follows the command's name; None takes `sys.argv`.

    Returns
    -------
    int
        0 done; 1 a check failed, or the reader of a pipe went away; 2 a mistake in what was
        asked; 3 training ended early, because its state could not be written; 130 interrupted.
    """
    if sys.stdout is None:  # as after `>&-`
        print("elman: standard output is closed", file=sys.stderr)
        return 2
    if sys.stderr is None:  # as after `2>&-`: print would take standard output instead
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 -- for as long as the process lives
    given = sys.argv[1:] if arguments is None else list(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            job = job_of(os.environ)
        except UserError as error:
            return _report(error) if is_first(os.environ) else 2
        if job is None:
            try:
                return _command(given, None)
            except Exception as error:
                return _report(error)
        if not job.is_writer:
            warnings.simplefilter("ignore")
            warnings.showwarning = _show_nothing
        return job.run(lambda: _command(given, job), _is_shared(given), _report)


def _command(given: Sequence[str], job: Job | None) -> int:
    """Run a command; returns its exit code or raises what went wrong."""
    try:
        code = get_command(make_app(given)).main(
            args=list(given), prog_name="elman", standalone_mode=False, obj=job
        )
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit as stop:  # typer's answer to a pipe whose reader went away
        return stop.code if isinstance(stop.code, int) else 1
    except BrokenPipeError:
        return _reader_went_away()
    return code if isinstance(code, int) else 0


def _is_shared(given: Sequence[str]) -> bool:
    """Whether the processes that MPI started share the work of a command."""
    return next((word for word in given if not word.startswith("-")), None) in SHARED


def _report(error: BaseException) -> int:
    """Say what the user can put right on one line; a bug of ours is raised with its traceback."""
    if os.environ.get("ELMAN_DEBUG", "0") not in ("", "0") or not is_users_mistake(error):
        raise error
    print(f"elman: {one_line(error)}", file=sys.stderr)
    return 2


def _reader_went_away() -> int:
    """The reader of a pipe stopped early (`elman predict ... | head`), which is no error."""
    # Python flushes stdout once more on the way out; there it must find an open file.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"elman: {visible(' '.join(as_options(str(message)).split()))}", file=sys.stderr)


def _show_nothing(message: Warning | str, *_: Any, **__: Any) -> None:
    """Of several processes that run the same command one shows its warnings."""
