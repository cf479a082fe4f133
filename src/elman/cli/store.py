"""`elman store`: data in, a store on disk out; and what a store holds, and whether it is whole."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from elman.cli.columns import with_columns
from elman.cli.console import output
from elman.cli.errors import UserError, one_line
from elman.cli.tables import new_table, print_table
from elman.cli.text import visible

if TYPE_CHECKING:
    from elman.data import SequenceStore

MOST_CLASSES = 20
EVERY = 0.1
"""Seconds between two looks at how far building is."""


def build(
    data: Annotated[
        Path, typer.Argument(help="Recordings: a file of any size, or a folder of files.")
    ],
    store: Annotated[Path, typer.Argument(help="Folder to write, which is new or empty.")],
    given: dict[str, Any],
    missing: Annotated[
        str,
        typer.Option(
            metavar="error|nan", help="Refuse missing values among the features, or keep them."
        ),
    ] = "error",
    append: Annotated[
        bool, typer.Option("--append", help="Add to a store that is there already.")
    ] = False,
    shard_size: Annotated[
        int, typer.Option(min=1, metavar="BYTES", help="Of the values in each shard.")
    ] = 64 << 20,
    block_size: Annotated[
        int, typer.Option(min=1, metavar="BYTES", help="Of the rows that are read at a time.")
    ] = 32 << 20,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Write data of any size to a store: a folder that commands and estimators read piece by piece.

    The data are read some rows at a time, so that the rows of each recording have to stand
    together: a table that is sorted otherwise, as by time, is sorted by its id first. Memory is a
    few times that of one shard, one block of rows and the longest recording.

    If it fails, or Ctrl-C ends it, nothing is left; a store that was to be added to is as it was.
    """
    _check_output(data, store, append)
    from elman.data import ReaderError, build_store

    start = time.perf_counter()
    with _Progress(data, shown=not quiet and sys.stderr.isatty()) as progress:
        try:
            made = build_store(
                data,
                store,
                shard_size=shard_size,
                block_size=block_size,
                append=append,
                missing=missing,
                progress=progress,
                **given,
            )
        except ReaderError as error:
            raise UserError(_of_building(str(error))) from error
    seconds = time.perf_counter() - start
    _console_line(f"Wrote {_described(made)} to {store}, in {seconds:.1f} s")


def info(store: Annotated[Path, typer.Argument(help="A store.")]) -> None:
    """Show what a store holds."""
    opened = _opened(store)
    manifest = opened.manifest
    facts = new_table()
    facts.show_header = False
    facts.add_column(style="bold")
    facts.add_column()
    facts.add_row("sequences", f"{len(opened):,}")
    facts.add_row("time steps", f"{manifest.n_steps:,}")
    shortest, longest = int(opened.lengths.min()), int(opened.lengths.max())
    mean = manifest.n_steps / len(opened)
    facts.add_row("steps of each", f"{shortest:,} to {longest:,}, {mean:,.1f} on average")
    facts.add_row("features", _features(opened))
    facts.add_row("values", manifest.dtype)
    if manifest.n_missing:
        facts.add_row("missing values", f"{manifest.n_missing:,}")
    for name, value in _targets(manifest.target):
        facts.add_row(name, value)
    if manifest.weights is not None:
        facts.add_row("weights", f"one for each {manifest.weights}")
    if manifest.ids is not None:
        facts.add_row("ids", _ids(opened))
    facts.add_row("size", f"{_n_bytes(opened):,} bytes in {_n_files(opened):,} files")
    facts.add_row("shards", f"{len(manifest.shards):,}")
    facts.add_row("fingerprint", opened.fingerprint)
    console = output()
    console.print(f"{store}: SequenceStore", style="bold")
    print_table(console, "", facts)


def verify(store: Annotated[Path, typer.Argument(help="A store.")]) -> int:
    """Read every file of a store, and compare it with the manifest.

    The exit code is 1 if one is missing, cut short, damaged, or was changed.
    """
    from elman.data import StoreError

    try:
        opened = _opened(store).verify()
    except StoreError as error:
        print(f"elman: {one_line(error)}", file=sys.stderr)
        return 1
    n_files, n_bytes = _n_files(opened), _n_bytes(opened)
    _console_line(f"{store}: {n_files:,} files of {n_bytes:,} bytes are as they were written")
    return 0


def make_store_app(settings: Mapping[str, Any]) -> typer.Typer:
    """The three commands under one name."""
    app = typer.Typer(
        name="store",
        help="Keep data of any size on disk as sequences; show and check them.",
        rich_markup_mode=None,
        context_settings=dict(settings),
    )
    app.callback(invoke_without_command=True)(_show_help)
    for command in (with_columns(build, without=("max_bytes", "text")), info, verify):
        app.command()(command)
    return app


def _show_help(context: typer.Context) -> None:
    """Keep data of any size on disk as sequences; show and check them."""
    if context.invoked_subcommand is None:
        print(context.get_help())


class _Progress:
    """How far building is, on one line of a terminal.

    Parameters
    ----------
    data : Path
    shown : bool
    """

    def __init__(self, data: Path, shown: bool) -> None:
        self._data = data
        self._shown = shown
        self._next = 0.0
        self._width = 0

    def __enter__(self) -> Self:
        self._show(f"{self._data}: looking at its columns")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._show("")
        if self._shown:
            print("\r", end="", file=sys.stderr, flush=True)

    def __call__(self, n_sequences: int, n_steps: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            self._show(f"{self._data}: {n_sequences:,} sequences, {n_steps:,} time steps")

    def _show(self, text: str) -> None:
        if self._shown:
            text = visible(text)
            print(f"\r{text:{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(text)


def _check_output(data: Path, store: Path, append: bool) -> None:
    """Refuse, before any work is done, a folder that cannot be written to or holds other things."""
    from elman.data.store.building import check_folder

    if not data.exists():
        raise UserError(f"{data}: there is no such file or folder")
    if not store.absolute().parent.is_dir():
        raise UserError(f"{store}: there is no directory {store.absolute().parent}; make it first")
    if data.is_dir() and data.resolve() in (store.resolve(), *store.resolve().parents):
        raise UserError(f"{store}: lies in the folder that is read; write it elsewhere")
    check_folder(store, append=append)


def _of_building(message: str) -> str:
    """An error about a missing value that says what helps here."""
    return message.replace(
        "read the file with missing='nan' and fit with missing='mask' or missing='skip'",
        "build the store with --missing nan and train with --missing mask or --missing skip",
    )


def _opened(path: Path) -> SequenceStore:
    from elman.data import SequenceStore

    return SequenceStore(path)


def _console_line(text: str) -> None:
    output().print(visible(text))


def _described(store: SequenceStore) -> str:
    n_shards = len(store.manifest.shards)
    return (
        f"{len(store):,} sequence{'s' * (len(store) != 1)} of {store.n_steps:,} time steps in "
        f"{n_shards:,} shard{'s' * (n_shards != 1)}"
    )


def _features(store: SequenceStore) -> str:
    names = store.feature_names
    return f"{store.n_features}" + ("" if names is None else f": {_listed(map(repr, names))}")


def _targets(target: Any) -> list[tuple[str, str]]:
    """What y is."""
    if target is None:
        return [("y", "none")]
    of = "time step" if target.per_step else "sequence"
    if target.classes is None or target.columns is not None:
        n = target.columns or 1
        found = [("y", f"{n} number{'s' * (n != 1)} for each {of}")]
    else:
        found = [("y", f"a label for each {of}")]
        pairs = sorted(zip(target.classes, target.counts, strict=True), key=lambda pair: -pair[1])
        shown = (f"{label!r} ({count:,})" for label, count in pairs[:MOST_CLASSES])
        more = ", ..." if len(pairs) > MOST_CLASSES else ""
        found.append(("classes", f"{len(pairs):,}: {visible(', '.join(shown))}{more}"))
    if target.n_missing:
        found.append(("missing labels", f"{target.n_missing:,}"))
    return found


def _ids(store: SequenceStore) -> str:
    ids: Any = store.ids
    shown = [str(one) for one in ids[:1]] + ["..."] * (len(ids) > 2)
    return visible(", ".join([*shown, *(str(one) for one in ids[1:][-1:])]))


def _listed(texts: Any) -> str:
    every = list(texts)
    more = ", ..." if len(every) > MOST_CLASSES else ""
    return visible(", ".join(every[:MOST_CLASSES]) + more)


def _n_files(store: SequenceStore) -> int:
    return 1 + sum(len(shard.parts) for shard in store.manifest.shards)


def _n_bytes(store: SequenceStore) -> int:
    of_parts = (p.n_bytes for shard in store.manifest.shards for p in shard.parts.values())
    return sum(of_parts) + (Path(store.path) / "manifest.json").stat().st_size
